//! Writes a tree as a tar archive (pax form), in the order of names.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write};
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::copy::Renumber;
use super::data::open_file;
use super::links::Links;
use super::pax::{Member, header, padding};
use super::walk::{self, Item, Visitor};
use super::xattr;
use crate::error::{Context, Error, Kind, Result};
use crate::storage::unpack::beneath::{self, file_type, is_whiteout};
use crate::storage::unpack::header::BLOCK;

/// Most that is read of a file that does not say how large it is.
const MAX_MADE_UP: u64 = 64 << 20;

/// How the writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Complete,
    /// The reader went away, which is its right.
    ReaderGone,
}

/// What goes into an archive, and as what.
#[derive(Default)]
pub struct Options<'a> {
    /// What the root directory is called in it. Without a name only what is in it is there.
    pub name: Option<&'a [u8]>,
    /// User and group of everything, instead of their own.
    pub owner: Option<(u32, u32)>,
    /// Other numbers for those that files have.
    pub renumber: Option<&'a Renumber>,
    /// The tree is the upper layer of an overlay file system: what hides something below becomes `.wh.` files.
    pub whiteouts: bool,
    /// What the kernel makes up (proc, sysfs and the like) stays out, where it is mounted in the tree.
    pub without_kernel: bool,
    /// What may not be read stays out as well, and is counted here.
    pub unreadable: Option<&'a AtomicU64>,
    /// What stays out besides, with all that is in it.
    pub skip: Option<&'a dyn Fn(&Item<'_>) -> bool>,
}

/// Writes everything below `root`, but not `root` itself (as the reference), then the end of the archive.
pub fn write(root: OwnedFd, output: &mut dyn Write) -> Result<End> {
    write_with(root, &Options::default(), output)
}

/// The same as the options say.
pub fn write_with(root: OwnedFd, options: &Options<'_>, output: &mut dyn Write) -> Result<End> {
    let mut archive = Archive::new(options, output);
    let result = walk::walk(vec![root], walk::Kind::Live, &mut archive).and_then(|()| archive.finish());
    archive.end(result)
}

/// Writes what hides these paths in the layers below, as the beginning of an archive.
pub fn write_whiteouts(paths: &[Vec<u8>], output: &mut dyn Write) -> Result<()> {
    for path in paths {
        output.write_all(&whiteout(path)).context("writing the archive")?;
    }
    Ok(())
}

/// The member that hides this path in the layers below.
fn whiteout(path: &[u8]) -> Vec<u8> {
    let (dir, name) = beneath::split(path);
    let path = if dir.is_empty() { [b".wh.", name].concat() } else { [dir, b"/.wh.", name].concat() };
    header(&Member { path: &path, flag: b'0', ..Member::default() })
}

/// Writes an archive of one file, which is no directory and is open as a place (O_PATH). It is called as the options say.
pub fn write_file(place: &OwnedFd, options: &Options<'_>, output: &mut dyn Write) -> Result<End> {
    let mut archive = Archive::new(options, output);
    let result = archive.one(place).and_then(|()| archive.finish());
    archive.end(result)
}

struct Archive<'a> {
    options: &'a Options<'a>,
    output: &'a mut dyn Write,
    links: Links,
    buffer: Vec<u8>,
    reader_gone: bool,
}

impl<'a> Archive<'a> {
    fn new(options: &'a Options<'a>, output: &'a mut dyn Write) -> Self {
        Archive { options, output, links: Links::default(), buffer: vec![0; 256 * 1024], reader_gone: false }
    }

    fn end(self, result: Result<()>) -> Result<End> {
        match result {
            Err(_) if self.reader_gone => Ok(End::ReaderGone),
            result => result.map(|()| End::Complete),
        }
    }

    /// The path of a member.
    fn path(&self, path: &[u8]) -> Vec<u8> {
        match self.options.name {
            Some(name) if path.is_empty() => name.to_vec(),
            Some(name) => [name, b"/", path].concat(),
            None => path.to_vec(),
        }
    }

    fn one(&mut self, place: &OwnedFd) -> Result<()> {
        let stat = rustix::fs::fstat(place).context("reading what it is")?;
        let path = self.path(b"");
        let member = self.described(&path, &stat);
        match file_type(&stat) {
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
                // Of a place the kernel gives a file only by this name.
                let name = format!("/proc/self/fd/{}", place.as_raw_fd());
                let mut file = File::from(rustix::fs::open(name, flags, Mode::empty()).context("opening")?);
                if stat.st_size > 0 {
                    return self.content(file, &stat, member);
                }
                // One of the kernel's has no size, but content.
                let mut content = Vec::new();
                (&mut file).take(MAX_MADE_UP).read_to_end(&mut content).context("reading")?;
                let size = content.len() as u64;
                let xattrs = xattr::list(&file)?;
                self.put(&header(&Member { flag: b'0', size, xattrs: &xattrs, ..member }))?;
                self.put(&content)?;
                self.zeroes(padding(size))
            }
            FileType::Fifo => self.put(&header(&Member { flag: b'6', ..member })),
            FileType::Socket => Err(Error::new("it is a socket, which means nothing without its process")),
            _ => Err(Error::new("it is a device, and devices cannot be made in a user namespace")),
        }
    }

    /// What is said of everything.
    fn described<'b>(&self, path: &'b [u8], stat: &Stat) -> Member<'b> {
        let own = (stat.st_uid, stat.st_gid);
        let shown = || self.options.renumber.map_or(own, |renumber| renumber.owner(own));
        let (uid, gid) = self.options.owner.unwrap_or_else(shown);
        Member { path, mode: stat.st_mode & 0o7777, uid, gid, mtime: super::mtime(stat), ..Member::default() }
    }

    fn count_unreadable(&self) -> bool {
        match self.options.unreadable {
            Some(count) => {
                count.fetch_add(1, Ordering::Relaxed);
                true
            }
            None => false,
        }
    }

    fn is_skipped(&self, item: &Item<'_>) -> bool {
        self.options.skip.is_some_and(|skip| skip(item))
    }
}

impl Visitor for Archive<'_> {
    fn meet(&mut self, item: &Item<'_>) -> Result<()> {
        if (item.path.is_empty() && self.options.name.is_none()) || self.is_skipped(item) {
            return Ok(());
        }
        self.member(item).with_context(|| format!("archiving `/{}`", super::shown(item.path)))
    }

    fn passes_over(&mut self, _path: &[u8]) -> bool {
        self.count_unreadable()
    }

    fn enters(&self, item: &Item<'_>) -> bool {
        if self.is_skipped(item) {
            return false;
        }
        match item.dir {
            Some(dir) if self.options.without_kernel && !item.path.is_empty() => !is_kernels(dir),
            _ => true,
        }
    }

    fn leave(&mut self, _path: &[u8], _dir: BorrowedFd<'_>, _stat: &Stat) -> Result<()> {
        Ok(())
    }
}

impl Archive<'_> {
    fn member(&mut self, item: &Item<'_>) -> Result<()> {
        let kind = file_type(item.stat);
        let path = self.path(item.path);
        if self.options.whiteouts && is_whiteout(item.stat) {
            return self.put(&whiteout(&path));
        }
        let mut member = self.described(&path, item.stat);
        if let Some(dir) = item.dir {
            let slashed = [&*path, b"/"].concat();
            let xattrs = xattr::list(dir)?;
            self.put(&header(&Member { path: &slashed, flag: b'5', xattrs: &xattrs, ..member }))?;
            if self.options.whiteouts && is_opaque(dir)? {
                let path = [&*slashed, b".wh..wh..opq"].concat();
                self.put(&header(&Member { path: &path, flag: b'0', ..Member::default() }))?;
            }
            return Ok(());
        }
        // Sockets mean nothing without their process.
        if kind == FileType::Socket {
            return Ok(());
        }
        // A device is told as itself under each of its names: whoever reads the archive can seldom make it, and a link to
        // what is not there could not be made at all.
        let is_device = matches!(kind, FileType::CharacterDevice | FileType::BlockDevice);
        if !is_device && let Some(first) = self.links.first_name(item.stat, &path) {
            return self.put(&header(&Member { link: &first, flag: b'1', ..member }));
        }
        match kind {
            FileType::RegularFile => self.file(item, member),
            FileType::Symlink => {
                let target = match rustix::fs::readlinkat(item.parent, item.name, Vec::new()) {
                    Err(Errno::NOENT | Errno::INVAL) => {
                        self.links.forget(item.stat);
                        return Ok(());
                    }
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
        match open_file(item.parent, item.name) {
            // Removed, or replaced by something else, since the directory was read.
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => {
                self.links.forget(item.stat);
                Ok(())
            }
            Err(Errno::ACCESS | Errno::PERM) if self.count_unreadable() => {
                self.links.forget(item.stat);
                Ok(())
            }
            result => {
                let (file, stat) = result.context("opening")?;
                self.content(file, &stat, member)
            }
        }
    }

    fn content(&mut self, mut file: File, stat: &Stat, member: Member<'_>) -> Result<()> {
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

/// File systems whose content the kernel makes up when it is read (linux/magic.h): cgroup, cgroup2, debugfs, devpts,
/// mqueue, proc, securityfs, sysfs, tracefs.
const OF_THE_KERNEL: [u64; 9] =
    [0x0027_e0eb, 0x6367_7270, 0x6462_6720, 0x1cd1, 0x1980_0202, 0x9fa0, 0x7363_6673, 0x6265_6572, 0x7472_6163];

fn is_kernels(dir: BorrowedFd<'_>) -> bool {
    rustix::fs::fstatfs(dir)
        .is_ok_and(|stat| u64::try_from(stat.f_type).is_ok_and(|kind| OF_THE_KERNEL.contains(&kind)))
}

/// Whether nothing of the layers below is seen in this directory: by the kernel's mark or by fuse-overlayfs's.
fn is_opaque(dir: BorrowedFd<'_>) -> Result<bool> {
    for name in [c"user.overlay.opaque", c"user.fuseoverlayfs.opaque"] {
        if xattr::get(dir, name).context("reading an extended attribute")?.as_deref() == Some(b"y") {
            return Ok(true);
        }
    }
    Ok(false)
}
