//! Processes as /proc tells of them.

use std::collections::BTreeMap;

use crate::error::{Context as _, Result};

/// Ticks per second in /proc: 100 on every architecture that we are built for (USER_HZ).
pub(super) const TICKS: f64 = 100.0;

/// One process. IDs are those of the reader's namespaces.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Process {
    pub pid: i32,
    pub parent: i32,
    /// Its PIDs from the reader's PID namespace down to its own.
    pub pids: Vec<i32>,
    /// The same for its process group.
    pub groups_of_processes: Vec<i32>,
    pub comm: String,
    pub state: String,
    pub tty: i32,
    /// User and system time in ticks.
    pub cpu_ticks: u64,
    pub nice: i32,
    /// Ticks after the start of the host.
    pub start_ticks: u64,
    /// Bytes.
    pub virtual_size: u64,
    /// Kilobytes.
    pub resident: String,
    /// Real, effective, saved, file system.
    pub uids: Vec<u32>,
    pub gids: Vec<u32>,
    pub groups: Vec<u32>,
    pub seccomp: String,
    /// Inheritable, permitted, effective, bounding, ambient: hexadecimal.
    pub capabilities: BTreeMap<String, String>,
}

impl Process {
    /// Its PID at a level of PID namespaces; 0 where it has none.
    pub fn pid_at(&self, level: usize) -> i32 {
        self.pids.get(level).copied().unwrap_or_default()
    }
}

/// All processes that are there, by PID. Those that end meanwhile are left out.
pub(super) fn read_all() -> Result<BTreeMap<i32, Process>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").context("listing `/proc`")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        let read = |name: &str| std::fs::read(format!("/proc/{pid}/{name}")).ok();
        if let Some(process) = read("stat").zip(read("status")).and_then(|(stat, status)| parse(pid, &stat, &status)) {
            all.insert(pid, process);
        }
    }
    Ok(all)
}

/// Seconds since the host started, suspended time included.
pub(super) fn uptime() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// Puts a process together from its `stat` (proc_pid_stat(5)) and `status`.
pub(super) fn parse(pid: i32, stat: &[u8], status: &[u8]) -> Option<Process> {
    // The name stands in parentheses and may hold anything, parentheses too.
    let open = stat.iter().position(|b| *b == b'(')?;
    let close = stat.iter().rposition(|b| *b == b')')?;
    let comm = String::from_utf8_lossy(stat.get(open + 1..close)?).into_owned();
    let rest = String::from_utf8_lossy(stat.get(close + 1..)?);
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Field 3 of the manual page is the first after the name.
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or_default();
    let number = |n: usize| field(n).parse::<u64>().unwrap_or_default();
    let status = String::from_utf8_lossy(status);
    let line =
        |key: &str| status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).unwrap_or_default();
    fn list<T: std::str::FromStr>(text: &str) -> Vec<T> {
        text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }
    let capabilities = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
    Some(Process {
        pid,
        parent: field(4).parse().ok()?,
        pids: list(line("NSpid")),
        groups_of_processes: list(line("NSpgid")),
        comm,
        state: field(3).to_owned(),
        tty: field(7).parse().unwrap_or_default(),
        cpu_ticks: number(14).saturating_add(number(15)),
        nice: field(19).parse().unwrap_or_default(),
        start_ticks: number(22),
        virtual_size: number(23),
        resident: line("VmRSS").split_whitespace().next().unwrap_or("0").to_owned(),
        uids: list(line("Uid")),
        gids: list(line("Gid")),
        groups: list(line("Groups")),
        seccomp: line("Seccomp").trim().to_owned(),
        capabilities: capabilities.iter().map(|name| ((*name).to_owned(), line(name).trim().to_owned())).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_put_together() {
        let stat =
            b"4242 (a) b (c) S 4200 4242 4242 34817 4242 4194304 1 2 3 4 150 50 0 0 20 -5 1 0 12345 1048576 300 1 2";
        let status = "Name:\ta\nUid:\t1000\t100000\t0\t0\nGid:\t1000\t1000\t1000\t1000\nGroups:\t4 24 \nNSpid:\t4242\t7\nNSpgid:\t4242\t7\nVmRSS:\t    1200 kB\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n";
        let process = parse(4242, stat, status.as_bytes()).unwrap();
        assert_eq!((process.comm.as_str(), process.state.as_str(), process.parent), ("a) b (c", "S", 4200));
        assert_eq!((process.tty, process.cpu_ticks, process.nice, process.start_ticks), (34817, 200, -5, 12345));
        assert_eq!((process.virtual_size, process.resident.as_str()), (1_048_576, "1200"));
        assert_eq!((process.pid_at(1), process.pid_at(2)), (7, 0));
        assert_eq!((process.uids[1], process.groups.as_slice()), (100_000, [4, 24].as_slice()));
        assert_eq!((process.seccomp.as_str(), process.capabilities["CapEff"].as_str()), ("2", "00000000a80425fb"));
        for broken in ["", "1 (x", "1 x) (", "1 (x) S"] {
            assert_eq!(parse(1, broken.as_bytes(), b""), None, "{broken}");
        }
    }
}
