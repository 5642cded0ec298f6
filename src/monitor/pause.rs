//! Pausing without a cgroup freezer: SIGSTOP to every process of the container's PID namespace.
//!
//! kill(2) with PID -1, sent from inside the namespace, reaches all but its PID 1 in one step under the kernel's lock;
//! a process that is being forked meanwhile sees the signal before it begins. PID 1 is stopped from outside, where
//! SIGSTOP cannot be refused. Processes cannot tell this from a freezer unless they look for SIGCONT.

use std::os::fd::OwnedFd;

use nix::sched::CloneFlags;
use rustix::event::{PollFd, PollFlags};

use crate::error::{Context, Error, Result};
use crate::sys::process::{self, Forked};

/// Stops everything in the container.
pub fn pause(init: &OwnedFd) -> Result<()> {
    process::pidfd_kill(init, libc::SIGSTOP).context("stopping the container's first process")?;
    signal_others(init, libc::SIGSTOP).inspect_err(|_| {
        let _ = process::pidfd_kill(init, libc::SIGCONT);
    })
}

/// Lets everything go on.
pub fn unpause(init: &OwnedFd) -> Result<()> {
    signal_others(init, libc::SIGCONT)?;
    process::pidfd_kill(init, libc::SIGCONT).context("continuing the container's first process")
}

/// From a grandchild, because a process cannot leave a PID namespace that it has joined.
fn signal_others(init: &OwnedFd, signal: i32) -> Result<()> {
    match process::fork().context("forking")? {
        Forked::Child => {
            if nix::sched::setns(init, CloneFlags::CLONE_NEWPID).is_err() {
                process::exit_now(1)
            }
            match process::clone3(0) {
                Ok(Forked::Child) => {
                    // ESRCH: there is nobody else.
                    let _ = process::kill_all(signal);
                    process::exit_now(0)
                }
                Ok(Forked::Parent(child)) => process::exit_now(u8::from(!ends(&child))),
                Err(_) => process::exit_now(1),
            }
        }
        Forked::Parent(pid) => match process::wait(pid).context("waiting for a child")? {
            0 => Ok(()),
            _ => Err(Error::new("signalling the processes of the container failed")),
        },
    }
}

/// Waits for the end of a process that may be stopped by those in the container: the monitor must not wait for it for
/// ever. Whether it ended by itself.
fn ends(child: &process::Child) -> bool {
    let limit = rustix::event::Timespec { tv_sec: 5, tv_nsec: 0 };
    let mut fds = [PollFd::new(&child.pidfd, PollFlags::IN)];
    if !matches!(rustix::event::poll(&mut fds, Some(&limit)), Ok(1)) {
        let _ = process::pidfd_kill(&child.pidfd, libc::SIGKILL);
    }
    process::wait(child.pid).is_ok_and(|status| status == 0)
}
