//! What goes into a destination: a file that is there, or one that another thread is still writing.
//!
//! Compressed layers are written into a temporary file while the destination already reads it, so that work and network
//! overlap; and after a failure any part can be read again.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::store::corrupt;
use crate::error::{Context, Error, Result};
use crate::storage::unpack::digest::hash_through;

/// Bytes that can be read at any position by any number of readers.
#[derive(Debug, Clone)]
pub struct Content {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    file: File,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    written: u64,
    end: Option<Result<Known>>,
}

/// What a complete blob is called, and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// `sha256:...`.
    pub digest: String,
    pub size: u64,
}

impl Content {
    /// A complete file.
    pub fn complete(file: File, digest: &str, size: u64) -> Self {
        let known = Known { digest: digest.to_owned(), size };
        Self::new(file, State { written: size, end: Some(Ok(known)) })
    }

    /// A file, still empty, that a [`Growing`] will fill.
    pub fn growing(file: File) -> (Self, Growing) {
        let content = Self::new(file, State { written: 0, end: None });
        (content.clone(), Growing { content: Some(content) })
    }

    fn new(file: File, state: State) -> Self {
        Content { shared: Arc::new(Shared { file, state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// Digest and size, if they are known yet.
    pub fn known(&self) -> Option<Result<Known>> {
        self.state().end.clone()
    }

    /// Waits for digest and size.
    pub fn wait(&self) -> Result<Known> {
        let mut state = self.state();
        loop {
            if let Some(end) = &state.end {
                return end.clone();
            }
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether both are of the same file.
    pub fn is(&self, other: &Content) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Makes readers and the writer fail, because all of it is in vain.
    pub fn abandon(&self) {
        self.state().end = Some(Err(Error::new("another part of the image failed")));
        self.shared.changed.notify_all();
    }

    /// A reader from this position to the end. It waits for what is not written yet.
    pub fn reader(&self, position: u64) -> ContentReader {
        ContentReader { content: self.clone(), position }
    }

    /// Copies everything into `to`, and checks it on the way.
    ///
    /// # Errors
    /// When the bytes are not those that the digest is of.
    pub fn copy_to(&self, to: &mut dyn io::Write, advanced: &(dyn Fn(u64) + Sync)) -> Result<Known> {
        let unreadable = |e| Error::from(e).wrap("reading blob");
        let hasher = hash_through(&mut self.reader(0), &unreadable, &mut |bytes| {
            to.write_all(bytes).context("writing blob")?;
            advanced(bytes.len() as u64);
            Ok(())
        })?;
        let known = self.wait()?;
        let actual = Known { size: hasher.bytes(), digest: format!("sha256:{}", hasher.finish()) };
        if actual != known {
            return Err(corrupt(&known.digest));
        }
        Ok(known)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writing end. When it is dropped before [`Growing::finish`], readers fail.
#[derive(Debug)]
pub struct Growing {
    content: Option<Content>,
}

impl Growing {
    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(content) = &self.content else { return Ok(()) };
        let at = {
            let state = content.state();
            if let Some(Err(e)) = &state.end {
                return Err(e.clone());
            }
            state.written
        };
        content.shared.file.write_all_at(bytes, at).map_err(|e| Error::from(e).wrap("writing temporary file"))?;
        content.state().written += bytes.len() as u64;
        content.shared.changed.notify_all();
        Ok(())
    }

    /// Ends the content.
    pub fn finish(mut self, end: Result<Known>) {
        self.end(end);
    }

    fn end(&mut self, end: Result<Known>) {
        if let Some(content) = self.content.take() {
            content.state().end.get_or_insert(end);
            content.shared.changed.notify_all();
        }
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        self.end(Err(Error::new("a thread that compresses ended early")));
    }
}

/// Reads content.
#[derive(Debug)]
pub struct ContentReader {
    content: Content,
    position: u64,
}

impl Read for ContentReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = {
            let mut state = self.content.state();
            loop {
                match &state.end {
                    Some(Err(e)) => return Err(io::Error::other(e.to_string())),
                    _ if state.written > self.position => break state.written - self.position,
                    Some(Ok(_)) => return Ok(0),
                    None => {
                        state = self.content.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    }
                }
            }
        };
        let limit = usize::try_from(available).unwrap_or(usize::MAX).min(into.len());
        let space = into.get_mut(..limit).unwrap_or_default();
        let length = self.content.shared.file.read_at(space, self.position)?;
        if length == 0 && limit > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than it should be"));
        }
        self.position += length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_follows_the_writer() {
        let (content, mut growing) = Content::growing(tempfile::tempfile().unwrap());
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| {
                let mut all = Vec::new();
                content.reader(2).read_to_end(&mut all).map(|_| all)
            });
            for part in [&b"abc"[..], b"def"] {
                growing.write(part).unwrap();
            }
            growing.finish(Ok(Known { digest: "d".into(), size: 6 }));
            assert_eq!(reading.join().unwrap().unwrap(), b"cdef");
        });
        assert_eq!(content.wait().unwrap().size, 6);
    }

    #[test]
    fn a_writer_that_fails_fails_its_readers() {
        let (content, growing) = Content::growing(tempfile::tempfile().unwrap());
        drop(growing);
        assert!(content.reader(0).read(&mut [0; 4]).is_err());
        assert!(content.wait().is_err());
        // One that is in vain ends both.
        let (content, mut growing) = Content::growing(tempfile::tempfile().unwrap());
        growing.write(b"abc").unwrap();
        content.abandon();
        assert!(growing.write(b"def").is_err() && content.reader(0).read(&mut [0; 4]).is_err());
        // A file that became shorter behind our back.
        let content = Content::complete(tempfile::tempfile().unwrap(), "d", 5);
        assert!(content.reader(0).read(&mut [0; 4]).is_err());
    }
}
