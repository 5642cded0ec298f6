//! Blobs on their way: what a download that broke off or was killed has left to go on from.
//!
//! ```text
//! <root>/images/partial/<hex>   the first bytes of the blob with this digest; flock held while somebody fetches it
//! ```
//!
//! A process owns a part once it holds the lock *and* the file is still the one of that name. Whoever puts a part in place
//! or removes it owns it. The kernel frees the lock of a process that dies, and the next one goes on from its last byte.
//! What stands in a part is believed only when the whole blob has the right digest: a power cut may have left anything.
//!
//! Nobody waits for a part while he holds another one, or a layer (see `ingest`), so no two can wait for each other.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::store::ImageStore;
use crate::error::{Context, Result};
use crate::storage::fs;
use crate::storage::layers::is_diff_id as is_sha256;
use crate::storage::lock::{is_same_file, try_lock};

/// A part that this process owns. An empty one is removed when it is dropped; another one stays for the next pull.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    file: File,
    /// It is no longer the file of that name.
    gone: AtomicBool,
}

/// A part as `system df` and `prune` see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Hexadecimal digest of the blob.
    pub hex: String,
    /// Bytes that are there.
    pub size: u64,
    /// Somebody fetches it at this moment.
    pub held: bool,
}

impl ImageStore {
    fn partial(&self) -> PathBuf {
        self.images.join("partial")
    }

    /// Takes the part of a blob, empty when there was none, unless somebody else fetches it.
    pub(super) fn claim_part(&self, hex: &str) -> Result<Option<Part>> {
        let dir = self.partial();
        fs::create_private_dir_all(&dir)?;
        let path = dir.join(hex);
        let attempt = || -> io::Result<Option<Part>> {
            loop {
                let mut options = File::options();
                let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
                if !try_lock(&file)? {
                    return Ok(None);
                }
                if is_same_file(&file, &path) {
                    return Ok(Some(Part { path: path.clone(), file, gone: AtomicBool::new(false) }));
                }
            }
        };
        attempt().with_context(|| format!("locking `{}`", path.display()))
    }

    /// Removes the part of a blob that has come another way, unless somebody fetches it.
    pub(super) fn forget_part(&self, hex: &str) {
        // One that stays is removed by the next prune.
        if self.partial().join(hex).exists()
            && let Ok(Some(part)) = self.claim_part(hex)
        {
            part.discard();
        }
    }

    /// Waits until nobody fetches the blob. The caller must hold neither a part nor a layer.
    pub(super) fn wait_for_part(&self, hex: &str) -> Result<()> {
        let path = self.partial().join(hex);
        let waited = File::open(&path).and_then(|file| file.lock());
        match waited {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.with_context(|| format!("waiting for `{}`", path.display())),
        }
    }

    /// What broken downloads have left, and what is being downloaded.
    pub fn parts(&self) -> Result<Vec<Left>> {
        self.each_part(|_| Ok(()))
    }

    /// Removes all parts that nobody fetches at this moment; says which.
    pub fn remove_parts(&self) -> Result<Vec<Left>> {
        let mut list = self.each_part(|path| fs::remove_file_if_exists(path).map(drop))?;
        list.retain(|left| !left.held);
        Ok(list)
    }

    /// Lists the parts; those that nobody holds are shown to `unheld` while this process owns them.
    fn each_part(&self, unheld: impl Fn(&Path) -> Result<()>) -> Result<Vec<Left>> {
        let dir = self.partial();
        let entries = match std::fs::read_dir(&dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.with_context(|| format!("listing `{}`", dir.display()))?,
        };
        let mut list = Vec::new();
        for entry in entries.flatten() {
            let Ok(hex) = entry.file_name().into_string() else { continue };
            let path = entry.path();
            // Gone meanwhile: that one is complete.
            let Ok(file) = File::open(&path) else { continue };
            if !is_sha256(&hex) {
                continue;
            }
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            let free = try_lock(&file).with_context(|| format!("locking `{}`", path.display()))?;
            if free && is_same_file(&file, &path) {
                unheld(&path)?;
            }
            list.push(Left { hex, size, held: !free });
        }
        list.sort_by(|a, b| a.hex.cmp(&b.hex));
        Ok(list)
    }
}

impl Part {
    /// Bytes that are there already.
    pub fn length(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        Ok(metadata.with_context(|| format!("reading `{}`", self.path.display()))?.len())
    }

    /// Throws away what is there.
    pub fn restart(&self) -> Result<()> {
        self.file.set_len(0).with_context(|| format!("truncating `{}`", self.path.display()))
    }

    /// Removes the part: what is there is wrong.
    pub fn discard(&self) {
        // What cannot be removed is found wrong once more by the next one.
        if !self.gone.swap(true, Ordering::Relaxed) {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// The first `length` bytes.
    pub fn read(&self, length: u64) -> impl Read + Send + '_ {
        PartReader { file: &self.file, position: 0 }.take(length)
    }

    /// Writes the whole blob from its beginning, of which the first `present` bytes are there.
    pub fn write(&self, present: u64) -> impl Write + Send + '_ {
        PartWriter { file: &self.file, position: 0, present }
    }

    /// Puts the part, which must be complete and durable, in place.
    pub fn commit(self, to: &Path) -> Result<()> {
        fs::rename(&self.path, to)?;
        self.gone.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.length().is_ok_and(|length| length == 0) {
            self.discard();
        }
    }
}

struct PartReader<'a> {
    file: &'a File,
    position: u64,
}

impl Read for PartReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(into, self.position)?;
        self.position += length as u64;
        Ok(length)
    }
}

struct PartWriter<'a> {
    file: &'a File,
    position: u64,
    present: u64,
}

impl Write for PartWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let known = usize::try_from(self.present.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let length = if known > 0 { bytes.len().min(known) } else { self.file.write_at(bytes, self.position)? };
        self.position += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Roots;

    fn store(home: &Path) -> ImageStore {
        ImageStore::open(&Roots::open(&home.join("data"), &home.join("run")).unwrap()).unwrap()
    }

    #[test]
    fn a_part_has_one_owner_and_outlives_him() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let hex = "a".repeat(64);
        let part = store.claim_part(&hex).unwrap().unwrap();
        assert!(store.claim_part(&hex).unwrap().is_none());
        part.write(0).write_all(b"hello").unwrap();
        assert_eq!(store.parts().unwrap(), [Left { hex: hex.clone(), size: 5, held: true }]);
        assert_eq!(store.remove_parts().unwrap(), []);
        drop(part);
        let part = store.claim_part(&hex).unwrap().unwrap();
        assert_eq!(part.length().unwrap(), 5);
        // What is there already is not written again.
        part.write(5).write_all(b"xxxxx world").unwrap();
        let mut all = String::new();
        part.read(9).read_to_string(&mut all).unwrap();
        assert_eq!(all, "hello wor");
        let blob = store.blob_path(&hex);
        part.commit(&blob).unwrap();
        assert_eq!(std::fs::read(blob).unwrap(), b"hello world");
        assert_eq!(store.parts().unwrap(), []);
        store.wait_for_part(&hex).unwrap();
    }

    #[test]
    fn empty_and_unheld_parts_go() {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        let (empty, full) = ("b".repeat(64), "c".repeat(64));
        drop(store.claim_part(&empty).unwrap());
        let part = store.claim_part(&full).unwrap().unwrap();
        part.write(0).write_all(b"x").unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| store.wait_for_part(&full).unwrap());
            drop(part);
            waiter.join().unwrap();
        });
        assert_eq!(store.remove_parts().unwrap(), [Left { hex: full, size: 1, held: false }]);
        assert_eq!(store.parts().unwrap(), []);
    }
}
