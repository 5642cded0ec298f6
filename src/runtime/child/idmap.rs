//! ID-mapped mounts (`idmap`): the kernel allows them to the owner of a file system only, which for a file system of the
//! host's an unprivileged user is not.

use std::os::fd::OwnedFd;

use crate::error::{Context as _, Error, Result};
use crate::sys::mount::set_idmap;

/// Maps the IDs of a detached mount by the user namespace of this process.
///
/// # Errors
/// The kernel refuses, and for mappings of one's own always: making them needs another user namespace.
pub fn apply(mount: &OwnedFd, map: &str) -> Result<()> {
    let refused = |error: Error| {
        error.wrap("mapping the IDs of the mount (option idmap)").hint(
            "only the owner of a file system may map its IDs; for a directory of yours, use the option U or `--userns=keep-id`",
        )
    };
    if !map.is_empty() {
        return Err(refused(Error::new("mappings of one's own need a privileged user")));
    }
    let own = std::fs::File::open("/proc/self/ns/user").context("opening `/proc/self/ns/user`")?;
    set_idmap(mount, &own).map_err(|e| refused(e.into()))
}
