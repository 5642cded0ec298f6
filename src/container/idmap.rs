//! ID-mapped mounts: `idmap` and `idmap=uids=0-1-10#10-11-10;gids=0-100-10`.
//!
//! Each triplet is the first ID of the file system, the first ID that it is shown as on the host, and how many. With `@`
//! before it, the second is an ID of the container's user namespace.

use crate::bail;
use crate::error::Result;

/// One triplet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Triplet {
    pub file_system: u32,
    pub shown: u32,
    pub count: u32,
    /// `shown` is an ID of the container's user namespace.
    pub relative: bool,
}

/// The mappings of an ID-mapped mount. Both are empty where only `idmap` was said: then the container's own user namespace maps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdMap {
    pub uids: Vec<Triplet>,
    pub gids: Vec<Triplet>,
}

/// The kernel takes no more lines (user_namespaces(7)).
const MAX_TRIPLETS: usize = 340;

impl IdMap {
    /// Reads what is behind `idmap=`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut map = IdMap::default();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let list = match part.split_once('=') {
                Some(("uids", triplets)) => (&mut map.uids, triplets),
                Some(("gids", triplets)) => (&mut map.gids, triplets),
                _ => bail!("unknown option \"{part}\": idmap takes uids=... and gids=..."),
            };
            for text in list.1.split('#') {
                list.0.push(triplet(text)?);
            }
            if list.0.len() > MAX_TRIPLETS {
                bail!("idmap has more than {MAX_TRIPLETS} ranges");
            }
        }
        if map.uids.is_empty() != map.gids.is_empty() || map.uids.is_empty() {
            bail!("idmap needs both uids=... and gids=...");
        }
        Ok(map)
    }
}

fn triplet(text: &str) -> Result<Triplet> {
    let (relative, numbers) = text.strip_prefix('@').map_or((false, text), |rest| (true, rest));
    let parsed: Option<Vec<u32>> = numbers.split('-').map(|n| n.parse().ok()).collect();
    match parsed.as_deref() {
        Some(&[file_system, shown, count])
            if count > 0 && file_system.checked_add(count).is_some() && shown.checked_add(count).is_some() =>
        {
            Ok(Triplet { file_system, shown, count, relative })
        }
        _ => bail!("invalid idmap range \"{text}\": must be FILE-SYSTEM-ID-HOST-ID-COUNT, three numbers with hyphens"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triplets() {
        let map = IdMap::parse("uids=0-1-10#@10-11-10;gids=0-100-10").unwrap();
        assert_eq!(map.uids.len(), 2);
        assert_eq!(map.uids[1], Triplet { file_system: 10, shown: 11, count: 10, relative: true });
        assert_eq!(map.gids, [Triplet { file_system: 0, shown: 100, count: 10, relative: false }]);
        for bad in [
            "",
            "uids=0-1-10",
            "gids=0-1-1",
            "true",
            "uids=0-1;gids=0-1-1",
            "uids=0-1-0;gids=0-1-1",
            "uids=4294967295-0-2;gids=0-0-1",
        ] {
            assert!(IdMap::parse(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*", odd in "(uids|gids|[=;#@-]|[0-9]{1,11}){0,20}") {
            let _ = IdMap::parse(&text);
            let _ = IdMap::parse(&odd);
        }
    }
}
