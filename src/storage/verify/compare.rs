//! What is on disk, compared with the tree that should be there.

use std::collections::BTreeSet;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Dir, FileType, Stat};
use rustix::io::Errno;

use super::Differences;
use super::content::xattrs_are;
use super::expect::{Directory, Node, NodeKind, Tree};
use crate::error::{Context, Result};
use crate::storage::tree::{mtime, xattr};
use crate::storage::unpack::beneath;
use crate::storage::unpack::extract::Owners;

/// Times beyond these are not kept by every file system.
const TIMES: std::ops::Range<i64> = 0..(1 << 31);

/// Compares everything.
pub fn compare(tree: &Tree<'_>, root: BorrowedFd<'_>, owners: Owners) -> Result<Differences> {
    let mut differences = Differences::default();
    let stat = rustix::fs::fstat(root).context("reading the layer's directory")?;
    if let Some(node) = tree.nodes.first().filter(|node| node.mtime.is_some()) {
        check(node, &stat, owners, b"", &mut differences);
    }
    let mut todo = vec![0];
    while let Some(index) = todo.pop() {
        let Some(directory) = tree.directory(index) else { continue };
        let path = tree.path(index);
        match tree.open(index) {
            Ok(fd) => {
                let mut one = Listing { tree, owners, path: &path, directory, fd, differences: &mut differences };
                let shown = || format!("reading `/{}` of the layer", crate::storage::tree::shown(&path));
                todo.extend(one.compare().with_context(shown)?);
            }
            // Whoever looked at its name has said so.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(e) => return Err(e).with_context(|| format!("opening `/{}`", crate::storage::tree::shown(&path))),
        }
    }
    Ok(differences)
}

struct Listing<'a> {
    tree: &'a Tree<'a>,
    owners: Owners,
    path: &'a [u8],
    directory: &'a Directory,
    fd: OwnedFd,
    differences: &'a mut Differences,
}

impl Listing<'_> {
    /// Compares what is in a directory, and returns the directories in it.
    fn compare(&mut self) -> Result<Vec<usize>> {
        let opaque = xattr::get(&self.fd, c"user.overlay.opaque")?.is_some_and(|value| value == b"y");
        if opaque != self.directory.opaque {
            let what = if opaque { "hides the layers below" } else { "does not hide the layers below any more" };
            self.differences.add(self.path, what);
        }
        if !xattrs_are(&self.fd, &self.directory.xattrs)? {
            self.differences.add(self.path, "has other extended attributes");
        }
        let mut seen = BTreeSet::new();
        let mut below = Vec::new();
        for entry in Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let path = self.path_of(name);
            let Some(&index) = self.directory.children.get(name) else {
                self.differences.add(&path, "was added");
                continue;
            };
            seen.insert(name.to_vec());
            let (Some(node), Some(stat)) = (self.tree.nodes.get(index), beneath::stat(&self.fd, name)?) else {
                continue;
            };
            check(node, &stat, self.owners, &path, self.differences);
            if let NodeKind::Symlink(target) = &node.kind
                && beneath::file_type(&stat) == FileType::Symlink
                && rustix::fs::readlinkat(&self.fd, name, Vec::new())?.as_bytes() != target
            {
                self.differences.add(&path, "leads elsewhere");
            }
            if self.tree.directory(index).is_some() {
                below.push(index);
            }
        }
        for name in self.directory.children.keys().filter(|name| !seen.contains(*name)) {
            self.differences.add(&self.path_of(name), "is missing");
        }
        Ok(below)
    }

    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        if self.path.is_empty() { name.to_vec() } else { [self.path, b"/", name].concat() }
    }
}

/// Compares type, mode, owner, size, time and, by what was found before, the data.
fn check(node: &Node, stat: &Stat, owners: Owners, path: &[u8], differences: &mut Differences) {
    let (file_type, is_link) = match &node.kind {
        NodeKind::Directory(_) => (FileType::Directory, false),
        NodeKind::File { .. } => (FileType::RegularFile, false),
        NodeKind::Symlink(_) => (FileType::Symlink, true),
        NodeKind::Fifo => (FileType::Fifo, false),
        NodeKind::Whiteout => {
            if !beneath::is_whiteout(stat) {
                differences.add(path, "does not hide the layers below any more");
            }
            return;
        }
    };
    if beneath::file_type(stat) != file_type {
        differences.add(path, "is of another type");
        return;
    }
    if let NodeKind::File { size, found } = &node.kind {
        if u64::try_from(stat.st_size).ok() != Some(*size) {
            differences.add(path, "has another size");
        } else if found.other_data {
            differences.add(path, "has other content");
        }
        if found.other_xattrs {
            differences.add(path, "has other extended attributes");
        }
    }
    if !is_link && stat.st_mode & 0o7777 != node.mode {
        differences.add(path, &format!("has the mode {:o} instead of {:o}", stat.st_mode & 0o7777, node.mode));
    }
    let owner = (u64::from(stat.st_uid), u64::from(stat.st_gid));
    if owners == Owners::Exact && owner != (node.uid, node.gid) {
        differences.add(path, "has another owner");
    }
    // Some file systems keep whole seconds only.
    let (seconds, nanos) = mtime(stat);
    let same =
        |wanted: (i64, u32)| !TIMES.contains(&wanted.0) || (seconds == wanted.0 && (nanos == wanted.1 || nanos == 0));
    if node.mtime.is_some_and(|wanted| !same(wanted)) {
        differences.add(path, "has another modification time");
    }
}
