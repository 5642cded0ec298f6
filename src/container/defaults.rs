//! What a container gets when nobody says otherwise.

/// The executable search path of a container whose image sets none.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `container=`: programs look whether this is set at all, a few for this very word.
pub const CONTAINER: &str = "podman";

/// `TERM` with a terminal.
pub const TERM: &str = "xterm";

/// Bytes of /dev/shm.
pub const SHM_SIZE: u64 = 65_536_000;

/// Seconds that `stop` waits before SIGKILL.
pub const STOP_TIMEOUT: u32 = 10;

/// The umask of the container's first process.
pub const UMASK: u32 = 0o022;

/// The capabilities of a container that is not privileged, sorted.
pub const CAPABILITIES: [&str; 11] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// Hidden from a container that is not privileged: they tell about, or act on, the whole machine.
pub const MASKED_PATHS: [&str; 11] = [
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
    "/sys/fs/selinux",
];

/// Read-only for a container that is not privileged.
pub const READONLY_PATHS: [&str; 6] =
    ["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// What `--http-proxy` passes on, beside the same names in capitals.
pub const PROXY_VARIABLES: [&str; 4] = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];

/// Where a container with a read-only root can still write.
pub const READ_ONLY_TMPFS: [&str; 3] = ["/run", "/tmp", "/var/tmp"];
