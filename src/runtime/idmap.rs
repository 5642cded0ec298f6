//! A container's own mapping of users and groups: a user namespace within that of the user.
//!
//! ```text
//! host ID  <-- /etc/subuid -->  ID of the user's namespace  <-- IdMap -->  ID in the container
//! ```
//!
//! Everything on disk is owned by IDs of the user's namespace (the intermediate IDs of podman-run(1)), and so are the
//! targets here. Whoever is root there may write the map of a namespace below: no newuidmap is needed.

use serde::{Deserialize, Serialize};

use super::userns::Extent;
use crate::error::{Error, Result};

/// The most lines that a uid_map may have (user_namespaces(7)).
const MAX_EXTENTS: usize = 340;

/// Which IDs a container's user namespace has. In an [`Extent`], `host_id` is of the user's namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdMap {
    pub uids: Vec<Extent>,
    pub gids: Vec<Extent>,
}

/// The user namespace of a container that is not in the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Userns {
    /// Its own, with this map.
    Own(IdMap),
    /// One that is there already, among the namespaces that are joined ([`super::launch::Launch::joins`]), with this map.
    Join(IdMap),
}

impl Userns {
    /// What the namespace maps.
    pub fn map(&self) -> &IdMap {
        match self {
            Userns::Own(map) | Userns::Join(map) => map,
        }
    }
}

impl IdMap {
    /// User and group 0 of the container, as IDs of the user's namespace.
    pub fn root(&self) -> (Option<u32>, Option<u32>) {
        (to_parent(&self.uids, 0), to_parent(&self.gids, 0))
    }

    /// Who owns what the engine makes for the container: its root, or else the first ID that it has.
    pub fn owner(&self) -> (u32, u32) {
        let first = |map: &[Extent]| map.first().map_or(0, |e| e.host_id);
        let (uid, gid) = self.root();
        (uid.unwrap_or_else(|| first(&self.uids)), gid.unwrap_or_else(|| first(&self.gids)))
    }

    /// Whether this group is in it.
    pub fn has_gid(&self, gid: u32) -> bool {
        to_parent(&self.gids, gid).is_some()
    }

    /// Whether every ID means the same inside and outside.
    pub fn is_identity(&self) -> bool {
        self.uids.iter().chain(&self.gids).all(|e| e.container_id == e.host_id)
    }

    /// Refuses what the kernel would: IDs that the user's namespace (`parent`) does not have, IDs that are mapped twice.
    pub fn check(&self, parent: &IdMap) -> Result<()> {
        for (what, file, own, parent) in
            [("UID", "subuid", &self.uids, &parent.uids), ("GID", "subgid", &self.gids, &parent.gids)]
        {
            if own.is_empty() {
                return Err(Error::new("must provide at least one UID or GID mapping to configure a user namespace"));
            }
            if let Some(twice) = conflict(own) {
                return Err(Error::new(format!(
                    "the specified {what} mapping {}:{}:{} conflicts with other mappings: invalid mappings specified",
                    twice.container_id, twice.host_id, twice.size
                )));
            }
            if let Some(id) = own.iter().find_map(|e| first_unmapped(parent, e)) {
                let has: u64 = parent.iter().map(|e| u64::from(e.size)).sum();
                return Err(Error::new(format!("{what} {id} cannot be mapped: you have {has} IDs, numbered from 0"))
                    .hint(format!(
                        "map IDs that you have (`coracle unshare cat /proc/self/{}_map` lists them), or get a larger \
                         range in /etc/{file}",
                        what.to_lowercase()
                    )));
            }
            if split(own, parent).len() > MAX_EXTENTS {
                return Err(Error::new(format!("the {what} mapping has more than {MAX_EXTENTS} parts")));
            }
        }
        Ok(())
    }
}

/// The parent's ID of one of the namespace's.
pub fn to_parent(map: &[Extent], id: u32) -> Option<u32> {
    map.iter().find_map(|e| e.host_id.checked_add(id.checked_sub(e.container_id).filter(|d| *d < e.size)?))
}

/// The namespace's ID of one of the parent's.
pub fn to_inside(map: &[Extent], id: u32) -> Option<u32> {
    map.iter().find_map(|e| e.container_id.checked_add(id.checked_sub(e.host_id).filter(|d| *d < e.size)?))
}

/// The lines of a uid_map, no extent across the border of two of the parent's, which the kernel would refuse.
pub fn map_text(map: &[Extent], parent: &[Extent]) -> String {
    let lines = split(map, parent);
    lines.iter().map(|e| format!("{} {} {}\n", e.container_id, e.host_id, e.size)).collect()
}

/// Cuts extents where the parent's begin.
fn split(map: &[Extent], parent: &[Extent]) -> Vec<Extent> {
    let mut all = Vec::new();
    for extent in map {
        let mut left = *extent;
        loop {
            let within = parent.iter().find_map(|p| {
                let offset = left.host_id.checked_sub(p.container_id).filter(|d| *d < p.size)?;
                Some(p.size - offset)
            });
            let size = within.unwrap_or(left.size).min(left.size);
            all.push(Extent { size, ..left });
            if size == left.size {
                break;
            }
            left = Extent {
                container_id: left.container_id.saturating_add(size),
                host_id: left.host_id.saturating_add(size),
                size: left.size - size,
            };
        }
    }
    all
}

/// An extent that has an ID of another one, inside or outside, or goes beyond the numbers that there are.
fn conflict(map: &[Extent]) -> Option<Extent> {
    let side = |first: fn(&Extent) -> u32| {
        let mut sorted: Vec<Extent> = map.to_vec();
        sorted.sort_by_key(first);
        let overlaps = |pair: &[Extent]| match pair {
            [a, b] if first(a).checked_add(a.size).is_none_or(|end| end > first(b)) => Some(*b),
            _ => None,
        };
        let beyond = sorted.last().filter(|e| first(e).checked_add(e.size).is_none()).copied();
        sorted.windows(2).find_map(overlaps).or(beyond)
    };
    side(|e| e.container_id).or_else(|| side(|e| e.host_id))
}

/// The first ID of the extent that the parent does not have.
fn first_unmapped(parent: &[Extent], extent: &Extent) -> Option<u32> {
    let mut id = extent.host_id;
    let end = extent.host_id.checked_add(extent.size)?;
    while id < end {
        let found = parent.iter().find(|p| id >= p.container_id && id - p.container_id < p.size);
        match found {
            Some(p) => id = p.container_id.checked_add(p.size)?,
            None => return Some(id),
        }
    }
    None
}

/// Reads the lines of a uid_map; those that are none are skipped.
pub fn parse_map(text: &str) -> Vec<Extent> {
    let number = |field: Option<&str>| field.and_then(|f| f.parse().ok());
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            Some(Extent {
                container_id: number(fields.next())?,
                host_id: number(fields.next())?,
                size: number(fields.next())?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(all: &[(u32, u32, u32)]) -> Vec<Extent> {
        all.iter()
            .map(|(container_id, host_id, size)| Extent { container_id: *container_id, host_id: *host_id, size: *size })
            .collect()
    }

    fn map(all: &[(u32, u32, u32)]) -> IdMap {
        IdMap { uids: extents(all), gids: extents(all) }
    }

    #[test]
    fn extents_are_cut_where_those_of_the_parent_begin() {
        let parent = extents(&[(0, 1001, 1), (1, 100_000, 10), (11, 7000, 5)]);
        assert_eq!(map_text(&extents(&[(0, 0, 14)]), &parent), "0 0 1\n1 1 10\n11 11 3\n");
        assert_eq!(map_text(&extents(&[(5, 9, 4), (0, 0, 1)]), &parent), "5 9 2\n7 11 2\n0 0 1\n");
    }

    #[test]
    fn ids_go_both_ways() {
        let keep = extents(&[(0, 1, 1001), (1001, 0, 1), (1002, 1002, 64535)]);
        for (inside, outside) in [(0, 1), (1000, 1001), (1001, 0), (1002, 1002), (65536, 65536)] {
            assert_eq!((to_parent(&keep, inside), to_inside(&keep, outside)), (Some(outside), Some(inside)));
        }
        assert_eq!((to_parent(&keep, 65537), to_inside(&keep, 65537)), (None, None));
    }

    #[test]
    fn what_the_kernel_would_refuse_is_refused() {
        let parent = map(&[(0, 1001, 1), (1, 100_000, 65536)]);
        let wrong = |all: &[(u32, u32, u32)]| map(all).check(&parent).map_err(|e| e.to_string());
        assert_eq!(wrong(&[(0, 1, 65536), (70_000, 0, 1)]), Ok(()));
        for (all, text) in [
            (&[][..], "at least one UID"),
            (&[(0, 0, 10), (5, 20, 5)], "UID mapping 5:20:5 conflicts"),
            (&[(0, 0, 10), (20, 5, 5)], "UID mapping 20:5:5 conflicts"),
            (&[(u32::MAX, 0, 2)], "conflicts"),
            (&[(0, 0, 65538)], "UID 65537 cannot be mapped"),
            (&[(0, 70_000, 1)], "UID 70000 cannot be mapped"),
        ] {
            assert!(wrong(all).is_err_and(|e| e.contains(text)), "{all:?}: {:?}", wrong(all));
        }
        let many: Vec<_> = (0..400).map(|i| (i * 2, i * 2, 1)).collect();
        assert!(wrong(&many).is_err_and(|e| e.contains("more than 340 parts")));
    }
}
