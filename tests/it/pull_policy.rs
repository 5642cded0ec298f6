//! When a registry is asked, and for what.

use crate::support::Env;
use crate::support::fixtures::{self, on_busybox};
use crate::support::image::{Layer, digest};
use crate::support::proxy::Proxy;
use crate::support::registry::{Registry, skopeo};

/// Requests that are not the question whether a registry is there.
fn asked(proxy: &Proxy) -> Vec<String> {
    proxy.requests().into_iter().filter(|request| !request.ends_with("/v2/")).collect()
}

fn push(env: &Env, registry: &Registry, content: &str) {
    let layout = env.work().join(format!("layout-{content}"));
    on_busybox("localhost/x", vec![Layer::new().file("version", 0o644, content).gzip()]).oci_layout(&layout);
    registry.push(env, &layout, "test/x:1", "oci");
}

#[test]
fn policies_of_pull_and_run() {
    let env = Env::new();
    let registry = Registry::start(&env);
    push(&env, &registry, "one");
    let proxy = Proxy::before(&registry);
    let name = proxy.name("test/x:1");
    let pull = |policy: &str| env.ok(["pull", "-q", "--tls-verify=false", "--policy", policy, &name]);
    let run = |policy: &str| {
        env.ok(["run", "--rm", "--network", "none", "--tls-verify=false", "--pull", policy, &name, "cat", "/version"])
    };
    let said = env.fails(125, ["pull", "-q", "--policy", "never", &name]);
    assert!(said.contains("image not known"), "{said}");
    assert_eq!(asked(&proxy).len(), 0);
    let first = pull("missing");
    assert!(asked(&proxy).len() > 1);
    // A tag that has not moved costs one request.
    for policy in ["always", "newer"] {
        assert_eq!(pull(policy), first);
        assert_eq!(run(policy), "one");
        let requests = asked(&proxy);
        assert!(requests.len() == 2 && requests.iter().all(|r| r.contains("/manifests/1")), "{requests:?}");
    }
    push(&env, &registry, "two");
    for policy in ["missing", "never"] {
        assert_eq!(pull(policy), first);
        assert_eq!(run(policy), "one");
        assert_eq!(asked(&proxy).len(), 0, "{policy}");
    }
    assert_eq!(run("newer"), "two");
    let second = pull("newer");
    assert_ne!(second, first);
    // Only what is new was fetched: manifest, configuration and one layer, then the manifest again.
    assert_eq!(asked(&proxy).len(), 4);
    drop(proxy);
    assert_eq!(env.ok(["pull", "-q", "--retry", "0", "--tls-verify=false", "--policy", "newer", &name]), second);
    env.fails(125, ["pull", "-q", "--retry", "0", "--tls-verify=false", "--policy", "always", &name]);
    let said = env.fails(125, ["pull", "-q", "--policy", "sometimes", &name]);
    assert!(said.contains("unsupported pull policy") && said.contains("hint:"), "{said}");
}

#[test]
fn by_tag_and_digest_together() {
    let env = Env::new();
    let registry = Registry::start(&env);
    push(&env, &registry, "one");
    let name = registry.name("test/x:1");
    let manifest = skopeo(&env, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")]);
    let digest = digest(manifest.as_bytes());
    push(&env, &registry, "two");
    let id = env.ok(["pull", "-q", "--tls-verify=false", &format!("{name}@{digest}")]);
    assert_eq!(env.ok(["run", "--rm", "--network", "none", &id, "cat", "/version"]), "one");
    // The digest is what counts.
    let wrong = format!("{name}@sha256:{}", "0".repeat(64));
    let said = env.fails(125, ["pull", "-q", "--tls-verify=false", &wrong]);
    assert!(said.contains(&"0".repeat(64)), "{said}");
}

#[test]
fn a_tag_that_fails_does_not_keep_the_others_out() {
    let env = Env::new();
    let registry = Registry::start(&env);
    for tag in ["a", "c"] {
        registry.push(&env, fixtures::busybox_layout(), &format!("test/tags:{tag}"), "oci");
    }
    push(&env, &registry, "broken");
    let name = registry.name("test/x:1");
    skopeo(
        &env,
        &[
            "copy",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            &format!("docker://{name}"),
            &format!("docker://{}", registry.name("test/tags:b")),
        ],
    );
    let manifest = skopeo(&env, &["inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")]);
    let hex = digest(manifest.as_bytes()).trim_start_matches("sha256:").to_owned();
    let blobs = env.work().join("registry/docker/registry/v2/blobs/sha256");
    std::fs::remove_dir_all(blobs.join(&hex[..2]).join(&hex)).unwrap();
    let output = env.coracle(["pull", "-a", "--tls-verify=false", &registry.name("test/tags")]).run().expect(125);
    assert!(output.stderr.contains("1 of 3 tags") && output.stderr.contains("test/tags:b"), "{output}");
    assert_eq!(env.ok(["images", "--format", "{{.Tag}}", "--sort", "tag"]), "a\nc");
    env.ok(["pull", "-q", "--tls-verify=false", &registry.name("test/tags:a"), &registry.name("test/tags:c")]);
}

#[test]
fn variants_of_arm() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let layout = env.work().join("layout");
    let mut manifests = Vec::new();
    for variant in ["v5", "v6"] {
        let mut image = on_busybox("x", vec![Layer::new().file("variant", 0o644, variant).gzip()]);
        image.architecture = "arm".into();
        image.oci_layout(&layout);
        let index = std::fs::read(layout.join("index.json")).unwrap();
        let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
        let mut entry = index["manifests"][0].clone();
        entry.as_object_mut().unwrap().remove("annotations");
        entry["platform"] = serde_json::json!({"os": "linux", "architecture": "arm", "variant": variant});
        manifests.push(entry);
    }
    let media_type = "application/vnd.oci.image.index.v1+json";
    let list = serde_json::json!({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}).to_string();
    let blob = digest(list.as_bytes());
    std::fs::write(layout.join("blobs/sha256").join(blob.trim_start_matches("sha256:")), &list).unwrap();
    let entry = serde_json::json!({"mediaType": media_type, "digest": blob, "size": list.len()});
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [entry]});
    std::fs::write(layout.join("index.json"), index.to_string()).unwrap();
    let name = registry.name("test/arm:1");
    let (from, to) = (format!("oci:{}", layout.display()), format!("docker://{name}"));
    skopeo(&env, &["copy", "--all", "--dest-tls-verify=false", &from, &to]);
    let ids: Vec<String> = ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]
        .iter()
        .map(|platform| env.ok(["pull", "-q", "--tls-verify=false", "--platform", platform, &name]))
        .collect();
    assert!(ids[0] == ids[1] && ids[1] != ids[2], "v7 runs what is made for v6: {ids:?}");
    let said = env.fails(125, ["pull", "-q", "--tls-verify=false", "--arch", "arm", "--variant", "v4", &name]);
    assert!(said.contains("v4") && said.contains("linux/arm/v5"), "{said}");
}
