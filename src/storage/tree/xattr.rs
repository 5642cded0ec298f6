//! Extended attributes of open files.

use std::ffi::{CStr, CString};
use std::os::fd::AsFd;

use rustix::io::Errno;

use crate::error::{Context, Result};

/// What overlay file systems keep for themselves, or what no user namespace can set: no content of a tree.
const NOT_CONTENT: [&[u8]; 5] =
    [b"user.overlay.", b"user.fuseoverlayfs.", b"user.containers.", b"trusted.", b"security.selinux"];

/// Whether an attribute belongs to the file and not to the place where it lies.
pub fn is_content(name: &[u8]) -> bool {
    !NOT_CONTENT.iter().any(|prefix| name.starts_with(prefix))
}

/// What no user namespace can set, or what says how a host labels its files.
const NOT_KEPT: [&[u8]; 2] = [b"trusted.", b"security.selinux"];

/// All attributes that are content, in the order of their names.
pub fn list(fd: impl AsFd) -> Result<Vec<(CString, Vec<u8>)>> {
    list_where(fd, is_content)
}

/// All attributes that can be kept, in the order of their names: in a volume those of overlay file systems are content.
pub fn list_all(fd: impl AsFd) -> Result<Vec<(CString, Vec<u8>)>> {
    list_where(fd, |name| !NOT_KEPT.iter().any(|prefix| name.starts_with(prefix)))
}

fn list_where(fd: impl AsFd, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<(CString, Vec<u8>)>> {
    let names = grow(|buffer| rustix::fs::flistxattr(&fd, buffer)).context("listing its extended attributes")?;
    let mut all = Vec::new();
    for name in names.split_inclusive(|&b| b == 0).filter_map(|n| CStr::from_bytes_with_nul(n).ok()) {
        if !wanted(name.to_bytes()) {
            continue;
        }
        match grow(|buffer| rustix::fs::fgetxattr(&fd, name, buffer)) {
            Ok(value) => all.push((name.to_owned(), value)),
            // Removed meanwhile, or not for us to read.
            Err(Errno::NODATA | Errno::ACCESS | Errno::PERM) => {}
            Err(e) => {
                let shown = super::shown(name.to_bytes());
                return Err(e).with_context(|| format!("reading its extended attribute `{shown}`"));
            }
        }
    }
    all.sort();
    Ok(all)
}

/// The value of one attribute, `None` when it has none or cannot have any.
pub fn get(fd: impl AsFd, name: &CStr) -> rustix::io::Result<Option<Vec<u8>>> {
    match grow(|buffer| rustix::fs::fgetxattr(&fd, name, buffer)) {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NODATA) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Calls `read` with larger buffers until the answer fits.
fn grow(read: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut buffer = vec![0; 256];
    loop {
        match read(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            // 64 KiB is the most that the kernel knows of.
            Err(Errno::RANGE) if buffer.len() < 64 * 1024 => buffer.resize(buffer.len() * 4, 0),
            Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            Err(e) => return Err(e),
        }
    }
}
