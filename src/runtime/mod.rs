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
pub mod spawn;
pub mod subid;
pub mod userns;

/// When a process started, in clock ticks since boot (proc_pid_stat(5), field 22): with the PID, who it is.
pub fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses and may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}
