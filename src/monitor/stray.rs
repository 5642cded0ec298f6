//! Processes of a container that has no PID namespace of its own, found by the mount namespace that they are in: it is
//! always the container's own.
//!
//! With a PID namespace of its own, the kernel ends all processes when the first one ends. Without one, their parents do
//! not tell where they belong: orphans become children of whoever is the init of the PID namespace that is shared.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;

use nix::sched::CloneFlags;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags};

use crate::sys::process::{self, Forked};

/// A mount namespace. As long as this exists, no other one has its number.
#[derive(Debug)]
pub struct Place {
    file: File,
}

/// More rounds than any honest race with a fork takes.
const ROUNDS: usize = 200;

impl Place {
    /// That of a child, which must not have been reaped.
    pub fn of(pid: i32) -> std::io::Result<Self> {
        Ok(Place { file: File::open(format!("/proc/{pid}/ns/mnt"))? })
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

/// Kills what a container has left whose monitor was killed: processes in a mount namespace that has a file of its
/// directory mounted. Its ID is part of that path, and of no other one.
pub fn kill_by_id(id: &str) {
    let part = format!("/containers/{id}/");
    // As long as they are open, no other namespace has their numbers.
    let mut seen: Vec<(Place, u64, bool)> = Vec::new();
    for _ in 0..ROUNDS {
        let mut found = false;
        for pid in all() {
            let Ok(place) = Place::of(pid) else { continue };
            let Ok(number) = place.file.metadata().map(|meta| meta.ino()) else { continue };
            let known = seen.iter().find(|(_, other, _)| *other == number).map(|(.., is_left)| *is_left);
            let is_left = known.unwrap_or_else(|| {
                let is_left = place.has_mounts_of(pid, &part);
                seen.push((place, number, is_left));
                is_left
            });
            if is_left {
                found |= send(pid, libc::SIGKILL, || is_in(pid, number));
            }
        }
        if !found {
            return;
        }
        rest();
    }
}

impl Place {
    /// Whether files of this part of a path are its root or mounted where a container has them. A child looks: a process
    /// that is there may have changed its root, and does not see all mounts then.
    fn has_mounts_of(&self, pid: i32, part: &str) -> bool {
        // This one shows processes by the numbers that they have here, wherever it is read.
        let Ok(proc) = File::open("/proc") else { return false };
        let look = || -> std::io::Result<bool> {
            // Where it can be entered, it must be: the right to join a mount namespace is one inside of it. It cannot be where
            // we are in it already.
            if let Ok(user) = File::open(format!("/proc/{pid}/ns/user")) {
                let _ = nix::sched::setns(&user, CloneFlags::CLONE_NEWUSER);
            }
            nix::sched::setns(&self.file, CloneFlags::CLONE_NEWNS)?;
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let mut text = String::new();
            File::from(rustix::fs::openat(&proc, c"self/mountinfo", flags, Mode::empty())?)
                .read_to_string(&mut text)?;
            Ok(mentions(&text, part))
        };
        match process::fork() {
            Ok(Forked::Child) => {
                let _ = nix::sys::prctl::set_dumpable(false);
                process::exit_now(u8::from(!look().unwrap_or(false)))
            }
            Ok(Forked::Parent(child)) => process::wait(child).is_ok_and(|status| process::exit_code(status) == 0),
            Err(_) => false,
        }
    }
}

fn mentions(mountinfo: &str, part: &str) -> bool {
    let root = mountinfo.lines().find(|line| line.split(' ').nth(4) == Some("/"));
    // Whoever only sees the host's mounts sees those of a monitor of fuse-overlayfs as well.
    let inside = mountinfo.lines().any(|line| {
        line.split(' ').nth(4) == Some("/run/.containerenv") && line.split(' ').nth(3).is_some_and(|f| f.contains(part))
    });
    inside || root.is_some_and(|line| line.contains(part))
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
