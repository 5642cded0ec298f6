//! Capabilities: names and numbers, what a user other than root gets of a container's, and setting them in the process
//! that becomes the container's. What `--cap-add` and `--cap-drop` mean is for `container::capabilities` to say.
//!
//! The order in that process, which the kernel's rules dictate:
//!
//! ```text
//! 1. ProcessCaps::limit_bounding     needs CAP_SETPCAP, which the change of user takes away
//! 2. keep_across_setuid              else setuid to another user than 0 empties the permitted set
//! 3. setgroups, setresgid, setresuid
//! 4. ProcessCaps::apply              capset, then ambient (which must be permitted and inheritable already)
//! 5. seccomp filter                  before 4 where no_new_privs is not set: it needs CAP_SYS_ADMIN then
//! ```
//!
//! Nothing in these steps allocates.

use std::fmt;

use oci_spec::runtime::{Capabilities, Capability, LinuxCapabilities};
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::error::{Context, Error, Result};

/// All capabilities in the order of their numbers (linux/capability.h), as the kernel and OCI name them.
const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// A set of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct CapSet(u64);

impl CapSet {
    /// No capability.
    pub const EMPTY: CapSet = CapSet(0);
    /// Every capability that has a name here.
    pub const ALL: CapSet = CapSet((1 << NAMES.len()) - 1);
    /// What a container has unless told otherwise: Podman's default.
    pub const DEFAULT: CapSet = CapSet::of(&[
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
    ]);

    /// A set by full names, while compiling. An unknown name does not compile.
    pub(super) const fn of(names: &[&str]) -> CapSet {
        let (mut bits, mut i) = (0, 0);
        while i < names.len() {
            let mut number = 0;
            while !same(NAMES[number], names[i]) {
                number += 1;
            }
            bits |= 1 << number;
            i += 1;
        }
        CapSet(bits)
    }

    /// The capabilities that this kernel knows (and we have a name for): what `all` means. A new user namespace
    /// starts with every one of them.
    pub fn available() -> CapSet {
        let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap");
        match last.ok().and_then(|text| text.trim().parse::<u32>().ok()) {
            Some(last) if last < 63 => CapSet(Self::ALL.0 & ((1 << (last + 1)) - 1)),
            _ => Self::ALL,
        }
    }

    /// A set by names, in any of the forms that [`parse`] takes (`all` is not one).
    pub fn from_names<S: AsRef<str>>(names: &[S]) -> Result<CapSet> {
        names.iter().try_fold(Self::EMPTY, |set, name| Ok(CapSet(set.0 | 1 << parse(name.as_ref())?)))
    }

    /// OCI's names, in alphabetical order as Podman writes them.
    pub fn names(self) -> Vec<String> {
        let mut names: Vec<String> = self.iter().map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    /// OCI's names, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = &'static str> {
        (0u32..).zip(NAMES).filter(move |(number, _)| self.0 & (1 << number) != 0).map(|(_, name)| name)
    }

    /// Whether all of `other` is in this set.
    pub const fn contains(self, other: CapSet) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in this set.
    pub const fn intersects(self, other: CapSet) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether nothing is in this set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: CapSet) -> CapSet {
        CapSet(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn intersection(self, other: CapSet) -> CapSet {
        CapSet(self.0 & other.0)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub const fn difference(self, other: CapSet) -> CapSet {
        CapSet(self.0 & !other.0)
    }

    /// One bit for each capability, by number, as in `/proc/PID/status`.
    pub const fn bits(self) -> u64 {
        self.0
    }

    fn from_oci(set: Option<&Capabilities>) -> CapSet {
        // The names of both are the kernel's, so what oci-spec has read is known here.
        let names: Vec<String> = set.into_iter().flatten().map(|c| format!("CAP_{c}")).collect();
        CapSet::from_names(&names).unwrap_or_default()
    }

    fn to_oci(self) -> Capabilities {
        self.iter().filter_map(|name| name.trim_start_matches("CAP_").parse::<Capability>().ok()).collect()
    }

    fn to_kernel(self) -> CapabilitySet {
        CapabilitySet::from_bits_retain(self.0)
    }
}

impl fmt::Debug for CapSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    a.len() == b.len() && i == a.len()
}

/// The number of a capability: `CAP_NET_RAW`, `net_raw`, in capitals or not.
pub fn parse(name: &str) -> Result<u8> {
    let upper = name.to_ascii_uppercase();
    let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
    let number = NAMES.iter().position(|known| known.strip_prefix("CAP_") == Some(bare));
    match number.and_then(|number| u8::try_from(number).ok()) {
        Some(number) => Ok(number),
        None => Err(Error::new(format!("unknown capability `{name}`"))
            .hint("see capabilities(7) for the names, such as NET_RAW or CAP_NET_RAW, or use `all`")),
    }
}

/// The five sets of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessCaps {
    /// The limit of what any program can gain by exec.
    pub bounding: CapSet,
    /// What the kernel checks.
    pub effective: CapSet,
    /// What can be made effective.
    pub permitted: CapSet,
    /// What exec may keep.
    pub inheritable: CapSet,
    /// What exec of a program without file capabilities keeps for users other than root.
    pub ambient: CapSet,
}

impl ProcessCaps {
    /// The sets of a container's process. Root has all of the container's capabilities. Another user has none, and
    /// can only gain them (by programs with file capabilities or the set-user-ID bit), except those that were asked
    /// for by `--cap-add`: these survive the exec as ambient capabilities.
    pub fn for_user(container: CapSet, added: CapSet, uid: u32) -> ProcessCaps {
        if uid == 0 {
            let bounding = container;
            return ProcessCaps { bounding, effective: container, permitted: container, ..ProcessCaps::default() };
        }
        let own = added.intersection(container);
        ProcessCaps { bounding: container, effective: own, permitted: own, inheritable: own, ambient: own }
    }

    /// From an OCI spec.
    pub fn from_oci(caps: &LinuxCapabilities) -> ProcessCaps {
        ProcessCaps {
            bounding: CapSet::from_oci(caps.bounding().as_ref()),
            effective: CapSet::from_oci(caps.effective().as_ref()),
            permitted: CapSet::from_oci(caps.permitted().as_ref()),
            inheritable: CapSet::from_oci(caps.inheritable().as_ref()),
            ambient: CapSet::from_oci(caps.ambient().as_ref()),
        }
    }

    /// For an OCI spec. Inheritable and ambient are left out when they are empty, as Podman does.
    pub fn to_oci(&self) -> LinuxCapabilities {
        let mut caps = LinuxCapabilities::default();
        let unless_empty = |set: CapSet| (!set.is_empty()).then(|| set.to_oci());
        caps.set_bounding(Some(self.bounding.to_oci()));
        caps.set_effective(Some(self.effective.to_oci()));
        caps.set_permitted(Some(self.permitted.to_oci()));
        caps.set_inheritable(unless_empty(self.inheritable));
        caps.set_ambient(unless_empty(self.ambient));
        caps
    }

    /// Drops everything else from the calling thread's bounding set. Needs `CAP_SETPCAP`.
    pub fn limit_bounding(&self) -> rustix::io::Result<()> {
        // To the kernel's last one, and not to ours: those of a future kernel must go, too.
        for number in 0..64 {
            let one = 1u64 << number;
            if self.bounding.0 & one != 0 {
                continue;
            }
            match rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(one)) {
                Err(rustix::io::Errno::INVAL) => break,
                other => other?,
            }
        }
        Ok(())
    }

    /// Sets the calling thread's effective, permitted, inheritable and ambient sets. The last step before the exec.
    pub fn apply(&self) -> rustix::io::Result<()> {
        rustix::thread::clear_ambient_capability_set()?;
        let sets = CapabilitySets {
            effective: self.effective.to_kernel(),
            permitted: self.permitted.to_kernel(),
            inheritable: self.inheritable.to_kernel(),
        };
        rustix::thread::set_capabilities(None, sets)?;
        for number in 0..64 {
            let one = 1u64 << number;
            if self.ambient.0 & one != 0 {
                rustix::thread::configure_capability_in_ambient_set(CapabilitySet::from_bits_retain(one), true)?;
            }
        }
        Ok(())
    }
}

/// Lets the permitted set survive the change to another user. The flag is gone after exec.
pub fn keep_across_setuid() -> Result<()> {
    rustix::thread::set_keep_capabilities(true).context("keeping capabilities across the change of user")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> CapSet {
        CapSet::from_names(names).unwrap()
    }

    #[test]
    fn names_are_read_in_all_their_forms() {
        for (name, number) in [
            ("CAP_CHOWN", 0),
            ("chown", 0),
            ("Net_Raw", 13),
            ("cap_sys_admin", 21),
            ("CHECKPOINT_RESTORE", 40),
            ("CAP_AUDIT_READ", 37),
        ] {
            assert_eq!(parse(name).unwrap(), number, "{name}");
        }
        for name in ["", "CAP_", "CAP_CAP_CHOWN", "all", "CHOWN ", "nosuch"] {
            assert_eq!(parse(name).unwrap_err().to_string(), format!("unknown capability `{name}`"));
        }
    }

    #[test]
    fn numbers_are_the_kernels() {
        for (number, name) in (0u32..).zip(NAMES) {
            let ours: caps::Capability = name.parse().unwrap();
            assert_eq!(u32::from(ours.index()), number, "{name}");
        }
        assert_eq!(caps::all().len(), NAMES.len());
        assert!(CapSet::ALL.contains(CapSet::available()) && CapSet::available().contains(CapSet::DEFAULT));
    }

    #[test]
    fn root_has_all_and_a_user_only_what_was_added() {
        let container = CapSet::DEFAULT.union(set(&["net_raw"]));
        let root = ProcessCaps::for_user(container, set(&["net_raw"]), 0);
        assert_eq!((root.bounding, root.effective, root.permitted), (container, container, container));
        assert!(root.inheritable.is_empty() && root.ambient.is_empty());
        let user = ProcessCaps::for_user(container, set(&["net_raw", "bpf"]), 1000);
        let own = set(&["net_raw"]);
        assert_eq!(
            user,
            ProcessCaps { bounding: container, effective: own, permitted: own, inheritable: own, ambient: own }
        );
        let plain = ProcessCaps::for_user(container, CapSet::EMPTY, 1000);
        assert_eq!(plain, ProcessCaps { bounding: container, ..ProcessCaps::default() });
    }

    #[test]
    fn oci_and_back() {
        for caps in [
            ProcessCaps::for_user(CapSet::ALL, CapSet::EMPTY, 0),
            ProcessCaps::for_user(CapSet::DEFAULT, set(&["kill"]), 5),
            ProcessCaps::default(),
        ] {
            assert_eq!(ProcessCaps::from_oci(&caps.to_oci()), caps);
        }
        assert_eq!(CapSet::DEFAULT.names().first().map(String::as_str), Some("CAP_CHOWN"));
        assert_eq!(CapSet::DEFAULT.names().len(), 11);
    }

    /// Capabilities belong to threads, so a thread of its own can lose them. Raising the effective set of a thread
    /// needs privileges: without them the test only drops.
    #[test]
    fn sets_arrive_in_the_kernel() {
        let status = std::thread::spawn(|| {
            let before = rustix::thread::capabilities(None).unwrap();
            let own = CapSet(before.permitted.bits());
            let caps = ProcessCaps::for_user(own.intersection(CapSet::DEFAULT), set(&["kill"]), 1000);
            let root = own.contains(set(&["setpcap"]));
            if root {
                caps.limit_bounding().unwrap();
            }
            let caps = ProcessCaps { bounding: CapSet::EMPTY, ..caps };
            caps.apply().unwrap();
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            (own, root, status)
        });
        let (own, root, status) = status.join().unwrap();
        let line = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        let kill = own.intersection(set(&["kill"])).bits();
        assert_eq!([line("CapEff:"), line("CapPrm:"), line("CapInh:"), line("CapAmb:")], [kill; 4]);
        if root {
            assert_eq!(line("CapBnd:"), own.intersection(CapSet::DEFAULT).bits());
        }
    }
}
