//! Whose the files of an unpacked layer are: how many IDs a container must have for it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::fs;

/// The user and the group that stand for nobody in particular.
pub const NOBODY: u32 = 65534;

/// IDs that are needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needed {
    /// All below this one.
    pub below: u32,
    /// [`NOBODY`] as well.
    pub nobody: bool,
}

impl Needed {
    /// One ID.
    pub fn of(id: u32) -> Self {
        match id {
            NOBODY => Needed { below: 0, nobody: true },
            id => Needed { below: id.saturating_add(1), nobody: false },
        }
    }

    /// Both.
    pub fn and(self, other: Needed) -> Self {
        Needed { below: self.below.max(other.below), nobody: self.nobody || other.nobody }
    }
}

/// Those of the files below `dir`. What cannot be read is left out: it is for a good guess. `memory` is a file that
/// remembers what was found; a layer never changes.
pub fn of_layer(dir: &Path, memory: &Path) -> Needed {
    if let Some(known) = std::fs::read(memory).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return known;
    }
    let mut needed = Needed::default();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(stat) = entry.metadata() else { continue };
            needed = needed.and(Needed::of(stat.uid())).and(Needed::of(stat.gid()));
            if stat.is_dir() {
                open.push(entry.path());
            }
        }
    }
    if let (Some(parent), Ok(bytes)) = (memory.parent(), serde_json::to_vec(&needed)) {
        let _ = fs::create_private_dir_all(parent);
        let _ = super::atomic::write(memory, &bytes, super::atomic::Durability::Process);
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_counts_and_nobody_apart() {
        let ids = [0, 33, NOBODY, 7];
        let all = ids.iter().fold(Needed::default(), |needed, id| needed.and(Needed::of(*id)));
        assert_eq!(all, Needed { below: 34, nobody: true });
        assert_eq!(Needed::of(u32::MAX).below, u32::MAX);
    }

    #[test]
    fn a_layer_is_looked_through_once() {
        let dir = tempfile::tempdir().unwrap();
        let (layer, memory) = (dir.path().join("layer"), dir.path().join("memory/layer"));
        std::fs::create_dir_all(layer.join("a/b")).unwrap();
        std::fs::write(layer.join("a/b/c"), "x").unwrap();
        let own = std::fs::metadata(&layer).unwrap();
        let expected = Needed::of(own.uid()).and(Needed::of(own.gid()));
        assert_eq!(of_layer(&layer, &memory), expected);
        std::fs::remove_dir_all(&layer).unwrap();
        assert_eq!(of_layer(&layer, &memory), expected);
        std::fs::write(&memory, "{").unwrap();
        assert_eq!(of_layer(&layer, &memory), Needed::default());
    }
}
