//! Copies a stack of layers, or a live directory, into one directory: owners, modes, times, extended attributes, hard links,
//! holes.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid, XattrFlags};
use rustix::io::Errno;

use super::data::open_file;
use super::links::Links;
use super::parallel::{Job, Workers};
use super::walk::{self, Item, Visitor};
use super::xattr;
use crate::error::{Context, Error, Result};
use crate::storage::fs::is_full;
use crate::storage::unpack::beneath::{self, file_type};
use crate::storage::unpack::extract::Owners;
use crate::storage::unpack::times::{set_time, set_time_of};

/// Whether files get their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    Copy,
    /// They refer to the same path in overlayfs's data-only layers.
    Refer,
}

/// Other owners: first ID, first new ID, how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renumber {
    pub uids: Vec<(u32, u32, u32)>,
    pub gids: Vec<(u32, u32, u32)>,
}

/// What stands for an ID that has no new one, as the kernel shows it.
const NOBODY: u32 = 65534;

impl Renumber {
    /// Who owns what these own.
    pub fn owner(&self, (uid, gid): (u32, u32)) -> (u32, u32) {
        let find = |side: &[(u32, u32, u32)], id: u32| {
            let found = side.iter().find_map(|(from, to, count)| {
                to.checked_add(id.checked_sub(*from).filter(|distance| distance < count)?)
            });
            found.unwrap_or(NOBODY)
        };
        (find(&self.uids, uid), find(&self.gids, gid))
    }
}

/// Copies what `layers` (topmost first) make together into the empty directory `to`, perhaps with other owners.
///
/// # Errors
/// The first thing that cannot be copied as it is; what was copied stays for the caller to remove.
pub fn copy(layers: Vec<OwnedFd>, to: OwnedFd, owners: Owners, renumber: Option<&Renumber>, data: Data) -> Result<()> {
    let keep = Attributes { owners, kind: walk::Kind::Layers, renumber };
    copy_as(layers, to, keep, data).map_err(|error| {
        hint_if_full(error, "the whole image is copied here: make room, or use another `--storage-driver`")
    })
}

/// Copies a directory as it is, several files at once, into the empty directory `to`. Those who write there meanwhile may
/// go on: every file is as it was at one moment or another.
///
/// # Errors
/// As [`copy`].
pub fn copy_live(from: OwnedFd, to: OwnedFd, owners: Owners, renumber: Option<&Renumber>) -> Result<()> {
    let keep = Attributes { owners, kind: walk::Kind::Live, renumber };
    copy_as(vec![from], to, keep, Data::Copy).map_err(|error| hint_if_full(error, "make room, and try again"))
}

/// Gives the directory `to` what `from` has of attributes: owner, mode, extended ones, time.
pub fn attributes_of(from: &OwnedFd, to: &OwnedFd, owners: Owners, renumber: Option<&Renumber>) -> Result<()> {
    let stat = rustix::fs::fstat(from).context("reading its attributes")?;
    Attributes { owners, kind: walk::Kind::Live, renumber }.set(from, to, &stat)
}

fn copy_as(from: Vec<OwnedFd>, to: OwnedFd, keep: Attributes<'_>, data: Data) -> Result<()> {
    let root = to.try_clone().context("duplicating a descriptor")?;
    // Content is copied beside: names are made one after the other anyhow.
    let threads = match data {
        Data::Copy => std::thread::available_parallelism().map_or(1, std::num::NonZero::get).clamp(2, 8),
        Data::Refer => 0,
    };
    Workers::run(threads, keep, |workers| {
        let mut copy = Copy { root, dirs: Vec::new(), next: Some(to), links: Links::default(), keep, data, workers };
        walk::walk(from, keep.kind, &mut copy)
    })
}

/// Makes an empty file, whose size is set, show the data of `path` (clean, relative) in the data-only layers.
pub fn refer(file: impl AsFd, path: &[u8]) -> rustix::io::Result<()> {
    let target = [b"/", path].concat();
    rustix::fs::fsetxattr(&file, "user.overlay.redirect", &target, XattrFlags::empty())?;
    rustix::fs::fsetxattr(&file, "user.overlay.metacopy", b"", XattrFlags::empty())
}

/// Says the way out of a full disk.
fn hint_if_full(error: Error, hint: &str) -> Error {
    if is_full(&error) { error.hint(hint) } else { error }
}

struct Copy<'a, 'b> {
    root: OwnedFd,
    /// The directories that are being filled, from the root down.
    dirs: Vec<OwnedFd>,
    /// The root, before it is met.
    next: Option<OwnedFd>,
    links: Links,
    keep: Attributes<'a>,
    data: Data,
    workers: &'b mut Workers<'a>,
}

impl Visitor for Copy<'_, '_> {
    fn meet(&mut self, item: &Item<'_>) -> Result<()> {
        self.create(item).with_context(|| format!("copying `/{}`", super::shown(item.path)))
    }

    fn leave(&mut self, path: &[u8], dir: BorrowedFd<'_>, stat: &Stat) -> Result<()> {
        let Some(copy) = self.dirs.pop() else { return Ok(()) };
        // Only now: an inherited group or default ACL would have shown in what is in it, and its time is the last.
        self.keep.set(dir, &copy, stat).with_context(|| format!("copying `/{}`", super::shown(path)))
    }
}

impl Copy<'_, '_> {
    fn create(&mut self, item: &Item<'_>) -> Result<()> {
        let Some(parent) = self.dirs.last() else {
            self.dirs.extend(self.next.take());
            return Ok(());
        };
        if item.dir.is_some() {
            rustix::fs::mkdirat(parent, item.name, Mode::RWXU).context("creating directory")?;
            let dir = walk::open_dir(parent.as_fd(), item.name).context("opening directory")?;
            self.dirs.push(dir);
            return Ok(());
        }
        if let Some(first) = self.links.first_name(item.stat, item.path)
            && link(&self.root, &first, parent, item.name)?
        {
            return Ok(());
        }
        match file_type(item.stat) {
            FileType::RegularFile => {
                let (from, stat) = match open_file(item.parent, item.name) {
                    // Removed, or replaced by something else, since the directory was read.
                    Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) if self.keep.kind == walk::Kind::Live => {
                        return Ok(());
                    }
                    opened => opened.context("opening")?,
                };
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let created = rustix::fs::openat(parent, item.name, flags, Mode::RUSR | Mode::WUSR);
                let to = File::from(created.context("creating file")?);
                if self.data == Data::Copy {
                    return self.workers.copy(Job { from, to, stat, path: item.path.to_vec() });
                }
                if stat.st_size > 0 {
                    to.set_len(u64::try_from(stat.st_size).unwrap_or(0)).context("setting its size")?;
                    refer(&to, item.path).context("referring to its data")?;
                }
                self.keep.set(from.as_fd(), to.as_fd(), &stat)
            }
            FileType::Symlink => {
                let target = match rustix::fs::readlinkat(item.parent, item.name, Vec::new()) {
                    // As above.
                    Err(Errno::NOENT | Errno::INVAL) if self.keep.kind == walk::Kind::Live => return Ok(()),
                    target => target.context("reading link")?,
                };
                rustix::fs::symlinkat(target, parent, item.name).context("creating symbolic link")?;
                self.attributes_by_name(parent, item, None)
            }
            FileType::Fifo => {
                rustix::fs::mknodat(parent, item.name, FileType::Fifo, Mode::RUSR, 0).context("creating pipe")?;
                self.attributes_by_name(parent, item, Some(item.stat.st_mode & 0o7777))
            }
            // A whiteout of an overlay file system, which may have its layers in a volume.
            FileType::CharacterDevice if self.keep.kind == walk::Kind::Live && item.stat.st_rdev == 0 => {
                rustix::fs::mknodat(parent, item.name, FileType::CharacterDevice, Mode::empty(), 0)
                    .context("creating whiteout")?;
                self.attributes_by_name(parent, item, None)
            }
            // Sockets mean nothing without their process, and devices cannot be made in a user namespace.
            _ => Ok(()),
        }
    }

    fn attributes_by_name(&self, parent: &OwnedFd, item: &Item<'_>, mode: Option<u32>) -> Result<()> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let now = rustix::fs::statat(parent, item.name, flags).context("reading its attributes")?;
        let (uid, gid) = self.keep.owner(item.stat);
        if (now.st_uid, now.st_gid) != (uid, gid) {
            let owner = (Uid::from_raw(uid), Gid::from_raw(gid));
            self.keep.owned(rustix::fs::chownat(parent, item.name, Some(owner.0), Some(owner.1), flags))?;
        }
        if let Some(mode) = mode {
            beneath::chmod_fifo(parent, item.name.to_bytes(), mode).context("setting its mode")?;
        }
        set_time(parent, item.name, super::mtime(item.stat))
    }
}

/// Which attributes are kept, and what becomes of those that cannot be.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'a> {
    owners: Owners,
    kind: walk::Kind,
    renumber: Option<&'a Renumber>,
}

impl Attributes<'_> {
    /// Whose it shall be.
    fn owner(&self, stat: &Stat) -> (u32, u32) {
        let owner = (stat.st_uid, stat.st_gid);
        self.renumber.map_or(owner, |renumber| renumber.owner(owner))
    }

    /// Owner, then mode (which chown would have cleared of setuid), then extended attributes (as chown clears
    /// capabilities too), then the time.
    pub(super) fn set(&self, from: impl AsFd, to: impl AsFd, stat: &Stat) -> Result<()> {
        let now = rustix::fs::fstat(&to).context("reading its attributes")?;
        let (uid, gid) = self.owner(stat);
        if (now.st_uid, now.st_gid) != (uid, gid) {
            let owner = (Uid::from_raw(uid), Gid::from_raw(gid));
            self.owned(rustix::fs::fchown(&to, Some(owner.0), Some(owner.1)))?;
        }
        rustix::fs::fchmod(&to, Mode::from_raw_mode(stat.st_mode & 0o7777)).context("setting its mode")?;
        for (name, value) in match self.kind {
            walk::Kind::Layers => xattr::list(from)?,
            walk::Kind::Live => xattr::list_all(from)?,
        } {
            let result = rustix::fs::fsetxattr(&to, &*name, &value, XattrFlags::empty());
            self.attributed(&name, result)?;
        }
        set_time_of(&to, super::mtime(stat))
    }

    fn owned(&self, result: rustix::io::Result<()>) -> Result<()> {
        match result {
            // The only ID there is owns it then.
            Err(Errno::INVAL | Errno::PERM) if self.owners == Owners::WherePossible || self.renumber.is_some() => {
                Ok(())
            }
            result => result.context("setting its owner"),
        }
    }

    fn attributed(&self, name: &CStr, result: rustix::io::Result<()>) -> Result<()> {
        let is_content = name.to_bytes() == b"security.capability" || name.to_bytes().starts_with(b"user.");
        match result {
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::INVAL)
                if !is_content || self.owners == Owners::WherePossible =>
            {
                Ok(())
            }
            result => result.with_context(|| format!("setting its extended attribute `{}`", name.to_string_lossy())),
        }
    }
}

/// Links the file that was copied as `first`. `false` when there can be no more links to it, or its path is too long.
fn link(root: &OwnedFd, first: &[u8], parent: &OwnedFd, name: &CStr) -> Result<bool> {
    let (dir, old) = beneath::split(first);
    let result = beneath::open_dir(root, dir).and_then(|dir| {
        // Without AT_SYMLINK_FOLLOW a link to a symbolic link is to the link itself.
        rustix::fs::linkat(&dir, old, parent, name, AtFlags::empty())
    });
    match result {
        Ok(()) => Ok(true),
        Err(Errno::MLINK | Errno::NAMETOOLONG) => Ok(false),
        // A socket, which was not copied.
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(Error::from(e).wrap(format!("linking it to `/{}`", super::shown(first)))),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
    use std::path::Path;

    use super::*;

    fn open(path: &Path) -> OwnedFd {
        rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    fn opaque(path: &Path) {
        rustix::fs::setxattr(path, "user.overlay.opaque", b"y", XattrFlags::empty()).unwrap();
    }

    #[test]
    fn layers_become_one_tree() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for dir in ["low/dir/sub", "low/gone", "low/both", "low/was-dir", "top/both", "top/dir", "to"] {
            std::fs::create_dir_all(at(dir)).unwrap();
        }
        for (file, text) in [
            ("low/dir/hidden", "x"),
            ("low/dir/sub/x", "x"),
            ("low/gone/x", "x"),
            ("low/both/low", "low"),
            ("low/both/same", "low"),
            ("low/was-dir/x", "x"),
            ("low/a", "linked"),
            ("top/both/same", "top"),
            ("top/dir/new", "new"),
            ("top/was-dir", "file"),
        ] {
            std::fs::write(at(file), text).unwrap();
        }
        // As root only a real whiteout can be made; elsewhere the name is hidden by a file of the same name.
        let can_whiteout =
            rustix::fs::mknodat(open(&at("top")), "gone", FileType::CharacterDevice, Mode::empty(), 0).is_ok();
        opaque(&at("top/dir"));
        std::fs::hard_link(at("low/a"), at("low/both/b")).unwrap();
        symlink("/etc/passwd", at("low/link")).unwrap();
        rustix::fs::setxattr(at("low/a"), "user.kept", b"v", XattrFlags::empty()).unwrap();
        std::fs::set_permissions(at("low/a"), PermissionsExt::from_mode(0o4711)).unwrap();
        let sparse = File::create(at("low/sparse")).unwrap();
        sparse.set_len(64 << 20).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&sparse, b"end", (64 << 20) - 3).unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_000, 123_456_789);
        File::open(at("low/both")).unwrap().set_modified(old).unwrap();
        File::open(at("top/both")).unwrap().set_modified(old).unwrap();

        copy(vec![open(&at("top")), open(&at("low"))], open(&at("to")), Owners::Exact, None, Data::Copy).unwrap();

        let read = |name: &str| std::fs::read_to_string(at("to").join(name)).ok();
        assert_eq!(read("both/same").as_deref(), Some("top"));
        assert_eq!(read("both/low").as_deref(), Some("low"));
        assert_eq!(read("dir/new").as_deref(), Some("new"));
        assert_eq!(read("dir/hidden"), None);
        assert!(!at("to/dir/sub").exists());
        assert_eq!(read("was-dir").as_deref(), Some("file"));
        assert_eq!(at("to/gone").exists(), !can_whiteout);
        assert_eq!(std::fs::read_link(at("to/link")).unwrap(), Path::new("/etc/passwd"));
        let file = std::fs::metadata(at("to/a")).unwrap();
        assert_eq!((file.mode() & 0o7777, file.nlink()), (0o4711, 2));
        assert_eq!(file.ino(), std::fs::metadata(at("to/both/b")).unwrap().ino());
        assert_eq!(xattr::get(File::open(at("to/a")).unwrap(), c"user.kept").unwrap().as_deref(), Some(&b"v"[..]));
        assert!(xattr::list(open(&at("to/dir"))).unwrap().is_empty());
        assert_eq!(xattr::get(open(&at("to/dir")), c"user.overlay.opaque").unwrap(), None);
        let copied = std::fs::metadata(at("to/sparse")).unwrap();
        assert_eq!(copied.len(), 64 << 20);
        assert!(copied.blocks() * 512 < 1 << 20, "holes were filled: {} blocks", copied.blocks());
        assert_eq!(std::fs::metadata(at("to/both")).unwrap().modified().unwrap(), old);
    }
}
