//! Processes of a container that has no PID namespace of its own, found by the mount namespace that they are in: it is
//! always the container's own.
//!
//! With a PID namespace of its own, the kernel ends all processes when the first one ends. Without one, their parents do
//! not tell where they belong: orphans become children of whoever is the init of the PID namespace that is shared.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;

use rustix::process::{Pid, PidfdFlags};

use crate::sys::process;

/// A mount namespace. As long as this exists, no other one has its number.
#[derive(Debug)]
pub struct Place {
    file: std::fs::File,
}

/// More rounds than any honest race with a fork takes.
const ROUNDS: usize = 200;

impl Place {
    /// That of a child, which must not have been reaped.
    pub fn of(pid: i32) -> std::io::Result<Self> {
        Ok(Place { file: std::fs::File::open(format!("/proc/{pid}/ns/mnt"))? })
    }

    /// Sends a signal to every process in it, until there is none left that has not had it: one that is being forked
    /// meanwhile is found by the next round.
    pub fn signal(&self, signal: i32) {
        let Ok(own) = self.file.metadata().map(|meta| meta.ino()) else { return };
        let mut done: std::collections::BTreeSet<i32> = std::collections::BTreeSet::new();
        for _ in 0..ROUNDS {
            let mut found = false;
            for pid in all() {
                if is_in(pid, own) && (signal == libc::SIGKILL || !done.contains(&pid)) {
                    found |= send(pid, signal, || is_in(pid, own));
                    done.insert(pid);
                }
            }
            if !found {
                return;
            }
            if signal == libc::SIGKILL {
                rest();
            }
        }
    }
}

/// Kills what a container has left whose monitor was killed: processes that have a file of its directory mounted. Its ID
/// is part of that path, and of no other one.
pub fn kill_by_id(id: &str) {
    let part = format!("/containers/{id}/");
    let is_left = |pid: i32| {
        std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).is_ok_and(|text| {
            let root = text.lines().find(|line| line.split(' ').nth(4) == Some("/"));
            // Whoever only sees the host's mounts sees those of a monitor of fuse-overlayfs as well.
            let inside = text.lines().any(|line| {
                line.split(' ').nth(4) == Some("/run/.containerenv")
                    && line.split(' ').nth(3).is_some_and(|f| f.contains(&part))
            });
            inside || root.is_some_and(|line| line.contains(&part))
        })
    };
    for _ in 0..ROUNDS {
        let mut found = false;
        for pid in all() {
            if is_left(pid) {
                found |= send(pid, libc::SIGKILL, || is_left(pid));
            }
        }
        if !found {
            return;
        }
        rest();
    }
}

fn all() -> Vec<i32> {
    let own = std::process::id();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter(|pid| u32::try_from(*pid) != Ok(own)).collect()
}

fn is_in(pid: i32, namespace: u64) -> bool {
    std::fs::metadata(format!("/proc/{pid}/ns/mnt")).is_ok_and(|meta| meta.ino() == namespace)
}

/// Sends a signal to exactly the process that was found. Whether it is one that is still alive.
fn send(pid: i32, signal: i32, is_it: impl Fn() -> bool) -> bool {
    let Some(pidfd) = open(pid) else { return false };
    // It may have ended, and another one have its PID, before it was opened.
    is_it() && !is_dead(pidfd.as_fd()) && process::pidfd_kill(&pidfd, signal).is_ok()
}

fn open(pid: i32) -> Option<OwnedFd> {
    rustix::process::pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()
}

fn is_dead(pidfd: impl AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec};
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(rustix::event::poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&now)), Ok(1..))
}

fn rest() {
    let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 1_000_000 }));
}
