//! Directories in `tmp/` in which one process works, and sweeping up those whose process died.
//!
//! ```text
//! <root>/tmp/<prefix>-<name>/.lock   flock held by the worker   ...  whatever it makes
//! ```
//!
//! A worker owns the directory once it holds the lock *and* the lock is still the file of that name; whoever removes a
//! directory holds its lock and removes the lock last. So a sweeper and a new worker of the same name never meet.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::lock::{is_same_file, try_lock};
use super::unpack::remove_tree;
use super::{Roots, fs, id};
use crate::error::{Context, Error, Result};

/// What is swept up here. Containers have their own rules.
const PREFIXES: [&str; 7] =
    ["ingest-", "layer-", "removed-layer-", "volume-", "removed-volume-", "shown-", "removed-shown-"];

/// A directory of this process. Removed when dropped.
#[derive(Debug)]
pub struct WorkDir {
    dir: PathBuf,
    _lock: File,
}

impl WorkDir {
    /// Makes a directory `tmp/<prefix><random>`. The prefix must be one that sweeping knows.
    pub fn random(roots: &Roots, prefix: &str) -> Result<Self> {
        let dir = roots.tmp().join(format!("{prefix}{}", id::hex(&id::random::<8>()?)));
        Self::wait(&dir)
    }

    /// Takes a directory, made when missing, waiting for its present worker.
    pub fn wait(dir: &Path) -> Result<Self> {
        let taken = Self::take(dir, |file| file.lock().map(|()| true))?;
        taken.ok_or_else(|| Error::new(format!("locking `{}`", dir.display())))
    }

    /// Takes a directory, made when missing, unless it has a worker.
    pub fn try_new(dir: &Path) -> Result<Option<Self>> {
        Self::take(dir, try_lock)
    }

    fn take(dir: &Path, lock: impl Fn(&File) -> std::io::Result<bool>) -> Result<Option<Self>> {
        let attempt = || -> std::io::Result<Option<Self>> {
            loop {
                match std::fs::create_dir(dir) {
                    Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(e),
                    _ => {}
                }
                let Some(file) = open_lock(dir, true)? else { continue };
                if !lock(&file)? {
                    return Ok(None);
                }
                if is_same_file(&file, &dir.join(".lock")) {
                    return Ok(Some(WorkDir { dir: dir.to_owned(), _lock: file }));
                }
            }
        };
        attempt().with_context(|| format!("locking `{}`", dir.display()))
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Another descriptor of the lock, with which the lock can be kept or given back.
    pub fn lock_file(&self) -> Result<File> {
        self._lock.try_clone().with_context(|| format!("duplicating the lock of `{}`", self.dir.display()))
    }

    /// Removes the directory and says if that failed.
    pub fn remove(self) -> Result<()> {
        self.clear()
    }

    fn clear(&self) -> Result<()> {
        let list = std::fs::read_dir(&self.dir).with_context(|| format!("listing `{}`", self.dir.display()));
        for entry in list?.flatten().filter(|entry| entry.file_name() != ".lock") {
            remove_tree(&entry.path())?;
        }
        fs::remove_file_if_exists(&self.dir.join(".lock"))?;
        // Somebody may have begun to work here again.
        let _ = std::fs::remove_dir(&self.dir);
        Ok(())
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        // What an error leaves is swept up later.
        let _ = self.clear();
    }
}

/// Removes what killed processes left in `tmp/`. The caller must be in the user's user namespace.
pub fn sweep(roots: &Roots) -> Result<()> {
    let tmp = roots.tmp();
    let list = std::fs::read_dir(&tmp).with_context(|| format!("listing `{}`", tmp.display()))?;
    let mut result = Ok(());
    for entry in list.flatten() {
        let name = entry.file_name();
        if PREFIXES.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            result = result.and(sweep_one(&entry.path()));
        }
    }
    result
}

/// Takes over a directory whose worker is dead. `None` when it lives, or when there is no lock; of these an empty
/// directory goes at once.
pub fn take_over(dir: &Path) -> Result<Option<WorkDir>> {
    let attempt = || -> std::io::Result<Option<WorkDir>> {
        let Some(file) = open_lock(dir, false)? else {
            // Nothing, or nearly made, or nearly removed.
            let _ = std::fs::remove_dir(dir);
            return Ok(None);
        };
        let ours = try_lock(&file)? && is_same_file(&file, &dir.join(".lock"));
        Ok(ours.then(|| WorkDir { dir: dir.to_owned(), _lock: file }))
    };
    attempt().with_context(|| format!("sweeping `{}`", dir.display()))
}

fn sweep_one(dir: &Path) -> Result<()> {
    match take_over(dir)? {
        Some(left) => left.remove(),
        None => Ok(()),
    }
}

/// Opens the lock in `dir`. `None` when there is none, or no such directory any more.
fn open_lock(dir: &Path, create: bool) -> std::io::Result<Option<File>> {
    let mut options = File::options();
    match options.read(true).write(true).create(create).mode(0o600).open(dir.join(".lock")) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_works_on_is_swept_up() {
        let home = tempfile::tempdir().unwrap();
        let roots = Roots::open(&home.path().join("data"), &home.path().join("run")).unwrap();
        let tmp = roots.tmp();
        for dead in ["ingest-1/x", "layer-2/root/y", "removed-layer-3/root", "layer-4", "container-5"] {
            std::fs::create_dir_all(tmp.join(dead)).unwrap();
        }
        for lock in ["ingest-1/.lock", "layer-2/.lock", "removed-layer-3/.lock"] {
            std::fs::write(tmp.join(lock), "").unwrap();
        }
        let alive = WorkDir::random(&roots, "ingest-").unwrap();
        std::fs::write(alive.path("blob"), "x").unwrap();
        sweep(&roots).unwrap();
        assert!(alive.path("blob").exists() && tmp.join("container-5").exists());
        assert_eq!(std::fs::read_dir(&tmp).unwrap().count(), 2);
        assert!(WorkDir::try_new(&alive.dir).unwrap().is_none());
        drop(alive);
        assert_eq!(std::fs::read_dir(&tmp).unwrap().count(), 1);
    }
}
