//! The file system of a container as the container sees it, for somebody outside: a descriptor of its root directory,
//! below which its mounts are.
//!
//! A child joins the container's mount namespace, or builds one, opens the root there and hands the descriptor over. It
//! executes nothing and looks nothing up in the container. Whoever has the descriptor resolves paths with
//! `openat2(RESOLVE_IN_ROOT)`, so that no link and no rename in the container leads out of it.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::sched::CloneFlags;
use oci_spec::runtime::{Mount, Spec};
use rustix::fs::{CWD, OFlags};
use rustix::mount::OpenTreeFlags;

use super::{mounts, root, target};
use crate::error::{Context, Error, Result};
use crate::runtime::channel;
use crate::runtime::launch::Root;
use crate::sys::process::{self, Forked};

/// The root directory of a container.
#[derive(Debug)]
pub struct View {
    root: OwnedFd,
    _keeper: Option<Keeper>,
}

impl View {
    /// The root directory, as a place (O_PATH).
    pub fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Opens a path as the container would see it. Magic links of /proc are refused.
    pub fn open(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        // By bytes: a slash at the end means that it must be a directory.
        let bytes = path.as_os_str().as_bytes();
        let start = bytes.iter().position(|&b| b != b'/').unwrap_or(bytes.len());
        target::open(&self.root, Path::new(OsStr::from_bytes(bytes.get(start..).unwrap_or_default())), flags)
    }
}

/// A child whose mount namespace is needed. It ends with this, or with this process.
#[derive(Debug)]
struct Keeper {
    socket: Option<OwnedFd>,
    pid: i32,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.socket.take());
        let _ = process::wait(self.pid);
    }
}

/// The view of a process of a running container: everything that is mounted there now. `started` is when it was started,
/// so that no other one is taken for it. To be called before this process enters a user namespace: the owner of the
/// container's may join it, a neighbour may not.
pub fn of_running(pid: i32, started: u64) -> Result<View> {
    let pidfd = open(pid, started)?;
    let (root, keeper) = in_child(|| {
        let mount = CloneFlags::CLONE_NEWNS;
        nix::sched::setns(&pidfd, mount)
            .or_else(|_| nix::sched::setns(&pidfd, mount | CloneFlags::CLONE_NEWUSER))
            .context("joining its mount namespace")
            .map_err(|e| e.hint("outside of `coracle unshare` it can be joined"))?;
        root::open_root()
    })?;
    // The namespace lives as long as the container.
    drop(keeper);
    Ok(View { root, _keeper: None })
}

/// The view of a container that does not run: `root` with these mounts, in a mount namespace of its own. To be called in
/// the user's user namespace.
pub fn of_stopped(root: &Root, mounts: Vec<Mount>) -> Result<View> {
    let mut spec = Spec::default();
    spec.set_mounts(Some(mounts)).set_linux(None);
    let (root, keeper) = in_child(|| {
        nix::sched::unshare(CloneFlags::CLONE_NEWNS).context("creating a mount namespace")?;
        let place = root::attach(root)?;
        mounts::mount_all(&place, &spec, false, &[], Vec::new())?;
        // So that the kernel tells paths below it as the container would, and not as the host does.
        root::pivot(&place)?;
        root::open_root()
    })?;
    Ok(View { root, _keeper: Some(keeper) })
}

/// The root mount of a running container as another mount of the same, attached nowhere: what either changes the other
/// sees. What is mounted in it is not there. This process must be in the container's user namespace.
pub fn mount_of_running(pid: i32, started: u64) -> Result<OwnedFd> {
    let pidfd = open(pid, started)?;
    // Only within its mount namespace may a mount be cloned.
    let (mount, keeper) = in_child(|| {
        nix::sched::setns(&pidfd, CloneFlags::CLONE_NEWNS).context("joining its mount namespace")?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        rustix::mount::open_tree(CWD, c"/", flags).context("opening its root file system")
    })?;
    drop(keeper);
    Ok(mount)
}

fn open(pid: i32, started: u64) -> Result<OwnedFd> {
    crate::runtime::open_process(pid, started).ok_or_else(|| Error::new("the container has just ended"))
}

/// Attaches a root file system on its mount point in the mount namespace of this process.
pub fn attach_here(root: &Root) -> Result<()> {
    root::attach(root).map(drop)
}

/// Runs `open` in a child that stays until the keeper is dropped, and hands its descriptor over.
fn in_child(open: impl FnOnce() -> Result<OwnedFd>) -> Result<(OwnedFd, Keeper)> {
    let (ours, theirs) = channel::pair()?;
    match process::fork().context("forking")? {
        Forked::Child => {
            // It must see the end of ours, so it must not have it.
            let _ = nix::unistd::close(ours.as_raw_fd());
            let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
            let _ = nix::sys::prctl::set_dumpable(false);
            let sent = match open() {
                Ok(root) => channel::send(&theirs, b"R", &[root.as_fd()]),
                Err(error) => {
                    let mut packet = vec![b'E'];
                    packet.extend(channel::encode_error(&error));
                    channel::send(&theirs, &packet, &[])
                }
            };
            if sent.is_ok() {
                let _ = channel::receive(&theirs, &mut [0; 1]);
            }
            process::exit_now(0);
        }
        Forked::Parent(pid) => {
            let keeper = Keeper { socket: Some(ours), pid };
            drop(theirs);
            let mut buffer = vec![0; 6 * 1024];
            let Some(socket) = &keeper.socket else { crate::bail!("the child has no socket") };
            let (length, mut fds) = channel::receive(socket, &mut buffer).context("waiting for a child")?;
            match (buffer.get(..length).and_then(<[u8]>::split_first), fds.pop()) {
                (Some((b'R', _)), Some(root)) => Ok((root, keeper)),
                (Some((b'E', payload)), _) => Err(channel::decode_error(payload)),
                _ => Err(Error::new("a child that was to open it died")),
            }
        }
    }
}
