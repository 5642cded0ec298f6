//! A minimal /dev: the host's harmless devices, bound, and the usual links.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::mount::{OpenTreeFlags, OpenTreeFlags as Tree};

use super::mounts::attach;
use super::target::{self, Wanted};
use super::terminal::Console;
use crate::error::{Context, Error, Result};
use crate::sys::mount::{Attributes, NOEXEC, NOSUID, set_attributes};

/// Name, major and minor number of what every container has (OCI runtime spec, "Default Devices").
const DEVICES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("tty", 5, 0), ("random", 1, 8), ("urandom", 1, 9)];

const LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
];

/// Fills the root of a fresh tmpfs that is attached as /dev.
pub fn populate(dev: &OwnedFd, tty: bool) -> Result<()> {
    for (name, major, minor) in DEVICES {
        let host = open_device(name, major, minor)?;
        bind_over(dev, name, &host)?;
    }
    for (name, to) in LINKS {
        rustix::fs::symlinkat(to, dev, name).with_context(|| format!("creating `/dev/{name}`"))?;
    }
    if tty {
        create_file(dev, "console")?;
    }
    Ok(())
}

/// The host's /dev/null, and certainly that: it is mounted over paths that must not be read.
pub fn open_null() -> Result<OwnedFd> {
    open_device("null", 1, 3)
}

fn open_device(name: &str, major: u32, minor: u32) -> Result<OwnedFd> {
    let path = Path::new("/dev").join(name);
    let flags = Tree::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | Tree::AT_SYMLINK_NOFOLLOW;
    let fd = rustix::mount::open_tree(CWD, &path, flags).with_context(|| format!("opening `{}`", path.display()))?;
    if !is_device(&fd, major, minor)? {
        return Err(Error::new(format!("`{}` on the host is not the device {major}:{minor}", path.display())));
    }
    Ok(fd)
}

/// Whether `fd` is this character device.
pub fn is_device(fd: &OwnedFd, major: u32, minor: u32) -> Result<bool> {
    let stat = rustix::fs::fstat(fd).context("looking at a device")?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
        && stat.st_rdev == rustix::fs::makedev(major, minor))
}

fn create_file(dev: &OwnedFd, name: &str) -> Result<()> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(dev, name, flags, Mode::from_raw_mode(0o644))
        .map(drop)
        .with_context(|| format!("creating `/dev/{name}`"))
}

fn bind_over(dev: &OwnedFd, name: &str, host: &OwnedFd) -> Result<()> {
    create_file(dev, name)?;
    let attributes = Attributes { set: NOSUID | NOEXEC, ..Attributes::default() };
    set_attributes(host.as_fd(), attributes, false).context("setting mount options")?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place =
        rustix::fs::openat(dev, name, flags, Mode::empty()).with_context(|| format!("opening `/dev/{name}`"))?;
    attach(host, &place)
}

/// Binds another device of the host (`--device`) at the same path.
pub fn bind(root: &OwnedFd, path: &Path) -> Result<()> {
    let name = || format!("adding the device `{}`", path.display());
    let flags = Tree::OPEN_TREE_CLONE | Tree::OPEN_TREE_CLOEXEC;
    let host = rustix::mount::open_tree(CWD, path, flags).with_context(name)?;
    let place = target::open_or_create(root, path.strip_prefix("/").unwrap_or(path), Wanted::File)?;
    attach(&host, &place).with_context(name)
}

/// Shows the container's terminal as /dev/console.
pub fn bind_console(dev: &OwnedFd, console: &Console) -> Result<()> {
    let flags = Tree::OPEN_TREE_CLONE | Tree::OPEN_TREE_CLOEXEC | Tree::AT_EMPTY_PATH;
    let slave = rustix::mount::open_tree(&console.slave, c"", flags).context("opening the terminal")?;
    let place = rustix::fs::openat(dev, "console", OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .context("opening `/dev/console`")?;
    attach(&slave, &place)
}
