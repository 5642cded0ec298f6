//! `system check`: every kind of damage is found, told in one line, and repaired without touching anything else.

use std::fs::{FileTimes, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::command::Output;
use crate::support::fixtures::{self, on_busybox};
use crate::support::image::Layer;
use crate::support::registry::Registry;
use crate::support::{Env, SOON, let_pass, until};

/// `system check` with the registries.conf of the test.
fn check(env: &Env, args: &[&str]) -> Output {
    let mut all = vec!["system", "check"];
    all.extend(args);
    env.coracle(all).env("XDG_CONFIG_HOME", env.work().join("config")).run()
}

#[track_caller]
fn assert_clean(env: &Env) {
    let output = check(env, &[]).expect(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""), "{output}");
    check(env, &["--quick"]).expect(0).says("");
}

fn read(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

/// Paths of the manifest, the configuration and the first layer's blob, and of the first layer, of the only image.
struct Parts {
    manifest: PathBuf,
    config: PathBuf,
    blob: PathBuf,
    layer: PathBuf,
}

fn parts(env: &Env) -> Parts {
    let images = env.root().join("images");
    let blob = |digest: &Value| images.join("blobs/sha256").join(&digest.as_str().unwrap()[7..]);
    let index = read(images.join("index.json"));
    let manifest = blob(&index["manifests"][0]["digest"]);
    let document = read(manifest.clone());
    let config = blob(&document["config"]["digest"]);
    let diff_id = read(config.clone())["rootfs"]["diff_ids"][0].as_str().unwrap()[7..].to_owned();
    Parts {
        blob: blob(&document["layers"][0]["digest"]),
        layer: env.root().join("layers").join(diff_id),
        manifest,
        config,
    }
}

/// Changes one byte and nothing else that can be seen.
fn flip(path: &Path) {
    let meta = path.metadata().unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(meta.permissions().mode() | 0o200)).unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(meta.modified().unwrap())).unwrap();
    std::fs::set_permissions(path, meta.permissions()).unwrap();
}

#[test]
fn what_came_from_a_registry_is_repaired_from_there() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, fixtures::busybox_layout(), "test/busybox:1", "oci");
    let name = registry.name("test/busybox:1");
    env.ok(["pull", "-q", "--tls-verify=false", &name]);
    let host = name.split('/').next().unwrap();
    env.file("config/containers/registries.conf", format!("[[registry]]\nlocation = \"{host}\"\ninsecure = true\n"));
    env.ok(["create", "--name", "c", "--network", "none", &name, "cat", "/made/here"]);
    assert_clean(&env);
    let Parts { manifest, config, blob, layer } = parts(&env);
    let truncate = |path: &Path| std::fs::File::options().write(true).open(path).unwrap().set_len(10).unwrap();
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    type Case<'a> = (&'a str, &'a str, &'a dyn Fn());
    let cases: [Case<'_>; 13] = [
        ("blob sha256:", "has 10 bytes instead of", &|| truncate(&blob)),
        ("blob sha256:", "has the wrong content", &|| flip(&blob)),
        ("blob sha256:", "is missing", &|| remove(&blob)),
        ("blob sha256:", "has the wrong content", &|| flip(&config)),
        ("blob sha256:", "is missing", &|| remove(&config)),
        ("blob sha256:", "has the wrong content", &|| flip(&manifest)),
        ("blob sha256:", "is missing", &|| remove(&manifest)),
        ("layer ", "`/bin/busybox` has other content", &|| flip(&layer.join("bin/busybox"))),
        ("layer ", "`/etc/passwd` is missing", &|| remove(&layer.join("etc/passwd"))),
        ("layer ", "`/etc/new` was added", &|| std::fs::write(layer.join("etc/new"), "").unwrap()),
        ("layer ", "`/etc/group` has the mode 666", &|| {
            std::fs::set_permissions(layer.join("etc/group"), Permissions::from_mode(0o666)).unwrap();
        }),
        ("layer ", "is missing", &|| std::fs::rename(&layer, env.work().join("taken")).unwrap()),
        // All at once, so that one is found only when another is repaired.
        ("blob sha256:", "is missing", &|| {
            remove(&manifest);
            remove(&config);
            truncate(&blob);
            flip(&layer.join("bin/busybox"));
        }),
    ];
    for (object, what, damage) in cases {
        damage();
        let found = check(&env, &[]).expect(1);
        let line = found.stdout.lines().find(|line| line.starts_with(object) && line.contains(what));
        assert!(line.is_some_and(|line| line.contains("--repair")), "{object}{what}: {found}");
        assert!(found.stderr.starts_with("Error: damage detected in local storage\n"), "{found}");
        let repaired = check(&env, &["--repair"]).expect(0);
        assert!(repaired.stdout.lines().all(|line| line.ends_with("; repaired")), "{what}: {repaired}");
        assert_clean(&env);
    }
    // Nothing of the user's went: the name, the container, and it works.
    assert_eq!(env.names(), ["c"]);
    env.coracle(["run", "--rm", "--network", "none", "--pull", "never", &name, "echo", "works"])
        .run()
        .expect(0)
        .says("works");
    // What cannot be fetched is told, and stays as it is.
    drop(registry);
    flip(&blob);
    let told = check(&env, &["--repair"]).expect(1);
    assert!(told.stdout.contains("not repaired") && told.stdout.contains("pull or load the image again"), "{told}");
    assert!(env.ok(["images"]).contains("test/busybox"));
    env.load(fixtures::busybox());
    assert_clean(&env);
}

#[test]
fn without_a_registry() {
    let env = Env::busybox();
    env.ok(["run", "--rm", "--network", "none", "hello"]);
    assert_clean(&env);
    // The image that is part of the program comes again from there.
    let hello: String = env.inspect("hello", "Id").as_str().unwrap().into();
    let blob = env.root().join("images/blobs/sha256").join(&hello);
    std::fs::remove_file(&blob).unwrap();
    check(&env, &["--repair"]).expect(0);
    assert_clean(&env);
    // A layer needs only its blob; but not under a container that runs on it.
    let layer = env.inspect("busybox", "RootFS.Layers.0").as_str().unwrap()[7..].to_owned();
    let path = env.root().join("layers").join(&layer);
    env.start("c", &[]);
    std::fs::write(path.join("etc/new"), "").unwrap();
    let told = check(&env, &["--repair"]).expect(1);
    assert!(told.stdout.contains("not repaired: container c stands on it; stop that, and repair again"), "{told}");
    env.ok(["stop", "-t", "0", "c"]);
    check(&env, &["--repair"]).expect(0);
    assert!(!path.join("etc/new").exists());
    env.ok(["start", "c"]);
    env.ok(["rm", "-f", "-t", "0", "c"]);
    assert_clean(&env);
    // A blob that was loaded is nowhere else. The image works all the same.
    let manifest = env.inspect("busybox", "Digest").as_str().unwrap()[7..].to_owned();
    let document = read(env.root().join("images/blobs/sha256").join(&manifest));
    let lost = &document["layers"][0]["digest"].as_str().unwrap()[7..];
    std::fs::remove_file(env.root().join("images/blobs/sha256").join(lost)).unwrap();
    let told = check(&env, &["--repair", "--force"]).expect(1);
    assert!(told.stdout.contains("not repaired: no image that needs it came from a registry"), "{told}");
    assert_eq!(env.sh(&[], "echo works"), "works");
    env.load(fixtures::busybox());
    assert_clean(&env);
}

#[test]
fn lists_that_are_garbage() {
    let env = Env::busybox();
    env.add(&on_busybox("localhost/second:2", vec![Layer::new().file("x", 0o644, "x").gzip()]));
    let images = env.root().join("images");
    let names = || env.ok(["images", "--sort", "repository", "--format", "{{.Repository}}:{{.Tag}}"]);
    let before = names();
    std::fs::write(images.join("index.json"), "{\"schemaVersion\": garbage").unwrap();
    let said = env.fails(125, ["images"]);
    assert!(said.contains("system check --repair"), "{said}");
    assert!(check(&env, &[]).expect(1).stdout.starts_with("index of the images: "));
    check(&env, &["--repair"]).expect(0);
    assert_eq!(names(), before);
    // An index that is gone is no new store: nothing may be taken for superfluous.
    std::fs::remove_file(images.join("index.json")).unwrap();
    assert!(env.fails(125, ["images"]).contains("system check --repair"));
    env.fails(125, ["image", "prune", "-f"]);
    assert!(check(&env, &[]).expect(1).stdout.starts_with("index of the images: "));
    check(&env, &["--repair"]).expect(0);
    assert_eq!(names(), before);
    // Without the copy the images come back, but not their names.
    std::fs::write(images.join("index.json"), "").unwrap();
    std::fs::write(images.join("index.backup.json"), "[]").unwrap();
    check(&env, &["--repair"]).expect(0);
    assert_eq!(env.ok(["images", "-a", "-q"]).lines().count(), 2);
    assert_clean(&env);
    for garbage in ["", "{", "{\"sha256:x\": 1}"] {
        std::fs::write(images.join("summaries.json"), garbage).unwrap();
        assert_eq!(env.ok(["images", "-a", "-q"]).lines().count(), 2);
        check(&env, &["--repair"]).expect(0);
        assert_clean(&env);
    }
}

#[test]
fn a_file_in_the_place_of_a_layer() {
    let env = Env::busybox();
    let layer = parts(&env).layer;
    env.ok(["unshare", "rm", "-rf", layer.to_str().unwrap()]);
    std::fs::write(&layer, "").unwrap();
    assert!(check(&env, &[]).expect(1).stdout.contains("is missing"));
    check(&env, &["--repair"]).expect(0);
    assert_clean(&env);
    assert_eq!(env.sh(&[], "echo whole"), "whole");
}

#[test]
fn containers_are_told_of_and_left_alone() {
    let env = Env::busybox();
    let id = env.ok(["create", "--name", "kept", "--network", "none", "busybox", "true"]);
    let half = env.root().join("containers").join("f".repeat(64));
    std::fs::create_dir_all(half.join("upper")).unwrap();
    let told = check(&env, &[]).expect(1);
    assert!(told.stdout.starts_with("container ffff") && told.stdout.contains("half removed"), "{told}");
    check(&env, &["--repair"]).expect(0);
    assert!(!half.exists());
    let record = env.root().join("containers").join(&id).join("record.json");
    let good = std::fs::read(&record).unwrap();
    std::fs::write(&record, "{").unwrap();
    let told = check(&env, &["--repair", "--force"]).expect(1);
    assert!(told.stdout.contains("not repaired: what a user made is not changed"), "{told}");
    std::fs::write(&record, good).unwrap();
    assert_clean(&env);
    assert_eq!(env.names(), ["kept"]);
}

/// Pulls and loads that are killed at any moment leave nothing that is damaged, and nothing that stays.
#[test]
fn killed_loads_leave_a_clean_store() {
    let env = Env::new();
    let archive = env.work().join("image.tar");
    let noise: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let layers = (0..4).map(|n| Layer::new().file(&format!("f{n}"), 0o644, &noise[n * 7..]).gzip()).collect();
    on_busybox("localhost/big:1", layers).oci_archive(&archive);
    for round in 0..12_u64 {
        let mut load = env.coracle(["load", "-q", "-i", archive.to_str().unwrap()]).spawn();
        let_pass(std::time::Duration::from_millis(round * round * 4));
        let _ = load.child.kill();
        let _ = load.child.wait();
        assert_clean(&env);
        if round % 4 == 3 {
            env.coracle(["rmi", "-i", "big:1"]).run().expect(0);
        }
    }
    env.load(&archive);
    assert_clean(&env);
    env.ok(["rmi", "-a", "-f"]);
    env.ok(["image", "prune", "-f"]);
    for dir in ["layers", "tmp", "images/blobs/sha256"] {
        until(&format!("{dir} to be empty"), SOON, || {
            let left = std::fs::read_dir(env.root().join(dir)).unwrap().count();
            (left == 0).then_some(())
        });
    }
}
