//! How the IDs of a container stand on disk.
//!
//! Layers are unpacked with their IDs as IDs of the user's namespace: the image's 0 is the user's 0. A container of another
//! mapping has other IDs there, so its files are shown through a [`Shift`]: what is stored as the image has it is shown
//! as what the container's map makes of it. What the container writes is stored the same way, so that its upper directory
//! holds the container's own numbers, and commit, diff, cp and export need to know nothing of the mapping.
//!
//! IDs of the container beyond those that the user has (`keep-id:uid=70000`) cannot be stored as themselves: each gets one
//! that the container does not have.

use serde::{Deserialize, Serialize};

use super::ranges::Ranges;
use crate::container::record::Record;
use crate::runtime::idmap::IdMap;
use crate::runtime::userns::Extent;
use crate::storage::tree::copy::Renumber;

/// From IDs on disk (`container_id`) to those shown (`host_id`), both of the user's namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shift {
    pub uids: Vec<Extent>,
    pub gids: Vec<Extent>,
}

impl Shift {
    /// What has to be shown otherwise than it is stored; `None` where nothing has. `parent` is the user's namespace.
    pub fn of(map: &IdMap, parent: &IdMap) -> Option<Self> {
        let shift = Shift { uids: shifted(&map.uids, &parent.uids), gids: shifted(&map.gids, &parent.gids) };
        let differs = shift.uids.iter().chain(&shift.gids).any(|e| e.container_id != e.host_id);
        differs.then_some(shift)
    }

    /// As fuse-overlayfs takes them: `STORED:SHOWN:SIZE`, joined by colons.
    pub fn options(&self) -> (String, String) {
        let side = |side: &[Extent]| {
            let each = side.iter().map(|e| format!("{}:{}:{}", e.container_id, e.host_id, e.size));
            each.collect::<Vec<_>>().join(":")
        };
        (side(&self.uids), side(&self.gids))
    }
}

/// The container's numbers to those of the user's namespace, as a copy into it needs them.
pub fn to_parent(map: &IdMap) -> Renumber {
    let side = |side: &[Extent]| side.iter().map(|e| (e.container_id, e.host_id, e.size)).collect();
    Renumber { uids: side(&map.uids), gids: side(&map.gids) }
}

/// The way back, as an archive of what the container sees needs it.
pub fn to_own(map: &IdMap) -> Renumber {
    let side = |side: &[Extent]| side.iter().map(|e| (e.host_id, e.container_id, e.size)).collect();
    Renumber { uids: side(&map.uids), gids: side(&map.gids) }
}

/// How what a container has written is owned on disk: `None` means by the container's own numbers (but see [`stored`] for
/// those that the user does not have), else by what this map makes of them. Its layers are always owned by the image's
/// numbers; in the tree of [`crate::container::snapshot::shown`] owners are as in the upper directory.
pub fn disk_map(record: &Record) -> Option<&IdMap> {
    match (&record.id_map, record.driver.as_str()) {
        // fuse-overlayfs translates; with `--rootfs` nobody does.
        (_, "fuse-overlayfs") => None,
        (map, _) => map.as_ref().filter(|_| record.shift.is_some() || record.rootfs.is_some()),
    }
}

/// The container's IDs to those in its upper directory, where fuse-overlayfs translates.
pub fn stored(map: &IdMap, parent: &IdMap) -> IdMap {
    let side = |map: &[Extent], parent: &[Extent]| -> Vec<Extent> {
        pieces(map, parent)
            .into_iter()
            .map(|p| Extent { container_id: p.inside, host_id: p.disk, size: p.size })
            .collect()
    };
    IdMap { uids: side(&map.uids, &parent.uids), gids: side(&map.gids, &parent.gids) }
}

fn shifted(map: &[Extent], parent: &[Extent]) -> Vec<Extent> {
    let extent = |p: Piece| Extent { container_id: p.disk, host_id: p.shown, size: p.size };
    let mut all: Vec<Extent> = pieces(map, parent).into_iter().map(extent).collect();
    // Where the container has no root, what is root's in the image is shown as the first that it has: somebody must be able
    // to make mount points. It comes last, so that what that one writes is stored as their own.
    if let Some(first) = all.first().copied()
        && map.iter().all(|e| e.container_id > 0)
        && all.iter().all(|e| e.container_id > 0)
    {
        all.push(Extent { container_id: 0, host_id: first.host_id, size: 1 });
    }
    all
}

/// Consecutive IDs in the three numberings.
struct Piece {
    inside: u32,
    shown: u32,
    disk: u32,
    size: u32,
}

fn pieces(map: &[Extent], parent: &[Extent]) -> Vec<Piece> {
    let range = |start: u32, size: u32| (u64::from(start), u64::from(start) + u64::from(size));
    let own = Ranges::of(parent.iter().map(|e| range(e.container_id, e.size)));
    let mut free = own.clone();
    for extent in map {
        let (start, end) = range(extent.container_id, extent.size);
        free.remove(start, end);
    }
    let mut all = Vec::new();
    for extent in map {
        let (start, end) = range(extent.container_id, extent.size);
        let shown = |inside: u64| u64::from(extent.host_id) + (inside - start);
        let mut beyond = Ranges::of([(start, end)]);
        for (from, to) in own.iter() {
            let (from, to) = (from.max(start), to.min(end));
            if from < to {
                all.extend(piece(from, shown(from), from, to - from));
            }
            beyond.remove(from, to);
        }
        // From the top: images rarely have files of the highest IDs.
        for (mut from, to) in beyond.iter() {
            while from < to {
                let Some((first, last)) = free.iter().next_back() else { break };
                let size = (to - from).min(last - first);
                all.extend(piece(from, shown(from), last - size, size));
                free.remove(last - size, last);
                from += size;
            }
        }
    }
    all
}

fn piece(inside: u64, shown: u64, disk: u64, size: u64) -> Option<Piece> {
    Some(Piece {
        inside: inside.try_into().ok()?,
        shown: shown.try_into().ok()?,
        disk: disk.try_into().ok()?,
        size: size.try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(all: &[(u32, u32, u32)]) -> IdMap {
        let side: Vec<Extent> =
            all.iter().map(|(c, h, n)| Extent { container_id: *c, host_id: *h, size: *n }).collect();
        IdMap { uids: side.clone(), gids: side }
    }

    fn plain(side: &[Extent]) -> Vec<(u32, u32, u32)> {
        side.iter().map(|e| (e.container_id, e.host_id, e.size)).collect()
    }

    #[test]
    fn ids_are_stored_as_the_containers_own_where_the_user_has_them() {
        let user = map(&[(0, 1001, 1), (1, 100_000, 65536)]);
        let keep = map(&[(0, 1, 1001), (1001, 0, 1), (1002, 1002, 64535)]);
        let shift = Shift::of(&keep, &user).unwrap();
        assert_eq!(plain(&shift.uids), [(0, 1, 1001), (1001, 0, 1), (1002, 1002, 64535)]);
        assert!(stored(&keep, &user).is_identity());
        // Beyond what the user has.
        let far = map(&[(0, 1, 65536), (70_000, 0, 1)]);
        assert_eq!(plain(&Shift::of(&far, &user).unwrap().uids), [(0, 1, 65536), (65536, 0, 1)]);
        assert_eq!(plain(&stored(&far, &user).gids), [(0, 0, 65536), (70_000, 65536, 1)]);
    }

    #[test]
    fn without_a_root_the_first_owns_what_is_roots() {
        let user = map(&[(0, 1001, 1), (1, 100_000, 65536)]);
        assert_eq!(plain(&Shift::of(&map(&[(5, 0, 1)]), &user).unwrap().uids), [(5, 0, 1), (0, 0, 1)]);
    }

    #[test]
    fn nothing_is_shifted_where_both_sides_are_the_same() {
        let user = map(&[(0, 1001, 1), (1, 100_000, 65536)]);
        assert_eq!(Shift::of(&map(&[(0, 0, 1000)]), &user), None);
        // One ID, and all files are that one's.
        assert_eq!(Shift::of(&map(&[(1001, 0, 1)]), &map(&[(0, 1001, 1)])), None);
    }
}
