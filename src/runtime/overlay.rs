//! The kernel's overlay as a detached mount.

use std::ffi::CStr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

/// What an overlay is put together from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layers<'a> {
    /// Topmost first. Without a writable one there must be two at least.
    pub lower: &'a [PathBuf],
    /// Below them, layers that only hold data.
    pub data: &'a [PathBuf],
    /// The upper and the work directory of the writable layer.
    pub writable: Option<(&'a Path, &'a Path)>,
    /// What is written need not survive a crash of the host.
    pub volatile: bool,
    /// Nothing is written and no device is opened.
    pub read_only: bool,
}

/// Mounts an overlay that is attached nowhere.
///
/// # Errors
/// The kernel's: `EINVAL` where a file system cannot be an upper layer, `EPERM` before Linux 5.11.
pub fn mount(layers: &Layers<'_>) -> rustix::io::Result<OwnedFd> {
    match by_layers(layers) {
        // Before Linux 6.5 there is no `lowerdir+`.
        Err(Errno::INVAL) if layers.data.is_empty() => by_string(layers),
        other => other,
    }
}

/// The same as far as layers can be named one by one, which needs Linux 6.5.
pub fn by_layers(layers: &Layers<'_>) -> rustix::io::Result<OwnedFd> {
    let fs = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let mut opened = Vec::new();
    for layer in layers.lower {
        set(&fs, c"lowerdir+", layer, &mut opened)?;
    }
    for layer in layers.data {
        set(&fs, c"datadir+", layer, &mut opened)?;
    }
    finish(&fs, layers, opened)
}

fn by_string(layers: &Layers<'_>) -> rustix::io::Result<OwnedFd> {
    let fs = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let mut opened = Vec::new();
    let names = layers.lower.iter().map(|layer| by_descriptor(layer, &mut opened)).collect::<Result<Vec<_>, _>>()?;
    rustix::mount::fsconfig_set_string(&fs, c"lowerdir", names.join(":"))?;
    finish(&fs, layers, opened)
}

/// `opened` must stay open until the file system is created.
fn finish(fs: &OwnedFd, layers: &Layers<'_>, mut opened: Vec<OwnedFd>) -> rustix::io::Result<OwnedFd> {
    if let Some((upper, work)) = layers.writable {
        set(fs, c"upperdir", upper, &mut opened)?;
        set(fs, c"workdir", work, &mut opened)?;
    }
    // trusted.* is not for user namespaces.
    rustix::mount::fsconfig_set_flag(fs, c"userxattr")?;
    if layers.volatile {
        rustix::mount::fsconfig_set_flag(fs, c"volatile")?;
    }
    let mut attributes = MountAttrFlags::empty();
    if layers.read_only {
        // An index would make the kernel refuse layers that a running container has mounted.
        rustix::mount::fsconfig_set_string(fs, c"index", c"off")?;
        attributes = MountAttrFlags::MOUNT_ATTR_RDONLY | MountAttrFlags::MOUNT_ATTR_NODEV;
    }
    rustix::mount::fsconfig_create(fs)?;
    rustix::mount::fsmount(fs, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// Sets an option that is a path. A string of the new mount interface has 255 bytes at most; a longer path goes by a
/// descriptor, which must stay open until the file system is created.
fn set(fs: &OwnedFd, key: &CStr, path: &Path, opened: &mut Vec<OwnedFd>) -> rustix::io::Result<()> {
    if path.as_os_str().len() < 255 {
        return rustix::mount::fsconfig_set_string(fs, key, path);
    }
    let name = by_descriptor(path, opened)?;
    rustix::mount::fsconfig_set_string(fs, key, name)
}

fn by_descriptor(path: &Path, opened: &mut Vec<OwnedFd>) -> rustix::io::Result<String> {
    let fd = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let name = format!("/proc/self/fd/{}", fd.as_raw_fd());
    opened.push(fd);
    Ok(name)
}
