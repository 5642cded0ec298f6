//! Pulling from a real registry server that others filled.

use serde_json::json;

use crate::support::fixtures::{self, on_busybox};
use crate::support::image::{Layer, digest};
use crate::support::registry::{Registry, free_port, skopeo};
use crate::support::{Env, let_pass};

#[test]
fn images_of_both_formats() {
    let env = Env::new();
    let registry = Registry::start(&env);
    for format in ["oci", "v2s2"] {
        registry.push(&env, fixtures::busybox_layout(), &format!("test/{format}:1"), format);
        let name = registry.name(&format!("test/{format}:1"));
        let id = env.ok(["pull", "-q", "--tls-verify=false", &name]);
        assert!(id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        env.coracle(["run", "--rm", "--network", "none", "--pull", "never", &name, "echo", "pulled"])
            .run()
            .expect(0)
            .says("pulled");
        // Again: nothing to do.
        assert_eq!(env.ok(["pull", "-q", "--tls-verify=false", &name]), id);
        // By digest: the manifest is kept bit for bit.
        let manifest = skopeo(&env, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")]);
        let by_digest = format!("{}@{}", registry.name(&format!("test/{format}")), digest(manifest.as_bytes()));
        assert_eq!(env.ok(["pull", "-q", "--tls-verify=false", &by_digest]), id);
        assert_eq!(env.inspect(&name, "Digest"), digest(manifest.as_bytes()), "{format}");
    }
    let table = env.ok(["images", "--digests"]);
    assert!(table.contains("sha256:"), "{table}");
}

#[test]
fn run_pulls_what_is_missing() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, fixtures::busybox_layout(), "test/busybox:latest", "oci");
    let name = registry.name("test/busybox");
    env.fails(125, ["run", "--rm", "--pull", "never", "--network", "none", &name, "true"]);
    let output =
        env.coracle(["run", "--rm", "--tls-verify=false", "--network", "none", &name, "echo", "ran"]).run().expect(0);
    assert_eq!(output.stdout, "ran\n", "progress belongs on stderr: {output}");
    drop(registry);
    env.coracle(["run", "--rm", "--network", "none", &name, "echo", "still"]).run().expect(0).says("still");
}

/// An index of several platforms: ours is taken, or the one that is asked for.
#[test]
fn multi_platform_index() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let layout = env.work().join("layout");
    let mut manifests = Vec::new();
    for (architecture, variant) in [("arm64", Some("v8")), ("amd64", None), ("s390x", None)] {
        let mut image = on_busybox("x", vec![Layer::new().file("arch", 0o644, architecture).gzip()]);
        image.architecture = architecture.into();
        image.oci_layout(&layout);
        let index: serde_json::Value =
            serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
        let mut entry = index["manifests"][0].clone();
        entry.as_object_mut().unwrap().remove("annotations");
        entry["platform"] = json!({"os": "linux", "architecture": architecture});
        if let Some(variant) = variant {
            entry["platform"]["variant"] = variant.into();
        }
        manifests.push(entry);
    }
    let media_type = "application/vnd.oci.image.index.v1+json";
    let nested =
        serde_json::to_vec(&json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests})).unwrap();
    std::fs::write(layout.join("blobs/sha256").join(digest(&nested).trim_start_matches("sha256:")), &nested).unwrap();
    let index = json!({"schemaVersion": 2, "manifests": [{"mediaType": media_type, "digest": digest(&nested), "size": nested.len(), "annotations": {"org.opencontainers.image.ref.name": "multi"}}]});
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
    let name = registry.name("test/multi:1");
    skopeo(
        &env,
        &[
            "copy",
            "--all",
            "--dest-tls-verify=false",
            &format!("oci:{}:multi", layout.display()),
            &format!("docker://{name}"),
        ],
    );
    env.ok(["pull", "-q", "--tls-verify=false", &name]);
    let own = if std::env::consts::ARCH == "x86_64" { "amd64" } else { "arm64" };
    assert_eq!(env.inspect(&name, "Architecture"), own);
    env.coracle(["run", "--rm", "--network", "none", &name, "cat", "/arch"]).run().expect(0).says(own);
    env.ok(["pull", "-q", "--tls-verify=false", "--platform", "linux/s390x", &name]);
    let said = env.fails(125, ["pull", "-q", "--platform", "linux/s390x", "--arch", "s390x", &name]);
    assert_eq!(said.trim_end(), "Error: --platform option can not be specified with --arch or --os");
    assert_eq!(env.inspect(&name, "Architecture"), "s390x");
    env.ok(["pull", "-q", "--tls-verify=false", "--arch", "arm64", &name]);
    assert_eq!(env.inspect(&name, "Architecture"), "arm64");
    let said = env.fails(125, ["pull", "-q", "--tls-verify=false", "--arch", "riscv64", &name]);
    assert!(said.contains("riscv64"), "{said}");
}

#[test]
fn what_is_not_there_is_named() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, fixtures::busybox_layout(), "test/busybox:1", "oci");
    let missing = registry.name("test/busybox:nosuchtag");
    assert!(env.fails(125, ["pull", "-q", "--tls-verify=false", &missing]).contains("nosuchtag"));
    let missing = registry.name("test/nosuchrepository");
    assert!(env.fails(125, ["pull", "-q", "--tls-verify=false", &missing]).contains("nosuchrepository"));
    // A plain-HTTP registry when TLS is wanted; nothing that listens at all.
    let name = registry.name("test/busybox:1");
    env.fails(125, ["pull", "-q", "--retry", "0", "--tls-verify=true", &name]);
    let nobody = format!("127.0.0.1:{}/x", free_port());
    let said = env.fails(125, ["pull", "-q", "--retry", "0", "--tls-verify=false", &nobody]);
    assert!(said.contains("Connection refused"), "{said}");
    assert_eq!(env.ok(["images", "-q"]), "");
}

/// A blob that is not what its digest says, as a broken disk or a hostile registry would serve it.
#[test]
fn a_wrong_digest_is_an_error_and_leaves_nothing() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, fixtures::busybox_layout(), "test/bad:1", "oci");
    let blobs = env.work().join("registry/docker/registry/v2/blobs/sha256");
    let largest = env
        .program("find")
        .args([blobs.as_os_str(), "-name".as_ref(), "data".as_ref(), "-size".as_ref(), "+100k".as_ref()])
        .run()
        .expect(0)
        .text();
    let mut bytes = std::fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&largest, bytes).unwrap();
    let said = env.fails(125, ["pull", "-q", "--retry", "0", "--tls-verify=false", &registry.name("test/bad:1")]);
    assert!(said.contains("sha256:"), "{said}");
    assert_eq!(env.ok(["images", "-a", "-q"]), "");
    let left: Vec<_> =
        std::fs::read_dir(env.root().join("layers")).into_iter().flatten().flatten().map(|e| e.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn all_tags_and_several_at_once() {
    let env = Env::new();
    let registry = Registry::start(&env);
    for tag in ["a", "b", "c"] {
        registry.push(&env, fixtures::busybox_layout(), &format!("test/tags:{tag}"), "oci");
    }
    env.ok(["pull", "-q", "-a", "--tls-verify=false", &registry.name("test/tags")]);
    assert_eq!(env.ok(["images", "--format", "{{.Tag}}"]).lines().count(), 3);
    env.ok(["rmi", "-a", "-f"]);
    let name = registry.name("test/tags:a");
    let running: Vec<_> = (0..6).map(|_| env.coracle(["pull", "-q", "--tls-verify=false", &name]).spawn()).collect();
    let ids: Vec<String> = running.into_iter().map(|running| running.finish().expect(0).text()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    env.coracle(["run", "--rm", "--network", "none", &name, "true"]).run().expect(0);
}

/// kill -9 in the middle of a pull, at many moments: what is left must neither be an image nor keep the next pull
/// from working.
#[test]
fn killed_pulls_leave_a_working_store() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, fixtures::busybox_layout(), "test/busybox:1", "oci");
    let name = registry.name("test/busybox:1");
    for delay in 0..12 {
        let mut running = env.coracle(["pull", "-q", "--tls-verify=false", &name]).spawn();
        let_pass(std::time::Duration::from_millis(delay * 5));
        let _ = running.child.kill();
        running.finish();
        env.ok(["images", "-q"]);
    }
    env.ok(["pull", "-q", "--tls-verify=false", &name]);
    env.coracle(["run", "--rm", "--network", "none", &name, "echo", "whole"]).run().expect(0).says("whole");
    env.ok(["rmi", "-a", "-f"]);
    assert_eq!(env.ok(["images", "-a", "-q"]), "");
}
