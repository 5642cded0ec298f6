//! Paths that the container must not read, or not write, and the proof that it cannot.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use oci_spec::runtime::Spec;
use rustix::fs::FileType;
use rustix::io::Errno;
use rustix::mount::OpenTreeFlags;

use super::mounts::{attach, empty_read_only};
use super::{dev, target};
use crate::error::{Context, Error, Result};
use crate::sys::mount::{Attributes, RDONLY, set_attributes};

/// Masks and write-protects what the spec lists. `null` is the host's /dev/null as a detached mount.
pub fn apply(root: &OwnedFd, spec: &Spec, null: &OwnedFd) -> Result<()> {
    let Some(linux) = spec.linux() else { return Ok(()) };
    for path in linux.readonly_paths().as_deref().unwrap_or_default() {
        write_protect(root, Path::new(path)).map_err(|e| e.wrap(format!("write-protecting `{path}`")))?;
    }
    for path in linux.masked_paths().as_deref().unwrap_or_default() {
        mask(root, Path::new(path), null).map_err(|e| e.wrap(format!("masking `{path}`")))?;
    }
    Ok(())
}

fn find(root: &OwnedFd, path: &Path) -> Result<Option<OwnedFd>> {
    match target::open_place(root, path.strip_prefix("/").unwrap_or(path)) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn write_protect(root: &OwnedFd, path: &Path) -> Result<()> {
    let Some(place) = find(root, path)? else { return Ok(()) };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_EMPTY_PATH
        | OpenTreeFlags::AT_RECURSIVE;
    let copy = rustix::mount::open_tree(&place, c"", flags).context("cloning the mount")?;
    let attributes = Attributes { set: RDONLY, ..Attributes::default() };
    set_attributes(copy.as_fd(), attributes, true).context("making it read-only")?;
    attach(&copy, &place)
}

fn mask(root: &OwnedFd, path: &Path, null: &OwnedFd) -> Result<()> {
    let Some(place) = find(root, path)? else { return Ok(()) };
    let stat = rustix::fs::fstat(&place).context("looking at it")?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        attach(&empty_read_only()?, &place)?;
        let over = find(root, path)?.ok_or_else(|| Error::new("it vanished"))?;
        let seen = rustix::fs::fstatfs(&over).context("looking at the mask")?;
        return check(u64::try_from(seen.f_type) == Ok(TMPFS_MAGIC));
    }
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_EMPTY_PATH;
    let cover = rustix::mount::open_tree(null, c"", flags).context("cloning /dev/null")?;
    attach(&cover, &place)?;
    let over = find(root, path)?.ok_or_else(|| Error::new("it vanished"))?;
    check(dev::is_device(&over, 1, 3)?)
}

/// statfs(2).
const TMPFS_MAGIC: u64 = 0x0102_1994;

fn check(masked: bool) -> Result<()> {
    if masked { Ok(()) } else { Err(Error::new("the path does not lead to the mask")) }
}
