//! Keys to sign images with: of GPG, in a home directory of its own, and of sigstore.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::{Aead as _, KeyInit as _};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

use super::Env;

/// The passphrase of all private keys of sigstore's that are made here.
pub const PASSPHRASE: &str = "correct horse";

/// A home directory of GPG's, whose agent ends with it. Must be dropped before its environment.
pub struct Gpg {
    pub home: PathBuf,
}

impl Gpg {
    pub fn new(env: &Env) -> Self {
        use std::os::unix::fs::DirBuilderExt as _;
        let home = env.work().join("gnupg");
        std::fs::DirBuilder::new().mode(0o700).create(&home).unwrap();
        Gpg { home }
    }

    fn run(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut command = Command::new("gpg");
        command.env("GNUPGHOME", &self.home).args(["--batch", "--quiet", "--no-tty", "--passphrase", ""]).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("gpg is not installed: `make test` installs it");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Makes a key without passphrase; its fingerprint.
    pub fn key(&self, owner: &str) -> String {
        self.run(&["--pinentry-mode", "loopback", "--quick-generate-key", owner, "ed25519", "sign", "never"], b"");
        self.fingerprint(owner)
    }

    /// Makes a key that was good in 2020 only.
    pub fn expired_key(&self, owner: &str) -> String {
        let past = ["--faked-system-time", "20200101T000000", "--pinentry-mode", "loopback"];
        let make = ["--quick-generate-key", owner, "ed25519", "sign", "1y"];
        self.run(&[&past[..], &make].concat(), b"");
        self.fingerprint(owner)
    }

    fn fingerprint(&self, owner: &str) -> String {
        let listing = String::from_utf8(self.run(&["--with-colons", "--list-keys", owner], b"")).unwrap();
        let line = listing.lines().find(|line| line.starts_with("fpr:")).expect("a fingerprint");
        line.split(':').nth(9).unwrap().to_owned()
    }

    /// Writes the public key into a file.
    pub fn export(&self, key: &str, path: &Path) {
        std::fs::write(path, self.run(&["--export", key], b"")).unwrap();
    }

    /// Signs any text, at any time (`20200601T000000`).
    pub fn sign(&self, key: &str, text: &[u8], time: Option<&str>) -> Vec<u8> {
        let time: Vec<&str> = time.into_iter().flat_map(|time| ["--faked-system-time", time]).collect();
        let sign = ["--pinentry-mode", "loopback", "--local-user", key, "--sign"];
        self.run(&[&time[..], &sign].concat(), text)
    }
}

impl Gpg {
    /// The same as a message, but signed by nobody.
    pub fn store(&self, text: &[u8]) -> Vec<u8> {
        self.run(&["--store"], text)
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        for action in [&["--kill", "all"][..], &["--remove-socketdir"]] {
            let mut command = Command::new("gpgconf");
            command.arg("--homedir").arg(&self.home).args(action);
            let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// A pair of sigstore keys in files: `<name>.pub`, and `<name>.key`, encrypted with [`PASSPHRASE`].
pub struct SigstoreKey {
    pub public: PathBuf,
    pub private: PathBuf,
    pub passphrase: PathBuf,
    pair: EcdsaKeyPair,
}

impl SigstoreKey {
    pub fn new(env: &Env, name: &str) -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
        // SubjectPublicKeyInfo of a point on P-256 (RFC 5480).
        let mut info = vec![
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        info.extend(pair.public_key().as_ref());
        let (salt, nonce) = ([7; 32], [9; 24]);
        let mut key = [0; 32];
        // Cheap on purpose would be refused: these are the only parameters that cosign accepts.
        let parameters = scrypt::Params::new(15, 8, 1).unwrap();
        scrypt::scrypt(PASSPHRASE.as_bytes(), &salt, &parameters, &mut key).unwrap();
        let cipher = crypto_secretbox::XSalsa20Poly1305::new(&key.into());
        let sealed = cipher.encrypt(&crypto_secretbox::Nonce::from(nonce), document.as_ref()).unwrap();
        let sealed = json!({
            "kdf": {"name": "scrypt", "params": {"N": 32768, "r": 8, "p": 1}, "salt": STANDARD.encode(salt)},
            "cipher": {"name": "nacl/secretbox", "nonce": STANDARD.encode(nonce)},
            "ciphertext": STANDARD.encode(sealed),
        });
        SigstoreKey {
            public: env.file(&format!("{name}.pub"), pem("PUBLIC KEY", &info)),
            private: env
                .file(&format!("{name}.key"), pem("ENCRYPTED COSIGN PRIVATE KEY", sealed.to_string().as_bytes())),
            passphrase: env.file("passphrase", format!("{PASSPHRASE}\n")),
            pair,
        }
    }

    /// A signature of a payload, as the annotation holds it.
    pub fn sign(&self, payload: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(&SystemRandom::new(), payload).unwrap())
    }
}

fn pem(label: &str, bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
