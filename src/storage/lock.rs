//! Locks: flocks on the object that they protect, released by the kernel when the holder dies.
//!
//! A lock is held for file operations only: never across the network, a user's process, or unpacking. The exception is
//! the lock on something half made (in `tmp/`), whose only purpose is to say that its maker still lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::error::{Context, Result};

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Whether the file that is locked is still the one of that name.
    pub fn is_of(&self, path: &Path) -> bool {
        is_same_file(&self._file, path)
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Takes the exclusive lock on the file at `path` (made when missing), waiting for the short time others hold it.
pub fn exclusive(path: &Path) -> Result<Lock> {
    let attempt = || -> std::io::Result<File> {
        let file = open(path)?;
        file.lock()?;
        Ok(file)
    };
    Ok(Lock { _file: attempt().with_context(|| format!("locking `{}`", path.display()))? })
}

/// Takes the lock that others may share, waiting for whoever holds it alone.
pub fn shared(path: &Path) -> Result<Lock> {
    let attempt = || -> std::io::Result<File> {
        let file = open(path)?;
        file.lock_shared()?;
        Ok(file)
    };
    Ok(Lock { _file: attempt().with_context(|| format!("locking `{}`", path.display()))? })
}

/// As [`exclusive`], but `None` where somebody else holds it.
pub fn try_exclusive(path: &Path) -> Result<Option<Lock>> {
    let attempt = || -> std::io::Result<Option<File>> {
        let file = open(path)?;
        Ok(try_lock(&file)?.then_some(file))
    };
    let locked = attempt().with_context(|| format!("locking `{}`", path.display()))?;
    Ok(locked.map(|file| Lock { _file: file }))
}

/// Takes the exclusive lock on an open file unless somebody else holds it.
pub fn try_lock(file: &File) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// Whether an open file is still the one of that name: a lock on another one protects nothing.
pub fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}
