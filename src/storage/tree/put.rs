//! Puts the members of a tar archive into a directory that others use: `cp`.
//!
//! Unlike layers, which are unpacked where nobody else is, this meets files that are there already, and somebody who may
//! change them at the same moment. Each path is resolved by the kernel beneath the directory, and no link below it is
//! followed; where the directory is in a container, links are resolved in the container's root and never out of it. What
//! takes a file's place is written beside it first, so that the old one stays if the disk is full.

mod files;

use std::fs::File;
use std::io::BufRead;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Uid, XattrFlags};
use rustix::io::Errno;

use super::copy::Renumber;
use crate::error::{Context, Error, Result};
use crate::storage::fs::is_full;
use crate::storage::id;
use crate::storage::unpack::beneath::{self, file_type};
use crate::storage::unpack::remove::remove_beneath;
use crate::storage::unpack::times::{DirTimes, set_time, set_time_of};
use crate::storage::unpack::write::write_content;
use crate::storage::unpack::{Entry, Kind, Reader, Warnings};
use files::{again, in_the_way, is_dir, open_regular, owned, reopen};

/// Where things are put, and how.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub dir: BorrowedFd<'a>,
    /// The root in which links on the way to a member are resolved, and the path of the directory in it. Without it they
    /// are refused.
    pub root: Option<(BorrowedFd<'a>, &'a [u8])>,
    /// User and group of everything, instead of those in the archive.
    pub owner: Option<(u32, u32)>,
    /// Other numbers for all of these.
    pub renumber: Option<&'a Renumber>,
    /// A directory may take the place of something else, and the other way round.
    pub overwrite: bool,
}

/// Puts everything there. Returns what could not be made as it is.
pub fn put<R: BufRead>(archive: &mut Reader<R>, target: &Target<'_>) -> Result<Warnings> {
    let mut put = Put { target, parent: None, times: DirTimes::default(), warnings: Warnings::default() };
    while let Some(entry) = archive.next_entry()? {
        put.entry(archive, &entry).map_err(|error| {
            let error = error.wrap(format!("putting `{}`", super::shown(&entry.path)));
            match is_full(&error) {
                true => error.hint("the file system is full: what was copied before stays"),
                false => error,
            }
        })?;
    }
    put.apply_times();
    archive.drain().context("reading the archive")?;
    Ok(put.warnings)
}

struct Put<'a> {
    target: &'a Target<'a>,
    /// The directory of the last member: archives are mostly in the order of directories.
    parent: Option<(Vec<u8>, OwnedFd)>,
    times: DirTimes,
    warnings: Warnings,
}

impl Put<'_> {
    fn entry<R: BufRead>(&mut self, archive: &mut Reader<R>, entry: &Entry) -> Result<()> {
        let path = beneath::clean(&entry.path)?;
        if path.is_empty() {
            if entry.kind != Kind::Directory {
                crate::bail!("it has no name");
            }
            let dir = reopen(self.target.dir)?;
            return self.finish_dir(&dir, &path, entry);
        }
        let (dir, name) = beneath::split(&path);
        let parent = self.parent(dir)?;
        self.create(archive, &parent, name, &path, entry)?;
        self.parent = Some((dir.to_vec(), parent));
        Ok(())
    }

    /// Opens the directory with this clean path, making what is missing.
    fn parent(&mut self, path: &[u8]) -> Result<OwnedFd> {
        if let Some((known, fd)) = self.parent.take()
            && known == path
        {
            return Ok(fd);
        }
        match self.open_dir(path) {
            Err(Errno::NOENT) => {}
            result => return result.context("opening its directory"),
        }
        let mut end = 0;
        for component in path.split(|&b| b == b'/') {
            let (above, start) = (path.get(..end).unwrap_or_default(), end + usize::from(end > 0));
            end = start + component.len();
            let above = self.open_dir(above.strip_suffix(b"/").unwrap_or(above)).context("opening its directory")?;
            match rustix::fs::mkdirat(&above, component, Mode::from_raw_mode(0o755)) {
                Ok(()) => {
                    let owner = self.target.owner.unwrap_or((0, 0));
                    Self::chown_name(&above, component, self.renumbered(owner))?;
                }
                Err(Errno::EXIST) => {}
                Err(e) => return Err(Error::from(e).wrap("creating its directory")),
            }
        }
        self.open_dir(path).context("opening its directory")
    }

    fn open_dir(&self, path: &[u8]) -> rustix::io::Result<OwnedFd> {
        let shown: &[u8] = if path.is_empty() { b"." } else { path };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let beneath = again(|| rustix::fs::openat2(self.target.dir, shown, flags, Mode::empty(), resolve));
        match (beneath, self.target.root) {
            (Err(Errno::LOOP | Errno::NOTDIR), Some((root, base))) => {
                beneath::open_dir(root, &[base, b"/", path].concat())
            }
            (result, _) => result,
        }
    }

    fn create<R: BufRead>(
        &mut self,
        archive: &mut Reader<R>,
        parent: &OwnedFd,
        name: &[u8],
        path: &[u8],
        entry: &Entry,
    ) -> Result<()> {
        match entry.kind {
            Kind::Directory => self.directory(parent, name, path, entry),
            Kind::File => self.file(archive, parent, name, entry),
            Kind::HardLink => self.hard_link(parent, name, entry),
            Kind::Symlink => {
                if entry.link.contains(&0) {
                    crate::bail!("the target of the link has a null byte");
                }
                self.replacing(parent, name, |as_name| rustix::fs::symlinkat(&*entry.link, parent, as_name))?;
                self.own_name(parent, name, entry)?;
                set_time(parent, name, entry.mtime)
            }
            Kind::Fifo => {
                let mode = Mode::from_raw_mode(0o600);
                self.replacing(parent, name, |as_name| rustix::fs::mknodat(parent, as_name, FileType::Fifo, mode, 0))?;
                self.own_name(parent, name, entry)?;
                beneath::chmod_fifo(parent, name, entry.mode).context("setting its mode")?;
                set_time(parent, name, entry.mtime)
            }
            Kind::CharDevice | Kind::BlockDevice => {
                self.warnings.add("skipped a device: devices cannot be made in a user namespace");
                Ok(())
            }
            Kind::Other(flag) => {
                let flag = char::from(flag).escape_default();
                self.warnings.add(&format!("skipped an archive entry of unknown type `{flag}`"));
                Ok(())
            }
        }
    }

    fn directory(&mut self, parent: &OwnedFd, name: &[u8], path: &[u8], entry: &Entry) -> Result<()> {
        let make = || rustix::fs::mkdirat(parent, name, Mode::RWXU);
        match make() {
            Err(Errno::EXIST) if is_dir(beneath::stat(parent, name).context("reading what is there")?.as_ref()) => {}
            Err(Errno::EXIST) if self.target.overwrite => {
                rustix::fs::unlinkat(parent, name, AtFlags::empty()).context("replacing what is there")?;
                make().context("creating directory")?;
            }
            Err(Errno::EXIST) => return Err(in_the_way("a directory cannot take the place of what is there")),
            result => result.context("creating directory")?,
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(parent, name, flags, Mode::empty()).context("opening directory")?;
        self.finish_dir(&dir, path, entry)
    }

    /// Owner, mode and attributes of a directory; its time comes at the end.
    fn finish_dir(&mut self, dir: &OwnedFd, path: &[u8], entry: &Entry) -> Result<()> {
        self.attributes(dir, entry)?;
        self.times.push(path, entry.mtime);
        Ok(())
    }

    fn file<R: BufRead>(
        &mut self,
        archive: &mut Reader<R>,
        parent: &OwnedFd,
        name: &[u8],
        entry: &Entry,
    ) -> Result<()> {
        let place = self.place(parent, name)?;
        let temporary = place.as_deref().unwrap_or(name);
        if let Some(file) = nameless(parent) {
            self.fill(archive, &file, entry)?;
            give_name(&file, parent, temporary)?;
            return match &place {
                Some(temporary) => self.take_place(parent, temporary, name, &file).inspect_err(|_| {
                    let _ = rustix::fs::unlinkat(parent, temporary, AtFlags::empty());
                }),
                None => Ok(()),
            };
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(parent, temporary, flags, Mode::RUSR | Mode::WUSR) {
            // A place where nothing can be made, but what is there can be written: /etc/hosts of a read-only container.
            Err(Errno::ROFS | Errno::ACCESS) if place.is_some() => return self.in_place(archive, parent, name, entry),
            result => File::from(result.context("creating file")?),
        };
        let placed = self.fill(archive, &file, entry).and_then(|()| match &place {
            Some(temporary) => self.take_place(parent, temporary, name, &file),
            None => Ok(()),
        });
        if placed.is_err() {
            let _ = rustix::fs::unlinkat(parent, temporary, AtFlags::empty());
        }
        placed
    }

    fn fill<R: BufRead>(&self, archive: &mut Reader<R>, file: &File, entry: &Entry) -> Result<()> {
        write_content(archive, file, entry)?;
        self.attributes(file.as_fd(), entry)?;
        set_time_of(file, entry.mtime)
    }

    /// Writes a file that is mounted there, or that nothing can take the place of.
    fn in_place<R: BufRead>(
        &self,
        archive: &mut Reader<R>,
        parent: &OwnedFd,
        name: &[u8],
        entry: &Entry,
    ) -> Result<()> {
        let file = File::from(open_regular(parent, name, OFlags::WRONLY)?);
        file.set_len(0).context("emptying the file that is there")?;
        write_content(archive, &file, entry)
    }

    /// The name under which something that is to be called `name` is made: another one where something is there already.
    fn place(&self, parent: &OwnedFd, name: &[u8]) -> Result<Option<Vec<u8>>> {
        match beneath::stat(parent, name).context("reading what is there")? {
            None => Ok(None),
            Some(stat) if file_type(&stat) == FileType::Directory && !self.target.overwrite => {
                Err(in_the_way("it cannot take the place of the directory that is there"))
            }
            Some(_) => Ok(Some(format!(".coracle-cp-{}", id::hex(&id::random::<8>()?)).into_bytes())),
        }
    }

    /// Puts what was made as `temporary` in the place of `name`.
    fn take_place(&self, parent: &OwnedFd, temporary: &[u8], name: &[u8], file: &File) -> Result<()> {
        match rustix::fs::renameat(parent, temporary, parent, name) {
            Err(Errno::ISDIR) => {
                remove_beneath(parent, name).context("replacing the directory that is there")?;
                rustix::fs::renameat(parent, temporary, parent, name).context("replacing what is there")
            }
            // It is a mount: what it shows is written.
            Err(Errno::BUSY) => {
                let mut to = File::from(open_regular(parent, name, OFlags::WRONLY)?);
                let mut from = File::from(open_regular(parent, temporary, OFlags::RDONLY)?);
                to.set_len(0).context("emptying the file that is there")?;
                let size = file.metadata().context("reading its size")?.len();
                super::data::Copier::default().copy(&mut from, &mut to, size)?;
                rustix::fs::unlinkat(parent, temporary, AtFlags::empty()).context("removing a temporary file")
            }
            result => result.context("replacing what is there"),
        }
    }

    /// Makes something by its name, in the place of what is there.
    fn replacing(&self, parent: &OwnedFd, name: &[u8], make: impl Fn(&[u8]) -> rustix::io::Result<()>) -> Result<()> {
        match make(name) {
            Err(Errno::EXIST) => {}
            result => return result.context("creating it"),
        }
        let is_dir = is_dir(beneath::stat(parent, name).context("reading what is there")?.as_ref());
        if is_dir && !self.target.overwrite {
            return Err(in_the_way("it cannot take the place of the directory that is there"));
        }
        remove_beneath(parent, name).context("replacing what is there")?;
        make(name).context("creating it")
    }

    fn hard_link(&mut self, parent: &OwnedFd, name: &[u8], entry: &Entry) -> Result<()> {
        let target = beneath::clean(&entry.link)?;
        let (dir, old) = beneath::split(&target);
        let shown = || format!("linking it to `{}`", super::shown(&target));
        let dir = self.open_dir(dir).with_context(shown)?;
        let same = |a: &OwnedFd, b: &OwnedFd| -> rustix::io::Result<bool> {
            let (a, b) = (rustix::fs::fstat(a)?, rustix::fs::fstat(b)?);
            Ok((a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
        };
        if old == name && same(&dir, parent).with_context(shown)? {
            return Ok(());
        }
        // Without AT_SYMLINK_FOLLOW a link to a symbolic link is to the link itself.
        let linked =
            self.replacing(parent, name, |as_name| rustix::fs::linkat(&dir, old, parent, as_name, AtFlags::empty()));
        if linked.is_ok() {
            return Ok(());
        }
        // Another file system is mounted between the two, or there are too many links: then it is a copy.
        let Ok(from) = open_regular(&dir, old, OFlags::RDONLY) else { return linked.with_context(shown) };
        let mut from = File::from(from);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut to =
            File::from(rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR).context("creating file")?);
        let size = from.metadata().context("reading its size")?.len();
        super::data::Copier::default().copy(&mut from, &mut to, size)?;
        self.attributes(to.as_fd(), entry)?;
        set_time_of(&to, entry.mtime)
    }

    /// Owner, then mode (which chown would have cleared of setuid), then extended attributes (as chown clears
    /// capabilities too).
    fn attributes(&self, fd: impl AsFd, entry: &Entry) -> Result<()> {
        let (uid, gid) = self.ids(entry)?;
        let now = rustix::fs::fstat(&fd).context("reading its owner")?;
        if (now.st_uid, now.st_gid) != (uid, gid) {
            owned(rustix::fs::fchown(&fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))), uid, gid)?;
        }
        rustix::fs::fchmod(&fd, Mode::from_raw_mode(entry.mode)).context("setting its mode")?;
        for (name, value) in &entry.xattrs {
            if !super::xattr::is_content(name) || name.contains(&0) {
                continue;
            }
            // Whatever else is wrong: a file system or a user that cannot have it.
            if rustix::fs::fsetxattr(&fd, &**name, value, XattrFlags::empty()) == Err(Errno::NOSPC) {
                return Err(Error::from(Errno::NOSPC).wrap("setting an extended attribute"));
            }
        }
        Ok(())
    }

    fn ids(&self, entry: &Entry) -> Result<(u32, u32)> {
        if let Some(owner) = self.target.owner {
            return Ok(self.renumbered(owner));
        }
        entry.owner().map(|owner| self.renumbered(owner))
    }

    fn own_name(&self, parent: &OwnedFd, name: &[u8], entry: &Entry) -> Result<()> {
        Self::chown_name(parent, name, self.ids(entry)?)
    }

    fn renumbered(&self, owner: (u32, u32)) -> (u32, u32) {
        self.target.renumber.map_or(owner, |renumber| renumber.owner(owner))
    }

    fn chown_name(parent: &OwnedFd, name: &[u8], (uid, gid): (u32, u32)) -> Result<()> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        owned(rustix::fs::chownat(parent, name, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), flags), uid, gid)
    }

    /// Times of directories, which change with what is put into them. One that somebody has moved since keeps its own.
    fn apply_times(&self) {
        self.times.for_each(|path, time| {
            if let Ok(dir) = self.open_dir(path)
                && let Ok(dir) = reopen(dir.as_fd())
            {
                let _ = set_time_of(&dir, time);
            }
        });
    }
}

/// A file that is gone if this process is killed before it has a name. `None` where the file system has no such files
/// (fuse-overlayfs), or nothing can be made.
fn nameless(parent: &OwnedFd) -> Option<File> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    rustix::fs::openat(parent, c".", flags, Mode::RUSR | Mode::WUSR).ok().map(File::from)
}

fn give_name(file: &File, parent: &OwnedFd, name: &[u8]) -> Result<()> {
    use std::os::fd::AsRawFd as _;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(rustix::fs::CWD, path, parent, name, AtFlags::SYMLINK_FOLLOW).context("creating file")
}

#[cfg(test)]
mod tests;
