//! `U`: the source of a mount is given to the container's user, recursively.
//!
//! Every step is by descriptor, follows no symbolic link and stays on the file system where it began: a process that
//! changes the tree meanwhile can make it miss something, but not lead it out.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

use crate::error::{Context, Error, Result};

/// The deepest tree: a descriptor is open for each level.
const MAX_DEPTH: usize = 512;

/// Gives `root` and everything below it to this user and group.
///
/// # Errors
/// Something belongs to an ID that the user namespace does not have.
pub fn recursive(root: &OwnedFd, uid: u32, gid: u32) -> Result<()> {
    let stat = rustix::fs::fstat(root).context("looking at the source of a mount")?;
    let target = Target { uid, gid, device: stat.st_dev };
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(root, c".", flags, Mode::empty()).context("opening the source of a mount")?;
        target.descend(&dir, 0)?;
    }
    target.change(root, c"", &stat, AtFlags::EMPTY_PATH)
}

struct Target {
    uid: u32,
    gid: u32,
    device: u64,
}

impl Target {
    fn descend(&self, dir: &OwnedFd, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(Error::new("changing the owner of the source of a mount: it is nested too deeply"));
        }
        for entry in Dir::read_from(dir).context("listing a directory")? {
            let entry = entry.context("listing a directory")?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let stat = match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                other => other.with_context(|| format!("looking at `{}`", name.to_string_lossy()))?,
            };
            if stat.st_dev != self.device {
                continue;
            }
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                match rustix::fs::openat(dir, name, flags, Mode::empty()) {
                    Ok(below) => self.descend(&below, depth + 1)?,
                    // It went, or became something else.
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                    Err(errno) => {
                        return Err(Error::from(errno).wrap(format!("opening `{}`", name.to_string_lossy())));
                    }
                }
            }
            self.change(dir, name, &stat, AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    fn change(&self, dir: impl AsFd, name: &std::ffi::CStr, stat: &Stat, flags: AtFlags) -> Result<()> {
        if (stat.st_uid, stat.st_gid) == (self.uid, self.gid) {
            return Ok(());
        }
        let (uid, gid) = (Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)));
        match rustix::fs::chownat(dir, name, uid, gid, flags) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => {
                let shown = if name.is_empty() { "the source of a mount".into() } else { name.to_string_lossy() };
                let error = Error::from(errno).wrap(format!("changing the owner of `{shown}` (option U)"));
                return Err(error.hint("it belongs to a user that is not in your ranges of subordinate IDs"));
            }
        }
        Ok(())
    }
}
