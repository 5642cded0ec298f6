//! Copies a stack of layers into one directory: owners, modes, times, extended attributes, hard links, holes.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::data::{Copier, open_file};
use super::links::Links;
use super::walk::{self, Item, Visitor};
use super::{limit, xattr};
use crate::error::{Context, Error, Result};
use crate::storage::unpack::beneath::{self, file_type};
use crate::storage::unpack::extract::Owners;

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

/// Copies what `layers` (topmost first) make together into the empty directory `to`.
///
/// # Errors
/// The first thing that cannot be copied as it is; what was copied stays for the caller to remove.
pub fn copy(layers: Vec<OwnedFd>, to: OwnedFd, owners: Owners, renumber: Option<&Renumber>, data: Data) -> Result<()> {
    let _files = limit::ManyFiles::allow();
    let root = to.try_clone().context("duplicating a descriptor")?;
    std::thread::scope(|scope| {
        // Data are copied beside: names are made one after the other anyhow.
        let pool = (data == Data::Copy).then(|| Pool::start(scope, owners, renumber));
        let mut copy = Copy {
            root,
            dirs: Vec::new(),
            next: Some(to),
            finish: Finish { owners, renumber },
            links: Links::default(),
            pool,
        };
        let walked = walk::walk(layers, walk::Kind::Layers, &mut copy);
        let copied = copy.pool.take().map_or(Ok(()), Pool::join);
        // The first error of a worker stops the walk, which then only says that it was stopped.
        copied.and(walked)
    })
}

/// Makes an empty file, whose size is set, show the data of `path` (clean, relative) in the data-only layers.
pub fn refer(file: impl AsFd, path: &[u8]) -> rustix::io::Result<()> {
    let target = [b"/", path].concat();
    rustix::fs::fsetxattr(&file, "user.overlay.redirect", &target, XattrFlags::empty())?;
    rustix::fs::fsetxattr(&file, "user.overlay.metacopy", b"", XattrFlags::empty())
}

/// A file whose data have to be copied, and then its attributes.
struct Job {
    from: File,
    to: File,
    stat: Stat,
    path: Vec<u8>,
}

/// Threads that copy data.
struct Pool<'scope> {
    jobs: std::sync::mpsc::SyncSender<Job>,
    workers: Vec<std::thread::ScopedJoinHandle<'scope, Result<()>>>,
}

impl<'scope> Pool<'scope> {
    fn start<'env>(
        scope: &'scope std::thread::Scope<'scope, 'env>,
        owners: Owners,
        renumber: Option<&'scope Renumber>,
    ) -> Self {
        let (jobs, queue) = std::sync::mpsc::sync_channel::<Job>(32);
        let queue = std::sync::Arc::new(std::sync::Mutex::new(queue));
        let count = std::thread::available_parallelism().map_or(1, |n| n.get().min(4));
        let work = |queue: std::sync::Arc<std::sync::Mutex<std::sync::mpsc::Receiver<Job>>>| {
            move || {
                let mut copier = Copier::default();
                loop {
                    let next = queue.lock().map(|queue| queue.recv());
                    let Ok(Ok(mut job)) = next else { return Ok(()) };
                    let size = u64::try_from(job.stat.st_size).unwrap_or(0);
                    copier
                        .copy(&mut job.from, &mut job.to, size)
                        .and_then(|()| {
                            Finish { owners, renumber }.attributes(job.from.as_fd(), job.to.as_fd(), &job.stat)
                        })
                        .map_err(|error| failed(error, &job.path))?;
                }
            }
        };
        let workers = (0..count).map(|_| scope.spawn(work(queue.clone()))).collect();
        Pool { jobs, workers }
    }

    /// Waits for the rest.
    fn join(self) -> Result<()> {
        drop(self.jobs);
        let ends = self.workers.into_iter().map(|worker| match worker.join() {
            Ok(end) => end,
            Err(_) => Err(Error::new("a thread that copied files died")),
        });
        // All are waited for, whatever the first says.
        ends.collect::<Vec<_>>().into_iter().collect()
    }
}

fn failed(error: Error, path: &[u8]) -> Error {
    let error = error.wrap(format!("copying `/{}`", super::shown(path)));
    if error.chain().last().is_some_and(|cause| cause == nix::errno::Errno::ENOSPC.desc()) {
        return error.hint("the whole image is copied here: make room, or use another `--storage-driver`");
    }
    error
}

struct Copy<'a> {
    root: OwnedFd,
    /// The directories that are being filled, from the root down.
    dirs: Vec<OwnedFd>,
    /// The root, before it is met.
    next: Option<OwnedFd>,
    finish: Finish<'a>,
    links: Links,
    /// `None` where files refer to the layers' data.
    pool: Option<Pool<'a>>,
}

/// What is done to a file when its content is there.
#[derive(Clone, Copy)]
struct Finish<'a> {
    owners: Owners,
    renumber: Option<&'a Renumber>,
}

impl Visitor for Copy<'_> {
    fn meet(&mut self, item: &Item<'_>) -> Result<()> {
        self.create(item).map_err(|error| failed(error, item.path))
    }

    fn leave(&mut self, path: &[u8], dir: BorrowedFd<'_>, stat: &Stat) -> Result<()> {
        let Some(copy) = self.dirs.pop() else { return Ok(()) };
        // Only now: an inherited group or default ACL would have shown in what is in it, and its time is the last.
        self.finish.attributes(dir, &copy, stat).with_context(|| format!("copying `/{}`", super::shown(path)))
    }
}

impl Copy<'_> {
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
                let (from, stat) = open_file(item.parent, item.name).context("opening")?;
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let created = rustix::fs::openat(parent, item.name, flags, Mode::RUSR | Mode::WUSR);
                let to = File::from(created.context("creating file")?);
                if let Some(pool) = &self.pool {
                    let job = Job { from, to, stat, path: item.path.to_vec() };
                    return pool.jobs.send(job).map_err(|_| Error::new("the threads that copy have ended"));
                }
                if stat.st_size > 0 {
                    to.set_len(u64::try_from(stat.st_size).unwrap_or(0)).context("setting its size")?;
                    refer(&to, item.path).context("referring to its data")?;
                }
                self.finish.attributes(from.as_fd(), to.as_fd(), &stat)
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(item.parent, item.name, Vec::new()).context("reading link")?;
                rustix::fs::symlinkat(target, parent, item.name).context("creating symbolic link")?;
                self.finish.by_name(parent, item, None)
            }
            FileType::Fifo => {
                rustix::fs::mknodat(parent, item.name, FileType::Fifo, Mode::RUSR, 0).context("creating pipe")?;
                self.finish.by_name(parent, item, Some(Mode::from_raw_mode(item.stat.st_mode & 0o7777)))
            }
            // Sockets mean nothing without their process, and devices cannot be made in a user namespace.
            _ => Ok(()),
        }
    }
}

impl Finish<'_> {
    /// Whose it shall be.
    fn owner(&self, stat: &Stat) -> (u32, u32) {
        let owner = (stat.st_uid, stat.st_gid);
        self.renumber.map_or(owner, |renumber| renumber.owner(owner))
    }

    /// Owner, then mode (which chown would have cleared of setuid), then extended attributes (as chown clears
    /// capabilities too), then the time.
    fn attributes(&self, from: impl AsFd, to: impl AsFd, stat: &Stat) -> Result<()> {
        let now = rustix::fs::fstat(&to).context("reading its attributes")?;
        let (uid, gid) = self.owner(stat);
        if (now.st_uid, now.st_gid) != (uid, gid) {
            self.owned(rustix::fs::fchown(&to, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))))?;
        }
        rustix::fs::fchmod(&to, Mode::from_raw_mode(stat.st_mode & 0o7777)).context("setting its mode")?;
        for (name, value) in xattr::list(from)? {
            let result = rustix::fs::fsetxattr(&to, &*name, &value, XattrFlags::empty());
            self.attributed(&name, result)?;
        }
        rustix::fs::futimens(&to, &times(stat)).context("setting its time")
    }

    fn by_name(&self, parent: &OwnedFd, item: &Item<'_>, mode: Option<Mode>) -> Result<()> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let now = rustix::fs::statat(parent, item.name, flags).context("reading its attributes")?;
        let (uid, gid) = self.owner(item.stat);
        if (now.st_uid, now.st_gid) != (uid, gid) {
            let owner = (Uid::from_raw(uid), Gid::from_raw(gid));
            self.owned(rustix::fs::chownat(parent, item.name, Some(owner.0), Some(owner.1), flags))?;
        }
        if let Some(mode) = mode {
            rustix::fs::chmodat(parent, item.name, mode, AtFlags::empty()).context("setting its mode")?;
        }
        rustix::fs::utimensat(parent, item.name, &times(item.stat), flags).context("setting its time")
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

fn times(stat: &Stat) -> Timestamps {
    let (seconds, nanos) = super::mtime(stat);
    let time = Timespec { tv_sec: seconds, tv_nsec: i64::from(nanos) };
    Timestamps { last_access: time, last_modification: time }
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
