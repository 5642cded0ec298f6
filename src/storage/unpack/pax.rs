//! Records of pax extended headers: `LENGTH KEY=VALUE\n`. Pure functions on bytes.

use crate::error::Result;

/// What pax headers override, global ones first, then those of the entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    /// Seconds and nanoseconds.
    pub mtime: Option<(i64, u32)>,
    /// `SCHILY.xattr.`, in the order of the archive.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// `GNU.sparse.name`.
    pub sparse_name: Option<Vec<u8>>,
    /// `GNU.sparse.realsize` or `.size`.
    pub sparse_size: Option<u64>,
    /// `GNU.sparse.major` is 1: the map stands in front of the data.
    pub sparse_in_data: bool,
    /// The map of the forms 0.0 and 0.1.
    pub sparse_map: Vec<(u64, u64)>,
}

/// Applies the records in `bytes` on top of `pax`.
pub fn apply(pax: &mut Pax, mut bytes: &[u8]) -> Result<()> {
    let mut pending_offset = None;
    while !bytes.is_empty() && !bytes.iter().all(|&b| b == 0) {
        let Some((key, value, rest)) = record(bytes) else {
            crate::bail!("extended header is malformed: the archive is corrupt");
        };
        bytes = rest;
        match key {
            b"path" => pax.path = nonempty(value),
            b"linkpath" => pax.link = nonempty(value),
            b"size" => pax.size = decimal(value)?,
            b"uid" => pax.uid = decimal(value)?,
            b"gid" => pax.gid = decimal(value)?,
            b"mtime" => pax.mtime = timestamp(value)?,
            b"GNU.sparse.name" => pax.sparse_name = nonempty(value),
            b"GNU.sparse.realsize" | b"GNU.sparse.size" => pax.sparse_size = decimal(value)?,
            b"GNU.sparse.major" => pax.sparse_in_data = value == b"1",
            b"GNU.sparse.offset" => pending_offset = decimal(value)?,
            b"GNU.sparse.numbytes" => {
                if let (Some(offset), Some(length)) = (pending_offset.take(), decimal(value)?) {
                    pax.sparse_map.push((offset, length));
                }
            }
            b"GNU.sparse.map" => pax.sparse_map = map(value)?,
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    pax.xattrs.retain(|(known, _)| known != name);
                    pax.xattrs.push((name.to_vec(), value.to_vec()));
                }
            }
        }
    }
    Ok(())
}

/// Key, value and the rest behind one record.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(20).position(|&b| b == b' ')?;
    let length = usize::try_from(digits(bytes.get(..blank)?)?).ok()?;
    let body = bytes.get(blank + 1..length)?;
    let (&end, body) = body.split_last()?;
    let equals = body.iter().position(|&b| b == b'=')?;
    if end != b'\n' || equals == 0 {
        return None;
    }
    Some((body.get(..equals)?, body.get(equals + 1..)?, bytes.get(length..)?))
}

fn nonempty(value: &[u8]) -> Option<Vec<u8>> {
    (!value.is_empty()).then(|| value.to_vec())
}

fn digits(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |number, &digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// A decimal number; an empty value takes back what a global header said.
fn decimal(value: &[u8]) -> Result<Option<u64>> {
    if value.is_empty() {
        return Ok(None);
    }
    match digits(value) {
        Some(number) if i64::try_from(number).is_ok() => Ok(Some(number)),
        _ => crate::bail!("extended header has an invalid number `{}`", value.escape_ascii()),
    }
}

/// `[-]SECONDS[.FRACTION]`, nanoseconds rounded down.
fn timestamp(value: &[u8]) -> Result<Option<(i64, u32)>> {
    if value.is_empty() {
        return Ok(None);
    }
    let (negative, rest) = match value.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, value),
    };
    let mut parts = rest.splitn(2, |&b| b == b'.');
    let seconds = parts.next().and_then(digits).and_then(|s| i64::try_from(s).ok());
    let fraction = parts.next().unwrap_or_default();
    let (Some(seconds), true) = (seconds, fraction.iter().all(u8::is_ascii_digit)) else {
        crate::bail!("extended header has an invalid time `{}`", value.escape_ascii());
    };
    let nanos = fraction.iter().chain(b"000000000").take(9).fold(0, |n, &d| n * 10 + u32::from(d - b'0'));
    Ok(Some(match (negative, nanos) {
        (false, nanos) => (seconds, nanos),
        (true, 0) => (-seconds, 0),
        (true, nanos) => (-seconds - 1, 1_000_000_000 - nanos),
    }))
}

/// `offset,length,offset,length...`.
fn map(value: &[u8]) -> Result<Vec<(u64, u64)>> {
    let numbers: Option<Vec<u64>> = value.split(|&b| b == b',').map(digits).collect();
    match numbers {
        Some(numbers) if numbers.len().is_multiple_of(2) => Ok(numbers
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [offset, length] => Some((*offset, *length)),
                _ => None,
            })
            .collect()),
        _ if value.is_empty() => Ok(Vec::new()),
        _ => crate::bail!("extended header has an invalid sparse map"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_length_and_not_by_line() {
        let mut pax = Pax::default();
        let xattr = b"34 SCHILY.xattr.user.a=1\n2\x003=4567\n";
        assert_eq!(xattr.len(), 34);
        apply(&mut pax, xattr).unwrap();
        apply(&mut pax, b"11 path=a/b\n0").unwrap_err();
        let mut pax2 = Pax::default();
        apply(&mut pax2, b"12 path=a/b\n30 mtime=1350244992.023960108\n").unwrap();
        assert_eq!(pax.xattrs, [(b"user.a".to_vec(), b"1\n2\x003=4567".to_vec())]);
        assert_eq!(pax2.path.as_deref(), Some(&b"a/b"[..]));
        assert_eq!(pax2.mtime, Some((1_350_244_992, 23_960_108)));
    }

    #[test]
    fn times() {
        type Row<'a> = (&'a [u8], Option<(i64, u32)>);
        let table: [Row<'_>; 6] = [
            (b"0", Some((0, 0))),
            (b"1.5", Some((1, 500_000_000))),
            (b"-1.5", Some((-2, 500_000_000))),
            (b"-3", Some((-3, 0))),
            (b"1.0000000009", Some((1, 0))),
            (b"", None),
        ];
        for (bytes, expected) in table {
            assert_eq!(timestamp(bytes).unwrap(), expected, "{:?}", bytes.escape_ascii().to_string());
        }
        assert!(timestamp(b"x").is_err());
        assert!(timestamp(b"1.x").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = apply(&mut Pax::default(), &bytes);
        }
    }
}
