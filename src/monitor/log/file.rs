//! A log file on disk: appending whole records, and rotation.
//!
//! ```text
//! ctr.log      the current file
//! ctr.log.1    the one before it ... ctr.log.<max_files>, the oldest
//! ctr.log.new  the next one, only while a rotation is under way
//! ```
//!
//! A rotation never leaves a moment without `ctr.log`: the full file gets its second name, and then the new one is
//! renamed over the first. A rotation that is cut short leaves one file with two names, which [`LogFile::open`] undoes.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// An open log file.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    path: PathBuf,
    /// Bytes in the current file, as far as we know: somebody else may truncate it.
    size: u64,
    /// At which size the file is full; 0 means never.
    limit: u64,
    max_size: u64,
    max_files: u32,
}

impl LogFile {
    /// Opens or creates the file, and repairs what a killed writer left.
    pub fn open(path: &Path, max_size: u64, max_files: u32) -> io::Result<Self> {
        if same_file(path, &numbered(path, 1)) {
            std::fs::remove_file(numbered(path, 1))?;
        }
        let file = open_for_append(path, OpenOptions::new().create(true))?;
        let metadata = file.metadata()?;
        // Only a regular file has a size: `--log-opt path=/dev/stderr` is a terminal or a pipe.
        let max_size = if metadata.is_file() { max_size } else { 0 };
        let mut log =
            LogFile { file, path: path.to_owned(), size: metadata.len(), limit: max_size, max_size, max_files };
        let mut last = [b'\n'];
        if metadata.is_file() && log.size > 0 && log.file.read_at(&mut last, log.size - 1).is_ok() && last != *b"\n" {
            // A record was torn by a kill or a power cut; the next must not become part of it.
            log.append(b"\n")?;
        }
        Ok(log)
    }

    /// Whether `more` bytes do not fit into the current file any more, once `pending` bytes have been appended.
    ///
    /// An empty file takes anything, so that a record longer than a file has one to itself.
    pub fn is_full(&mut self, pending: usize, more: usize) -> bool {
        let full = |size: u64, limit: u64| {
            let before = size.saturating_add(pending as u64);
            before > 0 && before.saturating_add(more as u64) > limit
        };
        if self.limit == 0 || !full(self.size, self.limit) {
            return false;
        }
        // It happens once per file: time to look whether it was truncated behind our back.
        self.size = self.file.metadata().map_or(self.size, |m| m.len());
        full(self.size, self.limit)
    }

    /// Appends whole records with one write. When that fails, nothing of them stays in the file.
    pub fn append(&mut self, records: &[u8]) -> io::Result<()> {
        let mut written = 0;
        while let Some(rest) = records.get(written..).filter(|r| !r.is_empty()) {
            match self.file.write(rest) {
                Ok(0) => return Err(self.undo(written, io::ErrorKind::WriteZero.into())),
                Ok(n) => written += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.undo(written, e)),
            }
        }
        self.size += written as u64;
        Ok(())
    }

    /// Takes the torn end away. Should that fail too, a torn record is the lesser evil; `error` is what counts.
    fn undo(&self, written: usize, error: io::Error) -> io::Error {
        if let Ok(metadata) = self.file.metadata()
            && metadata.is_file()
            && written > 0
        {
            let _ = self.file.set_len(metadata.len().saturating_sub(written as u64));
        }
        error
    }

    /// Moves the current file away and begins a new one. When that fails, the current one is kept, and allowed to grow
    /// by its size again before the next attempt.
    pub fn rotate(&mut self) {
        match self.try_rotate() {
            Ok(()) => self.limit = self.max_size,
            Err(_) => self.limit = self.size.saturating_add(self.max_size),
        }
    }

    fn try_rotate(&mut self) -> io::Result<()> {
        let next_path = suffixed(&self.path, "new");
        let next = open_for_append(&next_path, OpenOptions::new().create(true).truncate(false))?;
        next.set_len(0)?;
        let keep = self.max_files.max(1);
        // Only as far as there are files: `max_files` may be a large number.
        let used = (1..keep).find(|n| !numbered(&self.path, *n).exists()).unwrap_or(keep);
        for n in (1..used).rev() {
            std::fs::rename(numbered(&self.path, n), numbered(&self.path, n + 1))?;
        }
        let first = numbered(&self.path, 1);
        if keep == 1 {
            remove_if_there(&first)?;
        }
        match std::fs::hard_link(&self.path, &first) {
            Ok(()) => {}
            // Somebody removed the log: there is nothing to keep.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            // No hard links on this file system: a moment without the file, then.
            Err(_) => std::fs::rename(&self.path, &first)?,
        }
        std::fs::rename(&next_path, &self.path)?;
        self.file = next;
        self.size = 0;
        Ok(())
    }
}

/// Names the rotated file number `n` of the log `path`.
pub fn numbered(path: &Path, n: u32) -> PathBuf {
    suffixed(path, &n.to_string())
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

fn open_for_append(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // Readable, so that the end can be looked at; O_NOCTTY, because the path may name a terminal.
    options.append(true).read(true).mode(0o600).custom_flags(libc::O_NOCTTY).open(path)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.symlink_metadata(), b.symlink_metadata()) {
        (Ok(a), Ok(b)) => a.is_file() && (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_else(|e| format!("{}: {e}", path.display()))
    }

    #[test]
    fn rotation_keeps_as_many_files_as_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ctr.log");
        let mut log = LogFile::open(&path, 8, 2).unwrap();
        for record in ["one\n", "two\n", "three\n", "four\n", "five\n"] {
            if log.is_full(0, record.len()) {
                log.rotate();
            }
            log.append(record.as_bytes()).unwrap();
        }
        assert_eq!(read(&path), "five\n");
        assert_eq!(read(&numbered(&path, 1)), "four\n");
        assert_eq!(read(&numbered(&path, 2)), "three\n");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn one_kept_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ctr.log");
        let mut log = LogFile::open(&path, 1, 0).unwrap();
        for record in ["a\n", "b\n", "c\n"] {
            if log.is_full(0, 2) {
                log.rotate();
            }
            log.append(record.as_bytes()).unwrap();
        }
        assert_eq!((read(&path), read(&numbered(&path, 1))), ("c\n".to_owned(), "b\n".to_owned()));
    }

    #[test]
    fn opening_repairs_what_a_killed_writer_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ctr.log");
        std::fs::write(&path, "whole\nto").unwrap();
        std::fs::hard_link(&path, numbered(&path, 1)).unwrap();
        std::fs::write(suffixed(&path, "new"), "rubbish").unwrap();
        let mut log = LogFile::open(&path, 9, 3).unwrap();
        assert!(!numbered(&path, 1).exists(), "the second name of the log stays");
        assert_eq!(read(&path), "whole\nto\n");
        assert!(log.is_full(0, 1));
        log.rotate();
        log.append(b"new\n").unwrap();
        assert_eq!((read(&path), read(&numbered(&path, 1))), ("new\n".to_owned(), "whole\nto\n".to_owned()));
    }

    #[test]
    fn a_truncated_file_is_not_full() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ctr.log");
        let mut log = LogFile::open(&path, 4, 1).unwrap();
        log.append(b"abc\n").unwrap();
        std::fs::write(&path, "").unwrap();
        assert!(!log.is_full(0, 4));
    }

    #[test]
    fn a_removed_log_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ctr.log");
        let mut log = LogFile::open(&path, 4, 1).unwrap();
        log.append(b"abc\n").unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(log.is_full(0, 1));
        log.rotate();
        log.append(b"d\n").unwrap();
        assert_eq!(read(&path), "d\n");
    }

    #[test]
    fn a_failed_rotation_keeps_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ctr.log");
        let mut log = LogFile::open(&path, 4, 1).unwrap();
        log.append(b"abc\n").unwrap();
        // The name of the next file is taken by a directory: it cannot be opened for writing.
        std::fs::create_dir(suffixed(&path, "new")).unwrap();
        assert!(log.is_full(0, 4));
        log.rotate();
        log.append(b"def\n").unwrap();
        assert_eq!(read(&path), "abc\ndef\n");
        assert!(log.is_full(0, 4), "tried again after another file's length");
    }

    #[test]
    fn what_cannot_be_written_leaves_an_error_and_no_rotation() {
        let mut log = LogFile::open(Path::new("/dev/full"), 1, 1).unwrap();
        assert_eq!(log.append(b"x\n").unwrap_err().raw_os_error(), Some(libc::ENOSPC));
        assert!(!log.is_full(0, 100));
    }
}
