//! The data of a file from the archive's buffer to the disk, holes left as holes.

use std::fs::File;
use std::io::BufRead;
use std::os::unix::fs::FileExt as _;

use super::reader::{Entry, Reader};
use crate::error::{Context, Result};

/// Runs of zeroes of this size become holes.
const HOLE: usize = 64 * 1024;

/// Writes the content of the entry to an empty file.
pub fn write_content<R: BufRead>(archive: &mut Reader<R>, file: &File, entry: &Entry) -> Result<()> {
    match &entry.sparse {
        Some(segments) => write_segments(archive, file, segments, entry.size),
        None => write_data(archive, file, 0, entry.size, entry.size),
    }
}

/// Writes the segments of a sparse file.
fn write_segments<R: BufRead>(archive: &mut Reader<R>, file: &File, segments: &[(u64, u64)], size: u64) -> Result<()> {
    for &(offset, length) in segments {
        write_data(archive, file, offset, length, 0)?;
    }
    file.set_len(size).context("setting its size")
}

/// Writes the next `length` bytes of the archive at `offset`; runs of zeroes become holes. Sets the size to `size`
/// when that is not 0 and a hole is at the end.
fn write_data<R: BufRead>(archive: &mut Reader<R>, file: &File, offset: u64, length: u64, size: u64) -> Result<()> {
    let mut done = 0_u64;
    let mut hole_at_end = false;
    while done < length {
        let data = archive.data_within(length - done)?;
        let zeroes = data.len() >= HOLE && is_zero(data);
        if !zeroes {
            file.write_all_at(data, offset + done).context("writing")?;
        }
        hole_at_end = zeroes;
        let step = data.len();
        archive.consume(step);
        done += step as u64;
    }
    if hole_at_end && size > 0 {
        file.set_len(size).context("setting its size")?;
    }
    Ok(())
}

fn is_zero(data: &[u8]) -> bool {
    // The first bytes decide most cases; the rest is compared with itself moved by one block, which is fast.
    let head = data.get(..16).unwrap_or(data);
    head.iter().all(|&b| b == 0)
        && data.get(16..).unwrap_or_default() == data.get(..data.len().saturating_sub(16)).unwrap_or_default()
}
