//! One 512-byte header block of a tar archive: v7, ustar and GNU forms. Pure functions on bytes.
//!
//! Format: POSIX.1-2024 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".

use crate::error::Result;

/// Bytes of a block.
pub const BLOCK: usize = 512;

/// What a header block says, numbers decoded, before any extension is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// Prefix and name joined.
    pub path: Vec<u8>,
    pub link: Vec<u8>,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// Bytes of data that follow in the archive.
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
    pub type_flag: u8,
    /// For old GNU sparse files: whether extension blocks follow.
    pub sparse_extended: bool,
    /// For old GNU sparse files: offset and length of the first segments.
    pub sparse: Vec<(u64, u64)>,
    /// For old GNU sparse files: the size when expanded.
    pub real_size: u64,
}

/// Parses a header block. `None` for a block of zeroes, which ends an archive.
pub fn parse(block: &[u8; BLOCK]) -> Result<Option<Header>> {
    if block.iter().all(|&b| b == 0) {
        return Ok(None);
    }
    let stored = number(field(block, 148, 8)).unwrap_or(-1);
    // The sum is of unsigned bytes; some old writers took signed ones.
    if stored != checksum(block, i32::from) && stored != checksum(block, |byte| i32::from(byte.cast_signed())) {
        crate::bail!("header has a wrong checksum: the archive is corrupt, or not a tar archive");
    }
    let gnu = field(block, 257, 8) == b"ustar  \0";
    let ustar = !gnu && field(block, 257, 5) == b"ustar";
    let mut header = Header {
        path: text(field(block, 0, 100)),
        link: text(field(block, 157, 100)),
        mode: u32::try_from(unsigned_number(block, 100, 8, "mode")? & 0o7777).unwrap_or(0),
        uid: unsigned_number(block, 108, 8, "owner")?,
        gid: unsigned_number(block, 116, 8, "group")?,
        size: unsigned_number(block, 124, 12, "size")?,
        mtime: number(field(block, 136, 12)).unwrap_or(0),
        type_flag: block.get(156).copied().unwrap_or(0),
        ..Header::default()
    };
    if ustar {
        let prefix = text(field(block, 345, 155));
        if !prefix.is_empty() {
            header.path = [prefix.as_slice(), b"/", header.path.as_slice()].concat();
        }
    }
    if gnu && header.type_flag == b'S' {
        header.sparse = segments(field(block, 386, 96))?;
        header.sparse_extended = field(block, 482, 1) != [0];
        header.real_size = unsigned_number(block, 483, 12, "size")?;
    }
    Ok(Some(header))
}

/// The segments of a sparse map in a header or extension block (24 bytes each), up to the first empty one.
pub fn segments(bytes: &[u8]) -> Result<Vec<(u64, u64)>> {
    let mut found = Vec::new();
    for pair in bytes.chunks_exact(24) {
        if pair.first() == Some(&0) {
            break;
        }
        let offset = unsigned_number(pair, 0, 12, "sparse offset")?;
        let length = unsigned_number(pair, 12, 12, "sparse length")?;
        found.push((offset, length));
    }
    Ok(found)
}

fn field(block: &[u8], start: usize, length: usize) -> &[u8] {
    block.get(start..start + length).unwrap_or_default()
}

fn text(bytes: &[u8]) -> Vec<u8> {
    bytes.split(|&b| b == 0).next().unwrap_or_default().to_vec()
}

fn unsigned_number(block: &[u8], start: usize, length: usize, what: &str) -> Result<u64> {
    match number(field(block, start, length)).and_then(|n| u64::try_from(n).ok()) {
        Some(value) => Ok(value),
        None => crate::bail!("header has an invalid {what}: the archive is corrupt, or not a tar archive"),
    }
}

/// Octal digits with blanks around them, or the base-256 form of GNU and star. Empty means 0.
fn number(bytes: &[u8]) -> Option<i64> {
    let (&first, rest) = bytes.split_first()?;
    if first & 0x80 != 0 {
        // Two's complement over all bits but the marker, sign in the next bit.
        let mut value: i64 = if first & 0x40 != 0 { -1 } else { 0 };
        value = (value << 6) | i64::from(first & 0x3f);
        for &byte in rest {
            if !(-(1 << 55)..1 << 55).contains(&value) {
                return None;
            }
            value = (value << 8) | i64::from(byte);
        }
        return Some(value);
    }
    let digits = bytes.split(|&b| b == 0).next().unwrap_or_default().trim_ascii();
    digits.iter().try_fold(0_i64, |value, &digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

/// The sum of all bytes, those of the sum itself taken as blanks.
fn checksum(block: &[u8; BLOCK], value: impl Fn(u8) -> i32) -> i64 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| value(byte)).sum::<i32>();
    i64::from(sum(block) - sum(field(block, 148, 8)) + 8 * i32::from(b' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_all_their_forms() {
        let huge = [0x80, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0];
        let minus_one = [0xff; 12];
        let too_large = [0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let table: [(&[u8], Option<i64>); 8] = [
            (b"0000644\0", Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"77777777777", Some(0o77_777_777_777)),
            (b"00008\0", None),
            (&huge, Some(8 << 30)),
            (&minus_one, Some(-1)),
            (&too_large, None),
        ];
        for (bytes, expected) in table {
            assert_eq!(number(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_block_of_noise_is_refused() {
        assert!(parse(&[7; BLOCK]).is_err());
        assert_eq!(parse(&[0; BLOCK]).ok(), Some(None));
    }
}
