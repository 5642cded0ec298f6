//! What one stack of layers changes about another (`image diff`).

use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat};

use super::store::ImageStore;
use crate::error::{Context, Error, Result};
use crate::storage::tree::mtime;
use crate::storage::tree::walk::{self, Item, Visitor};
use crate::storage::unpack::beneath::file_type;

/// How something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added,
    Changed,
    Deleted,
}

/// Changes by path, each with a leading slash.
pub type Changes = BTreeMap<Vec<u8>, Change>;

impl ImageStore {
    /// What the topmost layer of an image changes about those below; with `other`, what the whole image changes about that
    /// one. The process is root of the user namespace.
    pub fn diff(&self, text: &str, other: Option<&str>) -> Result<Changes> {
        let image = self.find(text)?;
        let from = match other {
            Some(other) => self.find(other)?.layers,
            None => image.layers.split_last().map(|(_, below)| below.to_vec()).unwrap_or_default(),
        };
        let changes = compare(&self.tree(&from)?, &self.tree(&image.layers)?);
        Ok(changes)
    }

    fn tree(&self, layers: &[String]) -> Result<Tree> {
        let mut tree = Tree::default();
        if layers.is_empty() {
            return Ok(tree);
        }
        let mut roots = Vec::new();
        for diff_id in layers.iter().rev() {
            roots.push(self.open_layer(diff_id)?);
        }
        walk::walk(roots, walk::Kind::Layers, &mut tree)?;
        Ok(tree)
    }

    fn open_layer(&self, diff_id: &str) -> Result<OwnedFd> {
        if !self.layers.exists(diff_id) {
            return Err(Error::new(format!("layer `{diff_id}` is missing"))
                .hint("repair it with `coracle system check --repair`, or pull the image again"));
        }
        let path = self.layers.path(diff_id);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(&path, flags, Mode::empty()).with_context(|| format!("opening `{}`", path.display()))
    }
}

/// What is compared of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meta {
    mode: u32,
    owner: (u32, u32),
    /// Size and time; not of directories, which change with what is in them.
    data: Option<(i64, (i64, u32))>,
}

/// Everything in a stack of layers, by path.
#[derive(Debug, Default)]
struct Tree(BTreeMap<Vec<u8>, Meta>);

impl Visitor for Tree {
    fn meet(&mut self, item: &Item<'_>) -> Result<()> {
        let stat = item.stat;
        let is_dir = file_type(stat) == FileType::Directory;
        let meta = Meta {
            mode: stat.st_mode,
            owner: (stat.st_uid, stat.st_gid),
            data: (!is_dir).then(|| (stat.st_size, mtime(stat))),
        };
        if !item.path.is_empty() {
            self.0.insert([b"/", item.path].concat(), meta);
        }
        Ok(())
    }

    fn leave(&mut self, _: &[u8], _: BorrowedFd<'_>, _: &Stat) -> Result<()> {
        Ok(())
    }
}

fn compare(from: &Tree, to: &Tree) -> Changes {
    let mut changes = Changes::new();
    for (path, meta) in &to.0 {
        match from.0.get(path) {
            None => drop(changes.insert(path.clone(), Change::Added)),
            Some(before) if before != meta => drop(changes.insert(path.clone(), Change::Changed)),
            Some(_) => {}
        }
    }
    for path in from.0.keys().filter(|path| !to.0.contains_key(*path)) {
        // What was in a deleted directory is not told.
        if parent(path).is_none_or(|parent| to.0.contains_key(parent)) {
            changes.insert(path.clone(), Change::Deleted);
        }
    }
    // A directory changes with what is in it.
    let changed: Vec<Vec<u8>> = changes.keys().cloned().collect();
    for path in changed {
        let mut at = path.as_slice();
        while let Some(above) = parent(at) {
            changes.entry(above.to_vec()).or_insert(Change::Changed);
            at = above;
        }
    }
    changes
}

/// The directory that something is in; `None` for what is in the root.
fn parent(path: &[u8]) -> Option<&[u8]> {
    let slash = path.iter().rposition(|&b| b == b'/').filter(|slash| *slash > 0)?;
    path.get(..slash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told() {
        let file = |size| Meta { mode: 0o100_644, owner: (0, 0), data: Some((size, (0, 0))) };
        let dir = Meta { mode: 0o40_755, owner: (0, 0), data: None };
        let tree = |entries: &[(&str, Meta)]| {
            Tree(entries.iter().map(|(path, meta)| (path.as_bytes().to_vec(), *meta)).collect())
        };
        let from = tree(&[
            ("/etc", dir),
            ("/etc/a", file(1)),
            ("/etc/b", file(1)),
            ("/gone", dir),
            ("/gone/x", file(1)),
            ("/same", dir),
            ("/same/deep", dir),
        ]);
        let to = tree(&[
            ("/etc", dir),
            ("/etc/a", file(1)),
            ("/etc/b", file(2)),
            ("/new", dir),
            ("/new/y", file(1)),
            ("/same", dir),
            ("/same/deep", Meta { owner: (1, 1), ..dir }),
        ]);
        let shown: String = compare(&from, &to)
            .iter()
            .map(|(path, change)| format!("{change:?} {} ", String::from_utf8_lossy(path)))
            .collect();
        assert_eq!(
            shown.trim_end(),
            "Changed /etc Changed /etc/b Deleted /gone Added /new Added /new/y Changed /same Changed /same/deep"
        );
        assert!(compare(&from, &from).is_empty());
    }
}
