//! The key of the store: made when the first secret is, kept by systemd where it can, else in a file.
//!
//! systemd-creds seals for a user since version 256: with a key of the machine that only root can read, and with its TPM
//! where it has one. A copy of the home directory alone then opens nothing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::program::Call;
use crate::bail;
use crate::error::{Context, Error, Result};
use crate::storage::atomic::{self, Durability};
use crate::storage::{fs, id, lock};

/// The name under which systemd-creds seals it, and which it checks.
const NAME: &str = "coracle-secrets";
/// The first version of systemd that seals for users.
const FIRST_VERSION: u32 = 256;
/// The key that systemd-creds has given out, and the file it was in: it is asked once, because it knows this process as its
/// user only as long as that has not become root of a user namespace.
static UNSEALED: OnceLock<(PathBuf, Key)> = OnceLock::new();
/// It never asks anything, and a TPM takes a second or two.
const DEADLINE: Duration = Duration::from_secs(20);

/// 32 random bytes.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// A new one.
    pub fn random() -> Result<Self> {
        Ok(Key(Zeroizing::new(id::random()?)))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// What tells it from others, and nothing of it.
    pub(super) fn id(&self) -> [u8; 8] {
        let digest = Sha256::new().chain_update(b"coracle key id\0").chain_update(self.bytes()).finalize();
        let mut id = [0; 8];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        id
    }

    fn from_text(text: &[u8]) -> Result<Self> {
        let decoded = STANDARD.decode(text.trim_ascii()).map(Zeroizing::new);
        let bytes = decoded.ok().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        match bytes {
            Some(bytes) => Ok(Key(Zeroizing::new(bytes))),
            None => Err(Error::new("it is not a key: 32 bytes in base64 are wanted")
                .hint("put the key back from a backup; without it, the secrets of this store cannot be read")),
        }
    }

    fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.bytes()) + "\n")
    }
}

fn plain_file(dir: &Path) -> PathBuf {
    dir.join("key")
}

fn sealed_file(dir: &Path) -> PathBuf {
    dir.join("key.cred")
}

/// The key of the store in `dir`; `None` where it has none yet.
///
/// # Errors
/// It cannot be read, or systemd-creds does not give it out.
pub fn load(dir: &Path) -> Result<Option<Key>> {
    let plain = plain_file(dir);
    if let Some(text) = fs::read_optional(&plain)?.map(Zeroizing::new) {
        return Key::from_text(&text).with_context(|| format!("reading the key `{}`", plain.display())).map(Some);
    }
    let sealed = sealed_file(dir);
    if let Some(key) = UNSEALED.get().filter(|(path, _)| *path == sealed) {
        return Ok(Some(key.1.clone()));
    }
    let Some(bytes) = fs::read_optional(&sealed)? else { return Ok(None) };
    let text = systemd_creds("decrypt", &bytes).map_err(|error| {
        error
            .wrap(format!("unsealing the key `{}`", sealed.display()))
            .hint("it was sealed by systemd-creds for this user on this machine, and opens nowhere else")
    })?;
    let key = Key::from_text(&text).with_context(|| format!("unsealing the key `{}`", sealed.display()))?;
    let _ = UNSEALED.set((sealed, key.clone()));
    Ok(Some(key))
}

/// The key of the store in `dir`, which is made where there is none.
pub fn load_or_make(dir: &Path) -> Result<Key> {
    if let Some(key) = load(dir)? {
        return Ok(key);
    }
    // Sealed before the lock is taken, which is for short times only.
    let key = Key::random()?;
    let sealed = sealed(&key);
    fs::create_private_dir_all(dir)?;
    let _lock = lock::exclusive(&dir.join("lock"))?;
    if let Some(key) = load(dir)? {
        return Ok(key);
    }
    match sealed {
        Some(bytes) => atomic::write(&sealed_file(dir), &bytes, Durability::Power)?,
        None => atomic::write(&plain_file(dir), key.to_text().as_bytes(), Durability::Power)?,
    }
    Ok(key)
}

/// The key as systemd-creds seals it, if it does, and opens it again.
fn sealed(key: &Key) -> Option<Vec<u8>> {
    if nix::unistd::geteuid().is_root() || version()? < FIRST_VERSION {
        return None;
    }
    let text = key.to_text();
    let bytes = systemd_creds("encrypt", text.as_bytes()).ok()?;
    let again = systemd_creds("decrypt", &bytes).ok()?;
    (again.as_slice() == text.as_bytes()).then(|| bytes.to_vec())
}

/// systemd's version, where systemd-creds is there.
fn version() -> Option<u32> {
    let mut command = Command::new("systemd-creds");
    command.arg("--version");
    let output = Call { name: "systemd-creds", command, input: b"", deadline: Some(DEADLINE) }.run().ok()?;
    version_in(&output)
}

/// `257` of `systemd 257 (257.2-1)`.
fn version_in(output: &[u8]) -> Option<u32> {
    let text = str::from_utf8(output).ok()?;
    let number = text.split_whitespace().nth(1)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn systemd_creds(what: &str, input: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    if input.is_empty() {
        bail!("it is empty");
    }
    let mut command = Command::new("systemd-creds");
    command.args(["--user", &format!("--name={NAME}"), what, "-", "-"]);
    Call { name: "systemd-creds", command, input, deadline: Some(DEADLINE) }.run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        assert!(load(dir.path()).unwrap().is_none());
        let made = load_or_make(dir.path()).unwrap();
        let again = load_or_make(dir.path()).unwrap();
        assert_eq!(made.bytes(), again.bytes());
        assert_eq!(load(dir.path()).unwrap().unwrap().id(), made.id());
        for file in std::fs::read_dir(dir.path()).unwrap().flatten() {
            let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600, "{file:?}");
        }
        assert_eq!(format!("{made:?}"), "Key(..)");
    }

    #[test]
    fn what_is_no_key_is_said() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "x", "AAAA"] {
            std::fs::write(plain_file(dir.path()), text).unwrap();
            let error = load(dir.path()).unwrap_err();
            assert!(error.to_string().contains("it is not a key") && error.hint_text().is_some(), "{error}");
        }
    }

    #[test]
    fn versions() {
        for (text, want) in [
            ("systemd 252 (252.38-1~deb12u1)\n+PAM\n", Some(252)),
            ("systemd 257~rc2 (x)", Some(257)),
            ("systemd", None),
            ("systemd v2", None),
        ] {
            assert_eq!(version_in(text.as_bytes()), want, "{text}");
        }
    }
}
