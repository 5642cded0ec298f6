//! Encryption of values at rest.
//!
//! ```text
//! "coracle secret 1\n"   key ID (8 bytes)   salt (32 bytes)   ciphertext   tag (16 bytes)
//! ```
//!
//! Each file has a key of its own, by HKDF-SHA256 (RFC 5869) from the store's key and the salt, and is encrypted with it by
//! ChaCha20-Poly1305 (RFC 8439); the nonce comes from the same derivation, and no pair of the two is ever used twice. What
//! the value belongs to is authenticated with it: a file in another's place does not open.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use zeroize::Zeroizing;

use super::Plain;
use super::key::Key;
use crate::bail;
use crate::error::{Error, Result};
use crate::storage::id;

const MAGIC: &[u8] = b"coracle secret 1\n";
const KEY_ID: usize = 8;
const SALT: usize = 32;
const HEAD: usize = MAGIC.len() + KEY_ID + SALT;
/// Key and nonce of a file.
const DERIVED: usize = 32 + 12;

/// Encrypts a value that belongs to `owner`.
pub fn seal(key: &Key, owner: &str, plain: &Plain) -> Result<Vec<u8>> {
    let salt = id::random::<SALT>()?;
    let mut sealed = Vec::with_capacity(HEAD + plain.bytes().len() + CHACHA20_POLY1305.tag_len());
    sealed.extend_from_slice(MAGIC);
    sealed.extend_from_slice(&key.id());
    sealed.extend_from_slice(&salt);
    sealed.extend_from_slice(plain.bytes());
    let (cipher, nonce) = cipher(key, &salt)?;
    let (head, body) = sealed.split_at_mut(HEAD);
    let tag = cipher.seal_in_place_separate_tag(nonce, about(head, owner), body).map_err(|_| failed())?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Decrypts what belongs to `owner`.
///
/// # Errors
/// It is damaged, belongs to something else, or was encrypted with another key.
pub fn open(key: &Key, owner: &str, sealed: Vec<u8>) -> Result<Plain> {
    let mut sealed = Zeroizing::new(sealed);
    if !sealed.starts_with(MAGIC) || sealed.len() < HEAD {
        bail!("it is not an encrypted secret");
    }
    let (head, body) = sealed.split_at_mut(HEAD);
    let (found, salt) = head.split_at(MAGIC.len()).1.split_at(KEY_ID);
    if found != key.id() {
        let (found, own) = (id::hex(found), id::hex(&key.id()));
        return Err(Error::new(format!("it was encrypted with the key {found}, and this store has the key {own}"))
            .hint("put the old key back, or give the secret its value again: `coracle secret create --replace`"));
    }
    let (cipher, nonce) = cipher(key, salt)?;
    let Ok(plain) = cipher.open_in_place(nonce, about(head, owner), body) else {
        return Err(Error::new("it is damaged, or the file of another secret")
            .hint("give the secret its value again: `coracle secret create --replace`"));
    };
    let plain = plain.to_vec();
    Ok(Plain::new(plain))
}

fn about(head: &[u8], owner: &str) -> Aad<Vec<u8>> {
    Aad::from([head, owner.as_bytes()].concat())
}

/// The cipher of one file. Its key and nonce are used for nothing else.
fn cipher(key: &Key, salt: &[u8]) -> Result<(LessSafeKey, Nonce)> {
    struct Length;
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            DERIVED
        }
    }
    let mut derived = Zeroizing::new([0; DERIVED]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(key.bytes())
        .expand(&[MAGIC], Length)
        .and_then(|okm| okm.fill(derived.as_mut_slice()))
        .map_err(|_| failed())?;
    let (key, nonce) = derived.split_at(32);
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| failed())?;
    Ok((LessSafeKey::new(key), Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?))
}

fn failed() -> Error {
    Error::new("the cipher failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Plain {
        Plain::new(b"hunter2".to_vec())
    }

    #[test]
    fn what_was_sealed_opens_for_its_owner_only() {
        let (key, other) = (Key::random().unwrap(), Key::random().unwrap());
        let sealed = seal(&key, "a", &plain()).unwrap();
        assert!(!sealed.windows(7).any(|w| w == b"hunter2"));
        assert_ne!(sealed, seal(&key, "a", &plain()).unwrap());
        assert_eq!(open(&key, "a", sealed.clone()), Ok(plain()));
        let error = |key: &Key, owner: &str| open(key, owner, sealed.clone()).unwrap_err().to_string();
        assert_eq!(error(&key, "b"), "it is damaged, or the file of another secret");
        assert!(error(&other, "a").starts_with("it was encrypted with the key "), "{}", error(&other, "a"));
    }

    #[test]
    fn every_damage_is_seen() {
        let key = Key::random().unwrap();
        let sealed = seal(&key, "a", &plain()).unwrap();
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(open(&key, "a", damaged).is_err(), "byte {at}");
            assert!(open(&key, "a", sealed[..at].to_vec()).is_err(), "{at} bytes");
        }
        assert!(open(&key, "a", [sealed, vec![0]].concat()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes: Vec<u8>, magic: bool) {
            let key = Key::random().unwrap();
            let bytes = if magic { [MAGIC, &bytes].concat() } else { bytes };
            proptest::prop_assert!(open(&key, "a", bytes).is_err());
        }
    }
}
