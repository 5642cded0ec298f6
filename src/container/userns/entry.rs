//! `--uidmap` and `--gidmap`: `[+ug]CONTAINER:[@]PARENT[:AMOUNT]`.
//!
//! `u` and `g` say which of the two maps an entry is for, where only one of the flags was given, and so stands for both.
//! `@` means that the ID is the host's, not one of the user's namespace. `+` takes what the entry needs away from those
//! before it; if the first entry has it, what is left of the user's IDs fills the gaps from 0 on.

use super::ranges::Ranges;
use crate::bail;
use crate::error::{Error, Result};
use crate::runtime::idmap::to_inside;
use crate::runtime::userns::Extent;

/// No one types more.
const MAX_ENTRIES: usize = 1000;

/// One entry as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub extend: bool,
    /// For which map, where a flag is taken for both: as typed, neither means both.
    pub for_users: bool,
    pub for_groups: bool,
    pub container: u32,
    pub parent: u32,
    /// `parent` is an ID of the host.
    pub host: bool,
    pub size: u32,
}

impl Entry {
    /// Reads one entry. `what` is `UID` or `GID`.
    pub fn parse(text: &str, what: &str) -> Result<Self> {
        let fields: Vec<&str> = text.split(':').collect();
        let (first, parent, size) = match fields.as_slice() {
            [first, parent] => (*first, *parent, "1"),
            [first, parent, size] => (*first, *parent, *size),
            _ => bail!(
                "initializing ID mappings: {what} setting is malformed expected [\"[+ug]uint32:[@]uint32[:uint32]\"] : [\"{text}\"]"
            ),
        };
        let digits = first.trim_start_matches(['+', 'u', 'g']);
        let flags = first.strip_suffix(digits).unwrap_or_default();
        if let Some(other) = digits.chars().next().filter(|c| !c.is_ascii_digit()) {
            bail!("invalid mapping: [{}]. Unknown flag {}", fields.join(" "), u32::from(other));
        }
        let (both, has) = (!flags.contains(['u', 'g']), |flag| flags.contains(flag));
        let (host, parent) = match parent.strip_prefix('@') {
            Some(number) => (true, number),
            None => (false, parent),
        };
        let value = |text: &str| number(text).map_err(|e| e.wrap(format!("parsing id map value \"{text}\"")));
        Ok(Entry {
            extend: has('+'),
            for_users: both || has('u'),
            for_groups: both || has('g'),
            container: value(digits)?,
            parent: value(parent)?,
            host,
            size: value(size)?,
        })
    }

    /// Reads one of `--userns=auto`, which has no flags.
    pub fn parse_plain(text: &str, what: &str) -> Result<Self> {
        if !(2..=3).contains(&text.split(':').count()) {
            bail!("{what} setting is malformed expected [\"uint32:[@]uint32[:uint32]\"] : \"{text}\"");
        }
        if text.starts_with(['+', 'u', 'g']) {
            bail!("{what} setting is malformed expected [\"uint32:[@]uint32[:uint32]\"] : \"{text}\"");
        }
        Entry::parse(text, what)
    }

    /// The IDs of the user's namespace that it speaks of. `parent` is that namespace's own map.
    pub(super) fn extents(&self, parent: &[Extent], what: &str) -> Result<Vec<Extent>> {
        let (mut container_id, mut id, mut left) = (self.container, self.parent, self.size);
        let mut extents = Vec::new();
        while left > 0 {
            let (host_id, size) = if self.host {
                let Some(inside) = to_inside(parent, id) else {
                    return Err(Error::new(format!("parent ID {what} {id} is not mapped/delegated")).hint(format!(
                        "get it in /etc/sub{}, or name one of the IDs that you have",
                        what.to_lowercase()
                    )));
                };
                let of = parent.iter().find(|e| id >= e.host_id && id - e.host_id < e.size);
                (inside, of.map_or(1, |e| e.size - (id - e.host_id)).min(left))
            } else {
                (id, left)
            };
            extents.push(Extent { container_id, host_id, size });
            left -= size;
            if left > 0 {
                let next = container_id.checked_add(size).zip(id.checked_add(size));
                (container_id, id) = next.ok_or_else(|| Error::new("the mapping goes beyond the largest ID"))?;
            }
        }
        Ok(extents)
    }
}

/// A number as the reference reads it, and what it says of others.
pub(super) fn number(text: &str) -> Result<u32> {
    match text.parse() {
        Ok(number) if !text.starts_with('+') => Ok(number),
        _ if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
            bail!("parsing \"{text}\": value out of range")
        }
        _ => bail!("parsing \"{text}\": invalid syntax"),
    }
}

/// Reads all values of one of the two flags. An empty value is none.
pub fn parse_all(values: &[String], what: &str) -> Result<Vec<Entry>> {
    let words: Vec<&String> = values.iter().filter(|word| !word.is_empty()).collect();
    if words.len() > MAX_ENTRIES {
        bail!("the {what} mapping has more than {MAX_ENTRIES} entries");
    }
    words.into_iter().map(|word| Entry::parse(word, what)).collect()
}

/// The map that entries make together, sorted by the container's IDs. `parent` is the map of the user's namespace.
pub(super) fn build(entries: &[Entry], parent: &[Extent], what: &str) -> Result<Vec<Extent>> {
    let mut map = Vec::new();
    for entry in entries {
        for extent in entry.extents(parent, what)? {
            if entry.extend {
                map = without(&map, &extent);
            }
            map.push(extent);
        }
    }
    if entries.first().is_some_and(|entry| entry.extend) {
        fill(&mut map, parent);
    }
    Ok(merged(map))
}

/// The map without what has an ID of `taken`, on either side.
fn without(map: &[Extent], taken: &Extent) -> Vec<Extent> {
    let mut left = Vec::new();
    for extent in map {
        // What stays, as offsets in the extent.
        let mut stays = Ranges::of([(0, u64::from(extent.size))]);
        for (own, other) in [(extent.container_id, taken.container_id), (extent.host_id, taken.host_id)] {
            let start = u64::from(other).saturating_sub(u64::from(own));
            let end = (u64::from(other) + u64::from(taken.size)).saturating_sub(u64::from(own));
            stays.remove(start, end);
        }
        left.extend(stays.iter().filter_map(|(start, end)| {
            let offset = u32::try_from(start).ok()?;
            Some(Extent {
                container_id: extent.container_id.checked_add(offset)?,
                host_id: extent.host_id.checked_add(offset)?,
                size: u32::try_from(end - start).ok()?,
            })
        }));
    }
    left
}

/// Gives IDs of the container from 0 on what the user has and the map does not yet use.
fn fill(map: &mut Vec<Extent>, parent: &[Extent]) {
    let mut ids =
        Ranges::of(parent.iter().map(|e| (u64::from(e.container_id), e.size)).map(|(s, n)| (s, s + u64::from(n))));
    let mut gaps = Ranges::of([(0, u64::from(u32::MAX))]);
    for extent in map.iter() {
        ids.remove(u64::from(extent.host_id), u64::from(extent.host_id) + u64::from(extent.size));
        gaps.remove(u64::from(extent.container_id), u64::from(extent.container_id) + u64::from(extent.size));
    }
    map.extend(gaps.deal(&ids));
}

/// Sorted by the container's IDs, neighbours as one.
pub(super) fn merged(mut map: Vec<Extent>) -> Vec<Extent> {
    map.retain(|e| e.size > 0);
    map.sort_by_key(|e| e.container_id);
    let mut merged: Vec<Extent> = Vec::new();
    for extent in map {
        match merged.last_mut() {
            Some(last)
                if last.container_id.checked_add(last.size) == Some(extent.container_id)
                    && last.host_id.checked_add(last.size) == Some(extent.host_id)
                    && last.size.checked_add(extent.size).is_some() =>
            {
                last.size += extent.size;
            }
            _ => merged.push(extent),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(all: &[(u32, u32, u32)]) -> Vec<Extent> {
        all.iter().map(|(c, h, n)| Extent { container_id: *c, host_id: *h, size: *n }).collect()
    }

    /// The map of user 1001 with 65536 IDs from 100000 on.
    fn parent() -> Vec<Extent> {
        extents(&[(0, 1001, 1), (1, 100_000, 65536)])
    }

    fn map(texts: &[&str]) -> std::result::Result<Vec<(u32, u32, u32)>, String> {
        let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
        let built = parse_all(&texts, "UID").and_then(|entries| build(&entries, &parent(), "UID"));
        built.map(|m| m.iter().map(|e| (e.container_id, e.host_id, e.size)).collect()).map_err(|e| e.to_string())
    }

    #[test]
    fn maps_are_those_of_the_reference() {
        type Case<'a> = (&'a [&'a str], &'a [(u32, u32, u32)]);
        let cases: &[Case<'_>] = &[
            (&["0:0:1000"], &[(0, 0, 1000)]),
            (&["0:0"], &[(0, 0, 1)]),
            (&["0:0:5", ""], &[(0, 0, 5)]),
            (&["0:0:0", "0:0:4"], &[(0, 0, 4)]),
            (&["100000:@100000:2", "0:5:3"], &[(0, 5, 3), (100_000, 1, 2)]),
            (&["0:@1001:1"], &[(0, 0, 1)]),
            (&["0:0:10", "+5:20:5"], &[(0, 0, 5), (5, 20, 5)]),
            (&["0:0:10", "+20:5:5"], &[(0, 0, 5), (20, 5, 5)]),
            (&["0:0:65000", "+100000:1:1"], &[(0, 0, 1), (2, 2, 64998), (100_000, 1, 1)]),
            (&["0:0:65000", "+100000:1:1", "1:65001:1"], &[(0, 0, 1), (1, 65001, 1), (2, 2, 64998), (100_000, 1, 1)]),
            (&["+100000:1:1"], &[(0, 0, 1), (1, 2, 65535), (100_000, 1, 1)]),
            (&["+100000:1:1", "5:5:1"], &[(0, 0, 1), (1, 2, 3), (4, 6, 1), (5, 5, 1), (6, 7, 65530), (100_000, 1, 1)]),
            (&["+10:1:1", "+20:0:1"], &[(0, 2, 10), (10, 1, 1), (11, 12, 9), (20, 0, 1), (21, 21, 65516)]),
            (&["++0:1:2"], &[(0, 1, 2), (2, 0, 1), (3, 3, 65534)]),
            (&["5:5:1", "+100000:1:1"], &[(5, 5, 1), (100_000, 1, 1)]),
            (&["0:0:1", "1:1:1", "2:2:4"], &[(0, 0, 6)]),
            (&["u+10:1:1"], &[(0, 0, 1), (1, 2, 9), (10, 1, 1), (11, 11, 65526)]),
        ];
        for (texts, expected) in cases {
            assert_eq!(map(texts), Ok(expected.to_vec()), "{texts:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_reference_s_words() {
        let malformed = |text: &str| {
            format!(
                "initializing ID mappings: UID setting is malformed expected [\"[+ug]uint32:[@]uint32[:uint32]\"] : [\"{text}\"]"
            )
        };
        for (text, wrong) in [
            ("foo", malformed("foo")),
            ("0", malformed("0")),
            ("0:0:1:1", malformed("0:0:1:1")),
            ("0:x:1", "parsing id map value \"x\": parsing \"x\": invalid syntax".to_owned()),
            ("0:0:-1", "parsing id map value \"-1\": parsing \"-1\": invalid syntax".to_owned()),
            ("0:+1:1", "parsing id map value \"+1\": parsing \"+1\": invalid syntax".to_owned()),
            (":0:1", "parsing id map value \"\": parsing \"\": invalid syntax".to_owned()),
            ("q0:0:10", "invalid mapping: [q0 0 10]. Unknown flag 113".to_owned()),
            ("@0:0:1", "invalid mapping: [@0 0 1]. Unknown flag 64".to_owned()),
            ("0:@2000:1", "parent ID UID 2000 is not mapped/delegated".to_owned()),
            ("0:@1001:3", "parent ID UID 1002 is not mapped/delegated".to_owned()),
        ] {
            assert_eq!(map(&[text]), Err(wrong), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(texts in proptest::collection::vec("[+ug@q]{0,2}[0-9]{0,11}(:@?[0-9x]{0,11}){0,3}", 0..6)) {
            let _ = parse_all(&texts, "GID").and_then(|entries| build(&entries, &parent(), "GID"));
        }

        #[test]
        fn extending_never_makes_a_conflict(all in proptest::collection::vec((0u32..200, 0u32..200, 1u32..60), 1..6)) {
            let texts: Vec<String> = all.iter().map(|(c, h, n)| format!("+{c}:{h}:{n}")).collect();
            let entries = parse_all(&texts, "UID").unwrap();
            let map = build(&entries, &parent(), "UID").unwrap();
            for (i, a) in map.iter().enumerate() {
                for b in map.iter().skip(i + 1) {
                    let apart = |x: u32, y: u32| x + a.size <= y || y + b.size <= x;
                    proptest::prop_assert!(apart(a.container_id, b.container_id) && apart(a.host_id, b.host_id));
                }
            }
        }
    }
}
