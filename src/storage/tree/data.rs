//! The content of files, copied inside the kernel where that is possible: shared, else copied without its holes.

use std::ffi::CStr;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Context, Error, Result};
use crate::storage::unpack::beneath::file_type;

/// How files are copied here, learned from the first that could not be copied better.
#[derive(Debug)]
pub struct Copier {
    shares: bool,
    in_kernel: bool,
    buffer: Vec<u8>,
}

impl Default for Copier {
    fn default() -> Self {
        Copier { shares: true, in_kernel: true, buffer: Vec::new() }
    }
}

/// Opens a regular file to read it, without following a link and without waiting for the writer of a pipe.
pub fn open_file(parent: impl AsFd, name: &CStr) -> rustix::io::Result<(File, Stat)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd: OwnedFd = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    match file_type(&stat) {
        FileType::RegularFile => Ok((File::from(fd), stat)),
        _ => Err(Errno::NOENT),
    }
}

impl Copier {
    /// Makes `to`, which is empty, a copy of the `size` bytes of `from`.
    pub fn copy(&mut self, from: &mut File, to: &mut File, size: u64) -> Result<()> {
        if size == 0 {
            return Ok(());
        }
        if self.shares {
            match rustix::fs::ioctl_ficlone(&*to, &*from) {
                Ok(()) => return Ok(()),
                Err(Errno::NOSPC | Errno::DQUOT) => return Err(no_space()),
                // Not this file system, not across file systems, or not this file.
                Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::NOTTY | Errno::NOSYS) => self.shares = false,
                Err(_) => {}
            }
        }
        let mut at = 0;
        while at < size {
            let start = match rustix::fs::seek(&*from, rustix::fs::SeekFrom::Data(at)) {
                Ok(start) => start,
                // Only a hole is left.
                Err(Errno::NXIO) => break,
                Err(Errno::INVAL) => at,
                Err(e) => return Err(Error::from(e).wrap("reading")),
            };
            let end = match rustix::fs::seek(&*from, rustix::fs::SeekFrom::Hole(start)) {
                Ok(end) => end.min(size),
                Err(_) => size,
            };
            if end <= start {
                break;
            }
            self.segment(from, to, start, end)?;
            at = end;
        }
        to.set_len(size).context("setting its size")
    }

    fn segment(&mut self, from: &mut File, to: &mut File, start: u64, end: u64) -> Result<()> {
        let (mut at, mut there) = (start, start);
        while self.in_kernel && at < end {
            let length = usize::try_from(end - at).unwrap_or(usize::MAX).min(1 << 30);
            match rustix::fs::copy_file_range(&*from, Some(&mut at), &*to, Some(&mut there), length) {
                Ok(0) => return Ok(()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::NOSPC | Errno::DQUOT) => return Err(no_space()),
                Err(Errno::XDEV | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM) => {
                    self.in_kernel = false;
                }
                Err(e) => return Err(Error::from(e).wrap("copying its data")),
            }
        }
        if at < end { self.by_hand(from, to, at, end) } else { Ok(()) }
    }

    fn by_hand(&mut self, from: &mut File, to: &mut File, start: u64, end: u64) -> Result<()> {
        self.buffer.resize(256 * 1024, 0);
        from.seek(SeekFrom::Start(start)).context("reading")?;
        to.seek(SeekFrom::Start(start)).context("writing")?;
        let mut left = end - start;
        while left > 0 {
            let limit = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            let space = self.buffer.get_mut(..limit).unwrap_or_default();
            let length = from.read(space).context("reading")?;
            if length == 0 {
                return Ok(());
            }
            to.write_all(space.get(..length).unwrap_or_default()).map_err(|e| match e.raw_os_error() {
                Some(libc::ENOSPC | libc::EDQUOT) => no_space(),
                _ => Error::from(e).wrap("writing"),
            })?;
            left -= length as u64;
        }
        Ok(())
    }
}

fn no_space() -> Error {
    Error::from(Errno::NOSPC)
}
