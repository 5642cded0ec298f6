//! System call numbers by name, for every ABI that a filter of ours can cover.
//!
//! The numbers are those of the `syscalls` crate; its own lookup compares with each name in turn, so the tables are
//! sorted by name here, while compiling, and searched by halves. What the crate lacks (the x32 numbers, ARM's private
//! calls and a few second names that libseccomp knows) is added here.

use oci_spec::runtime::Arch;

/// One way into the kernel: an audit architecture; x32 shares that of x86-64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abi {
    X86_64,
    X32,
    X86,
    Aarch64,
    Arm,
}

/// Bit 30 marks an x32 call among those of x86-64.
pub(super) const X32_BIT: u32 = 0x4000_0000;

/// Stands for "no such call" in tables of numbers.
pub(super) const NONE: u32 = u32::MAX;

/// The first of ARM's private calls (`__ARM_NR_BASE`).
const ARM_PRIVATE: u32 = 0x000f_0000;

impl Abi {
    #[cfg(test)]
    pub(super) const ALL: [Abi; 5] = [Abi::X86_64, Abi::X32, Abi::X86, Abi::Aarch64, Abi::Arm];

    /// The native ABI and the others that programs on this machine can use, in the order of the profile's `archMap`.
    pub(super) const fn family() -> &'static [Abi] {
        if cfg!(target_arch = "x86_64") {
            &[Abi::X86_64, Abi::X86, Abi::X32]
        } else if cfg!(target_arch = "aarch64") {
            &[Abi::Aarch64, Abi::Arm]
        } else {
            &[]
        }
    }

    /// The ABI that OCI means by `arch`, where it is one of ours.
    pub(super) fn from_oci(arch: Arch) -> Option<Abi> {
        match arch {
            Arch::ScmpArchNative => Abi::family().first().copied(),
            Arch::ScmpArchX86_64 => Some(Abi::X86_64),
            Arch::ScmpArchX32 => Some(Abi::X32),
            Arch::ScmpArchX86 => Some(Abi::X86),
            Arch::ScmpArchAarch64 => Some(Abi::Aarch64),
            Arch::ScmpArchArm => Some(Abi::Arm),
            _ => None,
        }
    }

    /// OCI's name.
    pub(super) fn to_oci(self) -> Arch {
        match self {
            Abi::X86_64 => Arch::ScmpArchX86_64,
            Abi::X32 => Arch::ScmpArchX32,
            Abi::X86 => Arch::ScmpArchX86,
            Abi::Aarch64 => Arch::ScmpArchAarch64,
            Abi::Arm => Arch::ScmpArchArm,
        }
    }

    /// `AUDIT_ARCH_*` of linux/audit.h: what the kernel puts in `seccomp_data.arch`.
    pub(super) fn audit(self) -> u32 {
        match self {
            Abi::X86_64 | Abi::X32 => 0xc000_003e,
            Abi::X86 => 0x4000_0003,
            Abi::Aarch64 => 0xc000_00b7,
            Abi::Arm => 0x4000_0028,
        }
    }

    /// Whether arguments are 32 bits wide (x32's registers are not).
    pub(super) fn is_narrow(self) -> bool {
        matches!(self, Abi::X86 | Abi::Arm)
    }

    /// This ABI's of these numbers.
    pub(super) fn pick(self, numbers: &Numbers) -> Option<u32> {
        let [x86_64, x32, x86, aarch64, arm] = *numbers;
        let number = match self {
            Abi::X86_64 => x86_64,
            Abi::X32 => x32,
            Abi::X86 => x86,
            Abi::Aarch64 => aarch64,
            Abi::Arm => arm,
        };
        (number != NONE).then_some(number)
    }

    /// The number of the call `name`; for x32 without the bit.
    pub(super) fn number(self, name: &str) -> Option<u32> {
        let number = number_of(self, name);
        if number == NONE { None } else { Some(number) }
    }
}

type Entry = (&'static str, u32);

macro_rules! sorted_table {
    ($name:ident, $module:ident) => {
        const $name: [Entry; syscalls::$module::Sysno::count()] = {
            use syscalls::$module::Sysno;
            let mut table = [("", 0); Sysno::count()];
            let mut filled = 0;
            let mut id = 0;
            while filled < table.len() {
                if let Some(call) = Sysno::new(id) {
                    // Insertion keeps the part that is filled in order.
                    let mut at = filled;
                    while at > 0 && compare(call.name(), table[at - 1].0) < 0 {
                        table[at] = table[at - 1];
                        at -= 1;
                    }
                    table[at] = (call.name(), id as u32);
                    filled += 1;
                }
                id += 1;
            }
            table
        };
    };
}

sorted_table!(X86_64_TABLE, x86_64);
sorted_table!(X86_TABLE, x86);
sorted_table!(AARCH64_TABLE, aarch64);
sorted_table!(ARM_TABLE, arm);

static X86_64: &[Entry] = &X86_64_TABLE;
static X86: &[Entry] = &X86_TABLE;
static AARCH64: &[Entry] = &AARCH64_TABLE;
static ARM: &[Entry] = &ARM_TABLE;

/// The calls for which x32 has entries of its own, from number 512 on. The others have the number of x86-64 (arch/x86/entry/syscalls/syscall_64.tbl).
const X32_OWN: [&str; 36] = [
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];
const X32_OWN_FIRST: u32 = 512;

/// Second names and private calls: ABI, name, number.
const EXTRA: [(Abi, &str, u32); 7] = [
    (Abi::Aarch64, "newfstatat", 79),
    (Abi::Arm, "sync_file_range2", 341),
    (Abi::Arm, "breakpoint", ARM_PRIVATE + 1),
    (Abi::Arm, "cacheflush", ARM_PRIVATE + 2),
    (Abi::Arm, "usr26", ARM_PRIVATE + 3),
    (Abi::Arm, "usr32", ARM_PRIVATE + 4),
    (Abi::Arm, "set_tls", ARM_PRIVATE + 5),
];

/// The numbers of one name in the order X86_64, X32 (without the bit), X86, Aarch64, Arm; [`NONE`] where an ABI lacks it.
pub(super) type Numbers = [u32; 5];

/// Resolves names while compiling, so that nothing is looked up when the default filter is made.
pub(super) const fn numbers_of<const N: usize>(names: &[&str]) -> [Numbers; N] {
    let mut all = [[NONE; 5]; N];
    let mut i = 0;
    while i < N {
        all[i] = [
            in_table(&X86_64_TABLE, names[i]),
            x32_number(&X86_64_TABLE, names[i]),
            in_table(&X86_TABLE, names[i]),
            or_extra(Abi::Aarch64, names[i], in_table(&AARCH64_TABLE, names[i])),
            or_extra(Abi::Arm, names[i], in_table(&ARM_TABLE, names[i])),
        ];
        i += 1;
    }
    all
}

fn number_of(abi: Abi, name: &str) -> u32 {
    match abi {
        Abi::X86_64 => in_table(X86_64, name),
        Abi::X32 => x32_number(X86_64, name),
        Abi::X86 => in_table(X86, name),
        Abi::Aarch64 => or_extra(abi, name, in_table(AARCH64, name)),
        Abi::Arm => or_extra(abi, name, in_table(ARM, name)),
    }
}

const fn x32_number(x86_64: &[Entry], name: &str) -> u32 {
    let mut i = 0;
    while i < X32_OWN.len() {
        if compare(X32_OWN[i], name) == 0 {
            return X32_OWN_FIRST + i as u32;
        }
        i += 1;
    }
    in_table(x86_64, name)
}

const fn or_extra(abi: Abi, name: &str, number: u32) -> u32 {
    let mut i = 0;
    while number == NONE && i < EXTRA.len() {
        if EXTRA[i].0 as u8 == abi as u8 && compare(EXTRA[i].1, name) == 0 {
            return EXTRA[i].2;
        }
        i += 1;
    }
    number
}

const fn in_table(table: &[Entry], name: &str) -> u32 {
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let order = compare(name, table[middle].0);
        if order == 0 {
            return table[middle].1;
        }
        if order < 0 {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    NONE
}

/// Compares as `Ord` does, which constant evaluation cannot use: below, equal to or above zero.
const fn compare(a: &str, b: &str) -> i32 {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if a[i] != b[i] {
            return a[i] as i32 - b[i] as i32;
        }
        i += 1;
    }
    a.len() as i32 - b.len() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_crate_is_found_by_name() {
        macro_rules! check {
            ($abi:expr, $module:ident) => {
                let mut count = 0;
                for call in (0..1000).filter_map(syscalls::$module::Sysno::new) {
                    assert_eq!($abi.number(call.name()), Some(call.id() as u32), "{call}");
                    count += 1;
                }
                assert!(count > 300);
            };
        }
        check!(Abi::X86_64, x86_64);
        check!(Abi::X86, x86);
        check!(Abi::Aarch64, aarch64);
        check!(Abi::Arm, arm);
    }

    #[test]
    fn well_known_numbers() {
        let cases = [
            ("read", [Some(0), Some(0), Some(3), Some(63), Some(3)]),
            ("ioctl", [Some(16), Some(514), Some(54), Some(29), Some(54)]),
            ("pwritev2", [Some(328), Some(547), Some(379), Some(287), Some(393)]),
            ("recvmmsg", [Some(299), Some(537), Some(337), Some(243), Some(365)]),
            ("uselib", [Some(134), Some(134), Some(86), None, Some(86)]),
            ("newfstatat", [Some(262), Some(262), None, Some(79), None]),
            ("socketcall", [None, None, Some(102), None, None]),
            ("clone3", [Some(435); 5]),
            ("set_tls", [None, None, None, None, Some(0x000f_0005)]),
            ("", [None; 5]),
            ("zzz", [None; 5]),
            ("readx", [None; 5]),
        ];
        for (name, expected) in cases {
            assert_eq!(Abi::ALL.map(|abi| abi.number(name)), expected, "{name}");
        }
        const NUMBERS: [Numbers; 1] = numbers_of(&["ioctl"]);
        assert_eq!(NUMBERS, [[16, 514, 54, 29, 54]]);
    }

    #[test]
    fn an_abi_and_its_oci_name_are_one_to_one() {
        for abi in Abi::ALL {
            assert_eq!(Abi::from_oci(abi.to_oci()), Some(abi));
        }
        assert_eq!(Abi::from_oci(Arch::ScmpArchNative), Abi::family().first().copied());
        assert_eq!(Abi::from_oci(Arch::ScmpArchS390x), None);
    }
}
