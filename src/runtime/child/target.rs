//! Paths inside the container's root, resolved by the kernel and never leaving it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::{Context, Error, Kind, Result};

const INSIDE: ResolveFlags = ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS);

/// Opens `path` as the container would see it, as a place (O_PATH). Magic links of /proc are refused.
pub fn open_place(root: impl AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    open(root, path, OFlags::PATH)
}

/// Opens `path` as the container would see it.
pub fn open(root: impl AsFd, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    loop {
        match rustix::fs::openat2(&root, path, flags | OFlags::CLOEXEC, Mode::empty(), INSIDE) {
            // A rename elsewhere in the tree made the kernel unsure; it asks to try again.
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
}

/// What a mount is to be attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Directory,
    File,
}

/// As many links as the kernel follows.
const MAX_LINKS: u32 = 40;

/// Opens the mount point `path`, and makes it and its parents where they are missing. Where a link leads to nothing, what
/// it leads to is made.
pub fn open_or_create(root: impl AsFd, path: &Path, wanted: Wanted) -> Result<OwnedFd> {
    follow_or_create(root.as_fd(), path, wanted, MAX_LINKS)
}

fn follow_or_create(root: BorrowedFd<'_>, path: &Path, wanted: Wanted, links: u32) -> Result<OwnedFd> {
    let describe = || format!("opening the mount point `{}` in the container", path.display());
    match open_place(root, path) {
        Err(Errno::NOENT) => {}
        other => return other.with_context(describe),
    }
    let parts: Vec<_> =
        path.components().filter(|c| matches!(c, Component::Normal(_) | Component::ParentDir)).collect();
    let mut prefix = PathBuf::new();
    let mut parent = open_place(root, Path::new(".")).with_context(describe)?;
    for (index, part) in parts.iter().enumerate() {
        prefix.push(part);
        let is_last = index + 1 == parts.len();
        parent = match open_place(root, &prefix) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => {
                let name = part.as_os_str();
                let made = if is_last && wanted == Wanted::File {
                    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644)).map(drop)
                } else {
                    rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o755))
                };
                if made == Err(Errno::EXIST)
                    && links > 0
                    && let Some(target) = link_target(&parent, name)
                {
                    let rest: PathBuf = parts.iter().skip(index + 1).collect();
                    prefix.pop();
                    // An absolute one begins at the container's root.
                    let target = match target.strip_prefix("/") {
                        Ok(absolute) => absolute.to_owned(),
                        Err(_) => prefix.join(target),
                    };
                    return follow_or_create(root, &target.join(rest), wanted, links - 1);
                }
                made.with_context(|| format!("creating the mount point `{}` in the container", prefix.display()))?;
                open_place(root, &prefix).with_context(describe)?
            }
            Err(errno) => return Err(Error::from(errno).wrap(describe())),
        };
    }
    Ok(parent)
}

fn link_target(dir: &OwnedFd, name: &std::ffi::OsStr) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let target = rustix::fs::readlinkat(dir, name, Vec::new()).ok()?;
    Some(PathBuf::from(std::ffi::OsString::from_vec(target.into_bytes())))
}

/// The working directory; made when missing, if it may be.
pub fn working_directory(root: impl AsFd, path: &Path, create: bool) -> Result<OwnedFd> {
    let failed = |error: Error| {
        error.with_kind(Kind::CannotInvoke).wrap(format!("changing to the working directory `{}`", path.display()))
    };
    let relative = path.strip_prefix("/").unwrap_or(path);
    let fd = if create {
        open_or_create(root, relative, Wanted::Directory).map_err(failed)?
    } else {
        open_place(root, relative).map_err(|errno| failed(errno.into()))?
    };
    let stat = rustix::fs::fstat(&fd).map_err(|e| failed(e.into()))?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::Directory {
        return Err(failed(Errno::NOTDIR.into()));
    }
    Ok(fd)
}

/// Makes `fd` the working directory.
pub fn enter(fd: &OwnedFd) -> Result<()> {
    rustix::process::fchdir(fd).context("changing to the working directory")
}

/// The last check before the exec: the working directory is reachable from the root (the CVE-2024-21626 family).
pub fn check_inside() -> Result<()> {
    let path = rustix::process::getcwd(Vec::new()).context("reading the working directory")?;
    if path.as_bytes().first() == Some(&b'/') {
        return Ok(());
    }
    Err(Error::of(Kind::CannotInvoke, "the working directory is outside of the container"))
}
