//! Whose a held container's network namespace is.

use std::os::fd::{AsFd as _, BorrowedFd};

use crate::error::{Context as _, Error, Result};

/// Refuses to hold a container whose network namespace belongs to the caller's user namespace, or to one that the caller does not
/// see: whoever has CAP_NET_ADMIN there has it for the caller's own network namespace as well.
pub fn check(namespace: BorrowedFd<'_>) -> Result<()> {
    let what = "looking whose the container's network namespace is";
    let own = std::fs::File::open("/proc/thread-self/ns/user").context(what)?;
    let own = rustix::fs::fstat(own.as_fd()).context(what)?.st_ino;
    if crate::sys::net::owner_of(namespace).context(what)? != own {
        return Ok(());
    }
    Err(Error::new("the container shares the user namespace of the network, and so owns what should hold it").hint(
        "a container must be made with its restriction: `--egress`, or `--network` with one that has an egress policy",
    ))
}
