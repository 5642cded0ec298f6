//! Pausing without a cgroup freezer: SIGSTOP to every process of the container's PID namespace.
//!
//! kill(2) with PID -1, sent from inside the namespace, reaches all but its PID 1 in one step under the kernel's lock;
//! a process that is being forked meanwhile sees the signal before it begins. PID 1 is stopped from outside, where
//! SIGSTOP cannot be refused. Processes cannot tell this from a freezer unless they look for SIGCONT.

use std::os::fd::OwnedFd;

use nix::sched::CloneFlags;

use crate::error::{Context, Result};
use crate::sys::process::{self, Forked};

/// Stops everything in the container.
pub fn pause(init: &OwnedFd) -> Result<()> {
    process::pidfd_kill(init, libc::SIGSTOP).context("stopping the container's first process")?;
    signal_others(init, libc::SIGSTOP)
}

/// Lets everything go on.
pub fn unpause(init: &OwnedFd) -> Result<()> {
    signal_others(init, libc::SIGCONT)?;
    process::pidfd_kill(init, libc::SIGCONT).context("continuing the container's first process")
}

fn signal_others(init: &OwnedFd, signal: i32) -> Result<()> {
    let child = in_pid_namespace(init, || process::fork().context("forking"))?;
    match child {
        Forked::Child => {
            // ESRCH: there is nobody else.
            let _ = process::kill_all(signal);
            process::exit_now(0)
        }
        Forked::Parent(pid) => process::wait(pid).map(drop).context("waiting for a child"),
    }
}

/// Runs `fork` so that its child is born in the PID namespace of the container.
pub fn in_pid_namespace<T>(init: &OwnedFd, fork: impl FnOnce() -> Result<T>) -> Result<T> {
    let own = std::fs::File::open("/proc/self/ns/pid").context("opening `/proc/self/ns/pid`")?;
    nix::sched::setns(init, CloneFlags::CLONE_NEWPID).context("joining the container's PID namespace")?;
    let result = fork();
    nix::sched::setns(&own, CloneFlags::CLONE_NEWPID).context("leaving the container's PID namespace")?;
    result
}
