//! Signatures with sigstore keys, in the registry; and what `push` signs.

use super::*;

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
