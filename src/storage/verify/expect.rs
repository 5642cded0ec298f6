//! The tree that unpacking an archive makes, in memory. Every rule here is one of [`crate::storage::unpack::extract`].

use std::collections::BTreeMap;
use std::io::BufRead;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::content::{self, Found};
use crate::error::{Context, Result};
use crate::storage::unpack::beneath;
use crate::storage::unpack::reader::{Entry, Kind, Reader};

/// Links to follow in one path, as the kernel does.
const MAX_LINKS: usize = 40;

/// Something in the tree.
#[derive(Debug)]
pub struct Node {
    pub kind: NodeKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// `None`: nothing says it.
    pub mtime: Option<(i64, u32)>,
}

#[derive(Debug)]
pub enum NodeKind {
    Directory(Directory),
    File { size: u64, found: Found },
    Symlink(Vec<u8>),
    Fifo,
    Whiteout,
}

#[derive(Debug, Default)]
pub struct Directory {
    pub children: BTreeMap<Vec<u8>, usize>,
    pub opaque: bool,
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The directory it is in, and its name there. The root is in itself.
    parent: usize,
    name: Vec<u8>,
}

/// All nodes; the first is the root.
#[derive(Debug)]
pub struct Tree<'a> {
    pub nodes: Vec<Node>,
    root: BorrowedFd<'a>,
    dir_times: Vec<(Vec<u8>, (i64, u32))>,
    /// The directory on disk of the last file.
    last: Option<(usize, OwnedFd)>,
}

impl<'a> Tree<'a> {
    /// Reads a whole archive. `root` is where it was unpacked to.
    pub fn read<R: BufRead>(archive: &mut Reader<R>, root: BorrowedFd<'a>) -> Result<Self> {
        // Nobody says what an unnamed root is like, but for the mode it is made with.
        let mut tree = Tree { nodes: vec![directory(0, b"")], root, dir_times: Vec::new(), last: None };
        while let Some(entry) = archive.next_entry()? {
            let shown = || format!("reading entry `{}`", crate::storage::tree::shown(&entry.path));
            tree.entry(archive, &entry).with_context(shown)?;
        }
        for (path, mtime) in std::mem::take(&mut tree.dir_times) {
            let (dir, name) = beneath::split(&path);
            let found = tree.resolve(dir).and_then(|parent| match path.is_empty() {
                true => Some(0),
                false => tree.child(parent, name),
            });
            if let Some(index) = found.filter(|index| tree.directory(*index).is_some())
                && let Some(node) = tree.nodes.get_mut(index)
            {
                node.mtime = Some(mtime);
            }
        }
        tree.last = None;
        Ok(tree)
    }

    pub fn directory(&self, index: usize) -> Option<&Directory> {
        match self.nodes.get(index).map(|node| &node.kind) {
            Some(NodeKind::Directory(directory)) => Some(directory),
            _ => None,
        }
    }

    fn directory_mut(&mut self, index: usize) -> Option<&mut Directory> {
        match self.nodes.get_mut(index).map(|node| &mut node.kind) {
            Some(NodeKind::Directory(directory)) => Some(directory),
            _ => None,
        }
    }

    fn child(&self, parent: usize, name: &[u8]) -> Option<usize> {
        self.directory(parent)?.children.get(name).copied()
    }

    /// The path of a directory, without links.
    pub fn path(&self, index: usize) -> Vec<u8> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = index;
        while let Some(directory) = self.directory(at).filter(|_| at != 0) {
            names.push(&directory.name);
            at = directory.parent;
        }
        names.reverse();
        names.join(&b'/')
    }

    /// Opens a directory on disk, which must be there without links on the way.
    pub fn open(&self, index: usize) -> rustix::io::Result<OwnedFd> {
        let path = self.path(index);
        let path: &[u8] = if path.is_empty() { b"." } else { &path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        rustix::fs::openat2(self.root, path, flags, Mode::empty(), resolve)
    }

    /// The directory of a path, links followed as if the root were `/`.
    fn resolve(&self, path: &[u8]) -> Option<usize> {
        let mut links = 0;
        let mut at = 0;
        let mut rest: Vec<Vec<u8>> = path.split(|&b| b == b'/').rev().map(<[u8]>::to_vec).collect();
        while let Some(name) = rest.pop() {
            match name.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    at = self.directory(at)?.parent;
                    continue;
                }
                _ => {}
            }
            let next = self.child(at, &name)?;
            match &self.nodes.get(next)?.kind {
                NodeKind::Directory(_) => at = next,
                NodeKind::Symlink(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    if target.first() == Some(&b'/') {
                        at = 0;
                    }
                    rest.extend(target.split(|&b| b == b'/').rev().map(<[u8]>::to_vec));
                }
                _ => return None,
            }
        }
        Some(at)
    }

    fn entry<R: BufRead>(&mut self, archive: &mut Reader<R>, entry: &Entry) -> Result<()> {
        let path = beneath::clean(&entry.path)?;
        if path.is_empty() {
            self.attributes(0, &path, entry);
            return Ok(());
        }
        let (dir, name) = beneath::split(&path);
        if path.split(|&b| b == b'/').any(|component| component.starts_with(b".wh..wh.")) {
            if name == b".wh..wh..opq" {
                let parent = self.take_parent(dir);
                self.make_opaque(parent);
            }
            return Ok(());
        }
        let parent = self.take_parent(dir);
        if let Some(hidden) = name.strip_prefix(b".wh.") {
            match self.child(parent, hidden) {
                Some(index) => self.make_opaque(index),
                None => self.put(parent, hidden, Node { kind: NodeKind::Whiteout, ..plain() }),
            }
            return Ok(());
        }
        let owned = Node { mode: entry.mode, uid: entry.uid, gid: entry.gid, mtime: Some(entry.mtime), ..plain() };
        match entry.kind {
            Kind::Directory => {
                let index = self.make_directory(parent, name);
                self.attributes(index, &path, entry);
            }
            Kind::File => {
                let found = self.content(archive, parent, name, entry)?;
                self.put(parent, name, Node { kind: NodeKind::File { size: entry.size, found }, ..owned });
            }
            Kind::Symlink => self.put(parent, name, Node { kind: NodeKind::Symlink(entry.link.clone()), ..owned }),
            Kind::Fifo => self.put(parent, name, Node { kind: NodeKind::Fifo, ..owned }),
            Kind::HardLink => {
                let target = beneath::clean(&entry.link)?;
                let (dir, target_name) = beneath::split(&target);
                let Some(index) = self.resolve(dir).and_then(|dir| self.child(dir, target_name)) else {
                    crate::bail!("it links to something that the layer has not got");
                };
                if let Some(directory) = self.directory_mut(parent) {
                    directory.children.insert(name.to_vec(), index);
                }
            }
            // They are not unpacked.
            Kind::CharDevice | Kind::BlockDevice | Kind::Other(_) => {}
        }
        Ok(())
    }

    /// The directory of this clean path; what is missing is made.
    fn take_parent(&mut self, dir: &[u8]) -> usize {
        if let Some(found) = self.resolve(dir) {
            return found;
        }
        let mut end = 0;
        let mut at = 0;
        for component in dir.split(|&b| b == b'/') {
            end += component.len();
            at = match self.resolve(dir.get(..end).unwrap_or_default()) {
                Some(found) => found,
                None => self.make_directory(at, component),
            };
            end += 1;
        }
        at
    }

    /// The directory of this name, made when something else or nothing is there.
    fn make_directory(&mut self, parent: usize, name: &[u8]) -> usize {
        let mut opaque = false;
        match self.child(parent, name) {
            Some(index) if self.directory(index).is_some() => return index,
            Some(index) => opaque = self.nodes.get(index).is_some_and(|n| matches!(n.kind, NodeKind::Whiteout)),
            None => {}
        }
        let index = self.nodes.len();
        self.put(parent, name, directory(parent, name));
        if opaque {
            self.make_opaque(index);
        }
        index
    }

    fn put(&mut self, parent: usize, name: &[u8], node: Node) {
        let index = self.nodes.len();
        self.nodes.push(node);
        if let Some(directory) = self.directory_mut(parent) {
            directory.children.insert(name.to_vec(), index);
        }
    }

    fn make_opaque(&mut self, index: usize) {
        if let Some(directory) = self.directory_mut(index) {
            directory.opaque = true;
        }
    }

    fn attributes(&mut self, index: usize, path: &[u8], entry: &Entry) {
        if let Some(node) = self.nodes.get_mut(index) {
            (node.mode, node.uid, node.gid) = (entry.mode, entry.uid, entry.gid);
        }
        if let Some(directory) = self.directory_mut(index) {
            directory.xattrs.extend(entry.xattrs.iter().cloned());
        }
        self.dir_times.push((path.to_vec(), entry.mtime));
    }

    /// Compares the data of a file with what is on disk under its name.
    fn content<R: BufRead>(
        &mut self,
        archive: &mut Reader<R>,
        parent: usize,
        name: &[u8],
        entry: &Entry,
    ) -> Result<Found> {
        if self.last.as_ref().is_none_or(|(index, _)| *index != parent) {
            self.last = self.open(parent).ok().map(|fd| (parent, fd));
        }
        match &self.last {
            Some((_, dir)) => content::compare(archive, dir, name, entry),
            None => Ok(Found::default()),
        }
    }
}

fn plain() -> Node {
    Node { kind: NodeKind::Fifo, mode: 0, uid: 0, gid: 0, mtime: None }
}

fn directory(parent: usize, name: &[u8]) -> Node {
    let kind = NodeKind::Directory(Directory { parent, name: name.to_vec(), ..Directory::default() });
    Node { kind, mode: 0o755, ..plain() }
}
