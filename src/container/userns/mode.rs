//! The value of `--userns`.

use std::path::PathBuf;

use super::entry::{self, Entry};
use crate::bail;
use crate::error::{Context, Error, Result};

/// IDs above this are no user's (as in passwd).
const MAX_ID: u32 = i32::MAX as u32;

/// Where the IDs of a container come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// The user's own namespace.
    #[default]
    Host,
    /// The user's own IDs, in a namespace of the container's own: what owns everything in it owns nothing beside it. Not a
    /// value of `--userns`.
    Own,
    /// The user keeps their IDs in the container, or these.
    KeepId { uid: Option<u32>, gid: Option<u32>, size: Option<u32> },
    /// A range that no other container has.
    Auto { size: Option<u32>, uids: Vec<Entry>, gids: Vec<Entry> },
    /// All IDs but the user's own.
    NoMap,
    /// As `--uidmap` and its kin say.
    Private,
    /// That of another container, by name or ID.
    Container(String),
    /// That of this file.
    Path(PathBuf),
}

impl Mode {
    /// Reads the value of `--userns`.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        match (name, value) {
            ("" | "host", None) => Ok(Mode::Host),
            ("keep-id", value) => keep_id(value.unwrap_or_default()),
            ("auto", value) => auto(value.unwrap_or_default()),
            ("nomap", None) => Ok(Mode::NoMap),
            ("private", None) => Ok(Mode::Private),
            ("container", Some(name)) if !name.is_empty() => Ok(Mode::Container(name.to_owned())),
            ("ns", Some(path)) if !path.is_empty() => Ok(Mode::Path(PathBuf::from(path))),
            ("container", _) => bail!("invalid config provided: namespace mode container requires a value"),
            ("ns", _) => bail!("invalid config provided: namespace mode path requires a value"),
            _ if text == "pod" || text.starts_with("pod:") => {
                bail!("`--userns={text}` is not there yet: pods are the matter of a later release")
            }
            _ => Err(Error::new(format!("unrecognized namespace mode {text} passed")).hint(
                "use one of host, keep-id[:uid=UID,gid=GID,size=SIZE], auto[:size=SIZE,uidmapping=MAP,gidmapping=MAP], \
                 nomap, private, container:NAME, ns:PATH",
            )),
        }
    }
}

/// The options behind the colon: `NAME=VALUE`, separated by commas.
fn options(text: &str) -> Result<Vec<(&str, &str)>> {
    let words = text.split(',').filter(|word| !word.is_empty());
    words
        .map(|word| word.split_once('=').ok_or_else(|| Error::new(format!("invalid option specified: \"{word}\""))))
        .collect()
}

fn unknown<T>(name: &str) -> Result<T> {
    bail!("unknown option specified: \"{name}\"")
}

fn keep_id(text: &str) -> Result<Mode> {
    let (mut uid, mut gid, mut size) = (None, None, None);
    for (name, value) in options(text)? {
        let number = entry::number(value)?;
        match name {
            "uid" => uid = Some(number),
            "gid" => gid = Some(number),
            // As in the reference, 0 is no size.
            "size" => size = Some(number).filter(|size| *size > 0),
            other => return unknown(other),
        }
    }
    if uid.into_iter().chain(gid).any(|id| id > MAX_ID) {
        bail!("uids and gids must be in range 0-{MAX_ID}");
    }
    Ok(Mode::KeepId { uid, gid, size })
}

fn auto(text: &str) -> Result<Mode> {
    let (mut size, mut uids, mut gids) = (None, Vec::new(), Vec::new());
    for (name, value) in options(text)? {
        match name {
            "size" => size = Some(entry::number(value)?).filter(|size| *size > 0),
            "uidmapping" => uids.push(Entry::parse_plain(value, "UID").context("initializing ID mappings")?),
            "gidmapping" => gids.push(Entry::parse_plain(value, "GID").context("initializing ID mappings")?),
            other => return unknown(other),
        }
    }
    Ok(Mode::Auto { size, uids, gids })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_of_the_reference() {
        let keep = |uid, gid, size| Mode::KeepId { uid, gid, size };
        for (text, mode) in [
            ("", Mode::Host),
            ("host", Mode::Host),
            ("keep-id", keep(None, None, None)),
            ("keep-id:", keep(None, None, None)),
            ("keep-id:uid=5,gid=6,size=100", keep(Some(5), Some(6), Some(100))),
            ("keep-id:uid=5,uid=7,size=0", keep(Some(7), None, None)),
            ("nomap", Mode::NoMap),
            ("private", Mode::Private),
            ("auto", Mode::Auto { size: None, uids: vec![], gids: vec![] }),
            ("auto:size=0", Mode::Auto { size: None, uids: vec![], gids: vec![] }),
            ("container:web", Mode::Container("web".into())),
            ("ns:/proc/1/ns/user", Mode::Path("/proc/1/ns/user".into())),
        ] {
            assert_eq!(Mode::parse(text), Ok(mode), "{text}");
        }
        let Ok(Mode::Auto { size, uids, gids }) = Mode::parse("auto:size=9,uidmapping=1:@2:3,gidmapping=4:5") else {
            panic!("auto")
        };
        assert_eq!((size, uids.len(), gids.len()), (Some(9), 1, 1));
    }

    #[test]
    fn what_is_wrong_is_said_in_the_reference_s_words() {
        for (text, wrong) in [
            ("foo", "unrecognized namespace mode foo passed"),
            ("nomap:foo", "unrecognized namespace mode nomap:foo passed"),
            ("host:foo", "unrecognized namespace mode host:foo passed"),
            ("keep-id:foo=1", "unknown option specified: \"foo\""),
            ("keep-id:size", "invalid option specified: \"size\""),
            ("keep-id:uid=x", "parsing \"x\": invalid syntax"),
            ("keep-id:uid=5:gid=6", "parsing \"5:gid=6\": invalid syntax"),
            ("keep-id:uid=4294967295", "uids and gids must be in range 0-2147483647"),
            ("auto:foo=5", "unknown option specified: \"foo\""),
            ("auto:size", "invalid option specified: \"size\""),
            ("auto:size=99999999999", "parsing \"99999999999\": value out of range"),
            (
                "auto:uidmapping=5",
                "initializing ID mappings: UID setting is malformed expected [\"uint32:[@]uint32[:uint32]\"] : \"5\"",
            ),
            ("container:", "invalid config provided: namespace mode container requires a value"),
            ("ns:", "invalid config provided: namespace mode path requires a value"),
        ] {
            assert_eq!(Mode::parse(text).map_err(|e| e.to_string()), Err(wrong.to_owned()), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "((keep-id|auto|ns|container|nomap):?)?[a-z=,:@0-9+]{0,40}") {
            let _ = Mode::parse(&text);
        }
    }
}
