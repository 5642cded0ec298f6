//! Walks a directory, or a stack of layers as the one tree that overlayfs would show, in the order of names.
//!
//! In a stack a character device 0:0 hides the name in the layers below, and the attribute `user.overlay.opaque` = `y`
//! of a directory hides what the layers below have in it.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Context, Error, Result};
use crate::storage::unpack::beneath::{file_type, is_whiteout};

/// What the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Layers in overlay format, which nobody changes.
    Layers,
    /// A single directory, taken as it is. What vanishes meanwhile is left out.
    Live,
}

/// One thing in the tree.
#[derive(Debug)]
pub struct Item<'a> {
    /// From the root, without a leading slash; empty for the root itself.
    pub path: &'a [u8],
    /// Where it lies, and its name there.
    pub parent: BorrowedFd<'a>,
    pub name: &'a CStr,
    pub stat: &'a Stat,
    /// A directory, opened.
    pub dir: Option<BorrowedFd<'a>>,
}

/// Who is told of what a walk meets.
pub trait Visitor {
    /// Meets something. A directory comes before what is in it.
    fn meet(&mut self, item: &Item<'_>) -> Result<()>;
    /// Whether to go into a directory that was just met. One that is not entered is not left either.
    fn enters(&self, _item: &Item<'_>) -> bool {
        true
    }
    /// Whether to leave out a directory that may not be read, which it is told of by this.
    fn passes_over(&mut self, _path: &[u8]) -> bool {
        false
    }
    /// Everything in the directory that was entered last has been met.
    fn leave(&mut self, path: &[u8], dir: BorrowedFd<'_>, stat: &Stat) -> Result<()>;
}

/// A directory that is being walked: the same directory of every layer that has it, topmost first.
struct Level {
    dirs: Vec<OwnedFd>,
    stat: Stat,
    entries: std::vec::IntoIter<(CString, Place)>,
    /// Length of its path.
    length: usize,
}

/// Where a name of a merged directory comes from, by index into the stack.
enum Place {
    Hidden,
    File(usize),
    /// A directory in these; `true` once something that is none ended the list.
    Dirs(Vec<usize>, bool),
}

/// Walks everything, the root included. `roots` are topmost first.
pub fn walk(roots: Vec<OwnedFd>, kind: Kind, visitor: &mut dyn Visitor) -> Result<()> {
    let _files = super::limit::ManyFiles::allow();
    let mut path = Vec::new();
    let dirs = above_opaque(roots, kind).context("reading the root directory")?;
    let Some(top) = dirs.first() else { crate::bail!("there is no layer") };
    let stat = rustix::fs::fstat(top).context("reading the root directory")?;
    let root = Item { path: &path, parent: top.as_fd(), name: c".", stat: &stat, dir: Some(top.as_fd()) };
    visitor.meet(&root)?;
    let mut levels = vec![Level::open(dirs, stat, kind, 0).context("listing the root directory")?];
    while let Some(level) = levels.last_mut() {
        path.truncate(level.length);
        let Some((name, place)) = level.entries.next() else {
            if let Some(dir) = level.dirs.first() {
                visitor.leave(&path, dir.as_fd(), &level.stat)?;
            }
            levels.pop();
            continue;
        };
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name.to_bytes());
        match level.step(&name, place, &path, kind, visitor) {
            Ok(Some(below)) => levels.push(below),
            Ok(None) => {}
            Err(Failure::Gone) if kind == Kind::Live => {}
            Err(Failure::System(Errno::ACCESS | Errno::PERM)) if visitor.passes_over(&path) => {}
            Err(failure) => return Err(failure.into_error(&path)),
        }
    }
    Ok(())
}

enum Failure {
    /// It is not there any more, or no longer what it was.
    Gone,
    System(Errno),
    /// The visitor's own, which says what it was about.
    Visitor(Error),
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::STALE => Failure::Gone,
            errno => Failure::System(errno),
        }
    }
}

impl Failure {
    fn into_error(self, path: &[u8]) -> Error {
        let shown = super::shown(path);
        match self {
            Failure::Gone => Error::new(format!("reading `{shown}`: it vanished meanwhile")),
            Failure::System(errno @ Errno::MFILE) => Error::from(errno)
                .wrap(format!("reading `{shown}`"))
                .hint("the tree is deeper than files may be open: raise `ulimit -Hn`"),
            Failure::System(errno) => Error::from(errno).wrap(format!("reading `{shown}`")),
            Failure::Visitor(error) => error,
        }
    }
}

impl Level {
    fn open(dirs: Vec<OwnedFd>, stat: Stat, kind: Kind, length: usize) -> rustix::io::Result<Self> {
        let entries = merge(&dirs, kind)?.into_iter().collect::<Vec<_>>().into_iter();
        Ok(Level { dirs, stat, entries, length })
    }

    fn step(
        &self,
        name: &CStr,
        place: Place,
        path: &[u8],
        kind: Kind,
        visitor: &mut dyn Visitor,
    ) -> std::result::Result<Option<Level>, Failure> {
        let index = match &place {
            Place::Hidden => return Ok(None),
            Place::File(index) => *index,
            Place::Dirs(indexes, _) => indexes.first().copied().unwrap_or(0),
        };
        let Some(parent) = self.dirs.get(index) else { return Ok(None) };
        let parent = parent.as_fd();
        let Place::Dirs(indexes, _) = place else {
            let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if file_type(&stat) == FileType::Directory {
                // It was something else a moment ago.
                return Err(Failure::Gone);
            }
            let item = Item { path, parent, name, stat: &stat, dir: None };
            visitor.meet(&item).map_err(Failure::Visitor)?;
            return Ok(None);
        };
        let mut dirs = Vec::new();
        for dir in indexes.into_iter().filter_map(|index| self.dirs.get(index)) {
            dirs.push(open_dir(dir.as_fd(), name)?);
        }
        let dirs = above_opaque(dirs, kind)?;
        let Some(top) = dirs.first() else { return Ok(None) };
        let stat = rustix::fs::fstat(top)?;
        let item = Item { path, parent, name, stat: &stat, dir: Some(top.as_fd()) };
        visitor.meet(&item).map_err(Failure::Visitor)?;
        if !visitor.enters(&item) {
            return Ok(None);
        }
        // Met, it must be left as well: from here on it cannot be gone.
        let level = Level::open(dirs, stat, kind, path.len()).map_err(Failure::System)?;
        Ok(Some(level))
    }
}

/// The directories down to the first that is opaque.
fn above_opaque(mut dirs: Vec<OwnedFd>, kind: Kind) -> rustix::io::Result<Vec<OwnedFd>> {
    if kind == Kind::Live {
        return Ok(dirs);
    }
    for index in 0..dirs.len() {
        let Some(dir) = dirs.get(index) else { break };
        if super::xattr::get(dir, c"user.overlay.opaque")?.as_deref() == Some(b"y") {
            dirs.truncate(index + 1);
            break;
        }
    }
    Ok(dirs)
}

fn merge(dirs: &[OwnedFd], kind: Kind) -> rustix::io::Result<BTreeMap<CString, Place>> {
    let mut merged: BTreeMap<CString, Place> = BTreeMap::new();
    for (index, dir) in dirs.iter().enumerate() {
        for entry in Dir::read_from(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let known = merged.get_mut(name);
            if let Some(Place::Hidden | Place::File(_) | Place::Dirs(_, true)) = known {
                continue;
            }
            let mut found = entry.file_type();
            let mut whiteout = false;
            if found == FileType::Unknown || (found == FileType::CharacterDevice && kind == Kind::Layers) {
                match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => {
                        found = file_type(&stat);
                        whiteout = kind == Kind::Layers && is_whiteout(&stat);
                    }
                    Err(Errno::NOENT) if kind == Kind::Live => continue,
                    Err(e) => return Err(e),
                }
            }
            let is_dir = found == FileType::Directory;
            match known {
                Some(Place::Dirs(indexes, _)) if is_dir => indexes.push(index),
                Some(Place::Dirs(_, ended)) => *ended = true,
                _ => {
                    let place = match (whiteout, is_dir) {
                        (true, _) => Place::Hidden,
                        (_, true) => Place::Dirs(vec![index], false),
                        _ => Place::File(index),
                    };
                    merged.insert(name.to_owned(), place);
                }
            }
        }
    }
    Ok(merged)
}

/// Opens a directory without following a link.
pub fn open_dir(parent: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}
