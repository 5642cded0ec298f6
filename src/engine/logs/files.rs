//! The files of a log: the current one and those that were rotated away, while the monitor may rotate them.
//!
//! Files are known by inode, not by name: a file that was opened stays the same under whatever name it gets. They are
//! opened from the newest to the oldest, the direction in which a rotation renames them, so that one that is under way
//! can make a file appear twice but never be missed.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// A line longer than this is no record of the monitor's.
const MAX_LINE: usize = 1 << 20;

/// How much is read at once.
pub(super) const CHUNK: usize = 64 * 1024;

/// Which file it is, whatever its name.
pub(super) type Id = (u64, u64);

/// Opens all files of a log, oldest first. None when there is no log yet.
pub(super) fn open_all(path: &Path) -> io::Result<Vec<File>> {
    open_while(path, |_| true)
}

/// Opens the files that were begun after the one with this ID, oldest first.
pub(super) fn newer_than(path: &Path, id: Id) -> io::Result<Vec<File>> {
    match std::fs::metadata(path) {
        Ok(metadata) if (metadata.dev(), metadata.ino()) != id => open_while(path, |other| other != id),
        Ok(_) => Ok(Vec::new()),
        // The container was removed: nothing will come.
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(e),
    }
}

fn open_while(path: &Path, wanted: impl Fn(Id) -> bool) -> io::Result<Vec<File>> {
    const ATTEMPTS: usize = 5;
    let mut newest_first = Vec::new();
    for _ in 0..ATTEMPTS {
        newest_first.clear();
        let mut seen = BTreeSet::new();
        let mut missing = 0;
        for n in 0.. {
            match open(path, n)? {
                Some((file, id)) if wanted(id) => {
                    missing = 0;
                    if seen.insert(id) {
                        newest_first.push((file, id));
                    }
                }
                Some(_) => break,
                // While a rotation is under way (or was cut short) one number may be free.
                None => missing += 1,
            }
            if missing == 3 {
                break;
            }
        }
        // Rotated meanwhile: there is a newer one.
        let current = std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
        if newest_first.first().map(|(_, id)| *id) == current {
            break;
        }
    }
    Ok(newest_first.into_iter().rev().map(|(file, _)| file).collect())
}

/// Opens the current file (0) or a rotated one.
fn open(path: &Path, n: u32) -> io::Result<Option<(File, Id)>> {
    let path = if n == 0 { path.to_owned() } else { numbered(path, n) };
    // Should the path name a pipe or a terminal, opening must not wait for the other side.
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC);
    match options.open(path) {
        Ok(file) => {
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(io::Error::other("it is not a regular file"));
            }
            Ok(Some((file, (metadata.dev(), metadata.ino()))))
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

/// The first file that may have records of `since` or later: the others were not written to after it.
pub(super) fn first_since(files: &[File], since: Option<Timestamp>) -> usize {
    let Some(since) = since else { return 0 };
    let is_older =
        |file: &File| file.metadata().is_ok_and(|metadata| metadata.mtime() < since.as_second().saturating_sub(1));
    let older = files.iter().take_while(|file| is_older(file)).count();
    older.min(files.len().saturating_sub(1))
}

/// Reads a file line by line, and goes on where it was when there is more.
pub(super) struct Reader {
    file: File,
    id: Id,
    /// Where `pending` begins.
    offset: u64,
    /// Read, but not handed out.
    pending: Vec<u8>,
    /// How much of `pending` has been handed out.
    taken: usize,
    /// How much of `pending` is known to have no newline.
    searched: usize,
}

impl Reader {
    pub fn new(file: File, offset: u64) -> Self {
        let id = file.metadata().map(|m| (m.dev(), m.ino())).unwrap_or_default();
        Reader { file, id, offset, pending: Vec::new(), taken: 0, searched: 0 }
    }

    pub fn id(&self) -> Id {
        self.id
    }

    /// The next whole line, without its newline; `None` when there is none yet.
    pub fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let rest = self.pending.get(self.searched..).unwrap_or_default();
            if let Some(newline) = rest.iter().position(|b| *b == b'\n') {
                let end = self.searched + newline;
                let line = self.pending.get(self.taken..end).unwrap_or_default().to_vec();
                self.taken = end + 1;
                self.searched = self.taken;
                return Ok(Some(line));
            }
            self.searched = self.pending.len();
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads more. False at the end of the file.
    fn fill(&mut self) -> io::Result<bool> {
        self.pending.drain(..self.taken);
        self.offset += self.taken as u64;
        self.searched -= self.taken;
        self.taken = 0;
        if self.pending.len() > MAX_LINE {
            // Not a log: let it go, up to the next newline.
            self.offset += self.pending.len() as u64;
            self.pending.clear();
            self.searched = 0;
        }
        let end = self.offset + self.pending.len() as u64;
        let mut chunk = vec![0; CHUNK];
        let n = self.file.read_at(&mut chunk, end)?;
        if n == 0 {
            if self.file.metadata()?.len() < end {
                // Somebody emptied the file: what is in it now is new.
                (self.offset, self.searched) = (0, 0);
                self.pending.clear();
                return Ok(self.file.metadata()?.len() > 0);
            }
            return Ok(false);
        }
        self.pending.extend_from_slice(chunk.get(..n).unwrap_or_default());
        Ok(true)
    }
}
