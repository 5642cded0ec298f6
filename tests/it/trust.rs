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
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0)).unwrap();
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
    // Archives have no place for signatures.
    let key = env.file("key", "x");
    set_policy(&env, &json!({"default": sigstore_signed(&key)}).to_string());
    assert_eq!(load(&oci), 125);
    assert_nothing_came(&env);
}

#[test]
fn signed_by_gpg() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let signatures = lookaside(&env);
    let gpg = Gpg::new(&env);
    let (alice, bob) = (gpg.key("Alice <alice@example.com>"), gpg.key("Bob <bob@example.com>"));
    let (alice_pub, bob_pub) = (env.work().join("alice.gpg"), env.work().join("bob.gpg"));
    gpg.export(&alice, &alice_pub);
    gpg.export(&bob, &bob_pub);
    let name = registry.name("a/signed:1");
    push_signed(&env, &gpg, &alice, &layout(&env, "one"), &name);
    registry.push(&env, &layout(&env, "two"), "a/unsigned:1", "oci");
    registry.push(&env, &layout(&env, "one"), "a/signed:2", "oci");
    registry.push(&env, &layout(&env, "one"), "a/other:1", "oci");

    require(&env, &registry, &signed_by(&alice_pub));
    accepted(&env, &name);
    let by_digest = format!("{}@{}", registry.name("a/signed"), manifest_digest(&env, &name));
    accepted(&env, &by_digest);
    refused(&env, &registry.name("a/unsigned:1"), "A signature was required, but no signature exists");
    // The same manifest under another tag: the signature speaks of the first.
    refused(&env, &registry.name("a/signed:2"), &format!("Signature for identity `{name}` is not accepted"));
    // In another repository there is none, and one that is copied there speaks of the first.
    refused(&env, &registry.name("a/other:1"), "no signature exists");
    let tree =
        |repository: &str| signatures.join(format!("{repository}@{}", manifest_digest(&env, &name).replace(':', "=")));
    std::fs::create_dir_all(tree("a/other")).unwrap();
    std::fs::copy(tree("a/signed").join("signature-1"), tree("a/other").join("signature-1")).unwrap();
    refused(&env, &registry.name("a/other:1"), "is not accepted");
    // A signature of another manifest.
    let two = manifest_digest(&env, &registry.name("a/unsigned:1")).replace(':', "=");
    let unsigned = signatures.join(format!("a/unsigned@{two}"));
    std::fs::create_dir_all(&unsigned).unwrap();
    std::fs::copy(tree("a/signed").join("signature-1"), unsigned.join("signature-1")).unwrap();
    refused(&env, &registry.name("a/unsigned:1"), "does not match");

    require(&env, &registry, &signed_by(&bob_pub));
    refused(&env, &name, "is not accepted");
    // One of several keys in one requirement will do; of two requirements both must be satisfied.
    let either = json!([{"type": "signedBy", "keyType": "GPGKeys", "keyPaths": [&bob_pub, &alice_pub]}]);
    require(&env, &registry, &either);
    accepted(&env, &name);
    let both = json!([signed_by(&alice_pub)[0], signed_by(&bob_pub)[0]]);
    require(&env, &registry, &both);
    refused(&env, &name, "is not accepted");
    env.coracle(["image", "sign", "--sign-by", &bob, &name]).env("GNUPGHOME", &gpg.home).run().expect(125);
    allow_plain_http(&env, &registry);
    env.coracle(["image", "sign", "--sign-by", &bob, &name]).env("GNUPGHOME", &gpg.home).run().expect(0);
    accepted(&env, &name);
    assert!(tree("a/signed").join("signature-2").exists());

    let mut identity = signed_by(&alice_pub);
    identity[0]["signedIdentity"] = json!({"type": "matchRepository"});
    require(&env, &registry, &identity);
    accepted(&env, &registry.name("a/signed:2"));
    identity[0]["signedIdentity"] = json!({"type": "exactReference", "dockerReference": name});
    require(&env, &registry, &identity);
    accepted(&env, &registry.name("a/other:1"));
    identity[0]["signedIdentity"] = json!({"type": "matchExact"});
    require(&env, &registry, &identity);
    refused(&env, &by_digest, "is not accepted");
}

/// registries.conf that allows the registry without TLS, for commands without `--tls-verify`.
fn allow_plain_http(env: &Env, registry: &Registry) {
    let host = registry.name("");
    let text = format!("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", host.trim_end_matches('/'));
    std::fs::write(config(env).join("registries.conf"), text).unwrap();
}

/// Signatures that are nearly good, keys that are not there, and a gpg that is missing.
#[test]
fn gpg_signatures_that_will_not_do() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let signatures = lookaside(&env);
    let gpg = Gpg::new(&env);
    let alice = gpg.key("Alice <alice@example.com>");
    let old = gpg.expired_key("Old <old@example.com>");
    let (alice_pub, old_pub) = (env.work().join("alice.gpg"), env.work().join("old.gpg"));
    gpg.export(&alice, &alice_pub);
    gpg.export(&old, &old_pub);
    registry.push(&env, &layout(&env, "one"), "x:1", "oci");
    let name = registry.name("x:1");
    let digest = manifest_digest(&env, &name);
    let dir = signatures.join(format!("x@{}", digest.replace(':', "=")));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("signature-1");
    let payload = |kind: &str, digest: &str, reference: &str| {
        let critical = json!({"type": kind, "image": {"docker-manifest-digest": digest}, "identity": {"docker-reference": reference}});
        json!({"critical": critical, "optional": {}})
    };
    let good = payload("atomic container signature", &digest, &name);
    let sign = |payload: &Value| gpg.sign(&alice, payload.to_string().as_bytes(), None);

    require(&env, &registry, &signed_by(&alice_pub));
    std::fs::write(&file, sign(&good)).unwrap();
    accepted(&env, &name);

    let mut extra = good.clone();
    extra["critical"]["more"] = json!(1);
    let mut twice = good.to_string();
    twice.insert_str(1, r#""optional":{},"#);
    let other = digest.replace(['0', '1', '2', '3'], "f");
    for (signature, why) in [
        (sign(&payload("cosign container image signature", &digest, &name)), "unrecognized signature type"),
        (sign(&payload("atomic container signature", &other, &name)), "does not match"),
        (sign(&payload("atomic container signature", "sha256:1", &name)), "malformed"),
        (sign(&payload("atomic container signature", &digest, "A B")), "is not accepted"),
        (sign(&extra), "unknown key"),
        (gpg.sign(&alice, twice.as_bytes(), None), "duplicate key"),
        (gpg.sign(&alice, b"", None), "parsing what was signed"),
        (good.to_string().into_bytes(), "unrecognized signature format"),
        (b"-----BEGIN PGP SIGNED MESSAGE-----\n".to_vec(), "unrecognized signature format"),
        (Vec::new(), "empty"),
        (vec![0x90; 1000], "invalid GPG signature"),
        (vec![0xff; 5 << 20], "larger than"),
        // Data that nobody signed, as gpg --store writes it.
        (gpg.store(good.to_string().as_bytes()), "invalid GPG signature"),
    ] {
        std::fs::write(&file, signature).unwrap();
        refused(&env, &name, why);
    }
    // Any flipped bit, here and there.
    let signature = sign(&good);
    for position in (0..signature.len()).step_by(signature.len() / 8) {
        let mut broken = signature.clone();
        broken[position] ^= 1;
        std::fs::write(&file, broken).unwrap();
        pull(&env, &name).run().expect(125);
    }
    // Not readable at all, or not a file.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    refused(&env, &name, "not a file");
    std::fs::remove_dir(&file).unwrap();
    // A bad signature does not spoil the good one behind it.
    std::fs::write(&file, sign(&extra)).unwrap();
    std::fs::write(dir.join("signature-2"), &signature).unwrap();
    accepted(&env, &name);
    std::fs::remove_file(dir.join("signature-2")).unwrap();

    // Keys.
    std::fs::write(&file, gpg.sign(&old, good.to_string().as_bytes(), Some("20200601T000000"))).unwrap();
    require(&env, &registry, &signed_by(&old_pub));
    refused(&env, &name, "the key has expired");
    std::fs::write(&file, &signature).unwrap();
    require(&env, &registry, &signed_by(&env.work().join("nosuch.gpg")));
    refused(&env, &name, "nosuch.gpg");
    require(&env, &registry, &signed_by(&env.file("noise.gpg", "no key")));
    refused(&env, &name, "no public keys imported");
    require(&env, &registry, &signed_by(&env.work()));
    refused(&env, &name, "not a file");

    // The key is in the user's own keyring: that means nothing.
    require(&env, &registry, &signed_by(&old_pub));
    let output = pull(&env, &name).env("GNUPGHOME", &gpg.home).run().expect(125);
    assert!(output.stderr.contains("is not accepted"), "{output}");

    // No gpg.
    require(&env, &registry, &signed_by(&alice_pub));
    accepted(&env, &name);
    let bin = env.work().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for program in ["newuidmap", "newgidmap"] {
        std::os::unix::fs::symlink(format!("/usr/bin/{program}"), bin.join(program)).unwrap();
    }
    let output = pull(&env, &name).env("PATH", &bin).run().expect(125);
    assert!(output.stderr.contains("gpg") && output.stderr.contains("hint: "), "{output}");
    // One that says nothing, and one that lies about its success.
    for script in ["#!/bin/sh\nexit 0\n", "#!/bin/sh\nexit 2\n", "#!/bin/sh\nkill -9 $$\n"] {
        use std::os::unix::fs::PermissionsExt as _;
        let fake = env.file("bin/gpg", script);
        std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).unwrap();
        pull(&env, &name).env("PATH", &bin).run().expect(125);
    }
    assert_nothing_came(&env);
}

/// A web server that answers each path with what `answer` says, until the test ends.
fn web_server(answer: impl Fn(&str) -> (u16, Vec<u8>) + Send + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                request.push(byte[0]);
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let (status, body) = answer(path);
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    format!("http://{address}/sig")
}

#[test]
fn signatures_on_a_web_server() {
    let env = Env::new();
    let registry = Registry::start(&env);
    let gpg = Gpg::new(&env);
    let alice = gpg.key("Alice <alice@example.com>");
    let alice_pub = env.work().join("alice.gpg");
    gpg.export(&alice, &alice_pub);
    let signatures = lookaside(&env);
    let name = registry.name("a/x:1");
    push_signed(&env, &gpg, &alice, &layout(&env, "one"), &name);
    require(&env, &registry, &signed_by(&alice_pub));

    let files = signatures.clone();
    let good = web_server(move |path| match std::fs::read(files.join(path.trim_start_matches("/sig/"))) {
        Ok(bytes) => (200, bytes),
        Err(_) => (404, b"none".to_vec()),
    });
    let serve = |url: &str| registries_d(&env, &json!({"lookaside": url}));
    serve(&good);
    accepted(&env, &name);
    // There is none.
    serve(&web_server(|_| (404, Vec::new())));
    refused(&env, &name, "no signature exists");
    // Nobody knows.
    for status in [500, 503, 403, 401, 400, 204] {
        serve(&web_server(move |_| (status, Vec::new())));
        let output = pull(&env, &name).run().expect(125);
        assert!(output.stderr.contains("Source image rejected"), "{status}\n{output}");
    }
    // The first is good, but of the second nobody knows.
    let files = signatures.clone();
    serve(&web_server(move |path| match path.ends_with("signature-1") {
        true => (200, std::fs::read(files.join(path.trim_start_matches("/sig/"))).unwrap()),
        false => (500, Vec::new()),
    }));
    refused(&env, &name, "signature-2");
    serve(&web_server(|_| (200, b"<html>".to_vec())));
    refused(&env, &name, "unrecognized signature format");
    serve(&web_server(|_| (200, vec![0x90; 5 << 20])));
    refused(&env, &name, "larger than");
    // Without an end.
    serve(&web_server(|_| (200, vec![0x90; 10])));
    refused(&env, &name, "more than 128 signatures");
    serve("http://127.0.0.1:1/sig");
    refused(&env, &name, "Connection refused");
    serve("ftp://example.com");
    refused(&env, &name, "not a place for signatures");
    // registries.d that cannot be understood.
    std::fs::write(config(&env).join("registries.d/test.yaml"), "docker: [").unwrap();
    refused(&env, &name, "test.yaml");
    serve(&good);
    std::fs::write(config(&env).join("registries.d/other.yaml"), "default-docker: {}\n").unwrap();
    refused(&env, &name, "is defined both in");
    // A place on the web is not one to write to.
    std::fs::remove_file(config(&env).join("registries.d/other.yaml")).unwrap();
    allow_plain_http(&env, &registry);
    let said = env.coracle(["image", "sign", "--sign-by", &alice, &name]).env("GNUPGHOME", &gpg.home).run().expect(125);
    assert!(said.stderr.contains("lookaside-staging"), "{said}");
}

#[test]
fn signed_with_sigstore_keys() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registries_d(&env, &json!({"use-sigstore-attachments": true}));
    let (alice, bob) = (SigstoreKey::new(&env, "alice"), SigstoreKey::new(&env, "bob"));
    let name = registry.name("a/signed:1");
    push_sigstore(&env, &registry, &alice, &layout(&env, "one"), "a/signed:1");
    registry.push(&env, &layout(&env, "one"), "a/signed:2", "oci");
    registry.push(&env, &layout(&env, "two"), "a/unsigned:1", "oci");
    registry.push(&env, &layout(&env, "one"), "a/other:1", "oci");

    require(&env, &registry, &sigstore_signed(&alice.public));
    accepted(&env, &name);
    refused(&env, &registry.name("a/signed:2"), &format!("Signature for identity `{name}` is not accepted"));
    refused(&env, &registry.name("a/unsigned:1"), "A signature was required, but no signature exists");
    refused(&env, &registry.name("a/other:1"), "no signature exists");
    // The signature of one image under the digest of another; in another repository.
    let tag = |name: &str| manifest_digest(&env, name).replace(':', "-") + ".sig";
    let copy = |from: String, to: String| {
        let (from, to) = (format!("docker://{from}"), format!("docker://{to}"));
        skopeo(&env, &["copy", "--src-tls-verify=false", "--dest-tls-verify=false", &from, &to]);
    };
    let own = format!("{}:{}", registry.name("a/signed"), tag(&name));
    copy(own.clone(), format!("{}:{}", registry.name("a/unsigned"), tag(&registry.name("a/unsigned:1"))));
    refused(&env, &registry.name("a/unsigned:1"), "does not match");
    copy(own, format!("{}:{}", registry.name("a/other"), tag(&name)));
    refused(&env, &registry.name("a/other:1"), "is not accepted");

    require(&env, &registry, &sigstore_signed(&bob.public));
    refused(&env, &name, "invalid signature");
    require(&env, &registry, &json!([sigstore_signed(&alice.public)[0], sigstore_signed(&bob.public)[0]]));
    refused(&env, &name, "invalid signature");
    require(&env, &registry, &json!([{"type": "sigstoreSigned", "keyPaths": [&bob.public, &alice.public]}]));
    accepted(&env, &name);
    let mut identity = sigstore_signed(&alice.public);
    identity[0]["signedIdentity"] = json!({"type": "matchRepository"});
    require(&env, &registry, &identity);
    accepted(&env, &registry.name("a/signed:2"));

    // What is not there is never satisfied, even by a good signature.
    for (key, value) in [("rekorPublicKeyPath", json!(alice.public)), ("rekorPublicKeyDatas", json!(["YQ=="]))] {
        let mut with = sigstore_signed(&alice.public);
        with[0][key] = value;
        require(&env, &registry, &with);
        refused(&env, &name, "not supported");
    }
    for requirement in [
        json!({"type": "sigstoreSigned", "fulcio": {"caPath": "/x", "oidcIssuer": "y", "subjectEmail": "z"}}),
        json!({"type": "sigstoreSigned", "pki": {"caRootsPath": "/x"}}),
        json!({"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}}),
    ] {
        require(&env, &registry, &json!([requirement]));
        refused(&env, &name, "not supported");
    }
    require(&env, &registry, &sigstore_signed(&env.work().join("nosuch.pub")));
    refused(&env, &name, "nosuch.pub");
    require(&env, &registry, &sigstore_signed(&alice.private));
    refused(&env, &name, "PRIVATE KEY");
    // A GPG requirement is not satisfied by them, nor are they looked for unless it is said.
    require(&env, &registry, &sigstore_signed(&alice.public));
    registries_d(&env, &json!({"use-sigstore-attachments": false}));
    refused(&env, &name, "no signature exists");
}

/// Attachments that no honest tool would make, from a registry that lies.
#[test]
fn broken_attachments() {
    let env = Env::new();
    let registry = Registry::start(&env);
    registries_d(&env, &json!({"use-sigstore-attachments": true}));
    let alice = SigstoreKey::new(&env, "alice");
    let name = registry.name("x:1");
    push_sigstore(&env, &registry, &alice, &layout(&env, "one"), "x:1");
    require(&env, &registry, &sigstore_signed(&alice.public));
    accepted(&env, &name);
    // The payload on the registry's disk is another than the digest says.
    let blobs = env.work().join("registry/docker/registry/v2/blobs/sha256");
    let found =
        env.program("grep").args(["-rl", "cosign container image signature"]).args([&blobs]).run().expect(0).text();
    let payload = PathBuf::from(found.lines().next().unwrap());
    let text = std::fs::read(&payload).unwrap();
    let mut longer = text.clone();
    longer[10] ^= 1;
    std::fs::write(&payload, &longer).unwrap();
    refused(&env, &name, "digest");
    // Gone.
    std::fs::remove_file(&payload).unwrap();
    refused(&env, &name, "reading signature");
    std::fs::write(&payload, &text).unwrap();
    accepted(&env, &name);
    // The manifest of the signatures is none.
    let manifests =
        env.program("grep").args(["-rl", "dev.cosignproject.cosign/signature"]).args([&blobs]).run().expect(0).text();
    std::fs::write(manifests.lines().next().unwrap(), "{}").unwrap();
    let output = pull(&env, &name).run().expect(125);
    assert!(output.stderr.contains("Source image rejected"), "{output}");
    assert_nothing_came(&env);
}

/// An image for several platforms: what counts is the manifest that is used.
#[test]
fn every_platform_is_signed_by_itself() {
    let env = Env::new();
    let registry = Registry::start(&env);
    allow_plain_http(&env, &registry);
    lookaside(&env);
    let gpg = Gpg::new(&env);
    let alice = gpg.key("Alice <alice@example.com>");
    let alice_pub = env.work().join("alice.gpg");
    gpg.export(&alice, &alice_pub);
    let name = registry.name("multi:1");
    let image = Image::new("localhost/x:1", vec![Layer::new().file("f", 0o644, "1").gzip()]);
    let dir = env.work().join("multi");
    image.oci_layout(&dir);
    // The layout's only entry becomes the entry of an index.
    let top: Value = serde_json::from_slice(&std::fs::read(dir.join("index.json")).unwrap()).unwrap();
    let mut entry = top["manifests"][0].clone();
    entry["platform"] = json!({"os": "linux", "architecture": image.architecture});
    entry.as_object_mut().unwrap().remove("annotations");
    let index =
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]})
            .to_string();
    let of_index = digest(index.as_bytes());
    std::fs::write(dir.join("blobs/sha256").join(of_index.trim_start_matches("sha256:")), &index).unwrap();
    let annotations = json!({"org.opencontainers.image.ref.name": "localhost/x:1"});
    let descriptor = json!({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": of_index, "size": index.len(), "annotations": annotations});
    std::fs::write(dir.join("index.json"), json!({"schemaVersion": 2, "manifests": [descriptor]}).to_string()).unwrap();
    let (source, target) = (format!("oci:{}", dir.display()), format!("docker://{name}"));
    skopeo(&env, &["copy", "--all", "--dest-tls-verify=false", &source, &target]);

    require(&env, &registry, &signed_by(&alice_pub));
    let sign = |options: &[&str]| {
        let args = [&["image", "sign", "--sign-by", &alice], options, &[&target]].concat();
        env.coracle(args).env("GNUPGHOME", &gpg.home).run()
    };
    sign(&[]).expect(0);
    refused(&env, &name, "no signature exists");
    let output = pull(&env, &name).run().expect(125);
    assert!(output.stderr.contains("hint: of an image for several platforms"), "{output}");
    sign(&["--all"]).expect(0);
    accepted(&env, &name);
    accepted(&env, &format!("{}@{of_index}", registry.name("multi")));
}

/// What coracle signs, skopeo accepts.
#[test]
fn image_sign_makes_signatures_for_others() {
    let env = Env::new();
    let registry = Registry::start(&env);
    allow_plain_http(&env, &registry);
    lookaside(&env);
    let gpg = Gpg::new(&env);
    let alice = gpg.key("Alice <alice@example.com>");
    let alice_pub = env.work().join("alice.gpg");
    gpg.export(&alice, &alice_pub);
    registry.push(&env, &layout(&env, "one"), "x:1", "oci");
    let name = registry.name("x:1");
    require(&env, &registry, &signed_by(&alice_pub));
    let copy = || {
        let policy = config(&env).join("policy.json");
        let out = env.work().join("out");
        let _ = std::fs::remove_dir_all(&out);
        let args = ["--policy".into(), policy.display().to_string(), "copy".into(), "--src-tls-verify=false".into()];
        signing_skopeo(&env, Some(&gpg))
            .args(args)
            .args([format!("docker://{name}"), format!("dir:{}", out.display())])
            .run()
    };
    assert_ne!(copy().code(), 0);
    assert!(env.fails(125, ["image", "sign", &name]).contains("no identity provided"));
    let sign = |args: &[&str]| env.coracle([&["image", "sign"], args].concat()).env("GNUPGHOME", &gpg.home).run();
    let output = sign(&["--sign-by", "nobody@example.com", &name]).expect(125);
    assert!(output.stderr.contains("nobody@example.com"), "{output}");
    assert_ne!(copy().code(), 0);
    sign(&["--sign-by", "alice@example.com", &name]).expect(0);
    copy().expect(0);
    let own = env.work().join("own");
    sign(&["--sign-by", &alice, "-d", &own.display().to_string(), &name]).expect(0);
    let made = own.join(format!("x@{}/signature-1", manifest_digest(&env, &name).replace(':', "=")));
    assert!(made.exists(), "{made:?}");
    let output = sign(&["--all", "--sign-by", &alice, &name]).expect(125);
    assert!(output.stderr.contains("not a multi-architecture image"), "{output}");
}

/// What coracle signs while it pushes, skopeo and coracle accept.
#[test]
fn push_signs() {
    let env = Env::new();
    let registry = Registry::start(&env);
    allow_plain_http(&env, &registry);
    let signatures = env.work().join("lookaside");
    let url = format!("file://{}", signatures.display());
    let section = json!({"lookaside-staging": url, "sigstore-staging": url, "use-sigstore-attachments": true, "lookaside": url, "sigstore": url});
    registries_d(&env, &section);
    let gpg = Gpg::new(&env);
    let alice = gpg.key("Alice <alice@example.com>");
    let alice_pub = env.work().join("alice.gpg");
    gpg.export(&alice, &alice_pub);
    let (bob, carol) = (SigstoreKey::new(&env, "bob"), SigstoreKey::new(&env, "carol"));
    env.load(&layout(&env, "one"));
    let push = |args: &[&str], to: &str| {
        let to = format!("docker://{}", registry.name(to));
        env.coracle([&["push", "-q"], args, &["localhost/x:1", &to]].concat()).env("GNUPGHOME", &gpg.home).run()
    };
    let text = |path: &Path| path.display().to_string();
    let (bob_key, carol_key, passphrase) = (text(&bob.private), text(&carol.private), text(&bob.passphrase));
    let by_bob = ["--sign-by-sigstore-private-key", &bob_key, "--sign-passphrase-file", &passphrase];

    // What cannot be signed is not pushed either.
    let wrong = text(&env.file("wrong", "wrong\n"));
    let parameters = |more: &str| {
        let text = format!("privateKeyFile: {carol_key}\nprivateKeyPassphraseFile: {passphrase}\n{more}");
        env.file("parameters.yaml", text).display().to_string()
    };
    let file = parameters("fulcio:\n  fulcioURL: https://example.com\n");
    let said = push(&["--sign-by-sigstore", &file], "no:1").expect(125);
    assert!(said.stderr.contains("`fulcio` is not supported"), "{said}");
    let file = parameters("rekorURL: https://example.com\n");
    let said = push(&["--sign-by-sigstore", &file], "no:1").expect(125);
    assert!(said.stderr.contains("`rekorURL` is not supported"), "{said}");
    for (args, why) in [
        (
            &["--sign-by-sigstore-private-key", &bob_key, "--sign-passphrase-file", &wrong][..],
            "the passphrase is wrong",
        ),
        (&["--sign-by-sigstore-private-key", &bob_key], "needs a passphrase"),
        (&["--sign-by-sigstore-private-key", &text(&bob.public), "--sign-passphrase-file", &passphrase], "PUBLIC KEY"),
        (&["--sign-by-sigstore-private-key", "/nosuch", "--sign-passphrase-file", &passphrase], "/nosuch"),
        (&["--sign-passphrase-file", &passphrase], "with which key"),
        (&["--sign-by-sigstore", "/nosuch"], "/nosuch"),
    ] {
        let said = push(args, "no:1").expect(125);
        assert!(said.stderr.contains(why), "wanted: {why}\n{said}");
    }
    registries_d(&env, &json!({"lookaside": "https://example.com"}));
    assert!(push(&by_bob, "no:1").expect(125).stderr.contains("use-sigstore-attachments"));
    assert!(push(&["--sign-by", &alice], "no:1").expect(125).stderr.contains("lookaside-staging"));
    registries_d(&env, &section);
    let nowhere = env.work().join("dir");
    let said =
        env.fails(125, ["push", "-q", "--sign-by", &alice, "localhost/x:1", &format!("dir:{}", nowhere.display())]);
    assert!(said.contains("cannot determine canonical Docker reference") && !nowhere.exists(), "{said}");
    let inspect = format!("docker://{}", registry.name("no:1"));
    env.program("skopeo").args(["inspect", "--tls-verify=false", &inspect]).run().expect(1);

    push(&["--sign-by", &alice], "gpg:1").expect(0);
    push(&by_bob, "sig:1").expect(0);
    push(&["--sign-by-sigstore", &parameters("")], "sig:1").expect(0);
    push(&[&by_bob[..], &["--sign-by", &alice]].concat(), "gpg:2").expect(125);
    env.ok(["rmi", "-a", "-f"]);

    require(&env, &registry, &signed_by(&alice_pub));
    accepted(&env, &registry.name("gpg:1"));
    refused(&env, &registry.name("sig:1"), "no signature exists");
    let (policy, out) = (config(&env).join("policy.json"), env.work().join("out"));
    let from = format!("docker://{}", registry.name("gpg:1"));
    let args = [
        "--policy".into(),
        text(&policy),
        "copy".into(),
        "--src-tls-verify=false".into(),
        from,
        format!("dir:{}", text(&out)),
    ];
    signing_skopeo(&env, Some(&gpg)).args(args).run().expect(0);
    // Each push has added its signature to those that were there.
    require(&env, &registry, &json!([sigstore_signed(&bob.public)[0], sigstore_signed(&carol.public)[0]]));
    accepted(&env, &registry.name("sig:1"));
    refused(&env, &registry.name("gpg:1"), "no signature exists");
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
