//! The store as a whole: images made here, loaded, found, renamed and removed.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::manifest::{OCI_CONFIG, OCI_LAYER, OCI_MANIFEST};
use super::reference::Reference;
use super::{ImageStore, ImportOptions, Platform, Silent, Users};
use crate::error::Kind;
use crate::storage::Roots;
use crate::storage::unpack::digest::sha256;
use crate::storage::unpack::tests::{TarBuilder, as_root};

mod damage;

struct Home {
    dir: tempfile::TempDir,
    store: ImageStore,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let roots = Roots::open(&dir.path().join("data"), &dir.path().join("run")).unwrap();
        Home { store: ImageStore::open(&roots).unwrap(), dir }
    }
    fn names_in(&self, path: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path().join("data").join(path)).unwrap();
        let mut names: Vec<_> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
    fn load(&self, archive: &[u8]) -> crate::error::Result<super::Loaded> {
        self.store.load_stream(&mut &archive[..], &Silent)
    }
    /// Nothing half made is left, and nothing but what listed images need.
    fn assert_clean(&self, blobs: usize, layers: usize) {
        assert_eq!(self.names_in("tmp"), [""; 0]);
        assert_eq!(self.names_in("images/blobs/sha256").len(), blobs);
        assert_eq!(self.names_in("layers").len(), layers);
    }
}

const FREE: fn() -> crate::error::Result<Users> = || Ok(Users::default());

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An image as its parts, so that tests can break each.
struct Parts {
    layers: Vec<Vec<u8>>,
    config: Value,
    manifest: Value,
}

fn parts(contents: &[&str]) -> Parts {
    let tars: Vec<Vec<u8>> = contents.iter().map(|c| TarBuilder::default().file(c, c.as_bytes()).end()).collect();
    let layers: Vec<Vec<u8>> = tars.iter().map(|tar| gzip(tar)).collect();
    let diff_ids: Vec<String> = tars.iter().map(|tar| format!("sha256:{}", sha256(tar))).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2024-10-10T22:40:00Z",
        "config": { "Cmd": ["/x"] }, "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    Parts { layers, config, manifest: Value::Null }.with_manifest()
}

impl Parts {
    fn with_manifest(mut self) -> Self {
        let config = self.config.to_string();
        let describe = |media_type: &str, bytes: &[u8]| json!({ "mediaType": media_type, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len() });
        let layers: Vec<Value> = self.layers.iter().map(|l| describe(&format!("{OCI_LAYER}+gzip"), l)).collect();
        self.manifest = json!({
            "schemaVersion": 2, "mediaType": OCI_MANIFEST,
            "config": describe(OCI_CONFIG, config.as_bytes()), "layers": layers,
        });
        self
    }
    fn archive(&self, name: &str) -> Vec<u8> {
        let manifest = self.manifest.to_string();
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes));
        let index = json!({ "schemaVersion": 2, "manifests": [{
            "mediaType": OCI_MANIFEST, "digest": format!("sha256:{}", sha256(manifest.as_bytes())), "size": manifest.len(),
            "annotations": { "org.opencontainers.image.ref.name": name },
        }]});
        let mut tar = TarBuilder::default()
            .file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)
            .file("index.json", index.to_string().as_bytes())
            .file(&blob(manifest.as_bytes()), manifest.as_bytes())
            .file(&blob(self.config.to_string().as_bytes()), self.config.to_string().as_bytes());
        // Layers are named by what the manifest says, so that a broken one is found.
        for (layer, said) in self.layers.iter().zip(self.manifest["layers"].as_array().unwrap()) {
            let digest = said["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
            tar = tar.file(&digest, layer);
        }
        tar.end()
    }
}

#[test]
fn an_image_from_its_archive_to_its_removal() {
    if !as_root("image::tests::an_image_from_its_archive_to_its_removal") {
        return;
    }
    let home = Home::new();
    let store = &home.store;
    let loaded = home.load(&parts(&["one", "two"]).archive("example.com/app:1")).unwrap();
    let image = loaded.images[0].image.clone();
    assert_eq!(loaded.images[0].names, ["example.com/app:1"]);
    home.assert_clean(4, 2);
    assert_eq!(std::fs::read(store.layers().path(&image.layers[1]).join("two")).unwrap(), b"two");
    // The same archive compressed as a whole changes nothing; another that shares a layer adds one.
    home.load(&gzip(&parts(&["one", "two"]).archive("example.com/app:1"))).unwrap();
    home.assert_clean(4, 2);
    home.load(&parts(&["one", "three"]).archive("app2")).unwrap();
    home.assert_clean(7, 3);

    let id = image.id.as_str();
    for name in [
        "example.com/app:1",
        "app:1",
        id,
        &id[..12],
        &format!("sha256:{id}"),
        &image.digest,
        &format!("app@{}", image.digest),
    ] {
        assert_eq!(store.find(name).unwrap().id, id, "{name}");
    }
    assert_eq!(store.find("app2").unwrap().names, ["localhost/app2:latest"]);
    for name in ["app", "app:2", "other.com/app:1", "pp:1", "", "...", "ffff0"] {
        let error = store.find(name).unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (Kind::NoSuch, format!("{name}: image not known")));
    }

    store.tag("app:1", &["x".to_owned(), "quay.io/y:2".to_owned()]).unwrap();
    let tagged = store.find(id).unwrap();
    assert_eq!(tagged.names, ["example.com/app:1", "localhost/x:latest", "quay.io/y:2"]);
    assert_eq!(tagged.repo_digests.len(), 3);
    assert_eq!(store.list().unwrap().iter().map(|i| i.names.len()).sum::<usize>(), 4);
    assert!(store.list().unwrap().contains(&crate::image::Image {
        history: Vec::new(),
        raw_config: Value::Null,
        ..tagged
    }));

    let error = store.remove(&id[..12], false, &FREE).unwrap_err().to_string();
    assert!(error.contains("more than one tag ([example.com/app:1 localhost/x:latest quay.io/y:2])"), "{error}");
    assert_eq!(store.remove("x", false, &FREE).unwrap().untagged, ["localhost/x:latest"]);
    store.untag("app:1", &["quay.io/y:2".to_owned()]).unwrap();
    let used = || {
        let containers = [(id.to_owned(), vec!["c1".to_owned()])].into();
        Ok(Users { containers, ..Users::default() })
    };
    let error = store.remove("app:1", false, &used).unwrap_err();
    assert_eq!(error.kind(), Kind::InUse);
    assert!(error.to_string().starts_with("image used by c1: image is in use by a container"), "{error}");
    let removed = store.remove("app:1", false, &FREE).unwrap();
    assert_eq!((removed.untagged, removed.deleted), (vec!["example.com/app:1".to_owned()], vec![id.to_owned()]));
    home.assert_clean(4, 2);
    // A layer on which a container stands stays.
    let layers = store.layers().list().unwrap().into_iter().collect::<std::collections::BTreeSet<_>>();
    let standing = || Ok(Users { layers: layers.clone(), ..Users::default() });
    store.remove("app2", false, &standing).unwrap();
    home.assert_clean(0, 2);
    assert_eq!(store.list().unwrap(), []);
}

#[test]
fn a_name_that_moves_leaves_a_nameless_image() {
    if !as_root("image::tests::a_name_that_moves_leaves_a_nameless_image") {
        return;
    }
    let home = Home::new();
    let old = home.load(&parts(&["one"]).archive("app")).unwrap().images.remove(0).image;
    home.load(&parts(&["two"]).archive("app")).unwrap();
    let images = home.store.list().unwrap();
    assert_eq!(images.len(), 2);
    assert_eq!(images.iter().find(|i| i.id == old.id).unwrap().names, [""; 0]);
    home.store.untag("app", &[]).unwrap();
    assert!(!home.store.exists("app").unwrap());
    assert_eq!(home.store.remove(&old.id, false, &FREE).unwrap().deleted, [old.id]);
    home.assert_clean(3, 1);
}

#[test]
fn broken_archives_leave_nothing() {
    if !as_root("image::tests::broken_archives_leave_nothing") {
        return;
    }
    let whole = parts(&["one", "two"]).archive("app");
    let broken = |change: fn(&mut Parts)| {
        let mut parts = parts(&["one", "two"]);
        change(&mut parts);
        parts.archive("app")
    };
    let flipped = broken(|p| {
        let last = p.layers[1].len() - 1;
        p.layers[1][last] ^= 1;
    });
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), "the input is empty"),
        ("noise", b"this is not an archive at all, just some text".repeat(40), "not a tar archive"),
        (
            "plain files",
            TarBuilder::default().file("etc/passwd", b"").end(),
            "neither `manifest.json` nor `index.json`",
        ),
        ("cut off", whole[..whole.len() - 2500].to_vec(), "truncated"),
        ("cut off gzip", gzip(&whole)[..300].to_vec(), "truncated"),
        ("damaged layer", flipped, "layer `sha256:"),
        (
            "another layer",
            broken(|p| p.layers[1] = gzip(&TarBuilder::default().file("evil", b"").end())),
            "layer `sha256:",
        ),
        (
            "shorter layer",
            broken(|p| {
                p.layers[0].pop();
            }),
            "truncated",
        ),
        (
            "wrong diff id",
            broken(|p| {
                p.config["rootfs"]["diff_ids"][0] = json!(format!("sha256:{}", "1".repeat(64)));
                *p =
                    Parts { layers: p.layers.clone(), config: p.config.clone(), manifest: Value::Null }.with_manifest();
            }),
            "the image's configuration says",
        ),
        (
            "diff id as a path",
            broken(|p| {
                p.config["rootfs"]["diff_ids"][0] = json!("sha256:../../../../tmp/x");
                *p =
                    Parts { layers: p.layers.clone(), config: p.config.clone(), manifest: Value::Null }.with_manifest();
            }),
            "malformed diff ID",
        ),
        (
            "missing layer in configuration",
            broken(|p| {
                p.config["rootfs"]["diff_ids"].as_array_mut().unwrap().pop();
                *p =
                    Parts { layers: p.layers.clone(), config: p.config.clone(), manifest: Value::Null }.with_manifest();
            }),
            "manifest has 2 layers",
        ),
        (
            "hostile entry",
            broken(|p| {
                p.layers[0] = gzip(&TarBuilder::default().file("../../x", b"").end());
                *p =
                    Parts { layers: p.layers.clone(), config: p.config.clone(), manifest: Value::Null }.with_manifest();
            }),
            "leads out of the root",
        ),
    ];
    for (name, archive, expected) in table {
        let home = Home::new();
        let error = home.load(&archive).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
        home.assert_clean(0, 0);
        assert_eq!(home.store.list().unwrap(), [], "{name}");
    }
}

#[test]
fn docker_archives_with_links_between_layers() {
    if !as_root("image::tests::docker_archives_with_links_between_layers") {
        return;
    }
    let layer = TarBuilder::default().file("f", b"x").end();
    let diff_ids = vec![format!("sha256:{}", sha256(&layer)); 2];
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    })
    .to_string();
    let manifest =
        json!([{ "Config": "c.json", "RepoTags": ["bb:1", "x.io/bb:2"], "Layers": ["a/layer.tar", "b/layer.tar"] }]);
    let archive = TarBuilder::default()
        .file("a/layer.tar", &layer)
        .symlink("b/layer.tar", "../a/layer.tar")
        .file("c.json", config.as_bytes())
        .file("manifest.json", manifest.to_string().as_bytes())
        .end();
    let home = Home::new();
    let loaded = home.load(&archive).unwrap();
    assert_eq!(loaded.images[0].names, ["docker.io/library/bb:1", "x.io/bb:2"]);
    assert_eq!(loaded.images[0].image.layers.len(), 2);
    home.assert_clean(3, 1);
}

#[test]
fn root_file_systems_are_imported() {
    if !as_root("image::tests::root_file_systems_are_imported") {
        return;
    }
    let home = Home::new();
    let tar = TarBuilder::default().file("etc/x", b"x").end();
    let options = ImportOptions {
        name: Some(Reference::parse("localhost/r:1").unwrap()),
        changes: vec!["CMD [\"/x\"]".to_owned(), "ENV A=b".to_owned()],
        message: "hello".to_owned(),
        platform: Platform::parse("linux/arm64/v8").unwrap(),
        source: "-".to_owned(),
        ..ImportOptions::default()
    };
    for bytes in [tar.clone(), gzip(&tar), zstd::encode_all(&tar[..], 1).unwrap()] {
        let stored = home.store.import(&mut &bytes[..], &options, &Silent).unwrap();
        assert_eq!(stored.image.config.cmd.as_deref(), Some(&["/x".to_owned()][..]));
        assert_eq!((stored.image.architecture.as_str(), stored.image.history[0].comment.as_str()), ("arm64", "hello"));
        assert_eq!(stored.image.layers, [sha256(&tar)]);
    }
    assert_eq!(home.names_in("layers").len(), 1);
    // Layers have no such compression, so this one is the layer that came plain.
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    std::io::Write::write_all(&mut bzip2, &tar).unwrap();
    let stored = home.store.import(&mut &bzip2.finish().unwrap()[..], &options, &Silent).unwrap();
    assert_eq!((&stored.image.layers[..], home.names_in("layers").len()), (&[sha256(&tar)][..], 1));
    let before = home.names_in("images/blobs/sha256").len();
    for bytes in [&b"\xfd7zXZ\0 and so on"[..], &gzip(&tar)[..20], b"", &tar[..512]] {
        let unnamed = ImportOptions { name: None, ..options.clone() };
        assert!(
            home.store.import(&mut &bytes[..], &unnamed, &Silent).is_err(),
            "{:?}",
            bytes.escape_ascii().to_string()
        );
    }
    home.assert_clean(before, 1);
}

#[test]
fn many_load_the_same_image_at_once() {
    if !as_root("image::tests::many_load_the_same_image_at_once") {
        return;
    }
    let home = Home::new();
    let one = parts(&["one", "two", "three"]).archive("a");
    let other = parts(&["three", "two", "four"]).archive("b");
    std::thread::scope(|scope| {
        for turn in 0..8 {
            let (home, archive) = (&home, if turn % 2 == 0 { &one } else { &other });
            scope.spawn(move || home.load(archive).unwrap());
        }
    });
    home.assert_clean(8, 4);
    assert_eq!(home.store.list().unwrap().len(), 2);
}

#[test]
fn what_another_tool_wrote_into_the_layout_is_listed() {
    if !as_root("image::tests::what_another_tool_wrote_into_the_layout_is_listed") {
        return;
    }
    let home = Home::new();
    home.load(&parts(&["one"]).archive("app")).unwrap();
    let path = home.dir.path().join("data/images/index.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    index["manifests"][0]["annotations"] = json!({ "org.opencontainers.image.ref.name": "1.0" });
    std::fs::write(&path, index.to_string()).unwrap();
    std::fs::remove_file(home.dir.path().join("data/images/summaries.json")).unwrap();
    let listed = home.store.list().unwrap();
    assert_eq!(listed[0].names, ["localhost/1.0:latest"]);
    assert_eq!(home.store.find(&listed[0].id[..8]).unwrap().id, listed[0].id);
    // A blob that rotted is told, and does not hide the other images.
    let blob = home.dir.path().join("data/images/blobs/sha256").join(&listed[0].id);
    std::fs::write(&blob, "{}").unwrap();
    assert!(home.store.find("1.0").unwrap_err().to_string().contains("corrupt"));
    assert_eq!(home.store.list().unwrap().len(), 1);
    assert!(Path::new(&blob).exists());
}
