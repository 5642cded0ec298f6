//! Finding processes that belong to a test's environment: those that name its directory in their arguments,
//! environment or mounts, and everything below them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nix::sys::signal::{Signal, kill as send};
use nix::unistd::Pid;

/// A process that is still there.
pub struct Process {
    pub pid: i32,
    /// Its arguments.
    pub command: String,
    /// Name and state, for a process without arguments (a zombie).
    stat: String,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} [{}]", self.pid, self.command, self.stat)
    }
}

/// All processes of the environment in `dir`, except this one.
pub fn of(dir: &Path) -> Vec<Process> {
    let needle = dir.to_str().expect("a UTF-8 path").as_bytes().to_vec();
    let mut parents = BTreeMap::new();
    let mut ours = BTreeSet::new();
    for pid in pids() {
        let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let stat = String::from_utf8_lossy(&read("stat")).into_owned();
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let mut fields = rest.split(' ');
        // Zombies have neither files nor mounts; whose they are shows when their parent is ours.
        let (state, parent) = (fields.next(), fields.next().and_then(|p| p.parse::<i32>().ok()).unwrap_or(0));
        parents.insert(pid, (parent, stat.chars().take(60).collect::<String>()));
        let named = ["cmdline", "environ", "mountinfo"].iter().any(|file| contains(&read(file), &needle));
        if pid != own_pid() && named && state != Some("Z") {
            ours.insert(pid);
        }
    }
    // Processes in containers do not name the directory, but their ancestors do.
    loop {
        let more: Vec<i32> = parents
            .iter()
            .filter(|(pid, (parent, _))| ours.contains(parent) && !ours.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        if more.is_empty() {
            break;
        }
        ours.extend(more);
    }
    ours.into_iter()
        .map(|pid| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            Process { pid, command, stat: parents.get(&pid).map(|(_, stat)| stat.clone()).unwrap_or_default() }
        })
        .collect()
}

/// Kills all processes of the environment in `dir`.
pub fn kill(dir: &Path) {
    for process in of(dir) {
        let _ = send(Pid::from_raw(process.pid), Signal::SIGKILL);
    }
}

fn pids() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn own_pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
