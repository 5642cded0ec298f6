//! The kernel's overlay as a detached mount.

use std::ffi::CStr;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

/// Mounts layers, topmost first, below the writable one, if there is one: its upper and work directories. Without it there
/// must be two layers at least. The mount is attached nowhere.
///
/// # Errors
/// The kernel's: `EINVAL` where a file system cannot be an upper layer, `EPERM` before Linux 5.11.
pub fn mount(lower: &[PathBuf], writable: Option<(&Path, &Path)>) -> rustix::io::Result<OwnedFd> {
    // An index would make the kernel refuse layers that another container has mounted.
    match attempt(lower, writable, true) {
        // Before Linux 6.5 there is no `lowerdir+`.
        Err(Errno::INVAL) => attempt(lower, writable, false),
        other => other,
    }
}

fn attempt(lower: &[PathBuf], writable: Option<(&Path, &Path)>, one_by_one: bool) -> rustix::io::Result<OwnedFd> {
    let fs = rustix::mount::fsopen(c"overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    // They must stay open until the file system is created.
    let mut opened = Vec::new();
    if one_by_one {
        for layer in lower {
            set(&fs, c"lowerdir+", layer, &mut opened)?;
        }
    } else {
        let names = lower.iter().map(|layer| by_descriptor(layer, &mut opened)).collect::<Result<Vec<_>, _>>()?;
        rustix::mount::fsconfig_set_string(&fs, c"lowerdir", names.join(":"))?;
    }
    if let Some((upper, work)) = writable {
        set(&fs, c"upperdir", upper, &mut opened)?;
        set(&fs, c"workdir", work, &mut opened)?;
    }
    // trusted.* is not for user namespaces.
    rustix::mount::fsconfig_set_flag(&fs, c"userxattr")?;
    rustix::mount::fsconfig_create(&fs)?;
    rustix::mount::fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
}

/// Sets an option that is a path. A string of the new mount interface has 255 bytes at most; a longer path goes by a
/// descriptor, which must stay open until the file system is created.
pub(super) fn set(fs: &OwnedFd, key: &CStr, path: &Path, opened: &mut Vec<OwnedFd>) -> rustix::io::Result<()> {
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
