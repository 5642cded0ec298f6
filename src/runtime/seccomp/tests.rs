//! Filters against a plain reading of the rules they were made from, and against the kernel.

use std::collections::{HashMap, HashSet};

use libc::sock_filter;
use oci_spec::runtime::{LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompOperator as Cmp, LinuxSyscall};
use proptest::prelude::*;

use super::interpreter::{Data, counted, run};
use super::numbers::{Abi, X32_BIT};
use super::*;
use crate::runtime::caps::CapSet;

const X86_FAMILY: [Abi; 3] = [Abi::X86_64, Abi::X86, Abi::X32];
const ARM_FAMILY: [Abi; 2] = [Abi::Aarch64, Abi::Arm];
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | 38;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | 1;
const EINVAL: u32 = libc::SECCOMP_RET_ERRNO | 22;
const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

fn base(abi: Abi) -> u32 {
    if abi == Abi::X32 { X32_BIT } else { 0 }
}

fn holds(arg: &LinuxSeccompArg, data: &Data, narrow: bool) -> bool {
    let width = if narrow { u64::from(u32::MAX) } else { u64::MAX };
    let actual = data.args[arg.index()] & width;
    let (value, second) = (arg.value() & width, arg.value_two().unwrap_or(0) & width);
    match arg.op() {
        Cmp::ScmpCmpEq => actual == value,
        Cmp::ScmpCmpNe => actual != value,
        Cmp::ScmpCmpLt => actual < value,
        Cmp::ScmpCmpLe => actual <= value,
        Cmp::ScmpCmpGt => actual > value,
        Cmp::ScmpCmpGe => actual >= value,
        Cmp::ScmpCmpMaskedEq => actual & value == second & value,
    }
}

/// The rules of a profile, read one by one in their order.
struct Reading<'a> {
    abis: &'a [Abi],
    default: u32,
    /// The rules for each number of each of `abis` (by place), of those that do something else than the default.
    by_number: HashMap<(usize, u32), Vec<&'a LinuxSyscall>>,
    rules: Vec<&'a LinuxSyscall>,
}

fn action(rule: &LinuxSyscall) -> u32 {
    rule.action().as_u32(rule.errno_ret())
}

fn args(rule: &LinuxSyscall) -> &[LinuxSeccompArg] {
    rule.args().as_deref().unwrap_or_default()
}

impl<'a> Reading<'a> {
    fn new(profile: &'a LinuxSeccomp, abis: &'a [Abi]) -> Self {
        let default = profile.default_action().as_u32(profile.default_errno_ret());
        let rules = profile.syscalls().iter().flatten().filter(|rule| action(rule) != default).collect();
        let mut reading = Reading { abis, default, by_number: HashMap::new(), rules };
        for rule in &reading.rules {
            for name in rule.names() {
                for (place, abi) in abis.iter().enumerate() {
                    // x32 shares the table of x86-64, in which it has second numbers for some calls.
                    let shared = abis.iter().filter(|other| other.audit() == abi.audit());
                    let numbers: HashSet<u32> = shared.filter_map(|abi| abi.number(name)).collect();
                    for number in numbers {
                        reading.by_number.entry((place, number)).or_default().push(rule);
                    }
                }
            }
        }
        reading
    }

    fn verdict(&self, data: &Data) -> u32 {
        use libc::{SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_LOG, SECCOMP_RET_TRACE};
        let lets_through = [ALLOW, SECCOMP_RET_LOG, SECCOMP_RET_TRACE].contains(&(self.default & 0xffff_0000));
        let foreign = if lets_through { SECCOMP_RET_KILL_PROCESS } else { self.default };
        let x86_64 = data.arch == Abi::X86_64.audit();
        let Some(place) = self.abis.iter().position(|abi| abi.audit() == data.arch) else { return foreign };
        let abi = self.abis[place];
        let number = match data.number {
            u32::MAX if x86_64 => return self.default,
            X32_BIT.. if x86_64 && !self.abis.contains(&Abi::X32) => return foreign,
            0x8000_0000.. if x86_64 => return self.default,
            number if x86_64 => number & !X32_BIT,
            number => number,
        };
        let rules = self.by_number.get(&(place, number)).map_or(&[][..], Vec::as_slice);
        if let Some(rule) = rules.iter().find(|rule| args(rule).is_empty()) {
            return action(rule);
        }
        for rule in rules {
            let args = args(rule);
            let repeated = args.iter().enumerate().any(|(i, a)| args[..i].iter().any(|b| a.index() == b.index()));
            let hold = |arg: &LinuxSeccompArg| holds(arg, data, abi.is_narrow());
            if if repeated { args.iter().any(hold) } else { args.iter().all(hold) } {
                return action(rule);
            }
        }
        if abi == Abi::X86 { self.multiplexed(number, data.args[0] as u32) } else { self.default }
    }

    /// `socketcall` and `ipc`, by the call that is meant (its place in linux/net.h or linux/ipc.h).
    fn multiplexed(&self, number: u32, place: u32) -> u32 {
        let name = match (number, place, place & 0xffff) {
            (102, 1, _) => "socket",
            (102, 3, _) => "connect",
            (102, 20, _) => "sendmmsg",
            (117, _, 1) => "semop",
            (117, _, 24) => "shmctl",
            _ => return self.default,
        };
        let meant = || self.rules.iter().filter(|rule| rule.names().iter().any(|n| n == name));
        let plain = meant().find(|rule| args(rule).is_empty());
        let denying = meant().find(|rule| action(rule) != ALLOW);
        plain.or(denying).map_or(self.default, |rule| action(rule))
    }
}

/// Numbers at which something may change, for every ABI.
fn numbers() -> Vec<u32> {
    let low = 0..1100;
    let private = 0x000e_fffe..0x000f_0009;
    let edges = [X32_BIT - 1, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX];
    let plain: Vec<u32> = low.chain(private).collect();
    let marked = plain.iter().map(|n| n + X32_BIT);
    plain.iter().copied().chain(marked).chain(edges).collect()
}

const ARCHES: [u32; 6] = [0xc000_003e, 0x4000_0003, 0xc000_00b7, 0x4000_0028, 0x8000_0016, 0];

fn compare(reading: &Reading<'_>, program: &[sock_filter], data: &Data) {
    assert_eq!(run(program, data), reading.verdict(data), "{data:x?} for {:?}", reading.abis);
}

#[test]
fn default_filter_is_the_default_profile_for_every_call() {
    let mut sets = vec![CapSet::EMPTY, CapSet::DEFAULT, CapSet::ALL];
    sets.extend(CapSet::ALL.iter().map(|name| CapSet::from_names(&[name]).unwrap()));
    let arguments =
        [[0; 6], [8, 0, 0, 0, 0, 0], [16, 0, 9, 0, 0, 0], [16, 3, 15, 0, 0, 0], [2, 2, 9, 0, 0, 0], [u64::MAX; 6]];
    let numbers = numbers();
    for caps in sets {
        let profile = to_oci(caps);
        for abis in [&X86_FAMILY[..], &X86_FAMILY[..1], &X86_FAMILY[1..2]] {
            let program = compile::compile(&default::plan(caps, "amd64", abis).unwrap()).unwrap();
            let reading = Reading::new(&profile, abis);
            for (i, number) in numbers.iter().enumerate() {
                for arch in ARCHES {
                    let data = Data { number: *number, arch, args: arguments[i % arguments.len()] };
                    compare(&reading, &program, &data);
                }
            }
            for args in arguments {
                for name in ["socket", "personality", "clone", "socketcall", "setns"] {
                    for abi in abis {
                        let Some(number) = abi.number(name) else { continue };
                        let data = Data { number: number + base(*abi), arch: abi.audit(), args };
                        compare(&reading, &program, &data);
                    }
                }
            }
        }
    }
}

#[test]
fn default_filter_for_arm_is_the_default_profile() {
    let plan = default::plan(CapSet::DEFAULT, "arm64", &ARM_FAMILY).unwrap();
    let program = compile::compile(&plan).unwrap();
    let mut profile = to_oci(CapSet::DEFAULT);
    // The profile is this machine's: put the rules of the other in their place.
    let mut rules = profile.syscalls().clone().unwrap();
    rules.retain(|rule| !["arch_prctl", "modify_ldt"].contains(&rule.names()[0].as_str()));
    rules.retain(|rule| rule.names()[0] != "arm_fadvise64_64");
    let names = ["arm_fadvise64_64", "arm_sync_file_range", "breakpoint", "cacheflush", "set_tls", "sync_file_range2"];
    let mut on_arm = LinuxSyscall::default();
    on_arm.set_names(names.map(str::to_owned).to_vec()).set_action(LinuxSeccompAction::ScmpActAllow);
    rules.push(on_arm);
    profile.set_syscalls(Some(rules));
    let reading = Reading::new(&profile, &ARM_FAMILY);
    for number in numbers() {
        for arch in ARCHES {
            compare(&reading, &program, &Data { number, arch, args: [16, 0, 9, 0, 0, 0] });
        }
    }
    let data = |number, abi: Abi| Data { number, arch: abi.audit(), args: [0; 6] };
    assert_eq!(run(&program, &data(0x000f_0005, Abi::Arm)), ALLOW);
    assert_eq!(run(&program, &data(0x000f_0004, Abi::Arm)), ENOSYS);
    assert_eq!(run(&program, &data(79, Abi::Aarch64)), ALLOW);
}

/// Facts of the profile that matter, by hand.
#[test]
fn default_filter_by_hand() {
    let verdict = |caps: &[&str], abi: Abi, name: &str, args: [u64; 6]| {
        let caps = CapSet::DEFAULT.union(CapSet::from_names(caps).unwrap());
        let program = compile::compile(&default::plan(caps, "amd64", &X86_FAMILY).unwrap()).unwrap();
        run(&program, &Data { number: abi.number(name).unwrap() + base(abi), arch: abi.audit(), args })
    };
    let audit = [16, 0, 9, 0, 0, 0];
    for abi in X86_FAMILY {
        for (caps, name, args, expected) in [
            (&[][..], "read", [0; 6], ALLOW),
            (&[], "clone", [0x1000_0000, 0, 0, 0, 0, 0], ALLOW),
            (&[], "chroot", [0; 6], ALLOW),
            (&[], "init_module", [0; 6], EPERM),
            (&["sys_module"], "init_module", [0; 6], ALLOW),
            (&[], "bpf", [0; 6], EPERM),
            (&["bpf"], "bpf", [0; 6], ALLOW),
            (&["sys_admin"], "bpf", [0; 6], ALLOW),
            (&[], "perf_event_open", [0; 6], EPERM),
            (&["perfmon", "sys_admin"], "perf_event_open", [0; 6], ALLOW),
            (&[], "open_by_handle_at", [0; 6], EPERM),
            (&["dac_read_search"], "open_by_handle_at", [0; 6], ALLOW),
            (&[], "kexec_load", [0; 6], EPERM),
            (&["sys_boot"], "kexec_load", [0; 6], EPERM),
            (&[], "io_uring_setup", [0; 6], ENOSYS),
            (&[], "add_key", [0; 6], ENOSYS),
            (&[], "mseal", [0; 6], ENOSYS),
            (&[], "sethostname", [0; 6], EPERM),
            (&[], "socket", [1, 1, 0, 0, 0, 0], ALLOW),
            (&[], "socket", [16, 3, 0, 0, 0, 0], ALLOW),
            (&[], "socket", audit, EINVAL),
            (&["audit_write"], "socket", audit, ALLOW),
            (&[], "personality", [8, 0, 0, 0, 0, 0], ALLOW),
            (&[], "personality", [0xffff_ffff, 0, 0, 0, 0, 0], ALLOW),
            (&[], "personality", [0x40000, 0, 0, 0, 0, 0], ENOSYS),
        ] {
            assert_eq!(verdict(caps, abi, name, args), expected, "{abi:?} {name} {args:?} with {caps:?}");
        }
    }
}

#[test]
fn default_filter_equals_the_filter_of_its_oci_spec_and_is_small() {
    for caps in [CapSet::EMPTY, CapSet::DEFAULT, CapSet::ALL] {
        let direct = default_filter(caps).unwrap();
        assert_eq!(direct, from_oci(&to_oci(caps)).unwrap());
        let steps = |name: &str| {
            let native = Abi::family()[0];
            let number = native.number(name).unwrap();
            counted(direct.program(), &Data { number, arch: native.audit(), args: [0; 6] }).1
        };
        assert!(direct.program().len() < 260, "{} instructions", direct.program().len());
        assert!(["read", "futex", "openat", "clone3"].iter().all(|name| steps(name) <= 14));
    }
}

/// Our table against the profile that containers-common installs. Versions differ, so it must be named:
/// `CORACLE_TEST_SECCOMP=/usr/share/containers/seccomp.json` (ours is that of version 0.62, of Debian 13).
#[test]
fn default_profile_is_the_published_one() {
    let Ok(place) = std::env::var("CORACLE_TEST_SECCOMP") else {
        // Skipped: no profile was named.
        return;
    };
    let text = std::fs::read(place).unwrap();
    for caps in [CapSet::EMPTY, CapSet::DEFAULT, CapSet::ALL] {
        let published = oci_from_json(&text, caps).unwrap();
        let ours = to_oci(caps);
        assert_eq!(serde_json::to_value(&published).unwrap(), serde_json::to_value(&ours).unwrap());
        assert_eq!(from_oci(&published).unwrap(), default_filter(caps).unwrap());
    }
}

#[test]
fn bytes_and_back() {
    let filter = default_filter(CapSet::DEFAULT).unwrap();
    let bytes = filter.to_bytes();
    assert_eq!(bytes.len(), (filter.program().len() + 1) * 8);
    assert_eq!(Filter::from_bytes(&bytes).unwrap(), filter);
    for bad in [&[][..], &[0; 8], &[0; 15], &bytes[..bytes.len() - 1], &[0xff; 16], &vec![0; 8 * 4098]] {
        assert!(Filter::from_bytes(bad).is_err(), "{} bytes", bad.len());
    }
}

fn profile(default: LinuxSeccompAction, rules: Vec<LinuxSyscall>) -> LinuxSeccomp {
    let mut profile = LinuxSeccomp::default();
    profile.set_default_action(default);
    profile.set_syscalls(Some(rules));
    profile
}

fn rule(names: &[&str], action: LinuxSeccompAction, args: Vec<LinuxSeccompArg>) -> LinuxSyscall {
    let mut rule = LinuxSyscall::default();
    rule.set_names(names.iter().map(|name| (*name).to_owned()).collect()).set_action(action);
    rule.set_args((!args.is_empty()).then_some(args));
    rule
}

#[test]
fn long_programs_jump_far_and_longer_ones_are_refused() {
    let many = |count: u64| {
        let args = |i| vec![oci::argument(0, Cmp::ScmpCmpEq, 0x1_0000_0000 * i + i, None)];
        let rules = (0..count).map(|i| rule(&["read", "clone3"], LinuxSeccompAction::ScmpActErrno, args(i)));
        let mut profile = profile(LinuxSeccompAction::ScmpActAllow, rules.collect());
        profile.set_architectures(Some(vec![oci_spec::runtime::Arch::ScmpArchNative]));
        profile
    };
    let long = many(400);
    let filter = from_oci(&long).unwrap();
    let native = &Abi::family()[..1];
    let reading = Reading::new(&long, native);
    for name in ["read", "clone3", "write"] {
        for i in [0u64, 1, 200, 399, 400] {
            for value in [0x1_0000_0000 * i + i, i + 1, i] {
                let number = native[0].number(name).unwrap();
                let data = Data { number, arch: native[0].audit(), args: [value, 0, 0, 0, 0, 0] };
                compare(&reading, filter.program(), &data);
            }
        }
    }
    let error = from_oci(&many(2000)).unwrap_err();
    assert!(error.to_string().contains("the kernel takes 4096 at most"), "{error}");
}

#[test]
fn what_cannot_be_done_is_refused() {
    use LinuxSeccompAction as A;
    let read = |action, args| rule(&["read"], action, args);
    let errno = |number| {
        let mut rule = read(A::ScmpActErrno, vec![]);
        rule.set_errno_ret(Some(number));
        rule
    };
    for (rules, message) in [
        (vec![read(A::ScmpActNotify, vec![])], "action `SCMP_ACT_NOTIFY` is not supported"),
        (vec![read(A::ScmpActLog, vec![oci::argument(6, Cmp::ScmpCmpEq, 0, None)])], "argument 6 is out of range"),
        (vec![errno(4096)], "error number 4096 is greater than 4095"),
    ] {
        let error = from_oci(&profile(A::ScmpActAllow, rules)).unwrap_err().to_string();
        assert!(error.starts_with("reading seccomp rule for `read`: ") && error.contains(message), "{error}");
    }
    assert!(from_oci(&profile(A::ScmpActNotify, vec![])).is_err());
    // Names that no kernel of ours knows are left out.
    let unknown = profile(A::ScmpActErrno, vec![rule(&["nosuch"], A::ScmpActAllow, vec![])]);
    let nothing = profile(A::ScmpActErrno, vec![]);
    assert_eq!(from_oci(&unknown).unwrap(), from_oci(&nothing).unwrap());
}

const NAMES: [&str; 14] = [
    "read",
    "close",
    "ioctl",
    "personality",
    "socket",
    "connect",
    "sendmmsg",
    "socketcall",
    "ipc",
    "semop",
    "shmctl",
    "clone3",
    "set_tls",
    "nosuch",
];

const VALUES: [u64; 12] = [
    0,
    1,
    9,
    20,
    24,
    0x1_0001,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0x8000_0000_0000_0000,
    u64::MAX,
];

fn any_arg() -> impl Strategy<Value = LinuxSeccompArg> {
    let op = prop::sample::select(vec![
        Cmp::ScmpCmpEq,
        Cmp::ScmpCmpNe,
        Cmp::ScmpCmpLt,
        Cmp::ScmpCmpLe,
        Cmp::ScmpCmpGt,
        Cmp::ScmpCmpGe,
        Cmp::ScmpCmpMaskedEq,
    ]);
    (0usize..3, op, prop::sample::select(&VALUES[..]), prop::sample::select(&VALUES[..]))
        .prop_map(|(index, op, value, second)| oci::argument(index, op, value, Some(second)))
}

fn any_action() -> impl Strategy<Value = LinuxSeccompAction> {
    use LinuxSeccompAction as A;
    prop::sample::select(vec![
        A::ScmpActAllow,
        A::ScmpActErrno,
        A::ScmpActKill,
        A::ScmpActKillProcess,
        A::ScmpActTrap,
        A::ScmpActTrace,
        A::ScmpActLog,
    ])
}

fn any_rule() -> impl Strategy<Value = LinuxSyscall> {
    let names = prop::collection::vec(prop::sample::select(&NAMES[..]), 0..4);
    (names, any_action(), prop::collection::vec(any_arg(), 0..4), prop::option::of(0u32..5)).prop_map(
        |(names, action, args, errno)| {
            let mut rule = rule(&names, action, args);
            rule.set_errno_ret(errno);
            rule
        },
    )
}

proptest! {
    #[test]
    fn any_profile_is_compiled_to_what_it_says(
        default in any_action(),
        rules in prop::collection::vec(any_rule(), 0..12),
        abis in prop::sample::select(vec![&X86_FAMILY[..], &X86_FAMILY[..2], &X86_FAMILY[..1], &X86_FAMILY[1..2]]),
        arm in any::<bool>(),
        args in prop::collection::vec(prop::array::uniform3(prop::sample::select(&VALUES[..])), 12),
    ) {
        let abis = if arm { &ARM_FAMILY[..] } else { abis };
        let profile = profile(default, rules);
        let reading = Reading::new(&profile, abis);
        let program = compile::compile(&oci::plan_for(&profile, reading.default, abis).unwrap()).unwrap();
        for abi in Abi::ALL {
            for number in NAMES.iter().filter_map(|name| abi.number(name)) {
                for number in [number, number + 1] {
                    for [a, b, c] in &args {
                        let mut args = [*a, *b, *c, 0, 0, 0];
                        if abi.is_narrow() {
                            args = args.map(|a| a & u64::from(u32::MAX));
                        }
                        let data = Data { number: number + base(abi), arch: abi.audit(), args };
                        prop_assert_eq!(run(&program, &data), reading.verdict(&data), "{:x?}", data);
                    }
                }
            }
        }
    }
}

/// Filters belong to threads, so a thread of its own can be put behind one.
fn behind(filter: Filter, then: fn() -> Vec<i64>) -> Vec<i64> {
    let thread = std::thread::spawn(move || {
        rustix::thread::set_no_new_privs(true).unwrap();
        filter.install().unwrap();
        then()
    });
    thread.join().unwrap()
}

#[test]
fn kernel_takes_the_default_filter() {
    use crate::sys::seccomp::call;
    let results = behind(default_filter(CapSet::DEFAULT).unwrap(), || {
        vec![
            i64::from(call(libc::SYS_getpid, [0; 3]) > 0),
            call(libc::SYS_sethostname, [0; 3]),
            call(libc::SYS_kexec_load, [0; 3]),
            call(libc::SYS_io_uring_setup, [0; 3]),
            call(9999, [0; 3]),
            call(libc::SYS_socket, [16, 3, 9]),
            call(libc::SYS_personality, [0x40000, 0, 0]),
            i64::from(call(libc::SYS_personality, [0xffff_ffff, 0, 0]) >= 0),
            i64::from(std::fs::read("/proc/self/status").is_ok()),
        ]
    });
    assert_eq!(results, [1, -1, -1, -38, -38, -22, -38, 1, 1]);
}

#[test]
fn kernel_takes_a_profile_of_the_users() {
    use crate::sys::seccomp::call;
    let json = br#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["clone", "unshare"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13,
         "args": [{"index": 0, "value": 268435456, "valueTwo": 268435456, "op": "SCMP_CMP_MASKED_EQ"}]},
        {"names": ["lseek"], "action": "SCMP_ACT_ERRNO", "errno": "EXDEV",
         "args": [{"index": 1, "value": 4294967296, "op": "SCMP_CMP_GE"}]}]}"#;
    let filter = from_oci(&oci_from_json(json, CapSet::DEFAULT).unwrap()).unwrap();
    let results = behind(filter, || {
        vec![
            call(libc::SYS_unshare, [0x1000_0000, 0, 0]),
            call(libc::SYS_unshare, [0x1002_0000, 0, 0]),
            call(libc::SYS_unshare, [0, 0, 0]),
            call(libc::SYS_lseek, [u64::MAX, 0xffff_ffff, 0]),
            call(libc::SYS_lseek, [u64::MAX, 0x1_0000_0000, 0]),
        ]
    });
    assert_eq!(results, [-13, -13, 0, -9, -18]);
}
