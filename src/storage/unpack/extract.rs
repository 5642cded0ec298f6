//! Writes the entries of a layer's tar archive beneath a directory, in the form that overlayfs reads.
//!
//! Whiteouts (`.wh.NAME`) become character devices 0:0 and opaque directories (`.wh..wh..opq`) get the attribute
//! `user.overlay.opaque`. Both act on the layers below only: what the same layer holds stays, in whatever order the
//! archive names it. No entry can touch anything outside the directory (see [`super::beneath`]).

mod attributes;

use std::fs::File;
use std::io::BufRead;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid, XattrFlags};
use rustix::io::Errno;

use super::beneath;
use super::reader::{Entry, Kind, Reader};
use super::remove::remove_beneath;
use super::times::{DirTimes, set_time, set_time_of, timestamps};
use super::warnings::Warnings;
use super::write::write_content;
use crate::error::{Context, Error, Result};

/// What was unpacked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unpacked {
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
    pub warnings: Warnings,
}

/// How owners are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owners {
    /// As in the archive; an ID outside the user namespace is an error.
    Exact,
    /// The namespace maps a single ID: what cannot be owned as in the archive is left to that ID, with a warning.
    WherePossible,
}

impl Owners {
    /// What the user namespace of this process allows.
    pub fn of_this_process() -> Self {
        let single = |path: &str| {
            let map = std::fs::read_to_string(path).unwrap_or_default();
            let counts: Vec<&str> = map.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
            counts == ["1"]
        };
        if single("/proc/self/uid_map") || single("/proc/self/gid_map") { Owners::WherePossible } else { Owners::Exact }
    }
}

/// Unpacks a whole archive beneath the directory `root`, which should be empty. Reads to the end of the archive, not of
/// the input.
pub fn unpack<R: BufRead>(archive: &mut Reader<R>, root: BorrowedFd<'_>, owners: Owners) -> Result<Unpacked> {
    extract(archive, root, owners, true)
}

/// The same for an archive that is no layer: `.wh.` begins a name like any other, and what is in `root` already is
/// replaced where the archive has it too.
pub fn unpack_plain<R: BufRead>(archive: &mut Reader<R>, root: BorrowedFd<'_>, owners: Owners) -> Result<Unpacked> {
    extract(archive, root, owners, false)
}

fn extract<R: BufRead>(
    archive: &mut Reader<R>,
    root: BorrowedFd<'_>,
    owners: Owners,
    is_layer: bool,
) -> Result<Unpacked> {
    let mut extractor =
        Extractor { root, owners, is_layer, parent: None, dir_times: DirTimes::default(), done: Unpacked::default() };
    while let Some(entry) = archive.next_entry()? {
        extractor
            .entry(archive, &entry)
            .with_context(|| format!("unpacking `{}`", String::from_utf8_lossy(&entry.path).escape_debug()))?;
        extractor.done.entries += 1;
    }
    extractor.apply_dir_times();
    Ok(extractor.done)
}

struct Extractor<'a> {
    root: BorrowedFd<'a>,
    owners: Owners,
    /// Whether `.wh.` names are whiteouts.
    is_layer: bool,
    /// The directory of the last entry: archives are mostly in the order of directories.
    parent: Option<(Vec<u8>, OwnedFd)>,
    dir_times: DirTimes,
    done: Unpacked,
}

impl Extractor<'_> {
    fn entry<R: BufRead>(&mut self, archive: &mut Reader<R>, entry: &Entry) -> Result<()> {
        let path = beneath::clean(&entry.path)?;
        if path.is_empty() {
            // The root itself: it exists, and can only be a directory.
            if entry.kind != Kind::Directory {
                crate::bail!("the root is not a directory");
            }
            let root = self.root.try_clone_to_owned()?;
            return self.finish_dir(&root, b".", &path, entry);
        }
        if self.is_layer && path.split(|&b| b == b'/').any(|component| component.starts_with(b".wh..wh.")) {
            return self.special(&path);
        }
        let (dir, name) = beneath::split(&path);
        if self.is_layer && dir.split(|&b| b == b'/').any(|component| component.starts_with(b".wh.")) {
            crate::bail!("a whiteout cannot be a directory");
        }
        let parent = self.take_parent(dir)?;
        let result = match name.strip_prefix(b".wh.").filter(|_| self.is_layer) {
            Some(hidden) => self.whiteout(&parent, hidden),
            None => self.create(archive, &parent, name, &path, entry),
        };
        // Something removed on the way may have been this directory or one above it.
        if self.parent.is_none() && result.as_ref().is_ok_and(|removed| !removed) {
            self.parent = Some((dir.to_vec(), parent));
        }
        result.map(|_| ())
    }

    /// `.wh..wh.` names: the opaque marker, or what AUFS kept for itself, which is no content.
    fn special(&mut self, path: &[u8]) -> Result<()> {
        let (dir, name) = beneath::split(path);
        if name != b".wh..wh..opq" {
            return Ok(());
        }
        let parent = self.take_parent(dir)?;
        self.make_opaque(&parent, b".")?;
        self.parent = Some((dir.to_vec(), parent));
        Ok(())
    }

    /// Opens the directory with this clean path, making what is missing.
    fn take_parent(&mut self, dir: &[u8]) -> Result<OwnedFd> {
        if let Some((known, fd)) = self.parent.take()
            && known == dir
        {
            return Ok(fd);
        }
        match beneath::open_dir(self.root, dir) {
            Ok(fd) => return Ok(fd),
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(e) => return Err(Error::from(e).wrap("opening its directory")),
        }
        let mut end = 0;
        for component in dir.split(|&b| b == b'/') {
            end += component.len();
            let path = dir.get(..end).unwrap_or_default();
            end += 1;
            match beneath::open_dir(self.root, path) {
                Ok(_) => continue,
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(e) => return Err(Error::from(e).wrap("opening its directory")),
            }
            let (above, name) = beneath::split(path);
            let above = beneath::open_dir(self.root, above)?;
            let replaced = self.clear_for_dir(&above, name)?;
            if replaced != Replaced::Dir {
                rustix::fs::mkdirat(&above, name, Mode::from_raw_mode(0o755)).context("creating its directory")?;
                rustix::fs::chownat(&above, name, Some(Uid::ROOT), Some(Gid::ROOT), AtFlags::SYMLINK_NOFOLLOW)?;
            }
            if replaced == Replaced::Whiteout {
                self.make_opaque(&above, name)?;
            }
        }
        beneath::open_dir(self.root, dir).context("opening its directory")
    }

    /// Marks `name` as deleted from the layers below. Returns whether a directory was removed (never).
    fn whiteout(&mut self, parent: &OwnedFd, name: &[u8]) -> Result<bool> {
        if name.is_empty() || name == b"." || name == b".." {
            crate::bail!("a whiteout of nothing");
        }
        match beneath::stat(parent, name)? {
            // This layer has it: only what is below a directory must go.
            Some(stat) if beneath::file_type(&stat) == FileType::Directory => self.make_opaque(parent, name)?,
            Some(_) => {}
            None => {
                let mode = Mode::empty();
                rustix::fs::mknodat(parent, name, FileType::CharacterDevice, mode, 0)
                    .context("making a whiteout")
                    .map_err(|e| e.hint("whiteouts in a user namespace need Linux 5.8 or newer"))?;
            }
        }
        Ok(false)
    }

    fn make_opaque(&mut self, parent: &OwnedFd, name: &[u8]) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(parent, name, flags, Mode::empty()).context("opening a directory")?;
        rustix::fs::fsetxattr(&dir, "user.overlay.opaque", b"y", XattrFlags::empty())
            .context("marking a directory as opaque")
            .map_err(|e| e.hint("the file system of the data root must support user extended attributes"))
    }

    /// Creates what the entry says. Returns whether a directory was removed for it.
    fn create<R: BufRead>(
        &mut self,
        archive: &mut Reader<R>,
        parent: &OwnedFd,
        name: &[u8],
        path: &[u8],
        entry: &Entry,
    ) -> Result<bool> {
        match entry.kind {
            Kind::Directory => self.directory(parent, name, path, entry),
            Kind::File => self.file(archive, parent, name, entry),
            Kind::HardLink => self.hard_link(parent, name, entry),
            Kind::Symlink => {
                let target = without_nul(&entry.link)?;
                let removed = replacing(parent, name, || rustix::fs::symlinkat(target, parent, name))?;
                self.own_link(parent, name, entry)?;
                set_time(parent, name, entry.mtime)?;
                Ok(removed)
            }
            Kind::Fifo => {
                let create = || rustix::fs::mknodat(parent, name, FileType::Fifo, Mode::from_raw_mode(0o600), 0);
                let removed = replacing(parent, name, create)?;
                self.own_link(parent, name, entry)?;
                beneath::chmod_fifo(parent, name, entry.mode).context("setting its mode")?;
                set_time(parent, name, entry.mtime)?;
                Ok(removed)
            }
            Kind::CharDevice | Kind::BlockDevice => {
                self.done.warnings.add("skipped a device node: devices cannot be made in a user namespace");
                Ok(false)
            }
            Kind::Other(flag) => {
                let flag = char::from(flag).escape_default();
                self.done.warnings.add(&format!("skipped an archive entry of unknown type `{flag}`"));
                Ok(false)
            }
        }
    }

    fn directory(&mut self, parent: &OwnedFd, name: &[u8], path: &[u8], entry: &Entry) -> Result<bool> {
        let mode = self.first_mode(entry.mode | 0o700, 0o700);
        let opaque = match rustix::fs::mkdirat(parent, name, mode) {
            Ok(()) => false,
            Err(Errno::EXIST) => {
                let replaced = self.clear_for_dir(parent, name)?;
                if replaced != Replaced::Dir {
                    rustix::fs::mkdirat(parent, name, mode).context("creating directory")?;
                }
                replaced == Replaced::Whiteout
            }
            Err(e) => return Err(Error::from(e).wrap("creating directory")),
        };
        if opaque {
            self.make_opaque(parent, name)?;
        }
        self.finish_dir(parent, name, path, entry)?;
        Ok(false)
    }

    /// Owner, mode and attributes of a directory that exists; its time comes at the end.
    fn finish_dir(&mut self, parent: &OwnedFd, name: &[u8], path: &[u8], entry: &Entry) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(parent, name, flags, Mode::empty()).context("opening directory")?;
        self.attributes(&dir, entry)?;
        self.dir_times.push(path, entry.mtime);
        Ok(())
    }

    /// The mode with which something is made: its own, so that it need not be set, where nobody else can come before its
    /// owner is set too.
    fn first_mode(&self, mode: u32, private: u32) -> Mode {
        Mode::from_raw_mode(if self.is_layer { mode & 0o777 } else { private })
    }

    /// Removes what is in the way of a directory; a directory stays.
    fn clear_for_dir(&mut self, parent: &OwnedFd, name: &[u8]) -> Result<Replaced> {
        let Some(stat) = beneath::stat(parent, name)? else { return Ok(Replaced::Nothing) };
        if beneath::file_type(&stat) == FileType::Directory {
            return Ok(Replaced::Dir);
        }
        rustix::fs::unlinkat(parent, name, AtFlags::empty()).context("replacing what is there")?;
        Ok(if self.is_layer && beneath::is_whiteout(&stat) { Replaced::Whiteout } else { Replaced::Nothing })
    }

    fn file<R: BufRead>(
        &mut self,
        archive: &mut Reader<R>,
        parent: &OwnedFd,
        name: &[u8],
        entry: &Entry,
    ) -> Result<bool> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = self.first_mode(entry.mode, 0o600);
        let mut file = None;
        let removed = replacing(parent, name, || {
            file = Some(rustix::fs::openat(parent, name, flags, mode)?);
            Ok(())
        })?;
        let Some(file) = file.map(File::from) else { crate::bail!("creating file") };
        write_content(archive, &file, entry)?;
        self.attributes(file.as_fd(), entry)?;
        set_time_of(&file, entry.mtime)?;
        self.done.bytes += entry.size;
        Ok(removed)
    }

    fn hard_link(&mut self, parent: &OwnedFd, name: &[u8], entry: &Entry) -> Result<bool> {
        let target = beneath::clean(&entry.link)?;
        let (dir, target_name) = beneath::split(&target);
        let shown = || format!("linking to `{}`", String::from_utf8_lossy(&target).escape_debug());
        let dir = beneath::open_dir(self.root, dir).with_context(shown)?;
        let Some(stat) = beneath::stat(&dir, target_name).with_context(shown)? else {
            crate::bail!("{}: the layer has no such file", shown());
        };
        if beneath::file_type(&stat) == FileType::Directory {
            crate::bail!("{}: it is a directory", shown());
        }
        let here = rustix::fs::fstat(parent)?;
        let there = rustix::fs::fstat(&dir)?;
        if name == target_name && (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino) {
            // A link to itself is there already; removing it first would lose it.
            return Ok(false);
        }
        // Without AT_SYMLINK_FOLLOW a link to a symbolic link is to the link itself.
        replacing(parent, name, || rustix::fs::linkat(&dir, target_name, parent, name, AtFlags::empty()))
            .with_context(shown)
    }

    fn apply_dir_times(&mut self) {
        let root = self.root;
        self.dir_times.for_each(|path, mtime| {
            // A later entry may have replaced the directory, by a link even.
            if let Ok(dir) = beneath::open_dir_itself(root, path) {
                let _ = rustix::fs::utimensat(&dir, ".", &timestamps(mtime), AtFlags::empty());
            }
        });
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replaced {
    Nothing,
    Whiteout,
    /// It is a directory and was left.
    Dir,
}

/// Runs `create`; when something has the name already, removes that and runs it again. Returns whether a directory was
/// removed.
fn replacing(parent: &OwnedFd, name: &[u8], mut create: impl FnMut() -> rustix::io::Result<()>) -> Result<bool> {
    match create() {
        Ok(()) => return Ok(false),
        Err(Errno::EXIST) => {}
        Err(e) => return Err(Error::from(e).wrap("creating it")),
    }
    let was_dir = beneath::stat(parent, name)?.is_some_and(|s| beneath::file_type(&s) == FileType::Directory);
    remove_beneath(parent, name).context("replacing what is there")?;
    create().context("creating it")?;
    Ok(was_dir)
}

fn without_nul(link: &[u8]) -> Result<&[u8]> {
    if link.is_empty() || link.contains(&0) {
        crate::bail!("target of the link is empty or has a null byte");
    }
    Ok(link)
}
