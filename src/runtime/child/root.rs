//! The root file system: put together, attached, entered.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags};

use crate::error::{Context, Error, Result};
use crate::runtime::launch::Root;
use crate::runtime::overlay::{self, Layers};
use crate::sys::mount::{Attributes, RDONLY, set_attributes};

/// Attaches the root file system in this mount namespace and opens it.
pub fn attach(root: &Root) -> Result<OwnedFd> {
    make_slaves()?;
    match root {
        Root::Overlay { lower, data, upper, work, merged, volatile } => {
            forget_volatile(work, *volatile);
            attach_overlay(&layers(lower, data, (upper, work), *volatile), merged)?;
            open_directory(merged)
        }
        Root::Directory(path) => {
            attach_at(&clone_directory(path)?, path)?;
            open_directory(path)
        }
    }
}

/// Puts the root file system together without attaching it anywhere.
pub fn detached(root: &Root) -> Result<OwnedFd> {
    match root {
        Root::Overlay { lower, data, upper, work, volatile, .. } => {
            forget_volatile(work, *volatile);
            overlay::by_layers(&layers(lower, data, (upper, work), *volatile))
                .with_context(|| format!("mounting the overlay over `{}`", upper.display()))
                .map_err(|e| {
                    e.hint("a user namespace of its own needs Linux 6.5, or `--storage-driver fuse-overlayfs`")
                })
        }
        Root::Directory(path) => clone_directory(path),
    }
}

/// Attaches what [`detached`] has made. No directory is looked for: this namespace may not find the way to one.
pub fn attach_detached(mount: &OwnedFd) -> Result<OwnedFd> {
    make_slaves()?;
    attach_at(mount, Path::new("/"))?;
    mount.try_clone().context("duplicating a descriptor")
}

/// What is mounted here from now on is not mounted elsewhere.
pub fn make_slaves() -> Result<()> {
    let slash = open_directory(Path::new("/"))?;
    let attributes = Attributes { propagation: libc::MS_SLAVE, ..Attributes::default() };
    set_attributes(slash.as_fd(), attributes, true).context("making the host's mounts slaves")
}

/// Removes the mark that a volatile overlay leaves, for fear of a crash of the host, which ends this container.
fn forget_volatile(work: &Path, volatile: bool) {
    if volatile {
        let _ = std::fs::remove_dir_all(work.join("work/incompat"));
    }
}

fn attach_at(mount: &OwnedFd, point: &Path) -> Result<()> {
    rustix::mount::move_mount(mount, c"", CWD, point, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .with_context(|| format!("mounting the root file system on `{}`", point.display()))
}

fn clone_directory(path: &Path) -> Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE;
    rustix::mount::open_tree(CWD, path, flags)
        .with_context(|| format!("opening the root file system `{}`", path.display()))
}

fn layers<'a>(lower: &'a [PathBuf], data: &'a [PathBuf], writable: (&'a Path, &'a Path), volatile: bool) -> Layers<'a> {
    Layers { lower, data, writable: Some(writable), volatile, read_only: false }
}

/// Mounts the overlay on `merged`.
fn attach_overlay(layers: &Layers<'_>, merged: &Path) -> Result<()> {
    match overlay::by_layers(layers) {
        Ok(mount) => return attach_at(&mount, merged),
        // Before Linux 6.5 there is no `lowerdir+`.
        Err(rustix::io::Errno::INVAL) if layers.data.is_empty() => overlay_by_string(layers, merged),
        Err(errno) => Err(errno),
    }
    .map_err(|errno| {
        let upper = layers.writable.map_or(merged, |(upper, _)| upper);
        Error::from(errno).wrap(format!("mounting the overlay over `{}`", upper.display())).hint(
            "try `--storage-driver fuse-overlayfs`, or `vfs` on a file system that cannot be an overlay's upper layer",
        )
    })
}

/// mount(2) takes a page of options; descriptors make names of layers short enough for 200 of them.
fn overlay_by_string(layers: &Layers<'_>, merged: &Path) -> rustix::io::Result<()> {
    let Some((upper, work)) = layers.writable else { return Err(rustix::io::Errno::INVAL) };
    let open = |path: &Path| rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let opened = layers.lower.iter().map(|p| open(p)).collect::<rustix::io::Result<Vec<_>>>()?;
    let (upper, work) = (open(upper)?, open(work)?);
    let name = |fd: &OwnedFd| format!("/proc/self/fd/{}", fd.as_raw_fd());
    let joined = opened.iter().map(name).collect::<Vec<_>>().join(":");
    let volatile = if layers.volatile { ",volatile" } else { "" };
    let data = format!("lowerdir={joined},upperdir={},workdir={},userxattr{volatile}", name(&upper), name(&work));
    let data = std::ffi::CString::new(data).map_err(|_| rustix::io::Errno::INVAL)?;
    rustix::mount::mount(c"overlay", merged, c"overlay", rustix::mount::MountFlags::empty(), Some(data.as_c_str()))
}

/// Makes `place` the root of this mount namespace and forgets the host's.
pub fn pivot(place: &OwnedFd) -> Result<()> {
    rustix::process::fchdir(place).context("entering the root file system")?;
    // Old root on top of the new one, and off again: no directory in the image is needed for it.
    rustix::process::pivot_root(c".", c".").context("changing the root file system")?;
    rustix::mount::unmount(c".", UnmountFlags::DETACH).context("detaching the host's root")?;
    rustix::process::chdir(c"/").context("entering the root file system")
}

/// Makes the root mount, not what is mounted beneath it, read-only.
pub fn make_read_only() -> Result<()> {
    let root = open_root()?;
    let attributes = Attributes { set: RDONLY, ..Attributes::default() };
    set_attributes(root.as_fd(), attributes, false).context("making the root file system read-only")
}

/// Opens the present root as a place.
pub fn open_root() -> Result<OwnedFd> {
    open_directory(Path::new("/"))
}

fn open_directory(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).with_context(|| format!("opening `{}`", path.display()))
}
