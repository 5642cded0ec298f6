//! Removes trees that others filled: of any depth, with few descriptors and without recursion that a deep tree could
//! exhaust. Links are removed, never followed.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::{Context, Result};

/// Directories this deep are moved up to the top of the tree and removed from there.
const MAX_DEPTH: usize = 64;

/// Removes whatever is at `path`, if anything is.
pub fn remove_tree(path: &Path) -> Result<()> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        crate::bail!("removing `{}`: not the path of something in a directory", path.display());
    };
    let attempt = || {
        let parent = rustix::fs::open(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        remove_beneath(parent.as_fd(), std::os::unix::ffi::OsStrExt::as_bytes(name))
    };
    match attempt() {
        Err(Errno::NOENT) => Ok(()),
        other => other.with_context(|| format!("removing `{}`", path.display())),
    }
}

/// Removes the file or tree `name` in the directory `parent`.
pub fn remove_beneath(parent: impl AsFd, name: &[u8]) -> rustix::io::Result<()> {
    match rustix::fs::unlinkat(&parent, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => {}
        other => return other,
    }
    // An empty directory goes in one call.
    match rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOTEMPTY | Errno::EXIST) => {}
        other => return other,
    }
    let mut sweep = Sweep { top: open_dir(&parent, name)?, moved: 0 };
    sweep.empty_top()?;
    rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR)
}

struct Sweep {
    top: OwnedFd,
    /// How many deep directories were moved to the top.
    moved: u64,
}

impl Sweep {
    fn empty_top(&mut self) -> rustix::io::Result<()> {
        loop {
            let before = self.moved;
            let top = open_dir(&self.top, b".")?;
            self.empty(&top, 0)?;
            // What was moved up meanwhile may or may not have been listed.
            if self.moved == before {
                return Ok(());
            }
        }
    }

    fn empty(&mut self, dir: &OwnedFd, depth: usize) -> rustix::io::Result<()> {
        for entry in Dir::read_from(dir)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if entry.file_type() != FileType::Directory {
                match rustix::fs::unlinkat(dir, name, AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => continue,
                    // The type was not known.
                    Err(Errno::ISDIR | Errno::PERM) => {}
                    Err(e) => return Err(e),
                }
            }
            match rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                Err(e) => return Err(e),
            }
            if depth >= MAX_DEPTH {
                self.move_to_top(dir, name)?;
                continue;
            }
            let child = open_dir(dir, name)?;
            self.empty(&child, depth + 1)?;
            match rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn move_to_top(&mut self, dir: &OwnedFd, name: &[u8]) -> rustix::io::Result<()> {
        loop {
            self.moved += 1;
            let target = format!(".deep-{}", self.moved);
            match rustix::fs::renameat_with(dir, name, &self.top, target, rustix::fs::RenameFlags::NOREPLACE) {
                Err(Errno::EXIST) => {}
                other => return other,
            }
        }
    }
}

fn open_dir(parent: impl AsFd, name: &[u8]) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_deeper_than_any_path_goes() {
        let home = tempfile::tempdir().unwrap();
        let tree = home.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join("file"), "x").unwrap();
        std::os::unix::fs::symlink(home.path(), tree.join("link")).unwrap();
        std::fs::write(home.path().join("outside"), "x").unwrap();
        let mut dir = rustix::fs::open(&tree, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..3000 {
            rustix::fs::mkdirat(&dir, "deep", Mode::RWXU).unwrap();
            dir = open_dir(&dir, b"deep").unwrap();
        }
        remove_tree(&tree).unwrap();
        assert!(!tree.exists());
        assert!(home.path().join("outside").exists());
        remove_tree(&tree).unwrap();
    }
}
