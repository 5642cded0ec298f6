//! The filter of a container whose network is held, whatever else it may do: sockets that a network namespace does not hold.
//!
//! A virtual machine's sockets to its host (AF_VSOCK) and some rarer families belong to the whole machine: with one of them a
//! container reaches services of the host, or of the hypervisor, and no rule of any network sees it. So only families are left that
//! stay within the namespace. io_uring makes sockets as well, where no filter sees their family; and so does the `socketcall` of
//! i386, which has been replaced by calls of their own in Linux 4.3.
//!
//! It stands beside the container's own filter (the strictest verdict counts), and also where there is none: `--privileged`,
//! `--security-opt seccomp=unconfined`, `exec --privileged`.

use super::numbers::Abi;
use super::plan::{Condition, Op, Plan};
use super::{Filter, compile};
use crate::error::Result;

/// Address families whose sockets belong to a network namespace, or to one process (AF_ALG).
const FAMILIES: [i32; 10] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
    libc::AF_PACKET,
    libc::AF_KEY,
    libc::AF_CAN,
    libc::AF_ALG,
    // No constant of its own in libc: AF_KCM.
    41,
    libc::AF_XDP,
];

/// What `socketcall` calls `socket` and `socketpair` (linux/net.h).
const SOCKET: u64 = 1;
const SOCKETPAIR: u64 = 8;

/// The filter. It installs before the container's own, which may forbid that.
pub fn fence() -> Result<Filter> {
    let plan = plan(Abi::family())?;
    Ok(Filter { program: compile::compile(&plan)?, flags: libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW as u32 })
}

pub(super) fn plan(abis: &[Abi]) -> Result<Plan> {
    let errno = |number: i32| libc::SECCOMP_RET_ERRNO | number.cast_unsigned();
    let mut plan = Plan::new(libc::SECCOMP_RET_ALLOW, libc::SECCOMP_RET_KILL_PROCESS, abis);
    // All must hold. The kernel takes half of the register; with something in the other half, it is none of these either.
    let others = FAMILIES.map(|family| argument(Op::NotEqual, u64::from(family.cast_unsigned())));
    let foreign = plan.add_rule(errno(libc::EAFNOSUPPORT), &others)?;
    let uring = plan.add_rule(errno(libc::ENOSYS), &[])?;
    let blind: Vec<_> = [SOCKET, SOCKETPAIR]
        .into_iter()
        .map(|call| plan.add_rule(errno(libc::ENOSYS), &[argument(Op::Equal, call)]))
        .collect::<Result<_>>()?;
    for abi in abis {
        for (name, rules) in [
            ("socket", &[foreign][..]),
            ("socketpair", &[foreign]),
            ("io_uring_setup", &[uring]),
            ("socketcall", &blind),
        ] {
            for rule in rules {
                if let Some(number) = abi.number(name) {
                    plan.apply(*abi, number, *rule)?;
                }
            }
        }
    }
    Ok(plan)
}

fn argument(op: Op, value: u64) -> Condition {
    Condition { index: 0, op, value, masked: 0 }
}

#[cfg(test)]
mod tests {
    use super::super::interpreter::{Data, run};
    use super::super::numbers::X32_BIT;
    use super::*;

    #[test]
    fn sockets_that_no_network_namespace_holds() {
        const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
        const NO_FAMILY: u32 = libc::SECCOMP_RET_ERRNO | 97;
        const NO_CALL: u32 = libc::SECCOMP_RET_ERRNO | 38;
        for abis in [&[Abi::X86_64, Abi::X86, Abi::X32][..], &[Abi::Aarch64, Abi::Arm]] {
            let program = compile::compile(&plan(abis).unwrap()).unwrap();
            for abi in abis {
                let verdict = |name: &str, first: u64| {
                    let bit = if *abi == Abi::X32 { X32_BIT } else { 0 };
                    let number = abi.number(name).unwrap() | bit;
                    run(&program, &Data { number, arch: abi.audit(), args: [first, 1, 0, 0, 0, 0] })
                };
                for name in ["socket", "socketpair"] {
                    for family in [1, 2, 10, 16, 17] {
                        assert_eq!(verdict(name, family), ALLOW, "{abi:?} {name} {family}");
                    }
                    // AF_VSOCK, AF_QIPCRTR, AF_SMC, AF_TIPC, AF_RDS, AF_BLUETOOTH; what is in the other half of the register.
                    for family in [40, 42, 43, 30, 21, 31, 0, 500, 0x1_0000_0028, u64::MAX] {
                        if !abi.is_narrow() || family <= u64::from(u32::MAX) {
                            assert_eq!(verdict(name, family), NO_FAMILY, "{abi:?} {name} {family}");
                        }
                    }
                }
                assert_eq!(verdict("io_uring_setup", 8), NO_CALL, "{abi:?}");
                assert_eq!(verdict("connect", 40), ALLOW, "{abi:?}");
            }
        }
        let program = fence().unwrap().program;
        if cfg!(target_arch = "x86_64") {
            let socketcall = |call: u64| run(&program, &Data { number: 102, arch: Abi::X86.audit(), args: [call; 6] });
            assert_eq!([socketcall(1), socketcall(8), socketcall(3)], [NO_CALL, NO_CALL, ALLOW]);
        }
    }
}
