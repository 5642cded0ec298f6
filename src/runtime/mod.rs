//! From an OCI runtime spec to a process: user namespace, clone, mounts, capabilities, seccomp, init, exec.
//! The only room that forks a container. It knows nothing of images or the command line.

pub mod caps;
pub mod channel;
pub mod child;
pub mod exe;
pub mod idmap;
pub mod init;
pub mod joined;
pub mod launch;
pub mod netns;
pub mod overlay;
pub mod passwd;
pub mod seccomp;
pub mod secrets;
pub mod socket;
pub mod spawn;
pub mod subid;
pub mod userns;

use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Opens a process that started at this time. It is opened first and looked at afterwards, so that nobody who got its PID
/// later is taken for it. `None` when it has ended, or when the time is not known (0).
pub fn open_process(pid: i32, started: u64) -> Option<OwnedFd> {
    let pidfd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    (started != 0 && start_time(pid) == Some(started)).then_some(pidfd)
}

/// When a process started, in clock ticks since boot (proc_pid_stat(5), field 22): with the PID, who it is.
pub fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}
