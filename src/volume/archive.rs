//! Volumes as tar archives: `volume import`. (Writing one is [`crate::storage::tree::archive`].)

use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsFd as _, OwnedFd};

use crate::error::{Context, Result};
use crate::storage::unpack::compression::{Compression, MAGIC};
use crate::storage::unpack::extract::unpack_plain;
use crate::storage::unpack::{Owners, Reader, Warnings};

/// Unpacks an archive, plain, gzip or zstd, into a directory. What is there and in the archive as well is replaced.
///
/// # Errors
/// It is no archive, or one that ends too early or leads out of the directory.
pub fn unpack(input: &mut (dyn Read + Send), into: &OwnedFd) -> Result<Warnings> {
    let mut head = Vec::new();
    input.take(MAGIC as u64).read_to_end(&mut head).context("reading archive")?;
    let compression = Compression::detect(&head);
    let whole = BufReader::with_capacity(256 * 1024, head.as_slice().chain(input));
    let owners = Owners::of_this_process();
    let mut archive = Reader::new(BufReader::with_capacity(256 * 1024, compression.decoder(whole)?));
    let unpacked = unpack_plain(&mut archive, into.as_fd(), owners)?;
    // A pipe's writer is not to die of a reader that is gone.
    let mut rest = archive.into_inner();
    loop {
        let length = rest.fill_buf().context("reading archive")?.len();
        if length == 0 {
            return Ok(unpacked.warnings);
        }
        rest.consume(length);
    }
}
