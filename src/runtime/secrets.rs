//! Secrets on their way to a container: one memory file, which whoever starts the container fills and the container's
//! own first process reads. The monitor in between passes it on and does not look into it.
//!
//! ```text
//! again and again:  'F' | 'V'   uid gid mode   length, target   length, value      (numbers of 4 bytes, little-endian)
//! ```

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt as _;

use rustix::fs::{MemfdFlags, SealFlags};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::bail;
use crate::error::{Context, Error, Result};

/// Where a container's first process finds its secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// The memory file.
    pub fd: RawFd,
    /// It is needed after the first start: for the environment of further processes, or for restarts.
    pub keep: bool,
}

/// A secret as its container gets it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    pub kind: Kind,
    /// An absolute path in the container, or the name of a variable.
    pub target: String,
    pub value: Zeroizing<Vec<u8>>,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IDs in the container.
    File {
        uid: u32,
        gid: u32,
        mode: u32,
    },
    Variable,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({:?} {})", self.kind, self.target)
    }
}

/// Puts secrets into a memory file that nobody can change any more.
pub fn pack(secrets: &[Secret]) -> Result<OwnedFd> {
    let failed = || "handing over secrets";
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(rustix::fs::memfd_create(c"secrets", flags).with_context(failed)?);
    for secret in secrets {
        let (tag, [uid, gid, mode]) = match secret.kind {
            Kind::File { uid, gid, mode } => (b'F', [uid, gid, mode]),
            Kind::Variable => (b'V', [0; 3]),
        };
        file.write_all(&[tag]).with_context(failed)?;
        for number in [uid, gid, mode] {
            file.write_all(&number.to_le_bytes()).with_context(failed)?;
        }
        for part in [secret.target.as_bytes(), &secret.value] {
            let length = u32::try_from(part.len()).map_err(|_| Error::new("a secret is too large"))?;
            file.write_all(&length.to_le_bytes()).and_then(|()| file.write_all(part)).with_context(failed)?;
        }
    }
    let all = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, all).with_context(failed)?;
    Ok(file.into())
}

/// Reads what [`pack`] wrote. The file keeps its position, so that it can be read by several processes.
pub fn unpack(file: impl AsFd) -> Result<Vec<Secret>> {
    let file = File::from(file.as_fd().try_clone_to_owned().context("reading secrets")?);
    let size = file.metadata().context("reading secrets")?.len();
    let mut at = 0;
    let mut take = |length: usize| -> Result<Zeroizing<Vec<u8>>> {
        if length as u64 > size.saturating_sub(at) {
            bail!("reading secrets: they end too early");
        }
        let mut bytes = Zeroizing::new(vec![0; length]);
        file.read_exact_at(&mut bytes, at).context("reading secrets")?;
        at += length as u64;
        Ok(bytes)
    };
    let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap_or(0);
    let mut secrets = Vec::new();
    let mut read = 0;
    while read < size {
        let tag = take(1)?;
        let (uid, gid, mode) = (number(&take(4)?), number(&take(4)?), number(&take(4)?));
        let length = number(&take(4)?) as usize;
        let target = take(length)?;
        let length = number(&take(4)?) as usize;
        let value = take(length)?;
        read += (1 + 5 * 4 + target.len() + value.len()) as u64;
        let kind = match tag.first() {
            Some(b'F') => Kind::File { uid, gid, mode },
            Some(b'V') => Kind::Variable,
            _ => bail!("reading secrets: one is of an unknown kind"),
        };
        let target =
            str::from_utf8(&target).map_err(|_| Error::new("reading secrets: a target is not UTF-8"))?.to_owned();
        secrets.push(Secret { kind, target, value });
    }
    Ok(secrets)
}

/// Adds the variables among `secrets` to an environment of `NAME=value`; they replace others of the same name.
pub fn add_variables(env: &mut Vec<String>, secrets: &[Secret]) {
    for secret in secrets.iter().filter(|secret| secret.kind == Kind::Variable) {
        env.retain(|entry| entry.split('=').next() != Some(&secret.target));
        env.push(format!("{}={}", secret.target, String::from_utf8_lossy(&secret.value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Secret> {
        let secret =
            |kind, target: &str, value: &[u8]| Secret { kind, target: target.to_owned(), value: value.to_vec().into() };
        vec![
            secret(Kind::File { uid: 5, gid: 6, mode: 0o400 }, "/run/secrets/a", b"\0one\xff"),
            secret(Kind::Variable, "FOO", b"two"),
            secret(Kind::Variable, "BAR", b""),
        ]
    }

    #[test]
    fn there_and_back_again_and_again() {
        let file = pack(&some()).unwrap();
        for _ in 0..2 {
            assert_eq!(unpack(&file).unwrap(), some());
        }
        assert!(File::from(file).write_all(b"x").is_err());
        assert_eq!(unpack(pack(&[]).unwrap()).unwrap(), []);
        assert!(!format!("{:?}", some()).contains("two"));
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let whole = pack(&some()).unwrap();
        let size = File::from(whole.try_clone().unwrap()).metadata().unwrap().len() as usize;
        let mut bytes = vec![0; size];
        File::from(whole).read_exact_at(&mut bytes, 0).unwrap();
        let cut = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            unpack(&file).map(|all| all.len())
        };
        assert_eq!(cut(&bytes), Ok(3));
        let good = (0..size).filter(|at| cut(&bytes[..*at]).is_ok()).count();
        assert_eq!(good, 3);
        bytes[0] = b'x';
        assert!(cut(&bytes).is_err());
    }

    #[test]
    fn variables_replace_others() {
        let mut env = vec!["FOO=old".to_owned(), "FOOX=1".to_owned()];
        add_variables(&mut env, &some());
        assert_eq!(env, ["FOOX=1", "FOO=two", "BAR="]);
    }
}
