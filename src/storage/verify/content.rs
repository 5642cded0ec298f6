//! The data and attributes of one file, compared with the archive's as they flow by.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufRead;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{Mode, OFlags, SeekFrom};

use crate::error::{Context, Result};
use crate::storage::tree::xattr;
use crate::storage::unpack::reader::{Entry, Reader};

/// How the file on disk differs, when it was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    pub other_data: bool,
    pub other_xattrs: bool,
}

/// Compares the entry, a file, with the file of that name. One that is not there, or has another size, is not looked at:
/// whoever looks at its name and size will say so.
pub fn compare<R: BufRead>(archive: &mut Reader<R>, dir: &OwnedFd, name: &[u8], entry: &Entry) -> Result<Found> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(fd) = rustix::fs::openat(dir, name, flags, Mode::empty()) else { return Ok(Found::default()) };
    let file = File::from(fd);
    if !file.metadata().is_ok_and(|meta| meta.is_file() && meta.len() == entry.size) {
        return Ok(Found::default());
    }
    let expected = entry.xattrs.iter().cloned().collect();
    let other_xattrs = !xattrs_are(&file, &expected)?;
    let whole = [(0, entry.size)];
    let segments = entry.sparse.as_deref().unwrap_or(&whole);
    let mut at = 0;
    for &(offset, length) in segments {
        let same = is_zero(&file, at, offset)? && data_is_same(archive, &file, offset, length)?;
        if !same {
            return Ok(Found { other_data: true, other_xattrs });
        }
        at = at.max(offset.saturating_add(length));
    }
    Ok(Found { other_data: !is_zero(&file, at, entry.size)?, other_xattrs })
}

/// Whether the next `length` bytes of the archive are those of the file at `offset`.
fn data_is_same<R: BufRead>(archive: &mut Reader<R>, file: &File, offset: u64, length: u64) -> Result<bool> {
    let mut buffer = Vec::new();
    let mut done = 0;
    while done < length {
        let data = archive.data_within(length - done)?;
        buffer.resize(data.len(), 0);
        file.read_exact_at(&mut buffer, offset + done).context("reading the file on disk")?;
        if buffer != data {
            return Ok(false);
        }
        let step = data.len();
        archive.consume(step);
        done += step as u64;
    }
    Ok(true)
}

/// Whether there are only zeroes from `start` to `end`. Holes cost nothing, however large.
fn is_zero(file: &File, start: u64, end: u64) -> Result<bool> {
    let mut at = start;
    let mut buffer = vec![0; if start < end { 64 * 1024 } else { 0 }];
    while at < end {
        at = match rustix::fs::seek(file, SeekFrom::Data(at)) {
            Ok(data) if data < end => data.max(at),
            Ok(_) | Err(rustix::io::Errno::NXIO) => return Ok(true),
            // The file system knows of no holes.
            Err(_) => at,
        };
        let limit = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
        let Some(piece) = buffer.get_mut(..limit) else { return Ok(false) };
        file.read_exact_at(piece, at).context("reading the file on disk")?;
        if piece.iter().any(|&b| b != 0) {
            return Ok(false);
        }
        at += limit as u64;
    }
    Ok(true)
}

/// Whether a file has the attributes that unpacking gave it.
pub fn xattrs_are(fd: impl std::os::fd::AsFd, expected: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<bool> {
    let found: BTreeMap<Vec<u8>, Vec<u8>> =
        xattr::list(fd)?.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
    // Others may have been refused when it was unpacked, or are of the system's making.
    let counts = |name: &[u8]| name.starts_with(b"user.") || name == CAPABILITY;
    let wanted = expected.iter().filter(|(name, _)| counts(name) && xattr::is_content(name));
    for (name, value) in wanted {
        match found.get(name) {
            Some(there) if there == value || name == CAPABILITY && sets(there) == sets(value) => {}
            // Where a single ID is mapped they cannot be set.
            None if name == CAPABILITY => {}
            _ => return Ok(false),
        }
    }
    Ok(found.keys().all(|name| !counts(name) || expected.contains_key(name)))
}

const CAPABILITY: &[u8] = b"security.capability";

/// The sets of capabilities without what says the version and the namespace (`struct vfs_ns_cap_data`).
fn sets(value: &[u8]) -> Option<&[u8]> {
    value.get(4..20)
}
