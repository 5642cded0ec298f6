//! What is mounted over a volume's directory, or from inside of it: in this mount namespace, which the monitor of the
//! container inherits and the kernel takes down with it.
//!
//! There is no process that outlives containers, so a tmpfs that several of them share lives in the mount namespaces of their
//! monitors: whoever comes next takes it from one of these.

use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use nix::sched::CloneFlags;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags};

use super::options::{Kind, Mount};
use super::store::Volume;
use crate::error::{Context, Error, Result};
use crate::sys::mount::{Attributes, NOATIME, NODEV, NODIRATIME, NOEXEC, NOSUID, RDONLY, set_attributes};

/// Mounts what the volume's options say over its directory, unless it is mounted here. Whether it is a file system that has
/// just been made and is still to be filled. `holders` are processes in whose mount namespaces it may be mounted already.
///
/// # Errors
/// The device of a bind volume does not exist.
pub fn attach(volume: &Volume, mount: &Mount, holders: &[OwnedFd]) -> Result<bool> {
    let data = volume.data();
    let context = || format!("mounting volume `{}`", volume.record.name);
    if is_mounted(&data)? {
        return Ok(false);
    }
    let (tree, fresh) = match &mount.kind {
        Kind::Bind { device, recursive } => (bind(device, *recursive).with_context(context)?, true),
        Kind::Tmpfs(data_options) => match held(&data, holders).with_context(context)? {
            Some(tree) => (tree, false),
            None => (tmpfs(data_options).with_context(context)?, true),
        },
    };
    if fresh {
        let attributes = Attributes { set: flags(mount), ..Attributes::default() };
        let recursive = matches!(mount.kind, Kind::Bind { recursive: true, .. });
        set_attributes(tree.as_fd(), attributes, recursive).with_context(context)?;
    }
    move_onto(&tree, &data).with_context(context)?;
    Ok(fresh)
}

/// Makes a file system that is to be filled read-only once it is.
fn flags(mount: &Mount) -> u64 {
    mount.flags.iter().fold(0, |bits, flag| {
        bits | match *flag {
            "nosuid" => NOSUID,
            "nodev" => NODEV,
            "noexec" => NOEXEC,
            "noatime" => NOATIME,
            "nodiratime" => NODIRATIME,
            _ => 0,
        }
    })
}

/// Applies `ro`, when the volume has been filled.
pub fn freeze(volume: &Volume, mount: &Mount) -> Result<()> {
    if !mount.flags.contains(&"ro") {
        return Ok(());
    }
    let root = rustix::fs::open(volume.data(), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .with_context(|| format!("opening volume `{}`", volume.record.name))?;
    let attributes = Attributes { set: RDONLY, ..Attributes::default() };
    set_attributes(root.as_fd(), attributes, false)
        .with_context(|| format!("making volume `{}` read-only", volume.record.name))
}

/// Mounts what is at `subpath` in a directory at `point`, which is made. Links lead nowhere but inside of the directory, and
/// whatever a container makes of the path afterwards, this is what is mounted.
pub fn attach_part(data: &Path, subpath: &Path, point: &Path) -> Result<()> {
    let shown = subpath.display();
    let root = super::fill::open_dir(data)?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let opened = loop {
        match rustix::fs::openat2(&root, subpath, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            opened => break opened,
        }
    };
    let part = match opened {
        Ok(part) => part,
        Err(Errno::XDEV) => {
            return Err(Error::new(format!("subpath \"{shown}\" is outside of the volume \"{}\"", data.display())));
        }
        Err(errno) => return Err(Error::from(errno).wrap(format!("opening subpath \"{shown}\" of the volume"))),
    };
    let stat = rustix::fs::fstat(&part).context("reading the subpath")?;
    if let Some(parent) = point.parent() {
        crate::storage::fs::create_private_dir_all(parent)?;
    }
    if is_mounted(point)? {
        rustix::mount::unmount(point, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)
            .with_context(|| format!("unmounting `{}`", point.display()))?;
    }
    // It may be left from a start at which it was a file, or a directory.
    let _ = std::fs::remove_file(point).or_else(|_| std::fs::remove_dir(point));
    let made = match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::Directory => std::fs::create_dir(point),
        _ => File::create_new(point).map(drop),
    };
    made.with_context(|| format!("creating `{}`", point.display()))?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let tree = rustix::mount::open_tree(&part, c"", flags)
        .with_context(|| format!("opening subpath \"{shown}\" of the volume"))?;
    move_onto(&tree, point)
}

/// Takes a volume's mount off in this mount namespace. Whether there was one.
pub fn detach(data: &Path) -> Result<bool> {
    if !is_mounted(data)? {
        return Ok(false);
    }
    rustix::mount::unmount(data, UnmountFlags::NOFOLLOW)
        .with_context(|| format!("unmounting `{}`", data.display()))
        .map_err(|e| e.hint("something uses a file in it"))?;
    Ok(true)
}

/// Whether something is mounted on this path, in this mount namespace.
pub fn is_mounted(path: &Path) -> Result<bool> {
    match rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::BASIC_STATS) {
        Ok(stat) => Ok(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)),
        Err(Errno::NOENT) => Ok(false),
        Err(e) => Err(e).with_context(|| format!("reading `{}`", path.display())),
    }
}

fn bind(device: &Path, recursive: bool) -> Result<OwnedFd> {
    let base = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let all = base | OpenTreeFlags::AT_RECURSIVE;
    let opened = match rustix::mount::open_tree(CWD, device, if recursive { all } else { base }) {
        // What is mounted beneath was put there by the host and may not be uncovered by a user namespace.
        Err(Errno::INVAL) if !recursive => rustix::mount::open_tree(CWD, device, all),
        opened => opened,
    };
    let tree = opened.with_context(|| format!("opening `{}`", device.display()))?;
    let stat = rustix::fs::fstat(&tree).with_context(|| format!("opening `{}`", device.display()))?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::Directory {
        return Err(Error::new(format!("`{}` is not a directory", device.display())));
    }
    Ok(tree)
}

fn tmpfs(data: &[(String, String)]) -> Result<OwnedFd> {
    let attempt = || -> rustix::io::Result<OwnedFd> {
        let fs = rustix::mount::fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, value) in data {
            rustix::mount::fsconfig_set_string(&fs, key.as_str(), value.as_str())?;
        }
        rustix::mount::fsconfig_create(&fs)?;
        rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
    };
    attempt().context("creating a tmpfs")
}

fn move_onto(tree: &OwnedFd, path: &Path) -> Result<()> {
    rustix::mount::move_mount(tree, c"", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .with_context(|| format!("mounting on `{}`", path.display()))
}

/// A copy of what is mounted at `path` in the mount namespace of one of these processes.
fn held(path: &Path, holders: &[OwnedFd]) -> Result<Option<OwnedFd>> {
    if holders.is_empty() {
        return Ok(None);
    }
    let own = File::open("/proc/self/ns/mnt").context("opening the mount namespace")?;
    let cwd = rustix::fs::open(c".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok();
    let mut found = None;
    for holder in holders {
        // It may have ended meanwhile.
        if nix::sched::setns(holder, CloneFlags::CLONE_NEWNS).is_err() {
            continue;
        }
        if is_mounted(path).unwrap_or(false) {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
            found = rustix::mount::open_tree(CWD, path, flags).ok();
        }
        // Nothing may be done in the other one.
        nix::sched::setns(&own, CloneFlags::CLONE_NEWNS).context("going back to the own mount namespace")?;
        if found.is_some() {
            break;
        }
    }
    if let Some(cwd) = cwd {
        let _ = rustix::process::fchdir(cwd);
    }
    Ok(found)
}
