//! Namespaces of others that a container joins, opened.

use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use nix::sched::CloneFlags;
use rustix::mount::OpenTreeFlags;

use crate::error::{Context, Error, Result};

/// A namespace that can be joined; with a container, several of one process.
#[derive(Debug)]
pub struct Joined {
    /// The pidfd of a container's first process, or a file that stands for a namespace.
    pub fd: OwnedFd,
    /// CLONE_NEW* flags of what of it is joined.
    pub namespaces: u64,
    /// What to call it: `container 1234`, a path.
    pub name: String,
}

impl Joined {
    /// Joins those of its namespaces that are in `which`.
    pub fn enter(&self, which: u64) -> Result<()> {
        let flags = self.namespaces & which;
        if flags == 0 {
            return Ok(());
        }
        let flags = CloneFlags::from_bits_truncate(i32::try_from(flags).unwrap_or(0));
        nix::sched::setns(&self.fd, flags).map_err(|errno| {
            let error =
                Error::from(errno).wrap(format!("joining the {} of {}", names(self.namespaces & which), self.name));
            match errno {
                nix::errno::Errno::EPERM => {
                    error.hint("only namespaces that belong to your user namespace can be joined")
                }
                nix::errno::Errno::ESRCH => error.hint("it has just ended"),
                nix::errno::Errno::EINVAL => error.hint("it is not a namespace of this kind, or not below your own"),
                _ => error,
            }
        })
    }
}

fn names(flags: u64) -> String {
    let all = [
        (libc::CLONE_NEWPID, "PID"),
        (libc::CLONE_NEWIPC, "IPC"),
        (libc::CLONE_NEWUTS, "UTS"),
        (libc::CLONE_NEWCGROUP, "cgroup"),
        (libc::CLONE_NEWNS, "mount"),
        (libc::CLONE_NEWUSER, "user"),
    ];
    let named: Vec<&str> =
        all.iter().filter(|(flag, _)| flags & u64::from(flag.unsigned_abs()) != 0).map(|(_, n)| *n).collect();
    format!("{} namespace{}", named.join(" and "), if named.len() == 1 { "" } else { "s" })
}

/// The one whose PID namespace is joined.
pub fn with_pids(joined: &[Joined]) -> Option<&Joined> {
    joined.iter().find(|one| one.namespaces & PID != 0)
}

/// The flag of PID namespaces: who is in one is decided when a process is made.
pub const PID: u64 = libc::CLONE_NEWPID as u64;

/// The one whose user namespace is joined.
pub fn with_users(joined: &[Joined]) -> Option<&Joined> {
    joined.iter().find(|one| one.namespaces & USER != 0)
}

/// The flag of user namespaces: whoever joins one has no rights over other namespaces any more, so it comes last.
pub const USER: u64 = libc::CLONE_NEWUSER as u64;

/// The /dev/shm of the container whose IPC namespace is joined, as a detached mount. This process must be in a mount
/// namespace of its own, to which it goes back.
pub fn shm(joined: &[Joined]) -> Result<OwnedFd> {
    const IPC: u64 = libc::CLONE_NEWIPC as u64;
    let other = joined.iter().find(|one| one.namespaces & IPC != 0);
    let other = other.ok_or_else(|| Error::new("there is no IPC namespace to join"))?;
    let own = File::open("/proc/self/ns/mnt").context("opening `/proc/self/ns/mnt`")?;
    let mounts = Joined {
        fd: other.fd.try_clone().context("duplicating a descriptor")?,
        namespaces: libc::CLONE_NEWNS as u64,
        name: other.name.clone(),
    };
    mounts.enter(mounts.namespaces)?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_SYMLINK_NOFOLLOW;
    let tree = rustix::mount::open_tree(rustix::fs::CWD, Path::new("/dev/shm"), flags);
    nix::sched::setns(own.as_fd(), CloneFlags::CLONE_NEWNS).context("going back to the own mount namespace")?;
    tree.with_context(|| format!("opening the /dev/shm of {}", other.name))
}
