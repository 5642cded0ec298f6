//! Reads a tar archive entry by entry from a stream: headers with their pax and GNU extensions applied, sparse maps, and
//! the data straight from the input's buffer.
//!
//! Everything here is bounded, whatever the archive says: extension headers to 1 MiB, sparse maps to a million segments.

use std::io::{self, BufRead};

use super::header::{self, BLOCK, Header};
use super::pax::{self, Pax};
use crate::error::{Context, Error, Result};

/// Long names and pax headers beyond this are refused.
const MAX_EXTENSION: u64 = 1 << 20;
/// Segments of one sparse file beyond this are refused.
const MAX_SEGMENTS: usize = 1 << 20;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    HardLink,
    Symlink,
    CharDevice,
    BlockDevice,
    Directory,
    Fifo,
    /// Something this engine does not know; its data is skipped.
    Other(u8),
}

/// One entry, extensions applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As in the archive: may be absolute, may contain `..`.
    pub path: Vec<u8>,
    /// Target of links.
    pub link: Vec<u8>,
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// Bytes of the file when it is unpacked.
    pub size: u64,
    /// Seconds and nanoseconds.
    pub mtime: (i64, u32),
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// For sparse files: offset and length of each segment, in the order of the data, within `size`.
    pub sparse: Option<Vec<(u64, u64)>>,
}

impl Entry {
    /// User and group, where they are IDs: the highest number would mean "leave it as it is" to the kernel.
    pub fn owner(&self) -> Result<(u32, u32)> {
        match (u32::try_from(self.uid), u32::try_from(self.gid)) {
            (Ok(uid), Ok(gid)) if uid != u32::MAX && gid != u32::MAX => Ok((uid, gid)),
            _ => crate::bail!("owner {}:{} is out of range", self.uid, self.gid),
        }
    }
}

/// A tar archive being read.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    /// Bytes of data of the current entry that have not been read.
    remaining: u64,
    /// Bytes that pad the current entry's data to whole blocks.
    padding: u64,
    global: Pax,
    /// Bytes consumed so far.
    position: u64,
    entries: u64,
}

impl<R: BufRead> Reader<R> {
    pub fn new(input: R) -> Self {
        Reader { input, remaining: 0, padding: 0, global: Pax::default(), position: 0, entries: 0 }
    }

    /// The input, as far as it has been read.
    pub fn into_inner(self) -> R {
        self.input
    }

    /// How many bytes have been consumed: after `next`, where the data of the entry begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes of data of the current entry that have not been read.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// The next entry, or `None` at the end of the archive. Data of the current entry that was not read is skipped.
    pub fn next_entry(&mut self) -> Result<Option<Entry>> {
        let mut pax = self.global.clone();
        let mut long_path = None;
        let mut long_link = None;
        let mut announced = false;
        loop {
            let Some(header) = self.next_header()? else {
                // An extension announces an entry.
                return if announced { Err(truncated().into()) } else { Ok(None) };
            };
            announced |= matches!(header.type_flag, b'x' | b'L' | b'K');
            match header.type_flag {
                b'x' => pax::apply(&mut pax, &self.extension(&header)?)?,
                b'g' => {
                    let bytes = self.extension(&header)?;
                    pax::apply(&mut self.global, &bytes)?;
                    pax::apply(&mut pax, &bytes)?;
                }
                b'L' => long_path = Some(until_nul(self.extension(&header)?)),
                b'K' => long_link = Some(until_nul(self.extension(&header)?)),
                // A volume label, or a multi-volume or directory dump's bookkeeping.
                b'V' => self.begin_data(header.size)?,
                _ => {
                    self.entries += 1;
                    return self.finish(header, pax, long_path, long_link).map(Some);
                }
            }
        }
    }

    /// The next bytes of the entry's data, straight from the input's buffer; empty at the end of the data.
    pub fn data(&mut self) -> io::Result<&[u8]> {
        if self.remaining == 0 {
            return Ok(&[]);
        }
        let buffer = self.input.fill_buf()?;
        if buffer.is_empty() {
            return Err(truncated());
        }
        let length = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(buffer.len());
        Ok(buffer.get(..length).unwrap_or_default())
    }

    /// The same, at most `limit` bytes of it, which is not 0.
    ///
    /// # Errors
    /// At the end of the entry's data too.
    pub fn data_within(&mut self, limit: u64) -> crate::error::Result<&[u8]> {
        let data = self.data()?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        match data.get(..limit.min(data.len())).unwrap_or_default() {
            [] => crate::bail!("archive ends within a file"),
            data => Ok(data),
        }
    }

    /// Marks bytes that [`data`](Self::data) returned as read.
    pub fn consume(&mut self, length: usize) {
        let length = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(length);
        self.input.consume(length);
        self.remaining -= length as u64;
        self.position += length as u64;
    }

    /// Reads the input to its end: what follows an archive still counts for the digest of the stream.
    pub fn drain(&mut self) -> io::Result<()> {
        loop {
            let length = self.input.fill_buf()?.len();
            if length == 0 {
                return Ok(());
            }
            self.input.consume(length);
            self.position += length as u64;
        }
    }

    fn finish(
        &mut self,
        header: Header,
        pax: Pax,
        long_path: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Entry> {
        let path = pax.sparse_name.or(pax.path).or(long_path).unwrap_or(header.path);
        let kind = match header.type_flag {
            // The oldest archives mark directories by the slash alone.
            0 | b'0' if path.ends_with(b"/") => Kind::Directory,
            0 | b'0' | b'7' | b'S' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::CharDevice,
            b'4' => Kind::BlockDevice,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            other => Kind::Other(other),
        };
        let stored = match kind {
            Kind::File | Kind::Other(_) => pax.size.unwrap_or(header.size),
            // These have no data, whatever the size says (tar writers put the size of the link's target there).
            _ => 0,
        };
        self.begin_data(stored)?;
        let mut size = stored;
        let mut sparse = None;
        if header.type_flag == b'S' {
            let mut segments = header.sparse;
            let mut more = header.sparse_extended;
            while more {
                let block = self.block()?.ok_or_else(truncated)?;
                segments.extend(header::segments(block.get(..504).unwrap_or_default())?);
                more = block.get(504) != Some(&0);
                check_segments(segments.len())?;
            }
            size = pax.sparse_size.unwrap_or(header.real_size);
            sparse = Some(segments);
        } else if kind == Kind::File && pax.sparse_in_data {
            sparse = Some(self.map_in_data()?);
            size = pax.sparse_size.unwrap_or(0);
        } else if kind == Kind::File && (!pax.sparse_map.is_empty() || pax.sparse_size.is_some()) {
            size = pax.sparse_size.unwrap_or(stored);
            sparse = Some(pax.sparse_map);
        }
        if let Some(segments) = &sparse {
            check_map(segments, size, self.remaining)?;
        }
        Ok(Entry {
            path,
            link: pax.link.or(long_link).unwrap_or(header.link),
            kind,
            mode: header.mode,
            uid: pax.uid.unwrap_or(header.uid),
            gid: pax.gid.unwrap_or(header.gid),
            size,
            mtime: pax.mtime.unwrap_or((header.mtime, 0)),
            xattrs: pax.xattrs,
            sparse,
        })
    }

    /// The sparse map of the form 1.0: decimal lines (count, then offset and length of each), padded to a block.
    fn map_in_data(&mut self) -> Result<Vec<(u64, u64)>> {
        let mut used = 0_u64;
        let count = self.decimal_line(&mut used)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        check_segments(count)?;
        let mut segments = Vec::new();
        for _ in 0..count {
            let offset = self.decimal_line(&mut used)?;
            segments.push((offset, self.decimal_line(&mut used)?));
        }
        let rest = used.next_multiple_of(BLOCK as u64) - used;
        self.skip_data(rest)?;
        Ok(segments)
    }

    fn decimal_line(&mut self, used: &mut u64) -> Result<u64> {
        let mut value = 0_u64;
        for digits in 0.. {
            let byte = self.data()?.first().copied();
            self.consume(1);
            *used += 1;
            match byte {
                Some(b'\n') if digits > 0 => break,
                Some(digit @ b'0'..=b'9') if digits < 19 => value = value * 10 + u64::from(digit - b'0'),
                _ => crate::bail!("sparse map is malformed: the archive is corrupt"),
            }
        }
        Ok(value)
    }

    fn extension(&mut self, header: &Header) -> Result<Vec<u8>> {
        if header.size > MAX_EXTENSION {
            crate::bail!("extended header of {} bytes is larger than the {MAX_EXTENSION} allowed", header.size);
        }
        self.begin_data(header.size)?;
        let mut bytes = Vec::new();
        loop {
            let chunk = self.data()?;
            if chunk.is_empty() {
                return Ok(bytes);
            }
            let length = chunk.len();
            bytes.extend_from_slice(chunk);
            self.consume(length);
        }
    }

    fn begin_data(&mut self, size: u64) -> Result<()> {
        self.remaining = size;
        self.padding = match size.checked_next_multiple_of(BLOCK as u64) {
            Some(whole) => whole - size,
            None => crate::bail!("header has an invalid size: the archive is corrupt"),
        };
        Ok(())
    }

    fn next_header(&mut self) -> Result<Option<Header>> {
        self.skip_data(self.remaining).and_then(|()| self.skip_padding())?;
        // An archive that ends without its two blocks of zeroes is accepted, as other readers do.
        let Some(block) = self.block()? else {
            if self.entries == 0 && self.position == 0 {
                crate::bail!("archive is empty");
            }
            return Ok(None);
        };
        if let Some(header) = self.parse(&block)? {
            return Ok(Some(header));
        }
        match self.block()? {
            None => Ok(None),
            Some(block) => match self.parse(&block)? {
                None => Ok(None),
                Some(_) => crate::bail!("archive has a stray block of zeroes at byte {}: it is corrupt", self.position),
            },
        }
    }

    fn parse(&self, block: &[u8; BLOCK]) -> Result<Option<Header>> {
        header::parse(block).with_context(|| format!("reading tar header at byte {}", self.position - BLOCK as u64))
    }

    /// The next whole block, or `None` where the input ends.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while let Some(space) = block.get_mut(filled..).filter(|space| !space.is_empty()) {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                if filled == 0 {
                    return Ok(None);
                }
                return Err(truncated().into());
            }
            let length = buffer.len().min(space.len());
            space.get_mut(..length).unwrap_or_default().copy_from_slice(buffer.get(..length).unwrap_or_default());
            self.input.consume(length);
            self.position += length as u64;
            filled += length;
        }
        Ok(Some(block))
    }

    fn skip_padding(&mut self) -> io::Result<()> {
        self.remaining = std::mem::take(&mut self.padding);
        // Some writers leave out the padding at the very end.
        match self.skip_data(self.remaining) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                self.remaining = 0;
                Ok(())
            }
            other => other,
        }
    }

    fn skip_data(&mut self, length: u64) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            let available = self.data()?.len();
            if available == 0 {
                return Err(truncated());
            }
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(available);
            self.consume(step);
            left -= step as u64;
        }
        Ok(())
    }
}

fn until_nul(bytes: Vec<u8>) -> Vec<u8> {
    bytes.split(|&b| b == 0).next().unwrap_or_default().to_vec()
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive is truncated")
}

fn check_segments(count: usize) -> Result<()> {
    if count > MAX_SEGMENTS {
        crate::bail!("sparse file has more than {MAX_SEGMENTS} segments");
    }
    Ok(())
}

/// Segments must lie in order within the file, and the archive must hold their bytes.
fn check_map(segments: &[(u64, u64)], size: u64, stored: u64) -> Result<()> {
    let invalid = || Error::new("sparse map is invalid: the archive is corrupt");
    let mut end = 0_u64;
    let mut total = 0_u64;
    for &(offset, length) in segments {
        if offset < end {
            return Err(invalid());
        }
        end = offset.checked_add(length).ok_or_else(invalid)?;
        total += length;
    }
    if end > size || total > stored || i64::try_from(size).is_err() {
        return Err(invalid());
    }
    Ok(())
}
