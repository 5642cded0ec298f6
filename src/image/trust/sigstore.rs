//! Sigstore signatures with a key pair: public keys in PEM, signatures over a payload, and cosign's encrypted private keys.
//!
//! ```text
//! -----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----        (or ENCRYPTED COSIGN PRIVATE KEY)
//! base64 of {"kdf": {"name": "scrypt", "params": {"N": 32768, "r": 8, "p": 1}, "salt": "..."},
//!            "cipher": {"name": "nacl/secretbox", "nonce": "..."}, "ciphertext": "..."}
//! ```
//!
//! The plain text is PKCS #8. Formats: cosign's "Signature specification" and "Key generation"; RFC 5280 (SPKI). Pure.

use crypto_secretbox::aead::{Aead, KeyInit};
use crypto_secretbox::{Nonce, XSalsa20Poly1305};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use spki::der::{Decode as _, pem};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::json::base64;
use crate::error::{Context, Error, Result};

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A public key to verify with.
pub struct PublicKey {
    algorithm: &'static dyn VerificationAlgorithm,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Parses `-----BEGIN PUBLIC KEY-----`.
    pub fn from_pem(text: &[u8]) -> Result<Self> {
        let malformed = |e: &dyn std::fmt::Display| Error::new(format!("parsing public key: {e}"));
        let (label, der) = pem::decode_vec(text).map_err(|e| malformed(&e))?;
        if label != "PUBLIC KEY" {
            crate::bail!("parsing public key: this is a `{}`, not a `PUBLIC KEY`", label.escape_debug());
        }
        let info = SubjectPublicKeyInfoRef::from_der(&der).map_err(|e| malformed(&e))?;
        let oid = info.algorithm.oid;
        let curve = || info.algorithm.parameters_oid();
        let algorithm: &'static dyn VerificationAlgorithm = if oid == EC && curve() == Ok(P256) {
            &signature::ECDSA_P256_SHA256_ASN1
        } else if oid == EC && curve() == Ok(P384) {
            // Cosign hashes with SHA-256 whatever the curve.
            &signature::ECDSA_P384_SHA256_ASN1
        } else if oid == RSA {
            &signature::RSA_PKCS1_2048_8192_SHA256
        } else if oid == ED25519 {
            &signature::ED25519
        } else {
            crate::bail!("parsing public key: its kind ({oid}) is not supported, only ECDSA, RSA and Ed25519 are");
        };
        let Some(bytes) = info.subject_public_key.as_bytes() else {
            crate::bail!("parsing public key: its bits are malformed");
        };
        Ok(PublicKey { algorithm, bytes: bytes.to_vec() })
    }

    /// Whether this key has signed this payload.
    pub fn verifies(&self, payload: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm, &self.bytes).verify(payload, signature).is_ok()
    }
}

/// A private key to sign with.
pub enum PrivateKey {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    /// Decrypts a private key of cosign's.
    pub fn decrypt(text: &[u8], passphrase: &[u8]) -> Result<Self> {
        let (label, sealed) = pem::decode_vec(text).map_err(|e| Error::new(format!("it is not a PEM file: {e}")))?;
        if !matches!(label, "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY") {
            return Err(Error::new(format!("this is a `{}`, not a private key of sigstore's", label.escape_debug()))
                .hint("`skopeo generate-sigstore-key` and `cosign generate-key-pair` make such keys"));
        }
        Self::from_pkcs8(&open(&sealed, passphrase)?)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let random = SystemRandom::new();
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, der, &random) {
            return Ok(PrivateKey::Ecdsa(pair));
        }
        match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            Ok(pair) => Ok(PrivateKey::Ed25519(pair)),
            Err(_) => crate::bail!("its kind is not supported, only ECDSA with P-256 and Ed25519 are"),
        }
    }

    /// Signs a payload.
    pub fn sign(&self, payload: &[u8]) -> Result<Vec<u8>> {
        match self {
            PrivateKey::Ecdsa(pair) => match pair.sign(&SystemRandom::new(), payload) {
                Ok(signature) => Ok(signature.as_ref().to_vec()),
                Err(_) => crate::bail!("signing failed"),
            },
            PrivateKey::Ed25519(pair) => Ok(pair.sign(payload).as_ref().to_vec()),
        }
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

#[derive(Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Deserialize)]
struct Params {
    #[serde(rename = "N")]
    n: u32,
    r: u32,
    p: u32,
}

#[derive(Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

fn open(sealed: &[u8], passphrase: &[u8]) -> Result<Vec<u8>> {
    let sealed: Sealed = serde_json::from_slice(sealed).context("parsing the encrypted key")?;
    if sealed.kdf.name != "scrypt" || sealed.cipher.name != "nacl/secretbox" {
        crate::bail!("it is encrypted in an unknown way");
    }
    let Params { n, r, p } = sealed.kdf.params;
    // 128 * N * r bytes are needed: at most 128 MiB here.
    if !n.is_power_of_two() || !(1 << 10..=1 << 17).contains(&n) || r != 8 || p != 1 {
        crate::bail!("it is encrypted with unusual parameters (N={n}, r={r}, p={p})");
    }
    let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(u8::MAX);
    let parameters = scrypt::Params::new(log_n, r, p).map_err(|e| Error::new(e.to_string()))?;
    let mut key = [0; 32];
    scrypt::scrypt(passphrase, &base64(&sealed.kdf.salt, "`salt`")?, &parameters, &mut key)
        .map_err(|e| Error::new(e.to_string()))?;
    let nonce = <[u8; 24]>::try_from(base64(&sealed.cipher.nonce, "`nonce`")?)
        .map_err(|_| Error::new("its nonce has the wrong length"))?;
    let ciphertext = base64(&sealed.ciphertext, "`ciphertext`")?;
    let opened = XSalsa20Poly1305::new(&key.into()).decrypt(&Nonce::from(nonce), ciphertext.as_slice());
    opened.map_err(|_| Error::new("the passphrase is wrong"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl ecparam -name prime256v1 -genkey`, `openssl rsa`, `openssl genpkey -algorithm ed25519`.
    #[test]
    fn malformed_keys_are_errors() {
        for text in [
            "",
            "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(PublicKey::from_pem(text.as_bytes()).is_err(), "{text}");
            assert!(PrivateKey::decrypt(text.as_bytes(), b"x").is_err(), "{text}");
        }
    }

    #[test]
    fn strange_parameters_are_refused_at_once() {
        for (n, r, p) in [(1 << 30, 8, 1), (1000, 8, 1), (32768, 4096, 1), (32768, 8, 100), (0, 8, 1)] {
            let text = format!(
                r#"{{"kdf":{{"name":"scrypt","params":{{"N":{n},"r":{r},"p":{p}}},"salt":""}},"cipher":{{"name":"nacl/secretbox","nonce":""}},"ciphertext":""}}"#
            );
            assert!(open(text.as_bytes(), b"").unwrap_err().to_string().contains("unusual"), "{n} {r} {p}");
        }
    }
}
