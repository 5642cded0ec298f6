//! Headers of a tar archive as POSIX.1-2024 has them: ustar, and pax records for what does not fit in it. Pure functions.

use std::ffi::CString;

use crate::storage::unpack::header::BLOCK;

/// The largest number in eleven and in seven octal digits.
const MAX_11: u64 = 0o77_777_777_777;
const MAX_7: u64 = 0o7_777_777;

/// One thing in an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member<'a> {
    /// A directory's ends with a slash.
    pub path: &'a [u8],
    pub link: &'a [u8],
    /// As POSIX numbers them: `0` file, `1` hard link, `2` symbolic link, `3`, `4` devices, `5` directory, `6` pipe.
    pub flag: u8,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub mtime: (i64, u32),
    pub device: (u32, u32),
    pub xattrs: &'a [(CString, Vec<u8>)],
}

/// The header blocks of a member: one, with a pax header before it where needed.
pub fn header(member: &Member<'_>) -> Vec<u8> {
    let mut records = Vec::new();
    let (seconds, nanos) = member.mtime;
    if nanos != 0 || u64::try_from(seconds).map_or(true, |s| s > MAX_11) {
        record(&mut records, b"mtime", time(seconds, nanos).as_bytes());
    }
    for (key, number, max) in [
        (&b"uid"[..], u64::from(member.uid), MAX_7),
        (b"gid", u64::from(member.gid), MAX_7),
        (b"size", member.size, MAX_11),
    ] {
        if number > max {
            record(&mut records, key, number.to_string().as_bytes());
        }
    }
    let split = split(member.path);
    if split.is_none() {
        record(&mut records, b"path", member.path);
    }
    if member.link.len() > 100 {
        record(&mut records, b"linkpath", member.link);
    }
    for (name, value) in member.xattrs {
        record(&mut records, &[b"SCHILY.xattr.", name.to_bytes()].concat(), value);
    }
    let mut blocks = Vec::with_capacity(BLOCK);
    if !records.is_empty() {
        // Only tools that do not know pax show its name.
        let name = [b"PaxHeaders.0/", last_component(member.path)].concat();
        let extension =
            Member { path: &name, flag: b'x', mode: 0o644, size: records.len() as u64, ..Member::default() };
        blocks.extend(block(&extension, (b"", cut(&name))));
        blocks.extend(&records);
        blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
    }
    blocks.extend(block(member, split.unwrap_or((b"", cut(member.path)))));
    blocks
}

/// Bytes after `size` bytes of data up to the next block.
pub fn padding(size: u64) -> usize {
    let over = (size % BLOCK as u64) as usize;
    if over == 0 { 0 } else { BLOCK - over }
}

fn last_component(path: &[u8]) -> &[u8] {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    path.rsplit(|&b| b == b'/').next().unwrap_or_default()
}

fn cut(path: &[u8]) -> &[u8] {
    path.get(..100).unwrap_or(path)
}

/// Prefix (at most 155 bytes) and name (at most 100) of a path, if it can be cut like that.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= 100 {
        return Some((b"", path));
    }
    let slash = (0..path.len().min(156)).rev().find(|&i| path.get(i) == Some(&b'/') && i > 0)?;
    let (prefix, name) = (path.get(..slash)?, path.get(slash + 1..)?);
    (!name.is_empty() && name.len() <= 100).then_some((prefix, name))
}

/// Appends a record: its own length in digits, a blank, key, equals sign, value, line feed.
fn record(records: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while rest + length.to_string().len() != length {
        length = rest + length.to_string().len();
    }
    records.extend(length.to_string().as_bytes());
    records.push(b' ');
    records.extend(key);
    records.push(b'=');
    records.extend(value);
    records.push(b'\n');
}

/// Seconds with a fraction. A time before 1970 counts down: -1.5 s is one and a half seconds before.
fn time(seconds: i64, nanos: u32) -> String {
    let total = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let sign = if total < 0 { "-" } else { "" };
    let size = total.unsigned_abs();
    let (whole, fraction) = (size / 1_000_000_000, size % 1_000_000_000);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let text = format!("{sign}{whole}.{fraction:09}");
    text.trim_end_matches('0').to_owned()
}

fn block(member: &Member<'_>, (prefix, name): (&[u8], &[u8])) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let is_device = matches!(member.flag, b'3' | b'4');
    put(&mut block, 0, name);
    octal(&mut block, 100, 7, u64::from(member.mode));
    octal(&mut block, 108, 7, u64::from(member.uid).min(MAX_7));
    octal(&mut block, 116, 7, u64::from(member.gid).min(MAX_7));
    octal(&mut block, 124, 11, if member.size > MAX_11 { 0 } else { member.size });
    octal(&mut block, 136, 11, u64::try_from(member.mtime.0).unwrap_or(0).min(MAX_11));
    put(&mut block, 148, b"        ");
    put(&mut block, 156, &[member.flag]);
    put(&mut block, 157, cut(member.link));
    put(&mut block, 257, b"ustar\x0000");
    octal(&mut block, 329, 7, u64::from(if is_device { member.device.0 } else { 0 }));
    octal(&mut block, 337, 7, u64::from(if is_device { member.device.1 } else { 0 }));
    put(&mut block, 345, prefix);
    let sum: u64 = block.iter().map(|&b| u64::from(b)).sum();
    octal(&mut block, 148, 6, sum);
    put(&mut block, 154, b"\0 ");
    block
}

fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    if let Some(place) = block.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn octal(block: &mut [u8; BLOCK], at: usize, digits: usize, number: u64) {
    put(block, at, format!("{number:0digits$o}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_from_1970_both_ways() {
        for (seconds, nanos, text) in [
            (0, 0, "0"),
            (1, 500_000_000, "1.5"),
            (-1, 0, "-1"),
            (-2, 500_000_000, "-1.5"),
            (-1, 500_000_000, "-0.5"),
            (9, 1, "9.000000001"),
        ] {
            assert_eq!(time(seconds, nanos), text);
        }
    }

    #[test]
    fn records_count_their_own_digits() {
        for length in [0, 1, 80, 88, 89, 90, 91, 985, 986, 987, 988, 9_980, 9_983] {
            let mut records = Vec::new();
            record(&mut records, b"path", &vec![b'x'; length]);
            let digits = records.split(|&b| b == b' ').next().unwrap();
            assert_eq!(String::from_utf8_lossy(digits), records.len().to_string(), "value of {length} bytes");
        }
    }

    #[test]
    fn paths_are_cut_at_a_slash_where_they_can_be() {
        let long = [&b"d/".repeat(60)[..], b"name"].concat();
        assert_eq!(split(b"a/b"), Some((&b""[..], &b"a/b"[..])));
        let (prefix, name) = split(&long).unwrap();
        assert_eq!([prefix, b"/", name].concat(), long);
        assert_eq!(split(&[b'x'; 101]), None);
        assert_eq!(split(&[&[b'd'; 99][..], b"/", &[b'x'; 101]].concat()), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let long = [&b"long/".repeat(80)[..], &[0xff; 120]].concat();
        let xattrs = [(CString::new("user.a").unwrap(), b"1\n=\0".to_vec())];
        let members = [
            Member { path: b"bin/", flag: b'5', mode: 0o755, mtime: (5, 0), ..Member::default() },
            Member { path: &long, flag: b'0', mode: 0o4755, mtime: (-2, 5), xattrs: &xattrs, ..Member::default() },
            Member {
                path: b"link",
                link: &long,
                flag: b'2',
                mode: 0o777,
                uid: 1_000_000_000,
                gid: u32::MAX - 1,
                mtime: (1 << 40, 0),
                ..Member::default()
            },
        ];
        let mut bytes: Vec<u8> = members.iter().flat_map(header).collect();
        bytes.resize(bytes.len() + 2 * BLOCK, 0);
        let mut reader = crate::storage::unpack::Reader::new(bytes.as_slice());
        for member in &members {
            let entry = reader.next_entry().unwrap().unwrap();
            assert_eq!(entry.path, member.path);
            assert_eq!(entry.link, member.link);
            assert_eq!((entry.mode, entry.uid, entry.gid), (member.mode, u64::from(member.uid), u64::from(member.gid)));
            assert_eq!(entry.mtime, member.mtime);
            assert_eq!(entry.xattrs.len(), member.xattrs.len());
        }
        assert!(reader.next_entry().unwrap().is_none());
        let big = Member { path: b"big", flag: b'0', size: 9 << 30, ..Member::default() };
        let text = String::from_utf8_lossy(&header(&big)).into_owned();
        assert!(text.contains("size=9663676416\n"), "{text}");
    }
}
