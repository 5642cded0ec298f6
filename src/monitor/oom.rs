//! Whether the kernel ended a container for want of memory.
//!
//! Containers have no cgroup of their own yet, so nobody counts for them alone. What can be known: PID 1 died of a SIGKILL
//! that did not go through the monitor, and meanwhile the kernel's count of such kills went up, in the cgroup that the
//! container shares with its monitor (cgroup v2), or on the whole machine where cgroups do not tell.

use std::path::Path;

/// How many processes have been killed for want of memory, as near to this process as it is counted.
pub fn kills() -> u64 {
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let events = unified(&own).map(|path| {
        let path = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/')).join("memory.events");
        std::fs::read_to_string(path).unwrap_or_default()
    });
    let near = events.as_deref().and_then(count);
    near.or_else(|| count(&std::fs::read_to_string("/proc/vmstat").ok()?)).unwrap_or(0)
}

/// The path in the unified hierarchy (cgroups(7)).
fn unified(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

/// The `oom_kill` line of memory.events or of /proc/vmstat.
fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|number| number.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_both_files() {
        assert_eq!(count("low 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n"), Some(1));
        assert_eq!(count("nr_free_pages 5\noom_kill 17\nnuma_hit 3\n"), Some(17));
        assert_eq!(count("oom 2\n"), None);
        assert_eq!(unified("9:name=systemd:/\n0::/user.slice/x.scope\n"), Some("/user.slice/x.scope"));
        assert_eq!(unified("9:name=systemd:/\n"), None);
        // The machine's own count never goes down.
        let before = kills();
        assert!(kills() >= before);
    }
}
