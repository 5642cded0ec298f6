//! `save`: archives and directories that other tools and our own `load` read, complete or not there.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::Env;
use crate::support::fixtures::on_busybox;
use crate::support::image::Layer;
use crate::support::registry::skopeo;

const FORMATS: [(&str, &str); 4] = [
    ("docker-archive", "docker-archive:"),
    ("oci-archive", "oci-archive:"),
    ("oci-dir", "oci:"),
    ("docker-dir", "dir:"),
];

/// Names of the members of an archive.
fn members(env: &Env, path: &str) -> Vec<String> {
    env.program("tar").args(["-tf", path]).run().expect(0).text().lines().map(str::to_owned).collect()
}

#[test]
fn every_format_is_read_by_others_and_by_load() {
    let env = Env::busybox();
    let id = env.inspect("busybox", "Id");
    for (format, transport) in FORMATS {
        let path = env.work().join(format).display().to_string();
        let output = env.coracle(["save", "--format", format, "-o", &path, "busybox"]).run().expect(0);
        assert_eq!(output.stdout, "");
        assert!(output.stderr.contains("Writing manifest to image destination"), "{output}");
        let config = skopeo(&env, &["inspect", "--config", &format!("{transport}{path}")]);
        let config: Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 1, "{format}");
        env.ok(["rmi", "-f", "-a"]);
        let said = env.ok(["load", "-i", &path]);
        let expected = if format == "docker-dir" { "sha256:" } else { "localhost/busybox:latest" };
        assert!(said.contains(expected), "{format}: {said}");
        let loaded = env.ok(["images", "-q", "--no-trunc"]);
        assert!(loaded.ends_with(id.as_str().unwrap()), "{format}: {loaded}");
        env.coracle(["run", "--rm", "--network", "none", &loaded, "echo", "whole"]).run().expect(0).says("whole");
        env.ok(["tag", &loaded, "localhost/busybox:latest"]);
    }
    let quiet = env.coracle(["save", "-q", "-o", "quiet.tar", "busybox"]).run().expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn standard_output_and_compressed_input() {
    let env = Env::busybox();
    let coracle = env!("CARGO_BIN_EXE_coracle");
    let roots = format!("--root {} --runroot {}", env.root().display(), env.runroot().display());
    for (format, pack) in [
        ("docker-archive", "cat"),
        ("oci-archive", "cat"),
        ("docker-archive", "gzip -c"),
        ("oci-archive", "zstd -q -c"),
        ("docker-archive", "xz -0 -c"),
        ("oci-archive", "bzip2 -1 -c"),
    ] {
        let script = format!("set -e; {coracle} {roots} save -q --format {format} busybox | {pack} > saved");
        env.program("bash").args(["-o", "pipefail", "-c", &script]).run().expect(0);
        env.ok(["rmi", "-f", "-a"]);
        let script = format!("{coracle} {roots} load -q < saved");
        env.program("sh").args(["-c", &script]).run().expect(0).says("Loaded image: localhost/busybox:latest");
    }
    // Who has seen enough is no failure.
    let script = format!("set -e; {coracle} {roots} save -q busybox | head -c 100 > part");
    env.program("bash").args(["-o", "pipefail", "-c", &script]).run().expect(0);
}

#[test]
fn several_images_share_their_layers() {
    let env = Env::new();
    env.add(&on_busybox("localhost/one:1", vec![Layer::new().file("one", 0o644, "1").gzip()]));
    env.add(&on_busybox("localhost/two:2", vec![Layer::new().file("two", 0o644, "2").plain()]));
    env.ok(["tag", "localhost/one:1", "localhost/uno:1"]);
    env.ok(["save", "-q", "-m", "-o", "m.tar", "localhost/one:1", "localhost/two:2", "localhost/uno:1"]);
    let names = members(&env, "m.tar");
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    let layers = names.iter().filter(|name| name.ends_with(".tar") && !name.contains('/')).count();
    assert_eq!(layers, 3, "{names:?}");
    let list = env.program("tar").args(["-xOf", "m.tar", "manifest.json"]).run().expect(0).text();
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list[0]["RepoTags"], serde_json::json!(["localhost/one:1", "localhost/uno:1"]));
    assert_eq!(list.as_array().unwrap().len(), 2);
    skopeo(&env, &["copy", "docker-archive:m.tar:localhost/two:2", "dir:two"]);
    env.ok(["save", "-q", "-m", "--format", "oci-archive", "-o", "o.tar", "localhost/one:1", "localhost/two:2"]);
    for archive in ["m.tar", "o.tar"] {
        env.ok(["rmi", "-f", "-a"]);
        env.ok(["load", "-q", "-i", archive]);
        for (name, file) in [("localhost/one:1", "/one"), ("localhost/two:2", "/two")] {
            env.coracle(["run", "--rm", "--network", "none", name, "cat", file]).run().expect(0);
        }
    }
    // Without -m, what follows are more names for the first.
    env.ok(["save", "-q", "-o", "n.tar", "localhost/one:1", "localhost/eins:1"]);
    env.ok(["rmi", "-f", "-a"]);
    let said = env.ok(["load", "-q", "-i", "n.tar"]);
    assert!(said.contains("localhost/one:1") && said.contains("localhost/eins:1"), "{said}");
    env.ok(["load", "-q", "-i", "m.tar"]);
    let said = env.fails(125, ["save", "-q", "-o", "p.tar", "localhost/one:1", "localhost/two:2"]);
    assert!(said.contains("--multi-image-archive"), "{said}");
}

#[test]
fn an_archive_is_complete_or_not_there() {
    let env = Env::busybox();
    env.ok(["save", "-q", "-o", "a.tar", "busybox"]);
    let said = env.fails(125, ["save", "-q", "-o", "a.tar", "busybox"]);
    assert!(said.contains("docker-archive doesn't support modifying existing images"), "{said}");
    env.ok(["save", "-q", "--format", "oci-archive", "-o", "a.tar", "busybox"]);
    env.file("empty.tar", "");
    env.ok(["save", "-q", "-o", "empty.tar", "busybox"]);
    assert!(env.fails(125, ["save", "-q", "-o", "/nosuch/dir/x.tar", "busybox"]).contains("/nosuch/dir/x.tar"));
    assert!(env.fails(125, ["save", "-q", "-o", "x.tar", "nosuch"]).contains("nosuch: image not known"));
    assert!(env.fails(125, ["save", "--format", "x", "busybox"]).contains("docker-archive"));
    assert!(env.fails(125, ["save", "--compress", "-o", "x.tar", "busybox"]).contains("docker-dir"));
    assert!(env.fails(125, ["save", "--format", "oci-dir", "busybox"]).contains("--output"));
    // A blob that is not what it was.
    env.damage_largest_blob();
    let before = std::fs::read_dir(env.work()).unwrap().count();
    for format in ["docker-archive", "oci-archive"] {
        env.fails(125, ["save", "-q", "--format", format, "-o", "bad.tar", "busybox"]);
        assert_eq!(std::fs::read_dir(env.work()).unwrap().count(), before, "something is left");
    }
}

#[test]
fn layers_without_compression() {
    let env = Env::new();
    env.add(&on_busybox("localhost/plain:1", vec![Layer::new().file("x", 0o644, "x").plain()]));
    let types = |path: &str| -> Vec<String> {
        let raw = skopeo(&env, &["inspect", "--raw", path]);
        let manifest: Value = serde_json::from_str(&raw).unwrap();
        manifest["layers"].as_array().unwrap().iter().map(|l| l["mediaType"].as_str().unwrap().to_owned()).collect()
    };
    let (gzip, plain) = ("application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar");
    env.ok(["save", "-q", "--format", "oci-dir", "-o", "c", "localhost/plain:1"]);
    assert_eq!(types("oci:c"), [gzip, gzip]);
    env.ok(["save", "-q", "--format", "oci-dir", "--uncompressed", "-o", "u", "localhost/plain:1"]);
    assert_eq!(types("oci:u"), [gzip, plain]);
    env.ok(["save", "-q", "--format", "docker-dir", "-o", "d", "localhost/plain:1"]);
    assert_eq!(types("dir:d"), [gzip, plain]);
    env.ok(["save", "-q", "--format", "docker-dir", "--compress", "-o", "z", "localhost/plain:1"]);
    assert_eq!(types("dir:z"), [gzip, gzip]);
}

/// The store itself is a layout that others can read.
#[test]
fn the_store_is_an_oci_layout() {
    let env = Env::busybox();
    env.add(&on_busybox("example.org/two:2", vec![Layer::new().file("x", 0o644, "x").plain()]));
    let images = env.root().join("images");
    for name in ["localhost/busybox:latest", "example.org/two:2"] {
        let source = format!("oci:{}:{name}", images.display());
        let inspected: Value = serde_json::from_str(&skopeo(&env, &["inspect", &source])).unwrap();
        assert_eq!(inspected["Digest"], env.inspect(name, "Digest"));
        let copy = env.work().join("copy");
        skopeo(&env, &["copy", &source, &format!("dir:{}", copy.display())]);
        std::fs::remove_dir_all(copy).unwrap();
    }
}
