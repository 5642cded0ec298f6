//! What one stack of layers changes about another (`image diff`).

use std::collections::BTreeMap;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat};

use super::store::ImageStore;
use crate::error::{Context, Error, Result};
use crate::storage::tree::copy::Renumber;
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

/// What is the engine's own in every container, and no change of anybody's.
const IGNORED: [&[u8]; 10] = [
    b"/dev",
    b"/etc/hostname",
    b"/etc/hosts",
    b"/etc/mtab",
    b"/etc/resolv.conf",
    b"/proc",
    b"/run",
    b"/run/.containerenv",
    b"/run/secrets",
    b"/sys",
];

impl ImageStore {
    /// What the topmost layer of an image changes about those below; with `other`, what the whole image changes about that
    /// one. The process is root of the user namespace.
    pub fn diff(&self, text: &str, other: Option<&str>) -> Result<Changes> {
        let image = self.find(text)?;
        let from = match other {
            Some(other) => self.find(other)?.layers,
            None => image.layers.split_last().map(|(_, below)| below.to_vec()).unwrap_or_default(),
        };
        Ok(Tree::changes(&self.tree(&from)?, &self.tree(&image.layers)?, false))
    }

    /// Everything that these layers make together; diff IDs, lowest first.
    pub fn tree(&self, layers: &[String]) -> Result<Tree> {
        let mut tree = Tree::default();
        if layers.is_empty() {
            return Ok(tree);
        }
        let mut roots = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        // The same layer twice: the upper one hides the other.
        for diff_id in layers.iter().rev().filter(|id| seen.insert(*id)) {
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
    /// 0 for directories, which change with what is in them.
    size: i64,
    mtime: (i64, u32),
}

impl Meta {
    fn is_dir(&self) -> bool {
        FileType::from_raw_mode(self.mode) == FileType::Directory
    }

    /// Whether it is the same, as far as it can be told. The times of directories in layers say little: an archive need not
    /// name the directories that it puts something into.
    fn is_same(&self, other: &Meta, times_of_directories: bool) -> bool {
        let mtime = if self.is_dir() && !times_of_directories { self.mtime } else { other.mtime };
        *self == Meta { mtime, ..*other }
    }
}

/// Everything in a file system, by path.
#[derive(Debug, Default)]
pub struct Tree(BTreeMap<Vec<u8>, Meta>);

impl Visitor for Tree {
    fn meet(&mut self, item: &Item<'_>) -> Result<()> {
        let stat = item.stat;
        let is_dir = file_type(stat) == FileType::Directory;
        let meta = Meta {
            mode: stat.st_mode,
            owner: (stat.st_uid, stat.st_gid),
            size: if is_dir { 0 } else { stat.st_size },
            mtime: mtime(stat),
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

impl Tree {
    /// Everything in a directory.
    pub fn of(root: OwnedFd) -> Result<Self> {
        let mut tree = Tree::default();
        walk::walk(vec![root], walk::Kind::Live, &mut tree)?;
        Ok(tree)
    }

    /// The same with other owners.
    pub fn renumbered(mut self, numbers: Option<&Renumber>) -> Self {
        if let Some(numbers) = numbers {
            self.0.values_mut().for_each(|meta| meta.owner = numbers.owner(meta.owner));
        }
        self
    }

    /// What `to` changes about `from`, as people are told it.
    pub fn changes(from: &Tree, to: &Tree, times_of_directories: bool) -> Changes {
        let mut changes = compare(from, to, times_of_directories);
        changes.retain(|path, _| !IGNORED.contains(&path.as_slice()) && !path.starts_with(b"/run/secrets/"));
        // A directory changes with what is in it.
        let moved: Vec<Vec<u8>> =
            changes.iter().filter(|(_, change)| **change != Change::Changed).map(|(path, _)| path.clone()).collect();
        for above in moved.iter().filter_map(|path| parent(path)) {
            if !IGNORED.contains(&above) {
                changes.entry(above.to_vec()).or_insert(Change::Changed);
            }
        }
        changes
    }

    /// All that differs, down to the times of directories.
    pub fn all_changes(from: &Tree, to: &Tree) -> Changes {
        compare(from, to, true)
    }

    /// The regular files with content that both have and that look the same.
    pub fn same_files<'a>(from: &'a Tree, to: &'a Tree) -> impl Iterator<Item = Vec<u8>> + 'a {
        let is_file = |meta: &Meta| FileType::from_raw_mode(meta.mode) == FileType::RegularFile && meta.size > 0;
        to.0.iter()
            .filter(move |(path, meta)| is_file(meta) && from.0.get(*path) == Some(meta))
            .map(|(path, _)| path.clone())
    }
}

fn compare(from: &Tree, to: &Tree, times_of_directories: bool) -> Changes {
    let mut changes = Changes::new();
    for (path, meta) in &to.0 {
        match from.0.get(path) {
            None => drop(changes.insert(path.clone(), Change::Added)),
            Some(before) if !before.is_same(meta, times_of_directories) => {
                changes.insert(path.clone(), Change::Changed);
            }
            Some(_) => {}
        }
    }
    for path in from.0.keys().filter(|path| !to.0.contains_key(*path)) {
        // What was in a deleted directory is not told.
        if parent(path).is_none_or(|parent| to.0.contains_key(parent)) {
            changes.insert(path.clone(), Change::Deleted);
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
        let file = |size| Meta { mode: 0o100_644, owner: (0, 0), size, mtime: (0, 0) };
        let dir = Meta { mode: 0o40_755, owner: (0, 0), size: 0, mtime: (0, 0) };
        let touched = Meta { mtime: (9, 9), ..dir };
        let tree = |entries: &[(&str, Meta)]| {
            Tree(entries.iter().map(|(path, meta)| (path.as_bytes().to_vec(), *meta)).collect())
        };
        let from = tree(&[
            ("/etc", dir),
            ("/etc/a", file(1)),
            ("/etc/b", file(1)),
            ("/gone", dir),
            ("/gone/x", file(1)),
            ("/opt", dir),
            ("/opt/lib", dir),
            ("/opt/lib/old", file(1)),
            ("/same", dir),
            ("/same/deep", dir),
        ]);
        let to = tree(&[
            ("/etc", touched),
            ("/etc/a", file(1)),
            ("/etc/b", file(2)),
            ("/etc/hosts", file(0)),
            ("/new", dir),
            ("/new/y", file(1)),
            ("/opt", dir),
            ("/opt/lib", dir),
            ("/proc", dir),
            ("/run", dir),
            ("/run/mine", file(1)),
            ("/run/secrets", dir),
            ("/run/secrets/x", file(0)),
            ("/same", dir),
            ("/same/deep", Meta { owner: (1, 1), ..dir }),
        ]);
        let shown = |changes: Changes| -> String {
            changes.iter().map(|(path, change)| format!("{change:?} {}\n", String::from_utf8_lossy(path))).collect()
        };
        let want = "Changed /etc/b\nDeleted /gone\nAdded /new\nAdded /new/y\nChanged /opt/lib\n\
                    Deleted /opt/lib/old\nAdded /run/mine\nChanged /same/deep\n";
        assert_eq!(shown(Tree::changes(&from, &to, false)), want);
        assert_eq!(shown(Tree::changes(&from, &to, true)), format!("Changed /etc\n{want}"));
        assert!(Tree::changes(&from, &from, true).is_empty());
        assert!(Tree::all_changes(&from, &to).contains_key(b"/etc/hosts".as_slice()));
    }
}
