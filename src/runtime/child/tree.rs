//! Copying a directory's content into a fresh file system (`tmpcopyup`). Both are reached by descriptor only.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Timespec, Timestamps};

use crate::error::{Context, Result};

/// Copies what is in the directory `from` into the directory `to`: files, links, modes, owners and times. `root`: `to`
/// itself gets the mode and owner of `from`.
pub fn copy(from: &OwnedFd, to: &OwnedFd, root: bool) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let from = rustix::fs::openat(from, c".", flags, Mode::empty()).context("opening the image's directory")?;
    let to = rustix::fs::openat(to, c".", flags, Mode::empty()).context("opening the new directory")?;
    if root {
        copy_attributes(&from, &to)?;
    }
    copy_open(&from, &to)
}

/// Gives the directory `to` the mode and owner of the directory `from`.
pub fn like(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let to = rustix::fs::openat(to, c".", flags, Mode::empty()).context("opening the new directory")?;
    copy_attributes(from, &to)
}

fn copy_attributes(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    let own = rustix::fs::fstat(from).context("looking at a directory")?;
    let _ = rustix::fs::fchown(to, owner(own.st_uid), group(own.st_gid));
    rustix::fs::fchmod(to, Mode::from_raw_mode(own.st_mode & 0o7777)).context("setting the mode of a directory")
}

/// Whether nothing is in a directory.
pub fn is_empty(directory: &OwnedFd) -> Result<bool> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = rustix::fs::openat(directory, c".", flags, Mode::empty()).context("opening the new directory")?;
    let mut entries = Dir::read_from(&open).context("listing a directory")?;
    Ok(!entries.any(|e| e.is_ok_and(|e| !matches!(e.file_name().to_bytes(), b"." | b".."))))
}

fn copy_open(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    for entry in Dir::read_from(from).context("listing a directory")? {
        let entry = entry.context("listing a directory")?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let stat = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW).context("looking at a file")?;
        let shown = || format!("copying `{}`", name.to_string_lossy());
        let mode = Mode::from_raw_mode(stat.st_mode & 0o7777);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                rustix::fs::mkdirat(to, name, mode).with_context(shown)?;
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let below = rustix::fs::openat(from, name, flags, Mode::empty()).with_context(shown)?;
                let new = rustix::fs::openat(to, name, flags, Mode::empty()).with_context(shown)?;
                copy_open(&below, &new)?;
            }
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let mut source = File::from(rustix::fs::openat(from, name, flags, Mode::empty()).with_context(shown)?);
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let mut new = File::from(rustix::fs::openat(to, name, flags, mode).with_context(shown)?);
                std::io::copy(&mut source, &mut new).with_context(shown)?;
            }
            FileType::Symlink => {
                let link = rustix::fs::readlinkat(from, name, Vec::new()).with_context(shown)?;
                rustix::fs::symlinkat(link.as_c_str(), to, name).with_context(shown)?;
            }
            // A device, fifo or socket of an image has no use in a fresh tmpfs.
            _ => continue,
        }
        finish(to.as_fd(), name, &stat);
    }
    Ok(())
}

/// Owner, mode and times. Owners may be outside of a single-ID mapping: then they stay the user's.
fn finish(to: impl AsFd, name: &std::ffi::CStr, stat: &rustix::fs::Stat) {
    let _ = rustix::fs::chownat(&to, name, owner(stat.st_uid), group(stat.st_gid), AtFlags::SYMLINK_NOFOLLOW);
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        let _ = rustix::fs::chmodat(&to, name, Mode::from_raw_mode(stat.st_mode & 0o7777), AtFlags::empty());
    }
    let at = |seconds: i64, nanoseconds| Timespec { tv_sec: seconds, tv_nsec: i64::try_from(nanoseconds).unwrap_or(0) };
    let times = Timestamps {
        last_access: at(stat.st_atime, stat.st_atime_nsec),
        last_modification: at(stat.st_mtime, stat.st_mtime_nsec),
    };
    let _ = rustix::fs::utimensat(&to, name, &times, AtFlags::SYMLINK_NOFOLLOW);
}

fn owner(uid: u32) -> Option<rustix::fs::Uid> {
    Some(rustix::fs::Uid::from_raw(uid))
}

fn group(gid: u32) -> Option<rustix::fs::Gid> {
    Some(rustix::fs::Gid::from_raw(gid))
}
