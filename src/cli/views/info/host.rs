//! What there is to know about the host, read from /proc, /etc/os-release and the file systems.

use std::path::Path;

use serde_json::{Map, Value, json};

/// The host at one moment. What cannot be read is empty or 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Host {
    /// `v1` or `v2`.
    pub cgroup_version: String,
    /// The controllers that the caller's cgroup may hand on.
    pub cgroup_controllers: Vec<String>,
    pub cpus: usize,
    pub cpu: CpuTime,
    pub distribution: Distribution,
    pub hostname: String,
    pub kernel: String,
    pub mem_free: u64,
    pub mem_total: u64,
    pub swap_free: u64,
    pub swap_total: u64,
    pub seccomp: bool,
    /// `0h 43m 45.00s`.
    pub uptime: String,
}

/// Shares of the processors' time since the start, in percent.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuTime {
    pub user: f64,
    pub system: f64,
    pub idle: f64,
}

/// From /etc/os-release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    pub id: String,
    pub variant: String,
    pub version: String,
    pub codename: String,
}

/// A mounted file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileSystem {
    pub kind: String,
    pub size: u64,
    pub used: u64,
}

impl Host {
    /// Looks at this host.
    pub fn read() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let uname = rustix::system::uname();
        let memory = read("/proc/meminfo");
        let kilobytes = |field: &str| field_after(&memory, field).unwrap_or_default() * 1024;
        let os_release = std::fs::read_to_string("/etc/os-release").unwrap_or_else(|_| read("/usr/lib/os-release"));
        let (cgroup_version, cgroup_controllers) = cgroups(&read("/proc/self/cgroup"));
        Host {
            cgroup_version,
            cgroup_controllers,
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: cpu_time(&read("/proc/stat")),
            distribution: distribution(&os_release),
            hostname: uname.nodename().to_string_lossy().into_owned(),
            kernel: uname.release().to_string_lossy().into_owned(),
            mem_free: kilobytes("MemFree:"),
            mem_total: kilobytes("MemTotal:"),
            swap_free: kilobytes("SwapFree:"),
            swap_total: kilobytes("SwapTotal:"),
            seccomp: Path::new("/proc/sys/kernel/seccomp").is_dir(),
            uptime: uptime(&read("/proc/uptime")),
        }
    }
}

impl Distribution {
    pub(super) fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("distribution".to_owned(), json!(self.id));
        if !self.variant.is_empty() {
            object.insert("variant".to_owned(), json!(self.variant));
        }
        object.insert("version".to_owned(), json!(self.version));
        if !self.codename.is_empty() {
            object.insert("codename".to_owned(), json!(self.codename));
        }
        Value::Object(object)
    }
}

/// The number behind `field` in a text of lines like `MemFree:  123 kB`.
fn field_after(text: &str, field: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}

fn cgroups(own: &str) -> (String, Vec<String>) {
    const CGROUP2: i64 = 0x6367_7270;
    let is_v2 = rustix::fs::statfs("/sys/fs/cgroup").is_ok_and(|fs| fs.f_type == CGROUP2);
    if !is_v2 {
        let names = own.lines().filter_map(|line| line.split(':').nth(1));
        let controllers = names.filter(|names| !names.is_empty() && !names.starts_with("name="));
        return ("v1".to_owned(), controllers.flat_map(|names| names.split(',')).map(str::to_owned).collect());
    }
    let path = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let file = Path::new("/sys/fs/cgroup").join(path.trim_start_matches('/')).join("cgroup.controllers");
    let controllers = std::fs::read_to_string(file).unwrap_or_default();
    ("v2".to_owned(), controllers.split_whitespace().map(str::to_owned).collect())
}

/// From the first line of /proc/stat: user, nice, system, idle and so on, in ticks.
fn cpu_time(stat: &str) -> CpuTime {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let tick = |i: usize| ticks.get(i).copied().unwrap_or_default();
    let total: f64 = ticks.iter().take(8).sum();
    let percent = |ticks: f64| if total > 0.0 { (ticks / total * 10_000.0).round() / 100.0 } else { 0.0 };
    CpuTime { user: percent(tick(0) + tick(1)), system: percent(tick(2)), idle: percent(tick(3)) }
}

fn distribution(os_release: &str) -> Distribution {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
    };
    let id = value("ID");
    Distribution {
        id: if id.is_empty() { "unknown".to_owned() } else { id },
        variant: value("VARIANT_ID"),
        version: value("VERSION_ID"),
        codename: value("VERSION_CODENAME"),
    }
}

/// From the first number of /proc/uptime, in seconds.
fn uptime(text: &str) -> String {
    let seconds: f64 = text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default();
    let whole = seconds as u64;
    let days = seconds / 86_400.0;
    let words = format!("{}h {}m {}.00s", whole / 3600, whole / 60 % 60, whole % 60);
    if days >= 1.0 { format!("{words} (Approximately {days:.2} days)") } else { words }
}

/// The file system that holds `path`.
pub fn file_system(path: &Path) -> FileSystem {
    let Ok(fs) = rustix::fs::statfs(path) else { return FileSystem::default() };
    let block = u64::try_from(fs.f_bsize).unwrap_or_default();
    let kind = match fs.f_type {
        0xef53 => "extfs",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0x0102_1994 => "tmpfs",
        0x2fc1_2fc1 => "zfs",
        0x6969 => "nfs",
        0x794c_7630 => "overlayfs",
        0x6573_5546 => "fuse",
        0xf2f5_2010 => "f2fs",
        _ => "<unknown>",
    };
    let used = fs.f_blocks.saturating_sub(fs.f_bfree);
    FileSystem { kind: kind.to_owned(), size: fs.f_blocks.saturating_mul(block), used: used.saturating_mul(block) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_kernel_are_read() {
        let cases = [
            ("2625.03 5000.1\n", "0h 43m 45.00s"),
            ("59.99 1\n", "0h 0m 59.00s"),
            ("178284.5 1\n", "49h 31m 24.00s (Approximately 2.06 days)"),
            ("", "0h 0m 0.00s"),
        ];
        for (text, want) in cases {
            assert_eq!(uptime(text), want);
        }
        let cpu = cpu_time("cpu  200 50 250 400 50 20 20 10 7 7\ncpu0 1 2 3 4\n");
        assert_eq!(cpu, CpuTime { user: 25.0, system: 25.0, idle: 40.0 });
        assert_eq!(cpu_time(""), CpuTime::default());
        assert_eq!(field_after("MemTotal:  24683 kB\nMemFree:    9 kB\n", "MemFree:"), Some(9));
    }

    #[test]
    fn distributions_are_named() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\nID=debian\nID_LIKE=x\n";
        let want =
            Distribution { id: "debian".into(), version: "13".into(), codename: "trixie".into(), ..Default::default() };
        assert_eq!(distribution(debian), want);
        assert_eq!(want.json(), json!({"distribution": "debian", "version": "13", "codename": "trixie"}));
        assert_eq!(distribution("").id, "unknown");
    }

    #[test]
    fn this_host_can_be_looked_at() {
        let host = Host::read();
        assert!(host.cpus > 0 && host.mem_total > host.mem_free && !host.kernel.is_empty(), "{host:?}");
        assert!(["v1", "v2"].contains(&host.cgroup_version.as_str()));
        let fs = file_system(Path::new("/proc/self"));
        assert_eq!(fs.kind, "<unknown>");
        assert!(file_system(Path::new("/")).size > 0);
    }
}
