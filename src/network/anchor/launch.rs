//! Starting an anchor where there is none.
//!
//! ```text
//! $RUNROOT/network/anchor.lock    held (OFD lock) by the anchor, before that by who starts it; its text is the PID, and the
//!                                 number of the user namespace
//!                 anchor.sock     made by who starts it, so that all others can connect from then on
//! ```

use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use super::{LISTENER_FD, LOCK_FD, NAME, Place};
use crate::error::{Context as _, Error, Result};
use crate::runtime::{exe, socket};
use crate::storage::fs;
use crate::sys::process::{self, Forked};
use crate::sys::{lock, net};

const LOCK: &str = "anchor.lock";
const SOCKET: &str = "anchor.sock";
/// The socket of an anchor that is about to end: nobody finds it any more.
const LEAVING: &str = "anchor.sock.leaving";
/// As many as the kernel allows: after the end of an anchor all monitors come at once.
const BACKLOG: i32 = 4096;

/// The right to start an anchor.
#[derive(Debug)]
pub struct Right {
    lock: File,
}

impl Right {
    /// The number of the last anchor's user namespace, in which there may still be containers that it had connected.
    pub fn user_namespace(&self) -> Option<u64> {
        let mut text = [0; 64];
        let length = self.lock.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..length)?).ok()?;
        text.split_whitespace().nth(1)?.parse().ok()
    }
}

/// Takes the right to start an anchor; `None` when another has it, or an anchor lives.
pub(super) fn take(place: &Place) -> Result<Option<Right>> {
    let dir = place.dir();
    fs::create_private_dir_all(&dir)?;
    let path = dir.join(LOCK);
    let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
    let lock = open.with_context(|| format!("opening `{}`", path.display()))?;
    match lock::hold(&lock) {
        Ok(()) => Ok(Some(Right { lock })),
        Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(None),
        Err(e) => Err(Error::from(e).wrap(format!("locking `{}`", path.display()))),
    }
}

/// Connects to the anchor's socket; `None` when nobody listens there.
pub(super) fn connect(place: &Place) -> Result<Option<OwnedFd>> {
    let dir = place.dir();
    socket::connect(&dir, SOCKET).with_context(|| format!("connecting to the network anchor in `{}`", dir.display()))
}

/// The network namespace of the anchor, which lives.
pub(super) fn namespace(place: &Place) -> Result<File> {
    let lock = place.dir().join(LOCK);
    let text = fs::read_to_string(&lock)?;
    let pid = text.split_whitespace().next().and_then(|word| word.parse::<i32>().ok());
    let pid = pid.ok_or_else(|| Error::new(format!("`{}` does not say who the network anchor is", lock.display())))?;
    let path = format!("/proc/{pid}/ns/net");
    File::open(&path).with_context(|| format!("opening `{path}`"))
}

/// Starts an anchor. It is no child of the caller's, and the socket can be connected to when this returns.
///
/// The caller is root of the user namespace that the anchor shall have, and has one thread.
pub(super) fn start(place: &Place, right: Right) -> Result<()> {
    let listener = socket::listen(&place.dir(), SOCKET, BACKLOG)?;
    let text = serde_json::to_string(place)?;
    let argument = CString::new(text).map_err(|_| Error::new("the network anchor's place has a NUL byte"))?;
    // A reaper of its descendants would become the anchor's parent.
    let reaper = nix::sys::prctl::get_child_subreaper().unwrap_or(false);
    if reaper {
        nix::sys::prctl::set_child_subreaper(false).context("starting the network anchor")?;
    }
    let forked = process::fork().context("forking the network anchor");
    let started = match forked {
        Ok(Forked::Child) => {
            if let Ok(Forked::Child) = process::fork() {
                let _ = become_anchor(&right, &listener, &argument);
                process::exit_now(1);
            }
            process::exit_now(0)
        }
        Ok(Forked::Parent(pid)) => process::wait(pid).map(drop).context("starting the network anchor"),
        Err(error) => Err(error),
    };
    if reaper {
        nix::sys::prctl::set_child_subreaper(true).context("becoming the reaper of the container")?;
    }
    started
}

/// Executes this program as an anchor, from a place where nobody can write to it.
fn become_anchor(right: &Right, listener: &OwnedFd, argument: &CString) -> Result<std::convert::Infallible> {
    // Whoever finds the lock held can join its user namespace from now on.
    let inode = std::fs::metadata("/proc/self/ns/user").map_or(0, |namespace| namespace.ino());
    let left = if right.user_namespace().is_some() { " left" } else { "" };
    let text = format!("{} {inode}{left}\n", std::process::id());
    // Before descriptors get other numbers.
    let _ = right.lock.write_all_at(text.as_bytes(), 0);
    let _ = right.lock.set_len(text.len() as u64);
    let passed = [(right.lock.as_raw_fd(), LOCK_FD), (listener.as_raw_fd(), LISTENER_FD)];
    let program = exe::prepare("the network anchor", &passed, false)?;
    let name = CString::new(NAME).map_err(|_| Error::new("the network anchor's name has a NUL byte"))?;
    nix::unistd::fexecve(&program, &[&name, argument], &exe::environment()).context("executing the network anchor")
}

/// Hides the socket of an anchor that is about to end, or shows it again. Whoever finds none looks at the lock, and waits.
pub(super) fn hide(place: &Place, hidden: bool) -> Result<()> {
    let dir = place.dir();
    let (shown, leaving) = (dir.join(SOCKET), dir.join(LEAVING));
    let (from, to) = if hidden { (shown, leaving) } else { (leaving, shown) };
    std::fs::rename(&from, &to).with_context(|| format!("renaming `{}`", from.display()))
}

/// Removes the hidden socket.
pub(super) fn remove_hidden(place: &Place) {
    let _ = fs::remove_file_if_exists(&place.dir().join(LEAVING));
}

/// Whether the process at the other end of a connection is this user's.
pub(super) fn is_own(socket: &OwnedFd) -> bool {
    net::peer_uid(std::os::fd::AsFd::as_fd(socket)).is_ok_and(|uid| uid == rustix::process::getuid().as_raw())
}
