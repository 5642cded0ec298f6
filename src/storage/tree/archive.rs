//! Writes a tree as a tar archive (pax form), in the order of names.

use std::io::{ErrorKind, Read as _, Write};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::data::open_file;
use super::links::Links;
use super::pax::{Member, header, padding};
use super::walk::{self, Item, Visitor};
use super::{limit, xattr};
use crate::error::{Context, Error, Kind, Result};
use crate::storage::unpack::beneath::file_type;
use crate::storage::unpack::header::BLOCK;

/// How the writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Complete,
    /// The reader went away, which is its right.
    ReaderGone,
}

/// Writes everything below `root`, but not `root` itself (as the reference), then the end of the archive.
pub fn write(root: OwnedFd, output: &mut dyn Write) -> Result<End> {
    let _files = limit::ManyFiles::allow();
    let mut archive = Archive { output, links: Links::default(), buffer: vec![0; 256 * 1024], reader_gone: false };
    let result = walk::walk(vec![root], walk::Kind::Live, &mut archive).and_then(|()| archive.finish());
    match result {
        Err(_) if archive.reader_gone => Ok(End::ReaderGone),
        result => result.map(|()| End::Complete),
    }
}

struct Archive<'a> {
    output: &'a mut dyn Write,
    links: Links,
    buffer: Vec<u8>,
    reader_gone: bool,
}

impl Visitor for Archive<'_> {
    fn meet(&mut self, item: &Item<'_>) -> Result<()> {
        if item.path.is_empty() {
            return Ok(());
        }
        self.member(item).with_context(|| format!("archiving `/{}`", super::shown(item.path)))
    }

    fn leave(&mut self, _path: &[u8], _dir: BorrowedFd<'_>, _stat: &Stat) -> Result<()> {
        Ok(())
    }
}

impl Archive<'_> {
    fn member(&mut self, item: &Item<'_>) -> Result<()> {
        let kind = file_type(item.stat);
        let mut member = Member {
            path: item.path,
            mode: item.stat.st_mode & 0o7777,
            uid: item.stat.st_uid,
            gid: item.stat.st_gid,
            mtime: super::mtime(item.stat),
            ..Member::default()
        };
        if let Some(dir) = item.dir {
            let path = [item.path, b"/"].concat();
            let xattrs = xattr::list(dir)?;
            return self.put(&header(&Member { path: &path, flag: b'5', xattrs: &xattrs, ..member }));
        }
        // Sockets mean nothing without their process.
        if kind == FileType::Socket {
            return Ok(());
        }
        if let Some(first) = self.links.first_name(item.stat, item.path) {
            return self.put(&header(&Member { link: &first, flag: b'1', ..member }));
        }
        match kind {
            FileType::RegularFile => self.file(item, member),
            FileType::Symlink => {
                let target = match rustix::fs::readlinkat(item.parent, item.name, Vec::new()) {
                    Err(Errno::NOENT | Errno::INVAL) => return Ok(()),
                    result => result.context("reading link")?,
                };
                self.put(&header(&Member { link: target.as_bytes(), flag: b'2', ..member }))
            }
            FileType::CharacterDevice | FileType::BlockDevice => {
                let device = item.stat.st_rdev;
                member.device = (rustix::fs::major(device), rustix::fs::minor(device));
                member.flag = if kind == FileType::CharacterDevice { b'3' } else { b'4' };
                self.put(&header(&member))
            }
            FileType::Fifo => self.put(&header(&Member { flag: b'6', ..member })),
            _ => Ok(()),
        }
    }

    fn file(&mut self, item: &Item<'_>, member: Member<'_>) -> Result<()> {
        let (mut file, stat) = match open_file(item.parent, item.name) {
            // Removed, or replaced by something else, since the directory was read.
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(()),
            result => result.context("opening")?,
        };
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let xattrs = xattr::list(&file)?;
        self.put(&header(&Member { flag: b'0', size, xattrs: &xattrs, ..member }))?;
        // Exactly as many bytes as the header says, whatever a running container does to the file meanwhile.
        let mut left = size;
        let mut buffer = std::mem::take(&mut self.buffer);
        while left > 0 {
            let limit = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
            let space = buffer.get_mut(..limit).unwrap_or_default();
            let mut length = file.read(space).context("reading")?;
            if length == 0 {
                space.fill(0);
                length = limit;
            }
            self.put(space.get(..length).unwrap_or_default())?;
            left -= length as u64;
        }
        self.buffer = buffer;
        self.zeroes(padding(size))
    }

    fn finish(&mut self) -> Result<()> {
        self.zeroes(2 * BLOCK)?;
        let result = self.output.flush();
        self.check(result)
    }

    fn zeroes(&mut self, count: usize) -> Result<()> {
        self.put([0; 2 * BLOCK].get(..count).unwrap_or_default())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let result = self.output.write_all(bytes);
        self.check(result)
    }

    fn check(&mut self, result: std::io::Result<()>) -> Result<()> {
        result.map_err(|error| {
            self.reader_gone |= error.kind() == ErrorKind::BrokenPipe;
            Error::from(error).wrap("writing the archive").with_kind(Kind::Engine)
        })
    }
}
