//! The default profile: the rules that containers-common publishes, as a table whose numbers are resolved while
//! compiling.
//!
//! The published rules for the machines that we do not build for (ppc64le, s390x, riscv64) are left out.
//!
//! A call that is not named gives `ENOSYS`, so that programs try something older; one that is named but needs a
//! capability that the container lacks gives `EPERM`.

use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSyscall};

use super::NATIVE;
use super::numbers::{Abi, Numbers, numbers_of};
use super::oci;
use super::plan::{Condition, Op, Plan};
use crate::error::Result;
use crate::runtime::caps::CapSet;

/// Names of calls and their numbers.
#[derive(Clone, Copy)]
struct List {
    names: &'static [&'static str],
    numbers: &'static [Numbers],
}

macro_rules! list {
    ($name:ident, $($call:literal)*) => {
        static $name: List = {
            const NAMES: &[&str] = &[$($call),*];
            const NUMBERS: [Numbers; NAMES.len()] = numbers_of(NAMES);
            List { names: NAMES, numbers: &NUMBERS }
        };
    };
}

/// When a rule belongs to the profile of a container.
#[derive(Clone, Copy)]
enum When {
    Always,
    /// On machines of this architecture, by Go's name.
    On(&'static str),
    /// With this capability.
    With(CapSet),
    /// With none of these.
    Without(CapSet),
}

/// A rule of the profile.
struct Rule {
    list: &'static List,
    action: Action,
    conditions: &'static [Condition],
    when: When,
}

/// What the default profile does with a call.
#[derive(Clone, Copy)]
enum Action {
    Allow,
    Errno(u16),
}

const EPERM: Action = Action::Errno(libc::EPERM as u16);
const EINVAL: Action = Action::Errno(libc::EINVAL as u16);
const ENOSYS: u32 = libc::ENOSYS as u32;

const AUDIT_WRITE: CapSet = CapSet::of(&["CAP_AUDIT_WRITE"]);
const SYS_ADMIN: CapSet = CapSet::of(&["CAP_SYS_ADMIN"]);
const BPF_CAP: CapSet = CapSet::of(&["CAP_BPF"]);
const BPF_OR_ADMIN: CapSet = CapSet::of(&["CAP_SYS_ADMIN", "CAP_BPF"]);
const PERFMON: CapSet = CapSet::of(&["CAP_PERFMON"]);
const DAC_READ_SEARCH: CapSet = CapSet::of(&["CAP_DAC_READ_SEARCH"]);
const SYS_CHROOT: CapSet = CapSet::of(&["CAP_SYS_CHROOT"]);
const SYS_MODULE: CapSet = CapSet::of(&["CAP_SYS_MODULE"]);
const SYS_PACCT: CapSet = CapSet::of(&["CAP_SYS_PACCT"]);
const SYS_PTRACE: CapSet = CapSet::of(&["CAP_SYS_PTRACE"]);
const SYS_RAWIO: CapSet = CapSet::of(&["CAP_SYS_RAWIO"]);
const SYS_TIME: CapSet = CapSet::of(&["CAP_SYS_TIME"]);
const SYS_TTY_CONFIG: CapSet = CapSet::of(&["CAP_SYS_TTY_CONFIG"]);

const fn equal(index: u8, value: u64) -> Condition {
    Condition { index, op: Op::Equal, value, masked: 0 }
}

const fn not_equal(index: u8, value: u64) -> Condition {
    Condition { index, op: Op::NotEqual, value, masked: 0 }
}

const fn allow(list: &'static List, when: When) -> Rule {
    Rule { list, action: Action::Allow, conditions: &[], when }
}

const fn deny(list: &'static List, when: When) -> Rule {
    Rule { list, action: EPERM, conditions: &[], when }
}

const fn allow_if(list: &'static List, conditions: &'static [Condition], when: When) -> Rule {
    Rule { list, action: Action::Allow, conditions, when }
}

/// `AF_NETLINK` and `NETLINK_AUDIT`: sockets to the audit subsystem need `CAP_AUDIT_WRITE`.
const NETLINK: u64 = libc::AF_NETLINK as u64;
const AUDIT: u64 = libc::NETLINK_AUDIT as u64;

/// The personalities that are harmless: `PER_LINUX`, `PER_LINUX32`, both with `UNAME26`, and the query.
const PERSONALITIES: [[Condition; 1]; 5] =
    [[equal(0, 0)], [equal(0, 8)], [equal(0, 0x2_0000)], [equal(0, 0x2_0008)], [equal(0, 0xffff_ffff)]];

static RULES: [Rule; 37] = [
    deny(&NEVER, When::Always),
    allow(&ALWAYS, When::Always),
    allow_if(&PERSONALITY, &PERSONALITIES[0], When::Always),
    allow_if(&PERSONALITY, &PERSONALITIES[1], When::Always),
    allow_if(&PERSONALITY, &PERSONALITIES[2], When::Always),
    allow_if(&PERSONALITY, &PERSONALITIES[3], When::Always),
    allow_if(&PERSONALITY, &PERSONALITIES[4], When::Always),
    allow(&ON_ARM, When::On("arm64")),
    allow(&ARCH_PRCTL, When::On("amd64")),
    allow(&MODIFY_LDT, When::On("amd64")),
    allow(&OPEN_BY_HANDLE, When::With(DAC_READ_SEARCH)),
    deny(&OPEN_BY_HANDLE, When::Without(DAC_READ_SEARCH)),
    allow(&ADMIN, When::With(SYS_ADMIN)),
    deny(&NOT_ADMIN, When::Without(SYS_ADMIN)),
    allow(&CHROOT, When::With(SYS_CHROOT)),
    deny(&CHROOT, When::Without(SYS_CHROOT)),
    allow(&MODULE, When::With(SYS_MODULE)),
    deny(&MODULE, When::Without(SYS_MODULE)),
    allow(&ACCT, When::With(SYS_PACCT)),
    deny(&ACCT, When::Without(SYS_PACCT)),
    allow(&PTRACE, When::With(SYS_PTRACE)),
    deny(&PTRACE, When::Without(SYS_PTRACE)),
    allow(&RAWIO, When::With(SYS_RAWIO)),
    deny(&RAWIO, When::Without(SYS_RAWIO)),
    allow(&TIME, When::With(SYS_TIME)),
    deny(&TIME, When::Without(SYS_TIME)),
    allow(&TTY, When::With(SYS_TTY_CONFIG)),
    deny(&TTY, When::Without(SYS_TTY_CONFIG)),
    Rule {
        list: &SOCKET,
        action: EINVAL,
        conditions: &[equal(0, NETLINK), equal(2, AUDIT)],
        when: When::Without(AUDIT_WRITE),
    },
    allow_if(&SOCKET, &[not_equal(2, AUDIT)], When::Without(AUDIT_WRITE)),
    allow_if(&SOCKET, &[not_equal(0, NETLINK)], When::Without(AUDIT_WRITE)),
    allow_if(&SOCKET, &[not_equal(2, AUDIT)], When::Without(AUDIT_WRITE)),
    allow(&SOCKET, When::With(AUDIT_WRITE)),
    deny(&BPF, When::Without(BPF_OR_ADMIN)),
    allow(&BPF, When::With(BPF_CAP)),
    deny(&PERF, When::Without(BPF_OR_ADMIN)),
    allow(&PERF, When::With(PERFMON)),
];

list!(
    NEVER,
    "bdflush" "cachestat" "futex_requeue" "futex_wait" "futex_waitv" "futex_wake" "io_pgetevents"
    "io_pgetevents_time64" "kexec_file_load" "kexec_load" "map_shadow_stack" "migrate_pages" "move_pages"
    "nfsservctl" "nice" "oldfstat" "oldlstat" "oldolduname" "oldstat" "olduname" "pciconfig_iobase"
    "pciconfig_read" "pciconfig_write" "sgetmask" "ssetmask" "swapoff" "swapon" "syscall" "sysfs" "uselib"
    "userfaultfd" "ustat" "vm86" "vm86old" "vmsplice"
);
list!(
    ALWAYS,
    "_llseek" "_newselect" "accept" "accept4" "access" "adjtimex" "alarm" "bind" "brk" "capget" "capset" "chdir"
    "chmod" "chown" "chown32" "clock_adjtime" "clock_adjtime64" "clock_getres" "clock_getres_time64"
    "clock_gettime" "clock_gettime64" "clock_nanosleep" "clock_nanosleep_time64" "clone" "clone3" "close"
    "close_range" "connect" "copy_file_range" "creat" "dup" "dup2" "dup3" "epoll_create" "epoll_create1"
    "epoll_ctl" "epoll_ctl_old" "epoll_pwait" "epoll_pwait2" "epoll_wait" "epoll_wait_old" "eventfd" "eventfd2"
    "execve" "execveat" "exit" "exit_group" "faccessat" "faccessat2" "fadvise64" "fadvise64_64" "fallocate"
    "fanotify_mark" "fchdir" "fchmod" "fchmodat" "fchmodat2" "fchown" "fchown32" "fchownat" "fcntl" "fcntl64"
    "fdatasync" "fgetxattr" "flistxattr" "flock" "fork" "fremovexattr" "fsconfig" "fsetxattr" "fsmount" "fsopen"
    "fspick" "fstat" "fstat64" "fstatat64" "fstatfs" "fstatfs64" "fsync" "ftruncate" "ftruncate64" "futex"
    "futex_time64" "futimesat" "get_mempolicy" "get_robust_list" "get_thread_area" "getcpu" "getcwd" "getdents"
    "getdents64" "getegid" "getegid32" "geteuid" "geteuid32" "getgid" "getgid32" "getgroups" "getgroups32"
    "getitimer" "getpeername" "getpgid" "getpgrp" "getpid" "getppid" "getpriority" "getrandom" "getresgid"
    "getresgid32" "getresuid" "getresuid32" "getrlimit" "getrusage" "getsid" "getsockname" "getsockopt" "gettid"
    "gettimeofday" "getuid" "getuid32" "getxattr" "inotify_add_watch" "inotify_init" "inotify_init1"
    "inotify_rm_watch" "io_cancel" "io_destroy" "io_getevents" "io_setup" "io_submit" "ioctl" "ioprio_get"
    "ioprio_set" "ipc" "keyctl" "kill" "landlock_add_rule" "landlock_create_ruleset" "landlock_restrict_self"
    "lchown" "lchown32" "lgetxattr" "link" "linkat" "listen" "listxattr" "llistxattr" "lremovexattr" "lseek"
    "lsetxattr" "lstat" "lstat64" "madvise" "mbind" "membarrier" "memfd_create" "memfd_secret" "mincore" "mkdir"
    "mkdirat" "mknod" "mknodat" "mlock" "mlock2" "mlockall" "mmap" "mmap2" "mount" "mount_setattr" "move_mount"
    "mprotect" "mq_getsetattr" "mq_notify" "mq_open" "mq_timedreceive" "mq_timedreceive_time64" "mq_timedsend"
    "mq_timedsend_time64" "mq_unlink" "mremap" "msgctl" "msgget" "msgrcv" "msgsnd" "msync" "munlock"
    "munlockall" "munmap" "name_to_handle_at" "nanosleep" "newfstatat" "open" "open_tree" "openat" "openat2"
    "pause" "pidfd_getfd" "pidfd_open" "pidfd_send_signal" "pipe" "pipe2" "pivot_root" "pkey_alloc" "pkey_free"
    "pkey_mprotect" "poll" "ppoll" "ppoll_time64" "prctl" "pread64" "preadv" "preadv2" "prlimit64"
    "process_mrelease" "process_vm_readv" "process_vm_writev" "pselect6" "pselect6_time64" "ptrace" "pwrite64"
    "pwritev" "pwritev2" "read" "readahead" "readlink" "readlinkat" "readv" "reboot" "recv" "recvfrom"
    "recvmmsg" "recvmmsg_time64" "recvmsg" "remap_file_pages" "removexattr" "rename" "renameat" "renameat2"
    "restart_syscall" "rmdir" "rseq" "rt_sigaction" "rt_sigpending" "rt_sigprocmask" "rt_sigqueueinfo"
    "rt_sigreturn" "rt_sigsuspend" "rt_sigtimedwait" "rt_sigtimedwait_time64" "rt_tgsigqueueinfo"
    "sched_get_priority_max" "sched_get_priority_min" "sched_getaffinity" "sched_getattr" "sched_getparam"
    "sched_getscheduler" "sched_rr_get_interval" "sched_rr_get_interval_time64" "sched_setaffinity"
    "sched_setattr" "sched_setparam" "sched_setscheduler" "sched_yield" "seccomp" "select" "semctl" "semget"
    "semop" "semtimedop" "semtimedop_time64" "send" "sendfile" "sendfile64" "sendmmsg" "sendmsg" "sendto"
    "set_mempolicy" "set_robust_list" "set_thread_area" "set_tid_address" "setfsgid" "setfsgid32" "setfsuid"
    "setfsuid32" "setgid" "setgid32" "setgroups" "setgroups32" "setitimer" "setns" "setpgid" "setpriority"
    "setregid" "setregid32" "setresgid" "setresgid32" "setresuid" "setresuid32" "setreuid" "setreuid32"
    "setrlimit" "setsid" "setsockopt" "setuid" "setuid32" "setxattr" "shmat" "shmctl" "shmdt" "shmget"
    "shutdown" "sigaltstack" "signal" "signalfd" "signalfd4" "sigprocmask" "sigreturn" "socketcall" "socketpair"
    "splice" "stat" "stat64" "statfs" "statfs64" "statx" "symlink" "symlinkat" "sync" "sync_file_range" "syncfs"
    "sysinfo" "syslog" "tee" "tgkill" "time" "timer_create" "timer_delete" "timer_getoverrun" "timer_gettime"
    "timer_gettime64" "timer_settime" "timer_settime64" "timerfd_create" "timerfd_gettime" "timerfd_gettime64"
    "timerfd_settime" "timerfd_settime64" "times" "tkill" "truncate" "truncate64" "ugetrlimit" "umask" "umount"
    "umount2" "uname" "unlink" "unlinkat" "unshare" "utime" "utimensat" "utimensat_time64" "utimes" "vfork"
    "wait4" "waitid" "waitpid" "write" "writev"
);
list!(PERSONALITY, "personality");
list!(ON_ARM, "arm_fadvise64_64" "arm_sync_file_range" "breakpoint" "cacheflush" "set_tls" "sync_file_range2");
list!(ARCH_PRCTL, "arch_prctl");
list!(MODIFY_LDT, "modify_ldt");
list!(OPEN_BY_HANDLE, "open_by_handle_at");
list!(
    ADMIN,
    "bpf" "fanotify_init" "lookup_dcookie" "quotactl" "quotactl_fd" "setdomainname" "sethostname" "setns"
);
list!(
    NOT_ADMIN,
    "fanotify_init" "lookup_dcookie" "perf_event_open" "quotactl" "quotactl_fd" "setdomainname" "sethostname" "setns"
);
list!(CHROOT, "chroot");
list!(MODULE, "delete_module" "finit_module" "init_module" "query_module");
list!(ACCT, "acct");
list!(PTRACE, "kcmp" "process_madvise");
list!(RAWIO, "ioperm" "iopl");
list!(TIME, "clock_settime" "clock_settime64" "settimeofday" "stime");
list!(TTY, "vhangup");
list!(SOCKET, "socket");
list!(BPF, "bpf");
list!(PERF, "perf_event_open");

/// The rules of a container with these capabilities on a machine of this architecture (Go's name).
fn active(caps: CapSet, machine: &str) -> impl Iterator<Item = &'static Rule> {
    RULES.iter().filter(move |rule| match rule.when {
        When::Always => true,
        When::On(name) => name == machine,
        When::With(cap) => caps.contains(cap),
        When::Without(any) => !caps.intersects(any),
    })
}

/// The profile as a plan, for these ABIs.
pub(super) fn plan(caps: CapSet, machine: &str, abis: &[Abi]) -> Result<Plan> {
    let errno = |number: u32| libc::SECCOMP_RET_ERRNO | number;
    let default = errno(ENOSYS);
    let mut plan = Plan::new(default, default, abis);
    for rule in active(caps, machine) {
        let action = match rule.action {
            Action::Allow => libc::SECCOMP_RET_ALLOW,
            Action::Errno(number) => errno(number.into()),
        };
        let id = plan.add_rule(action, rule.conditions)?;
        for abi in abis {
            for number in rule.list.numbers.iter().filter_map(|numbers| abi.pick(numbers)) {
                plan.apply(*abi, number, id)?;
            }
        }
    }
    Ok(plan)
}

/// The profile as it stands in a container's OCI spec.
pub(super) fn to_oci(caps: CapSet) -> LinuxSeccomp {
    let mut profile = LinuxSeccomp::default();
    profile.set_default_action(LinuxSeccompAction::ScmpActErrno);
    profile.set_default_errno_ret(Some(ENOSYS));
    profile.set_architectures(Some(Abi::family().iter().map(|abi| abi.to_oci()).collect()));
    profile.set_syscalls(Some(active(caps, NATIVE).map(rule_to_oci).collect()));
    profile
}

fn rule_to_oci(rule: &Rule) -> LinuxSyscall {
    let mut syscall = LinuxSyscall::default();
    syscall.set_names(rule.list.names.iter().map(|name| (*name).to_owned()).collect());
    match rule.action {
        Action::Allow => syscall.set_action(LinuxSeccompAction::ScmpActAllow),
        Action::Errno(number) => {
            syscall.set_errno_ret(Some(number.into()));
            syscall.set_action(LinuxSeccompAction::ScmpActErrno)
        }
    };
    if !rule.conditions.is_empty() {
        syscall.set_args(Some(rule.conditions.iter().map(condition_to_oci).collect()));
    }
    syscall
}

fn condition_to_oci(condition: &Condition) -> LinuxSeccompArg {
    let second = (condition.op == Op::MaskedEqual).then_some(condition.masked);
    oci::argument(condition.index.into(), oci::operator(condition.op), condition.value, second)
}
