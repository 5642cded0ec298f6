//! SHA-256 of what flows by.

use std::io::{self, Read};

use sha2::Digest as _;

use crate::error::{Error, Result};
use crate::storage::id::hex;

/// Hexadecimal SHA-256 of `bytes`, without `sha256:`.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// A running SHA-256 with a count of the bytes.
#[derive(Debug, Clone, Default)]
pub struct Hasher {
    state: sha2::Sha256,
    bytes: u64,
}

impl Hasher {
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Bytes seen so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Hexadecimal digits, without `sha256:`.
    pub fn finish(self) -> String {
        hex(&self.state.finalize())
    }
}

/// Reads `source` to its end, hashes all of it, and hands it on piece by piece. `unreadable` words a failure of the source;
/// the first error ends it.
pub fn hash_through(
    source: &mut dyn Read,
    unreadable: &dyn Fn(io::Error) -> Error,
    each: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<Hasher> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let length = source.read(&mut buffer).map_err(unreadable)?;
        let bytes = buffer.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(hasher);
        }
        hasher.update(bytes);
        each(bytes)?;
    }
}

/// A reader that hashes what is read through it.
#[derive(Debug)]
pub struct HashingReader<R> {
    pub inner: R,
    pub hasher: Hasher,
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        self.hasher.update(into.get(..length).unwrap_or_default());
        Ok(length)
    }
}
