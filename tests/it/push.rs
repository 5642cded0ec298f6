//! Pushing to registries: real ones that other tools read, and one that the test plays to be difficult.

use serde_json::{Value, json};

use crate::support::Env;
use crate::support::fixtures::{self, on_busybox};
use crate::support::image::{Layer, digest};
use crate::support::played::{Faults, Played};
use crate::support::registry::{Registry, skopeo};

const OCI: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER: &str = "application/vnd.docker.distribution.manifest.v2+json";

fn raw(env: &Env, name: &str) -> String {
    // skopeo adds no line end of its own; the test's `text` takes one away, and manifests have none.
    skopeo(env, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")])
}

/// Bytes that do not compress, the same every time.
fn noise(length: usize) -> Vec<u8> {
    let mut state: u32 = 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// An image of one layer without compression that becomes some megabytes.
fn imported(env: &Env, size: usize) -> String {
    let tar = env.file("root.tar", Layer::new().file("noise", 0o644, noise(size)).bytes());
    env.ok(["import", "-q", tar.to_str().unwrap(), "localhost/noise:1"]);
    "localhost/noise:1".to_owned()
}

#[test]
fn what_was_pulled_goes_out_bit_for_bit() {
    let env = Env::new();
    let registry = Registry::start(&env);
    for format in ["oci", "v2s2"] {
        registry.push(&env, fixtures::busybox_layout(), &format!("test/{format}:1"), format);
        let (from, to) = (registry.name(&format!("test/{format}:1")), registry.name(&format!("copy/{format}:2")));
        env.ok(["pull", "-q", "--tls-verify=false", &from]);
        let file = env.work().join("digest");
        env.ok(["push", "-q", "--tls-verify=false", "--digestfile", file.to_str().unwrap(), &from, &to]);
        assert_eq!(raw(&env, &from), raw(&env, &to), "{format}");
        assert_eq!(std::fs::read_to_string(file).unwrap(), digest(raw(&env, &to).as_bytes()));
        env.ok(["rmi", "-f", "-a"]);
        env.ok(["pull", "-q", "--tls-verify=false", &to]);
        env.coracle(["run", "--rm", "--network", "none", &to, "echo", "back"]).run().expect(0).says("back");
        env.ok(["rmi", "-f", "-a"]);
    }
}

/// Of an index only what was pulled of it is there, so only that goes out.
#[test]
fn an_instance_of_an_index() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let layout = env.work().join("layout");
    on_busybox("x", vec![]).oci_layout(&layout);
    let index: Value = serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
    let mut entry = index["manifests"][0].clone();
    let instance = entry["digest"].as_str().unwrap().to_owned();
    entry.as_object_mut().unwrap().remove("annotations");
    let arch = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    entry["platform"] = json!({"os": "linux", "architecture": arch});
    let media_type = "application/vnd.oci.image.index.v1+json";
    let nested = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": [entry]}).to_string();
    let of = digest(nested.as_bytes());
    std::fs::write(layout.join("blobs/sha256").join(of.trim_start_matches("sha256:")), &nested).unwrap();
    let entry = json!({"mediaType": media_type, "digest": of, "size": nested.len(),
        "annotations": {"org.opencontainers.image.ref.name": "multi"}});
    let index = json!({"schemaVersion": 2, "manifests": [entry]});
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
    let from = registry.name("test/multi:1");
    let source = format!("oci:{}:multi", layout.display());
    skopeo(&env, &["copy", "--all", "--dest-tls-verify=false", &source, &format!("docker://{from}")]);
    env.ok(["pull", "-q", "--tls-verify=false", &from]);
    let to = registry.name("copy/one:1");
    env.ok(["push", "-q", "--tls-verify=false", &from, &to]);
    assert_eq!(digest(raw(&env, &to).as_bytes()), instance);
}

/// Layers without compression are compressed once, and what is known to be at the registry is not sent again.
#[test]
fn imported_layers_are_compressed_and_remembered() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let image = imported(&env, 3 << 20);
    let id = env.inspect(&image, "Id");
    let to = registry.name("test/noise:1");
    let output = env.coracle(["push", "--tls-verify=false", &image, &to]).run().expect(0);
    assert_eq!(output.stdout, "");
    let words =
        ["Getting image source signatures", "Copying blob sha256:", "Copying config sha256:", "Writing manifest"];
    for word in words {
        assert!(output.stderr.contains(word), "{word}: {output}");
    }
    assert!(!output.stderr.contains("skipped"), "{output}");
    let first: Value = serde_json::from_str(&raw(&env, &to)).unwrap();
    assert_eq!(first["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    // To another repository: mounted, not compressed again.
    let other = registry.name("other/noise:1");
    let output = env.coracle(["push", "--tls-verify=false", &image, &other]).run().expect(0);
    assert!(output.stderr.contains("skipped: already exists"), "{output}");
    assert_eq!(raw(&env, &to), raw(&env, &other));
    // What is forgotten costs time and changes nothing.
    std::fs::remove_file(env.root().join("images/blob-hints.json")).unwrap();
    let third = registry.name("third/noise:1");
    let output = env.coracle(["push", "--tls-verify=false", &image, &third]).run().expect(0);
    assert!(!output.stderr.contains("skipped"), "{output}");
    assert_eq!(raw(&env, &to), raw(&env, &third));
    env.ok(["rmi", "-f", "-a"]);
    assert_eq!(env.ok(["pull", "-q", "--tls-verify=false", &third]), id);
}

#[test]
fn formats_and_compression() {
    let env = Env::busybox();
    let registry = Registry::start(&env);
    let noise = imported(&env, 100_000);
    let own = raw_of_store(&env, "busybox");
    let push = |args: &[&str], image: &str, tag: &str| -> Value {
        let to = registry.name(&format!("test/formats:{tag}"));
        let mut words = vec!["push", "-q", "--tls-verify=false"];
        words.extend(args);
        words.extend([image, &to]);
        env.ok(words);
        serde_json::from_str(&raw(&env, &to)).unwrap()
    };
    let docker = push(&["--format", "v2s2"], "busybox", "docker");
    assert_eq!(docker["mediaType"], DOCKER);
    assert_eq!(docker["layers"][0]["mediaType"], "application/vnd.docker.image.rootfs.diff.tar.gzip");
    assert_eq!(docker["layers"][0]["digest"], own["layers"][0]["digest"], "the layer is the same");
    let zstd = push(&["--compression-format", "zstd"], "busybox", "zstd");
    assert_eq!(zstd["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    assert_eq!(zstd["config"]["digest"], own["config"]["digest"], "the image is the same");
    let kept = push(&["--compression-format", "gzip"], "busybox", "gzip");
    assert_eq!(kept["layers"][0]["digest"], own["layers"][0]["digest"]);
    let forced = push(&["--force-compression", "--compression-level", "9"], "busybox", "forced");
    assert_ne!(forced["layers"][0]["digest"], own["layers"][0]["digest"]);
    let best = push(&["--compression-format", "zstd", "--compression-level", "19"], &noise, "best");
    assert_eq!(best["layers"][0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
    for tag in ["docker", "zstd", "gzip", "forced"] {
        let name = registry.name(&format!("test/formats:{tag}"));
        env.ok(["rmi", "-f", "-a"]);
        env.ok(["pull", "-q", "--tls-verify=false", &name]);
        env.coracle(["run", "--rm", "--network", "none", &name, "echo", tag]).run().expect(0).says(tag);
    }
    env.load(fixtures::busybox());
    for (args, expected) in [
        (&["--format", "v2s2", "--compression-format", "zstd"][..], "zstd"),
        (&["--format", "v2s1"], "v2s1"),
        (&["--format", "x"], "unknown format"),
        (&["--compression-format", "zstd:chunked"], "not supported"),
        (&["--compression-format", "lzma"], "unknown compression format"),
        (&["--compression-level", "10"], "0 to 9"),
        (&["--encrypt-layer", "1"], "--encrypt-layer"),
    ] {
        let name = registry.name("test/refused:1");
        let said = env.fails(125, ["push", "-q"].iter().chain(args).copied().chain(["busybox", &name]));
        assert!(said.contains(expected), "{args:?}: {said}");
    }
}

fn raw_of_store(env: &Env, image: &str) -> Value {
    let digest = env.inspect(image, "Digest");
    let hex = digest.as_str().unwrap().trim_start_matches("sha256:").to_owned();
    serde_json::from_slice(&std::fs::read(env.root().join("images/blobs/sha256").join(hex)).unwrap()).unwrap()
}

#[test]
fn connections_that_break_are_gone_on_with() {
    for (faults, goes_on) in [
        (Faults { drop_after: Some((1_500_000, 2)), ..Faults::default() }, true),
        (Faults { drop_after: Some((1_500_000, 1)), no_ranges: true, ..Faults::default() }, false),
    ] {
        // A blob that is known, and one that is compressed meanwhile.
        for known in [true, false] {
            let env = Env::new();
            let played = Played::start(faults.clone());
            let image = imported(&env, 4 << 20);
            let mut args = vec!["push", "-q", "--tls-verify=false", "--retry-delay", "1ms"];
            let to = played.name("a/b:1");
            let dir = format!("dir:{}", env.work().join("d").display());
            if known {
                // Compressed already.
                env.ok(["push", "-q", "--compress", &image, &dir]);
                env.ok(["rmi", "-f", "-a"]);
                env.ok(["pull", "-q", &dir]);
            }
            let id = env.ok(["images", "-q", "--no-trunc"]);
            args.extend([id.as_str(), &to]);
            env.ok(args);
            played.check("a/b:1");
            let log = played.log();
            let ranges: Vec<&String> =
                log.iter().filter(|line| line.starts_with("PATCH") && line.contains(" 1500000-")).collect();
            assert!(!ranges.is_empty(), "{log:#?}");
            let sessions = log.iter().filter(|line| line.starts_with("POST")).count();
            // One for the layer, one for the configuration; and one more where it must begin anew.
            assert_eq!(sessions, if goes_on { 2 } else { 3 }, "{log:#?}");
        }
    }
}

#[test]
fn requests_are_made_smaller_where_something_limits_them() {
    for faults in [
        Faults { limit: Some(9 << 20), ..Faults::default() },
        Faults { rude_limit: Some(9 << 20), ..Faults::default() },
        Faults { limit: Some(9 << 20), min_chunk: Some(2 << 20), ..Faults::default() },
    ] {
        let env = Env::new();
        let played = Played::start(faults.clone());
        let image = imported(&env, 20 << 20);
        let to = played.name("a/b:1");
        env.ok(["push", "-q", "--tls-verify=false", "--retry-delay", "1ms", &image, &to]);
        played.check("a/b:1");
        let pieces = played.log().iter().filter(|line| line.starts_with("PATCH") && line.contains('-')).count();
        assert!(pieces >= 3, "{faults:?}: {:#?}", played.log());
    }
    let env = Env::new();
    let played = Played::start(Faults { limit: Some(1000), ..Faults::default() });
    let image = imported(&env, 20 << 20);
    let said =
        env.fails(125, ["push", "-q", "--tls-verify=false", "--retry-delay", "1ms", &image, &played.name("a/b:1")]);
    assert!(said.contains("413") && said.contains("proxy"), "{said}");
}

#[test]
fn a_registry_without_oci_gets_dockers_format() {
    let env = Env::busybox();
    let played = Played::start(Faults { no_oci: true, ..Faults::default() });
    let to = played.name("a/b:1");
    env.ok(["push", "-q", "--tls-verify=false", "busybox", &to]);
    assert_eq!(played.manifest("a/b:1").unwrap().0, DOCKER);
    played.check("a/b:1");
    let said =
        env.fails(125, ["push", "-q", "--tls-verify=false", "--format", "oci", "busybox", &played.name("a/b:2")]);
    assert!(said.contains("no OCI here"), "{said}");
    assert!(played.manifest("a/b:2").is_none());
    let zstd = ["push", "-q", "--tls-verify=false", "--compression-format", "zstd", "busybox"];
    let said = env.fails(125, zstd.iter().copied().chain([played.name("a/b:3").as_str()]));
    assert!(said.contains("no OCI here"), "{said}");
    let played = Played::start(Faults::default());
    env.ok(["push", "-q", "--tls-verify=false", "busybox", &played.name("a/b:1")]);
    assert_eq!(played.manifest("a/b:1").unwrap().0, OCI);
}

#[test]
fn refusals_are_one_clear_line() {
    let env = Env::busybox();
    let played = Played::start(Faults { denied: true, ..Faults::default() });
    let said = env.fails(125, ["push", "-q", "--tls-verify=false", "busybox", &played.name("a/b:1")]);
    assert!(said.contains("denied: requested access to the resource is denied"), "{said}");
    let said = env.fails(125, ["push", "-q", "nosuch", "127.0.0.1:1/x"]);
    assert!(said.contains("nosuch: image not known"), "{said}");
    let said = env.fails(125, ["push", "-q", "--retry", "0", "--tls-verify=false", "busybox", "127.0.0.1:1/x"]);
    assert!(
        said.contains("initializing destination docker://127.0.0.1:1/x:latest") && said.contains("refused"),
        "{said}"
    );
    let id = env.ok(["images", "-q"]);
    let said = env.fails(125, ["push", "-q", &id]);
    assert!(said.contains("destination"), "{said}");
    // What the disk has made of a blob goes nowhere.
    env.damage_largest_blob();
    let registry = Registry::start(&env);
    env.fails(125, ["push", "-q", "--tls-verify=false", "busybox", &registry.name("test/bad:1")]);
    let oci = format!("oci-archive:{}", env.work().join("bad.tar").display());
    let said = env.fails(125, ["push", "-q", "busybox", &oci]);
    assert!(said.contains("corrupt"), "{said}");
    assert!(!env.work().join("bad.tar").exists());
}
