//! Trust: policy.json, signatures by GPG and with sigstore keys, made by skopeo and checked here, and the other way round.
//! Whatever goes wrong, nothing may come in.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::support::Env;
use super::support::command::Cmd;
use super::support::image::{Image, Layer, digest};
use super::support::keys::{Gpg, SigstoreKey};
use super::support::registry::{Registry, skopeo};

mod gpg;
mod sigstore;

const ACCEPT: &str = r#"[{"type":"insecureAcceptAnything"}]"#;
const REJECT: &str = r#"[{"type":"reject"}]"#;

/// The user's configuration directory.
fn config(env: &Env) -> PathBuf {
    let dir = env.work().parent().unwrap().join("home/.config/containers");
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn set_policy(env: &Env, text: &str) {
    std::fs::write(config(env).join("policy.json"), text).unwrap();
}

/// A policy that rejects everything but what these requirements are for.
fn require(env: &Env, registry: &Registry, requirements: &Value) {
    let scope = registry.name("").trim_end_matches('/').to_owned();
    set_policy(
        env,
        &json!({"default": [{"type": "reject"}], "transports": {"docker": {scope: requirements}}}).to_string(),
    );
}

fn signed_by(key: &Path) -> Value {
    json!([{"type": "signedBy", "keyType": "GPGKeys", "keyPath": key}])
}

fn sigstore_signed(key: &Path) -> Value {
    json!([{"type": "sigstoreSigned", "keyPath": key}])
}

/// registries.d of one file; its directory.
fn registries_d(env: &Env, section: &Value) -> PathBuf {
    let dir = config(env).join("registries.d");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("test.yaml"), json!({"default-docker": section}).to_string()).unwrap();
    dir
}

/// A directory for GPG signatures, known to coracle and to skopeo.
fn lookaside(env: &Env) -> PathBuf {
    let dir = env.work().join("lookaside");
    registries_d(
        env,
        &json!({"lookaside": format!("file://{}", dir.display()), "sigstore": format!("file://{}", dir.display())}),
    );
    dir
}

/// A small image as a layout; `content` makes it another one.
fn layout(env: &Env, content: &str) -> PathBuf {
    let dir = env.work().join(format!("layout-{content}"));
    if !dir.exists() {
        Image::new("localhost/x:1", vec![Layer::new().file("f", 0o644, content).gzip()]).oci_layout(&dir);
    }
    dir
}

/// skopeo with the test's registries.d and GPG's home.
fn signing_skopeo(env: &Env, gpg: Option<&Gpg>) -> Cmd {
    let command = env.program("skopeo").args(["--registries.d".into(), config(env).join("registries.d")]);
    match gpg {
        Some(gpg) => command.env("GNUPGHOME", &gpg.home),
        None => command,
    }
}

/// Pushes an image with skopeo, signed with a GPG key.
#[track_caller]
fn push_signed(env: &Env, gpg: &Gpg, key: &str, layout: &Path, target: &str) {
    let (source, target) = (format!("oci:{}", layout.display()), format!("docker://{target}"));
    let args =
        ["--insecure-policy", "copy", "--format", "oci", "--sign-by", key, "--dest-tls-verify=false", &source, &target];
    signing_skopeo(env, Some(gpg)).args(args).run().expect(0);
}

/// Pushes an image, and its signature with a sigstore key as cosign makes it: Debian's skopeo has that part disabled.
#[track_caller]
fn push_sigstore(env: &Env, registry: &Registry, key: &SigstoreKey, layout: &Path, repository: &str) {
    registry.push(env, layout, repository, "oci");
    let name = registry.name(repository);
    let digest = manifest_digest(env, &name);
    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"{name}"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    );
    let (bare, _) = repository.rsplit_once(':').unwrap();
    let target = format!("{bare}:{}.sig", digest.replace(':', "-"));
    registry.push(env, &attachment(env, payload.as_bytes(), &key.sign(payload.as_bytes())), &target, "oci");
}

/// A layout of an image whose only layer is a signed payload.
fn attachment(env: &Env, payload: &[u8], signature: &str) -> PathBuf {
    let dir = env.work().join(format!("attachment-{}", digest(payload).replace(':', "-")));
    let blobs = dir.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let add = |media_type: &str, bytes: &[u8]| {
        let name = digest(bytes);
        std::fs::write(blobs.join(name.trim_start_matches("sha256:")), bytes).unwrap();
        json!({"mediaType": media_type, "digest": name, "size": bytes.len()})
    };
    let mut layer = add("application/vnd.dev.cosign.simplesigning.v1+json", payload);
    layer["annotations"] = json!({"dev.cosignproject.cosign/signature": signature});
    let config = json!({"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": [digest(payload)]}});
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": add("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes()),
        "layers": [layer],
    });
    let entry = add("application/vnd.oci.image.manifest.v1+json", manifest.to_string().as_bytes());
    std::fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    std::fs::write(dir.join("index.json"), json!({"schemaVersion": 2, "manifests": [entry]}).to_string()).unwrap();
    dir
}

fn pull(env: &Env, name: &str) -> Cmd {
    env.coracle(["pull", "-q", "--retry", "0", "--tls-verify=false", name])
}

#[track_caller]
fn accepted(env: &Env, name: &str) {
    pull(env, name).run().expect(0);
    env.ok(["rmi", "-f", name]);
}

/// The pull fails for this reason, and nothing has come in.
#[track_caller]
fn refused(env: &Env, name: &str, why: &str) {
    let output = pull(env, name).run().expect(125);
    assert!(output.stderr.contains(why) && output.stdout.is_empty(), "wanted: {why}\n{output}");
    assert_nothing_came(env);
}

#[track_caller]
fn assert_nothing_came(env: &Env) {
    assert_eq!(env.ok(["images", "-a", "-q"]), "");
    let blobs = std::fs::read_dir(env.root().join("images/blobs/sha256")).into_iter().flatten().count();
    let layers = std::fs::read_dir(env.root().join("layers")).into_iter().flatten().count();
    assert_eq!((blobs, layers), (0, 0), "blobs and layers");
}

/// Digest of the manifest that a name stands for.
fn manifest_digest(env: &Env, name: &str) -> String {
    skopeo(env, &["inspect", "--tls-verify=false", "--format", "{{.Digest}}", &format!("docker://{name}")])
}

/// registries.conf that allows the registry without TLS, for commands without `--tls-verify`.
fn allow_plain_http(env: &Env, registry: &Registry) {
    let host = registry.name("");
    let text = format!("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", host.trim_end_matches('/'));
    std::fs::write(config(env).join("registries.conf"), text).unwrap();
}

#[test]
fn the_most_precise_scope_decides() {
    let env = Env::new();
    let registry = Registry::start(&env);
    for repository in ["a/x:1", "a/x:2", "a/b/x:1", "c/x:1"] {
        registry.push(&env, &layout(&env, "one"), repository, "oci");
    }
    let policy = format!(
        r#"{{"default":{REJECT},"transports":{{"docker":{{"{}":{ACCEPT},"{}":{REJECT},"{}":{ACCEPT}}}}}}}"#,
        registry.name("a"),
        registry.name("a/b"),
        registry.name("a/b/x:2"),
    );
    set_policy(&env, &policy);
    accepted(&env, &registry.name("a/x:1"));
    let name = registry.name("a/b/x:1");
    refused(&env, &name, &format!("Source image rejected: Running image docker://{name} is rejected by policy"));
    refused(&env, &registry.name("c/x:1"), "rejected by policy");
    // Not only pull.
    for command in [&["run", "--rm"][..], &["create"], &["create", "--pull=always"], &["create", "--pull=newer"]] {
        let args = [command, &["--tls-verify=false", "--network", "none", &name, "true"]].concat();
        let said = env.fails(125, args);
        assert!(said.contains("rejected by policy"), "{said}");
    }
    let said = env.fails(125, ["pull", "-q", "-a", "--tls-verify=false", &registry.name("c/x")]);
    assert!(said.contains("rejected by policy"), "{said}");
    // What is there already is not asked about again, but a newer one is.
    env.ok(["pull", "-q", "--tls-verify=false", &registry.name("a/x:1")]);
    set_policy(&env, &format!(r#"{{"default":{REJECT}}}"#));
    env.ok(["create", "--network", "none", &registry.name("a/x:1"), "true"]);
    env.fails(125, ["create", "--pull=always", "--tls-verify=false", &registry.name("a/x:1"), "true"]);
}

/// A policy that cannot be read or understood accepts nothing, from wherever.
#[test]
fn a_policy_that_cannot_be_used_refuses_everything() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registry.push(&env, &layout(&env, "one"), "x:1", "oci");
    let name = registry.name("x:1");
    let archive = env.work().join("x.tar");
    Image::new("localhost/x:1", vec![Layer::new().file("f", 0o644, "1").gzip()]).oci_archive(&archive);
    let path = config(&env).join("policy.json");
    let clear = || {
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::remove_dir(&path);
    };
    let neither = |why: &str| {
        refused(&env, &name, why);
        let said = env.fails(125, ["load".as_ref(), "-i".as_ref(), archive.as_os_str()]);
        assert!(said.contains(why) && said.contains("policy.json"), "wanted: {why}\n{said}");
        let bytes = std::fs::read(&archive).unwrap();
        let output = env.coracle(["load"]).stdin(bytes).run().expect(125);
        assert!(output.stderr.contains(why), "wanted: {why}\n{output}");
        assert_nothing_came(&env);
    };
    accepted(&env, &name);
    for (text, why) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("null", "not an object"),
        ("{}", "no `default`"),
        (r#"{"default":[]}"#, "must not be empty"),
        (r#"{"default":[{"type":"insecureAcceptAnything"}],"defualt":[]}"#, "unknown key `defualt`"),
        (r#"{"default":[{"type":"reject"}],"default":[{"type":"insecureAcceptAnything"}]}"#, "duplicate key"),
        (r#"{"default":[{"type":"insecureAcceptEverything"}]}"#, "unknown policy requirement"),
        (r#"{"default":[{"type":"insecureAcceptAnything"}]} x"#, "trailing"),
        ("\u{feff}{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}", "expected value"),
    ] {
        clear();
        std::fs::write(&path, text).unwrap();
        neither(why);
    }
    clear();
    std::fs::create_dir(&path).unwrap();
    neither("not a file");
    clear();
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    neither("No such file");
    clear();
    std::os::unix::fs::symlink("policy.json", &path).unwrap();
    neither("symbolic links");
    clear();
    // The directory above is none.
    std::fs::remove_dir(config(&env)).unwrap();
    std::fs::write(path.parent().unwrap(), "").unwrap();
    neither("Not a directory");
    std::fs::remove_file(path.parent().unwrap()).unwrap();
    // Not to be read by its owner; but root of a user namespace may, and then it must be obeyed.
    use std::os::unix::fs::PermissionsExt as _;
    set_policy(&env, &format!(r#"{{"default":{REJECT}}}"#));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    refused(&env, &name, "Source image rejected");
}

#[test]
fn archives_have_transports_and_scopes_of_their_own() {
    let env = Env::new();
    let image = Image::new("localhost/x:1", vec![Layer::new().file("f", 0o644, "1").plain()]);
    let (oci, docker) = (env.work().join("oci.tar"), env.work().join("docker.tar"));
    image.oci_archive(&oci);
    image.docker_archive(&docker);
    let dir = layout(&env, "one");
    let work = env.work().canonicalize().unwrap().display().to_string();
    let load =
        |path: &Path| env.coracle(["load".as_ref(), "-q".as_ref(), "-i".as_ref(), path.as_os_str()]).run().code();
    let loads = |policy: String| {
        set_policy(&env, &policy);
        let codes = (load(&oci), load(&docker), load(&dir));
        let _ = env.coracle(["rmi", "-a", "-f"]).run();
        codes
    };
    let only = |transport: &str, scope: &str| {
        format!(
            r#"{{"default":{REJECT},"transports":{{"docker":{{"":{ACCEPT}}},"{transport}":{{"{scope}":{ACCEPT}}}}}}}"#
        )
    };
    assert_eq!(loads(only("x", "")), (125, 125, 125));
    assert_eq!(loads(only("oci-archive", "")), (0, 125, 125));
    assert_eq!(loads(only("oci-archive", &work)), (0, 125, 125));
    assert_eq!(loads(only("oci-archive", &format!("{work}/other"))), (125, 125, 125));
    assert_eq!(loads(only("docker-archive", "")), (125, 0, 125));
    assert_eq!(loads(only("oci", &work)), (125, 125, 0));
    assert_eq!(loads(only("oci", &format!("{}:localhost/x:1", dir.display()))), (125, 125, 0));
    // An image of several names must be allowed to have each of them.
    let index = dir.join("index.json");
    let mut several: Value = serde_json::from_slice(&std::fs::read(&index).unwrap()).unwrap();
    let mut again = several["manifests"][0].clone();
    again["annotations"]["org.opencontainers.image.ref.name"] = json!("localhost/bad:1");
    several["manifests"].as_array_mut().unwrap().push(again);
    std::fs::write(&index, several.to_string()).unwrap();
    assert_eq!(loads(only("oci", "")), (125, 125, 0));
    let bad = format!("{}:localhost/bad:1", dir.display());
    let but_bad = json!({"default": [{"type": "reject"}], "transports": {
        "oci": {"": [{"type": "insecureAcceptAnything"}], bad: [{"type": "reject"}]}}});
    assert_eq!(loads(but_bad.to_string()), (125, 125, 125));
    // A root file system becomes an image as well.
    let tar = env.file("root.tar", Layer::new().file("f", 0o644, "1").bytes());
    set_policy(&env, &only("docker-archive", ""));
    assert!(env.fails(125, ["import", "-q", &tar.display().to_string()]).contains("Source image rejected"));
    set_policy(&env, &only("tarball", ""));
    env.ok(["import", "-q", &tar.display().to_string()]);
    env.ok(["rmi", "-a", "-f"]);
    // Archives have no place for signatures.
    let key = env.file("key", "x");
    set_policy(&env, &json!({"default": sigstore_signed(&key)}).to_string());
    assert_eq!(load(&oci), 125);
    assert_nothing_came(&env);
}

/// The policy and the signatures are about the name that the user says, wherever registries.conf finds the image.
#[test]
fn a_mirror_is_not_trusted_for_itself() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let signatures = lookaside(&env);
    let gpg = Gpg::new(&env);
    let alice = gpg.key("Alice <alice@example.com>");
    let alice_pub = env.work().join("alice.gpg");
    gpg.export(&alice, &alice_pub);
    registry.push(&env, &layout(&env, "one"), "hub/x:1", "oci");
    let here = registry.name("hub/x:1");
    let text = format!(
        "[[registry]]\nprefix = \"example.com/team\"\nlocation = \"{}\"\ninsecure = true\n",
        registry.name("hub")
    );
    std::fs::write(config(&env).join("registries.conf"), text).unwrap();
    let policy = |scope: &str, requirements: &Value| {
        set_policy(
            &env,
            &json!({"default": [{"type": "reject"}], "transports": {"docker": {scope: requirements}}}).to_string(),
        );
    };
    policy("example.com/team", &json!([{"type": "insecureAcceptAnything"}]));
    accepted(&env, "example.com/team/x:1");
    refused(&env, &here, "rejected by policy");
    policy(registry.name("hub").as_str(), &json!([{"type": "insecureAcceptAnything"}]));
    accepted(&env, &here);
    refused(&env, "example.com/team/x:1", "rejected by policy");

    policy("example.com", &signed_by(&alice_pub));
    refused(&env, "example.com/team/x:1", "no signature exists");
    let digest = manifest_digest(&env, &here);
    let dir = signatures.join(format!("hub/x@{}", digest.replace(':', "=")));
    std::fs::create_dir_all(&dir).unwrap();
    for (name, good) in [(here.as_str(), false), ("example.com/team/x:2", false), ("example.com/team/x:1", true)] {
        let critical = json!({"type": "atomic container signature", "image": {"docker-manifest-digest": digest}, "identity": {"docker-reference": name}});
        let payload = json!({"critical": critical, "optional": {}}).to_string();
        std::fs::write(dir.join("signature-1"), gpg.sign(&alice, payload.as_bytes(), None)).unwrap();
        match good {
            true => accepted(&env, "example.com/team/x:1"),
            false => refused(&env, "example.com/team/x:1", "is not accepted"),
        }
    }
}

#[test]
fn trust_is_shown_and_set() {
    let env = Env::new();
    let path = config(&env).join("policy.json");
    let shown = env.coracle(["image", "trust", "show"]).run().expect(0);
    if !Path::new("/etc/containers/policy.json").exists() {
        assert!(shown.stderr.contains("every image is accepted"), "{shown}");
        assert!(shown.stdout.contains("all            default     accept"), "{shown}");
    }
    let gpg = Gpg::new(&env);
    let alice = gpg.key("Alice <alice@example.com>");
    gpg.export(&alice, &env.work().join("alice.gpg"));
    let sigstore = SigstoreKey::new(&env, "bob");
    registries_d(&env, &json!({"lookaside": "https://example.com/sig"}));
    // Run by root, it would change the system's file where the user has none.
    set_policy(&env, &format!(r#"{{"default":{ACCEPT}}}"#));
    env.ok(["image", "trust", "set", "-t", "reject", "default"]);
    env.ok(["image", "trust", "set", "-t", "accept", "docker.io/library"]);
    env.ok(["image", "trust", "set", "-f", "alice.gpg", "quay.io"]);
    env.ok([
        "image",
        "trust",
        "set",
        "-t",
        "sigstoreSigned",
        "-f",
        &sigstore.public.display().to_string(),
        "quay.io/bob",
    ]);
    let policy: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let key = env.work().canonicalize().unwrap().join("alice.gpg");
    assert_eq!(
        policy,
        json!({"default": [{"type": "reject"}], "transports": {"docker": {
            "docker.io/library": [{"type": "insecureAcceptAnything"}],
            "quay.io": signed_by(&key),
            "quay.io/bob": sigstore_signed(&sigstore.public),
        }}})
    );
    insta::assert_snapshot!(env.ok(["image", "trust", "show"]), @r"
    TRANSPORT   NAME               TYPE            ID                 STORE
    all         default            reject                             https://example.com/sig
    repository  docker.io/library  accept                             https://example.com/sig
    repository  quay.io            signed          alice@example.com  https://example.com/sig
    repository  quay.io/bob        sigstoreSigned  N/A                https://example.com/sig
    ");
    assert_eq!(env.ok(["image", "trust", "show", "-n"]).lines().count(), 4);
    assert_eq!(env.ok(["image", "trust", "show", "-n", "quay.io/bob"]).lines().count(), 1);
    let all: Value = serde_json::from_str(&env.ok(["image", "trust", "show", "--json"])).unwrap();
    assert_eq!(
        all[0],
        json!({"transport": "all", "name": "* (default)", "repo_name": "default",
        "sigstore": "https://example.com/sig", "type": "reject"})
    );
    assert_eq!(env.ok(["image", "trust", "show", "--raw"]), std::fs::read_to_string(&path).unwrap().trim_end());

    let before = std::fs::read(&path).unwrap();
    for (args, why) in [
        (&["-t", "signedBy", "x.io"][..], "at least one public key must be defined for type 'signedBy'"),
        (&["-t", "bogus", "x.io"], "invalid choice: bogus"),
        (&["-f", "nosuch.gpg", "x.io"], "nosuch.gpg"),
        (&["-t", "sigstoreSigned", "-f", "alice.gpg", "x.io"], "parsing public key"),
        (&["-t", "accept", "busybox"], "invalid image uri"),
        (&["-t", "accept", "https://quay.io"], "invalid image uri"),
        (&["-t", "accept", "a", "b"], "accepts"),
        (&[], "accepts"),
    ] {
        let said = env.fails(125, [&["image", "trust", "set"], args].concat());
        assert!(said.contains(why), "wanted: {why}\n{said}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // A policy that is not understood is neither shown as if it were, nor overwritten.
    std::fs::write(&path, r#"{"default":[{"type":"reject"}],"x":1}"#).unwrap();
    assert!(env.fails(125, ["image", "trust", "show"]).contains("unknown key `x`"));
    assert!(env.fails(125, ["image", "trust", "set", "-t", "accept", "x.io"]).contains("unknown key `x`"));
    assert!(env.ok(["image", "trust", "show", "--raw"]).contains("\"x\":1"));
}
