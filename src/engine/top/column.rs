//! The columns of `top`: the descriptors of ps(1)'s AIX formats, and those for containers.

use super::Context;
use super::process::{Process, TICKS};

macro_rules! columns {
    ($($variant:ident $name:literal $code:literal $heading:literal;)*) => {
        /// A column.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Column { $($variant),* }

        /// Column, descriptor, its short form (or nothing) and heading.
        const ALL: &[(Column, &str, &str, &str)] = &[$((Column::$variant, $name, $code, $heading)),*];
    };
}

columns! {
    Args "args" "%a" "COMMAND";
    CapAmb "capamb" "" "AMBIENT CAPS";
    CapBnd "capbnd" "" "BOUNDING CAPS";
    CapEff "capeff" "" "EFFECTIVE CAPS";
    CapInh "capinh" "" "INHERITED CAPS";
    CapPrm "capprm" "" "PERMITTED CAPS";
    Comm "comm" "%c" "COMMAND";
    Etime "etime" "%t" "ELAPSED";
    Group "group" "%G" "GROUP";
    Groups "groups" "" "GROUPS";
    Hgroup "hgroup" "" "HGROUP";
    Hgroups "hgroups" "" "HGROUPS";
    Hpid "hpid" "" "HPID";
    Huid "huid" "" "HUID";
    Huser "huser" "" "HUSER";
    Label "label" "" "LABEL";
    Nice "nice" "%n" "NI";
    Pcpu "pcpu" "%C" "%CPU";
    Pgid "pgid" "%r" "PGID";
    Pid "pid" "%p" "PID";
    Ppid "ppid" "%P" "PPID";
    Rgroup "rgroup" "%g" "RGROUP";
    Rss "rss" "" "RSS";
    Ruser "ruser" "%u" "RUSER";
    Seccomp "seccomp" "" "SECCOMP";
    State "state" "" "STATE";
    Stime "stime" "" "STIME";
    Time "time" "%x" "TIME";
    Tty "tty" "%y" "TTY";
    Uid "uid" "" "UID";
    User "user" "%U" "USER";
    Vsz "vsz" "%z" "VSZ";
}

/// What is shown when nothing is asked for.
pub const DEFAULT_COLUMNS: &[Column] =
    &[Column::User, Column::Pid, Column::Ppid, Column::Pcpu, Column::Etime, Column::Tty, Column::Time, Column::Args];

/// Capabilities by number (capabilities(7)).
const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// The names of all descriptors.
pub(super) fn all_names() -> Vec<&'static str> {
    ALL.iter().map(|(_, name, ..)| *name).collect()
}

impl Column {
    /// The column of a descriptor or its short form.
    pub(super) fn of(word: &str) -> Option<Self> {
        ALL.iter().find(|(_, name, code, _)| *name == word || *code == word).map(|(column, ..)| *column)
    }

    pub(super) fn heading(self) -> &'static str {
        ALL.iter().find(|(column, ..)| *column == self).map_or("", |(.., heading)| heading)
    }

    /// What stands in this column for a process.
    pub(super) fn value(self, process: &Process, context: &Context<'_>) -> String {
        let names = &context.names;
        let uid = |which: usize| process.uids.get(which).copied().unwrap_or_default();
        let gid = |which: usize| process.gids.get(which).copied().unwrap_or_default();
        let capability = |set: &str| capabilities(process.capabilities.get(set).map_or("", String::as_str));
        let joined = |name: &dyn Fn(u32) -> String| {
            process.groups.iter().map(|group| name(*group)).collect::<Vec<_>>().join(",")
        };
        let cpu_seconds = process.cpu_ticks as f64 / TICKS;
        let elapsed = (context.now - process.start_ticks as f64 / TICKS).max(0.0);
        match self {
            Column::Args => arguments(process),
            Column::CapAmb => capability("CapAmb"),
            Column::CapBnd => capability("CapBnd"),
            Column::CapEff => capability("CapEff"),
            Column::CapInh => capability("CapInh"),
            Column::CapPrm => capability("CapPrm"),
            Column::Comm => printable(&process.comm),
            Column::Etime => go_duration(elapsed),
            Column::Group => names.group(gid(1)),
            Column::Groups => joined(&|group| names.group(group)),
            Column::Hgroup => names.host_group(gid(1)),
            Column::Hgroups => joined(&|group| names.host_group(group)),
            Column::Hpid => process.pid.to_string(),
            Column::Huid => uid(1).to_string(),
            Column::Huser => names.host_user(uid(1)),
            Column::Label => label(process.pid),
            Column::Nice => process.nice.to_string(),
            Column::Pcpu => format!("{:.3}", if elapsed > 0.0 { 100.0 * cpu_seconds / elapsed } else { 0.0 }),
            Column::Pgid => process.groups_of_processes.get(context.level).copied().unwrap_or_default().to_string(),
            Column::Pid => process.pid_at(context.level).to_string(),
            Column::Ppid => parent(process, context).to_string(),
            Column::Rgroup => names.group(gid(0)),
            Column::Rss => process.resident.clone(),
            Column::Ruser => names.user(uid(0)),
            Column::Seccomp => match process.seccomp.as_str() {
                "0" => "disabled",
                "1" => "strict",
                "2" => "filter",
                _ => "?",
            }
            .to_owned(),
            Column::State => process.state.clone(),
            Column::Stime => start_time(elapsed),
            Column::Time => go_duration(cpu_seconds),
            Column::Tty => tty(process.tty),
            Column::Uid => names.uid(uid(1)).to_string(),
            Column::User => names.user(uid(1)),
            Column::Vsz => (process.virtual_size / 1024).to_string(),
        }
    }
}

/// The container's PID of the parent; 0 when the parent is outside of it.
fn parent(process: &Process, context: &Context<'_>) -> i32 {
    match context.all.get(&process.parent) {
        Some(parent) if context.members.contains(&parent.pid) => parent.pid_at(context.level),
        _ => 0,
    }
}

/// The command line; every argument ends with a space. The name in brackets where there is none.
fn arguments(process: &Process) -> String {
    let bytes = std::fs::read(format!("/proc/{}/cmdline", process.pid)).unwrap_or_default();
    if bytes.is_empty() {
        return format!("[{}]", printable(&process.comm));
    }
    printable(&String::from_utf8_lossy(&bytes).replace('\0', " "))
}

/// A process chooses its own name and arguments: what is no text must not reach a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn label(pid: i32) -> String {
    let label = std::fs::read_to_string(format!("/proc/{pid}/attr/current")).unwrap_or_default();
    let label = label.trim_end_matches(['\0', '\n']);
    if label.is_empty() { "?".to_owned() } else { printable(label) }
}

/// `full`, `none`, or sorted names without `CAP_`.
fn capabilities(mask: &str) -> String {
    let Ok(mask) = u64::from_str_radix(mask, 16) else { return "?".to_owned() };
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok().and_then(|text| text.trim().parse().ok());
    let all = u64::MAX >> (63 - last.unwrap_or(CAPABILITIES.len() as u32 - 1).min(63));
    if mask & all == all {
        return "full".to_owned();
    }
    let has = |number: usize| mask >> number & 1 == 1;
    let mut names: Vec<&str> =
        CAPABILITIES.iter().enumerate().filter(|(i, _)| has(*i)).map(|(_, name)| *name).collect();
    names.sort_unstable();
    if names.is_empty() { "none".to_owned() } else { names.join(",") }
}

/// A terminal's name by its device number (proc_pid_stat(5), `tty_nr`).
fn tty(number: i32) -> String {
    let number = number as u32;
    let (major, minor) = (number >> 8 & 0xfff, (number & 0xff) | (number >> 12 & 0xf_ff00));
    match major {
        136..=143 => format!("pts/{}", (major - 136) * 256 + minor),
        4 if minor < 64 => format!("tty{minor}"),
        4 => format!("ttyS{}", minor - 64),
        5 if minor == 1 => "console".to_owned(),
        _ => "?".to_owned(),
    }
}

/// When a process started that runs for so many seconds, as Go prints an instant, in local time.
fn start_time(elapsed: f64) -> String {
    let nanos = jiff::SignedDuration::from_nanos((elapsed * 1e9) as i64);
    let then = jiff::Timestamp::now().checked_sub(nanos).unwrap_or_default();
    let then = jiff::Timestamp::from_millisecond(then.as_millisecond() / 10 * 10).unwrap_or(then);
    then.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.f %z %Z").to_string()
}

/// Seconds as Go prints a duration: `1h2m3.5s`, `20ms`, `0s`.
fn go_duration(seconds: f64) -> String {
    let nanos = (seconds * 1e9).round() as u64;
    let short = |value: f64, unit: &str| {
        let text = format!("{value:.9}");
        format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
    };
    match nanos {
        0 => "0s".to_owned(),
        1..=999 => format!("{nanos}ns"),
        1_000..=999_999 => short(nanos as f64 / 1e3, "µs"),
        1_000_000..=999_999_999 => short(nanos as f64 / 1e6, "ms"),
        _ => {
            let (whole, fraction) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
            let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
            let mut text = String::new();
            if hours > 0 {
                text.push_str(&format!("{hours}h"));
            }
            if whole >= 60 {
                text.push_str(&format!("{minutes}m"));
            }
            let rest = format!("{rest}.{fraction:09}");
            text + rest.trim_end_matches('0').trim_end_matches('.') + "s"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_go() {
        let cases = [
            (0.0, "0s"),
            (0.02, "20ms"),
            (0.0000015, "1.5µs"),
            (2.933185154, "2.933185154s"),
            (10.0, "10s"),
            (60.0, "1m0s"),
            (125.25, "2m5.25s"),
            (3600.0, "1h0m0s"),
            (90061.5, "25h1m1.5s"),
        ];
        for (seconds, want) in cases {
            assert_eq!(go_duration(seconds), want);
        }
    }

    #[test]
    fn terminals_and_capabilities_have_names() {
        for (number, want) in [
            (0, "?"),
            (34816, "pts/0"),
            (34817 + 255 + (1 << 20) - 256, "pts/256"),
            (1025, "tty1"),
            (1281, "console"),
            (1088, "ttyS0"),
        ] {
            assert_eq!(tty(number), want, "{number}");
        }
        assert_eq!(capabilities("0000000000000000"), "none");
        assert_eq!(capabilities("0000000000000021"), "CHOWN,KILL");
        assert_eq!(capabilities("ffffffffffffffff"), "full");
        assert_eq!(capabilities("x"), "?");
    }
}
