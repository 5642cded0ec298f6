//! Signatures by GPG, in directories and on web servers.

use super::*;

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

/// All that signing wants: a registry, a place for signatures, and a key.
struct Signing {
    env: Env,
    registry: Registry,
    gpg: Gpg,
    alice: String,
    alice_pub: std::path::PathBuf,
}

impl Signing {
    fn new() -> Signing {
        let env = Env::new();
        let registry = Registry::start(&env);
        allow_plain_http(&env, &registry);
        lookaside(&env);
        let gpg = Gpg::new(&env);
        let alice = gpg.key("Alice <alice@example.com>");
        let alice_pub = env.work().join("alice.gpg");
        gpg.export(&alice, &alice_pub);
        Signing { env, registry, gpg, alice, alice_pub }
    }
}

/// An image for several platforms: what counts is the manifest that is used.
#[test]
fn every_platform_is_signed_by_itself() {
    let Signing { env, registry, gpg, alice, alice_pub } = Signing::new();
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
    let Signing { env, registry, gpg, alice, alice_pub } = Signing::new();
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
