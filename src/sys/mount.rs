//! mount_setattr(2), which rustix has not got.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

/// Attributes to set and clear on a mount, and its propagation (`MS_PRIVATE`, `MS_SLAVE`, `MS_SHARED` or 0).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    pub set: u64,
    pub clear: u64,
    pub propagation: u64,
}

pub const RDONLY: u64 = libc::MOUNT_ATTR_RDONLY;
pub const NOSUID: u64 = libc::MOUNT_ATTR_NOSUID;
pub const NODEV: u64 = libc::MOUNT_ATTR_NODEV;
pub const NOEXEC: u64 = libc::MOUNT_ATTR_NOEXEC;
pub const NOATIME: u64 = libc::MOUNT_ATTR_NOATIME;
pub const STRICTATIME: u64 = libc::MOUNT_ATTR_STRICTATIME;
pub const NODIRATIME: u64 = libc::MOUNT_ATTR_NODIRATIME;
pub const ATIME_MASK: u64 = libc::MOUNT_ATTR__ATIME;

/// Changes the mount that `fd` refers to; the whole tree of mounts below it if `recursive`.
pub fn set_attributes(fd: BorrowedFd<'_>, attributes: Attributes, recursive: bool) -> io::Result<()> {
    if attributes == Attributes::default() {
        return Ok(());
    }
    let attr = libc::mount_attr {
        attr_set: attributes.set,
        attr_clr: attributes.clear,
        propagation: attributes.propagation,
        userns_fd: 0,
    };
    let empty: &CStr = c"";
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is a C string and `attr` a valid structure of the size given, both alive across the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_raw_fd(),
            empty.as_ptr(),
            flags,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Maps the IDs of the mount that `fd` refers to by a user namespace (MOUNT_ATTR_IDMAP).
pub fn set_idmap(fd: impl AsFd, namespace: impl AsFd) -> io::Result<()> {
    let attr = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_IDMAP,
        attr_clr: 0,
        propagation: 0,
        userns_fd: u64::try_from(namespace.as_fd().as_raw_fd()).unwrap_or(u64::MAX),
    };
    let empty: &CStr = c"";
    // SAFETY: the path is a C string and `attr` a valid structure of the size given, both alive across the call, and so
    // are both descriptors.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_fd().as_raw_fd(),
            empty.as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attr,
            size_of::<libc::mount_attr>(),
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
