//! A layer from its source to its directory in one pass, the work spread over threads:
//!
//! ```text
//! this thread: read, hash, save the blob  ->  inflate  ->  hash, unpack
//! ```
//!
//! The threads are joined before the function returns, so a caller that makes namespaces later has one thread again.

use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;

use super::compression::{Compression, MAGIC};
use super::digest::Hasher;
use super::extract::{Owners, Unpacked, unpack};
use super::pipe::{CHUNK, PipeReader, PipeWriter, pipe};
use super::reader::Reader;
use crate::error::{Context, Error, Result};
use crate::storage::behind::Behind;

/// What flowed through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    /// Hexadecimal SHA-256 and size of the blob as it came.
    pub digest: String,
    pub size: u64,
    /// Hexadecimal SHA-256 and size of the tar archive in it: the diff ID.
    pub diff_id: String,
    pub diff_size: u64,
    pub unpacked: Unpacked,
}

/// Where the parts of the work report and end up.
pub struct Sinks<'a> {
    /// Gets the blob as it came.
    pub blob: Option<&'a mut (dyn Write + Send)>,
    /// Gets the entries; without it the archive is only hashed.
    pub root: Option<BorrowedFd<'a>>,
    /// How many bytes the tar archive may have: a small blob can hold an endless one.
    pub limit: u64,
    /// Is told of what is written, so that it can be on its way to the disk meanwhile.
    pub behind: Option<&'a Behind>,
}

/// Reads a layer (plain, gzip or zstd tar) to its end, saves, hashes and unpacks it.
///
/// The digests are computed, not compared with anything: that is the caller's part, as is removing what was written when
/// this fails.
pub fn run(source: &mut dyn Read, sinks: Sinks<'_>) -> Result<Flow> {
    let owners = Owners::of_this_process();
    let head = read_head(source)?;
    let compression = Compression::detect(&head);
    compression.check_layer()?;
    std::thread::scope(|scope| {
        let (blob_writer, blob_reader) = pipe();
        let (root, limit) = (sinks.root, sinks.limit);
        let unpacked = sinks.behind.filter(|_| root.is_some());
        let mut told = Vec::from_iter(sinks.behind.filter(|_| sinks.blob.is_some()));
        let consumer = if compression == Compression::None {
            // The archive is the blob: one hash is enough, but it is written twice.
            told.extend(unpacked);
            scope.spawn(move || consume(blob_reader, root, owners, false))
        } else {
            let (tar_writer, tar_reader) = pipe();
            scope.spawn(move || inflate(compression, blob_reader, &tar_writer, limit, unpacked));
            scope.spawn(move || consume(tar_reader, root, owners, true))
        };
        let fed = feed(source, &head, sinks.blob, blob_writer, &told);
        let consumed = consumer.join().unwrap_or_else(|_| Err(Error::new("a thread of unpacking panicked")));
        // The source's own error is nearer to the cause than what the reader at the other end saw of it.
        let (digest, size, complete) = fed?;
        let (hash, unpacked) = consumed?;
        if !complete {
            crate::bail!("unpacking ended before its input");
        }
        let (diff_id, diff_size) = hash.unwrap_or_else(|| (digest.clone(), size));
        Ok(Flow { digest, size, diff_id, diff_size, unpacked })
    })
}

fn read_head(source: &mut dyn Read) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    source.take(MAGIC as u64).read_to_end(&mut head).context("reading layer")?;
    Ok(head)
}

/// Hashes, saves and sends on everything, and says so to `told`. Returns digest, size, and whether all of it found a reader.
fn feed(
    source: &mut dyn Read,
    head: &[u8],
    mut blob: Option<&mut (dyn Write + Send)>,
    to: PipeWriter,
    told: &[&Behind],
) -> Result<(String, u64, bool)> {
    let mut hasher = Hasher::default();
    let mut first = Some(head.to_vec());
    loop {
        let buffer = match first.take() {
            Some(head) => head,
            None => {
                let mut buffer = to.buffer();
                let length = match fill(source, &mut buffer) {
                    Ok(length) => length,
                    Err(e) => {
                        to.send(Err(io::Error::new(e.kind(), "the input broke off")));
                        return Err(Error::from(e).wrap("reading layer"));
                    }
                };
                buffer.truncate(length);
                buffer
            }
        };
        if buffer.is_empty() {
            let size = hasher.bytes();
            return Ok((hasher.finish(), size, true));
        }
        hasher.update(&buffer);
        if let Some(blob) = blob.as_mut()
            && let Err(e) = blob.write_all(&buffer)
        {
            to.send(Err(io::Error::new(e.kind(), "the blob could not be saved")));
            return Err(Error::from(e).wrap("saving layer blob"));
        }
        told.iter().for_each(|behind| behind.wrote(buffer.len()));
        if !to.send(Ok(buffer)) {
            return Ok((String::new(), hasher.bytes(), false));
        }
    }
}

/// Fills the buffer as far as the source goes without waiting for a whole one more than once.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(space) = buffer.get_mut(filled..).filter(|space| !space.is_empty()) {
        match source.read(space) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        if filled >= CHUNK / 4 {
            break;
        }
    }
    Ok(filled)
}

fn inflate(compression: Compression, from: PipeReader, to: &PipeWriter, limit: u64, behind: Option<&Behind>) {
    let mut total = 0_u64;
    let mut decoder = match compression.decoder(from) {
        Ok(decoder) => decoder,
        Err(e) => {
            to.send(Err(io::Error::other(e.to_string())));
            return;
        }
    };
    loop {
        let mut buffer = to.buffer();
        match fill(decoder.as_mut(), &mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                buffer.truncate(length);
                total += length as u64;
                if total > limit {
                    to.send(Err(io::Error::other(format!(
                        "it would unpack to more than {limit} bytes, more than such a small blob honestly holds and the \
                         disk has room for"
                    ))));
                    return;
                }
                if !to.send(Ok(buffer)) {
                    return;
                }
                behind.inspect(|behind| behind.wrote(length));
            }
            Err(e) => {
                to.send(Err(e));
                return;
            }
        }
    }
}

type Hash = (String, u64);

fn consume(
    from: PipeReader,
    root: Option<BorrowedFd<'_>>,
    owners: Owners,
    hash: bool,
) -> Result<(Option<Hash>, Unpacked)> {
    // Files get their modes when they are made. A thread that cannot have an umask of its own sets them afterwards.
    if nix::sched::unshare(nix::sched::CloneFlags::CLONE_FS).is_ok() {
        rustix::process::umask(rustix::fs::Mode::empty());
    }
    if !hash {
        let mut archive = Reader::new(from);
        let unpacked = unpack_to_end(&mut archive, root, owners)?;
        return Ok((None, unpacked));
    }
    let mut archive = Reader::new(HashingPipe { inner: from, hasher: Hasher::default() });
    let unpacked = unpack_to_end(&mut archive, root, owners)?;
    let hasher = archive.into_inner().hasher;
    let bytes = hasher.bytes();
    Ok((Some((hasher.finish(), bytes)), unpacked))
}

fn unpack_to_end<R: io::BufRead>(
    archive: &mut Reader<R>,
    root: Option<BorrowedFd<'_>>,
    owners: Owners,
) -> Result<Unpacked> {
    let unpacked = match root {
        Some(root) => unpack(archive, root, owners)?,
        None => Unpacked::default(),
    };
    archive.drain().context("reading layer")?;
    Ok(unpacked)
}

/// Hashes what is consumed, without copying it.
struct HashingPipe {
    inner: PipeReader,
    hasher: Hasher,
}

impl Read for HashingPipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        self.hasher.update(into.get(..length).unwrap_or_default());
        Ok(length)
    }
}

impl io::BufRead for HashingPipe {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        let Self { inner, hasher } = self;
        hasher.update(inner.peek(length));
        inner.consume(length);
    }
}
