//! Bytes from one thread to another through a bounded queue of buffers that are used again.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// Bytes of a buffer.
pub const CHUNK: usize = 256 * 1024;
/// How many buffers wait between two threads at most.
const DEPTH: usize = 8;

/// The writing end. Dropping it is the end of the stream.
#[derive(Debug)]
pub struct PipeWriter {
    full: SyncSender<io::Result<Vec<u8>>>,
    empty: Receiver<Vec<u8>>,
}

/// The reading end. Dropping it makes the writer's `send` fail.
#[derive(Debug)]
pub struct PipeReader {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    current: Vec<u8>,
    position: usize,
}

/// Makes a pipe.
pub fn pipe() -> (PipeWriter, PipeReader) {
    let (full_in, full_out) = sync_channel(DEPTH);
    let (empty_in, empty_out) = channel();
    (
        PipeWriter { full: full_in, empty: empty_out },
        PipeReader { full: full_out, empty: empty_in, current: Vec::new(), position: 0 },
    )
}

impl PipeWriter {
    /// A buffer of [`CHUNK`] bytes to fill.
    pub fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.empty.try_recv().unwrap_or_default();
        buffer.resize(CHUNK, 0);
        buffer
    }

    /// Sends a filled buffer, or the error that ends the stream. Returns false when nobody reads any more.
    pub fn send(&self, buffer: io::Result<Vec<u8>>) -> bool {
        self.full.send(buffer).is_ok()
    }
}

impl PipeReader {
    /// The next `length` bytes of what `fill_buf` returned last.
    pub fn peek(&self, length: usize) -> &[u8] {
        let rest = self.current.get(self.position..).unwrap_or_default();
        rest.get(..length).unwrap_or(rest)
    }
}

impl Read for PipeReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(into.len());
        into.get_mut(..length).unwrap_or_default().copy_from_slice(available.get(..length).unwrap_or_default());
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for PipeReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position >= self.current.len() {
            match self.full.recv() {
                Ok(Ok(buffer)) => {
                    let used = std::mem::replace(&mut self.current, buffer);
                    self.position = 0;
                    // The writer may have ended already.
                    let _ = self.empty.send(used);
                }
                Ok(Err(e)) => return Err(e),
                Err(_) => return Ok(&[]),
            }
        }
        Ok(self.current.get(self.position..).unwrap_or_default())
    }

    fn consume(&mut self, length: usize) {
        self.position = (self.position + length).min(self.current.len());
    }
}
