//! Small things about files that [`super`] needs.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Context, Error, Result};
use crate::storage::unpack::beneath::file_type;

pub(super) fn again<T>(mut attempt: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    for _ in 0..1000 {
        match attempt() {
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

pub(super) fn reopen(dir: BorrowedFd<'_>) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(dir, ".", flags, Mode::empty()).context("opening the directory")
}

/// Opens a regular file without waiting for anything, and nothing else.
pub(super) fn open_regular(parent: &OwnedFd, name: &[u8], flags: OFlags) -> Result<OwnedFd> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(parent, name, flags, Mode::empty()).context("opening the file that is there")?;
    match is_regular(&rustix::fs::fstat(&fd).context("reading what is there")?) {
        true => Ok(fd),
        false => Err(in_the_way("what is there is no file")),
    }
}

pub(super) fn is_regular(stat: &Stat) -> bool {
    file_type(stat) == FileType::RegularFile
}

pub(super) fn is_dir(stat: Option<&Stat>) -> bool {
    stat.is_some_and(|stat| file_type(stat) == FileType::Directory)
}

pub(super) fn in_the_way(why: &str) -> Error {
    Error::new("file exists").wrap(why).hint("--overwrite allows that")
}

pub(super) fn owned(result: rustix::io::Result<()>, uid: u32, gid: u32) -> Result<()> {
    match result {
        Err(Errno::INVAL) => {
            Err(Error::new(format!("setting its owner: {uid}:{gid} is not mapped in the user namespace"))
                .hint("with --archive the user of the container owns everything"))
        }
        result => result.context("setting its owner"),
    }
}
