//! The seccomp section of an OCI spec as a plan.

use oci_spec::runtime::{
    LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder, LinuxSeccompFilterFlag,
    LinuxSeccompOperator, LinuxSyscall,
};

use super::mux;
use super::numbers::Abi;
use super::plan::{Condition, Op, Plan};
use crate::bail;
use crate::error::{Context, Error, Result};

/// The greatest error number that the kernel returns (`MAX_ERRNO`); it would cut down a greater one.
const MAX_ERRNO: u32 = 4095;

/// Makes a plan of the rules that a spec lists.
pub(super) fn plan(profile: &LinuxSeccomp) -> Result<Plan> {
    let default = action(profile.default_action(), profile.default_errno_ret()).context("reading default action")?;
    let abis = abis(profile)?;
    plan_for(profile, default, &abis)
}

/// The same, for these ABIs.
pub(super) fn plan_for(profile: &LinuxSeccomp, default: u32, abis: &[Abi]) -> Result<Plan> {
    let mut plan = Plan::new(default, foreign(default), abis);
    let rules: Vec<Rule> = profile.syscalls().iter().flatten().map(Rule::read).collect::<Result<_>>()?;
    // What would happen anyway is no rule (as in runc and crun): it must not beat a later one.
    let rules = rules.iter().filter(|rule| rule.action != default);
    for rule in rules.clone() {
        for conditions in rule.alternatives() {
            rule.apply(&mut plan, abis, conditions)?;
        }
    }
    // The other way into the same calls has conditions always, so that the order must be made here.
    if abis.contains(&Abi::X86) {
        let (plain, conditional): (Vec<&Rule>, Vec<&Rule>) = rules.partition(|rule| rule.conditions.is_empty());
        for rule in plain.iter().chain(&conditional) {
            rule.apply_multiplexed(&mut plan)?;
        }
    }
    Ok(plan)
}

/// One rule of a spec.
struct Rule<'a> {
    names: &'a [String],
    action: u32,
    conditions: Vec<Condition>,
}

impl Rule<'_> {
    fn read(syscall: &LinuxSyscall) -> Result<Rule<'_>> {
        let names = syscall.names();
        let read = || -> Result<_> {
            let action = action(syscall.action(), syscall.errno_ret())?;
            let conditions = syscall.args().iter().flatten().map(condition).collect::<Result<_>>()?;
            Ok(Rule { names, action, conditions })
        };
        read().with_context(|| format!("reading seccomp rule for `{}`", names.first().map_or("", String::as_str)))
    }

    /// The sets of conditions of which one must hold.
    fn alternatives(&self) -> Vec<&[Condition]> {
        let mut seen = 0u8;
        let repeated = self.conditions.iter().any(|c| {
            let known = seen & (1 << c.index) != 0;
            seen |= 1 << c.index;
            known
        });
        // Several conditions on one argument are alternatives, by what runc has always done.
        if repeated { self.conditions.chunks(1).collect() } else { vec![&self.conditions] }
    }

    fn apply(&self, plan: &mut Plan, abis: &[Abi], conditions: &[Condition]) -> Result<()> {
        let id = plan.add_rule(self.action, conditions)?;
        for abi in abis {
            for number in self.names.iter().filter_map(|name| abi.number(name)) {
                plan.apply(*abi, number, id)?;
            }
        }
        Ok(())
    }

    fn apply_multiplexed(&self, plan: &mut Plan) -> Result<()> {
        let allows = self.action == libc::SECCOMP_RET_ALLOW;
        if allows && !self.conditions.is_empty() {
            return Ok(());
        }
        for (number, condition) in self.names.iter().filter_map(|name| mux::on_x86(name)) {
            let id = plan.add_rule(self.action, &[condition])?;
            plan.apply(Abi::X86, number, id)?;
        }
        Ok(())
    }
}

/// `SECCOMP_FILTER_FLAG_*` for the flags that a spec lists. Without a list it is `SPEC_ALLOW`, as in runc: the
/// mitigation for speculative store bypass costs much and has not been the kernel's own default since 5.16.
pub(super) fn flags(profile: &LinuxSeccomp) -> u32 {
    let Some(flags) = profile.flags() else { return libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW as u32 };
    flags.iter().fold(0, |all, flag| {
        all | match flag {
            LinuxSeccompFilterFlag::SeccompFilterFlagLog => libc::SECCOMP_FILTER_FLAG_LOG,
            LinuxSeccompFilterFlag::SeccompFilterFlagTsync => libc::SECCOMP_FILTER_FLAG_TSYNC,
            LinuxSeccompFilterFlag::SeccompFilterFlagSpecAllow => libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW,
            // Only has a meaning for a filter with a listener, which ours are not, and is refused without one.
            LinuxSeccompFilterFlag::SeccompFilterFlagWaitKillableRecv => 0,
        } as u32
    })
}

/// The ABIs that a profile covers, of this machine's: those that it lists, or all where it lists none.
fn abis(profile: &LinuxSeccomp) -> Result<Vec<Abi>> {
    let family = Abi::family();
    let Some(native) = family.first() else { bail!("seccomp filters are not supported on this architecture") };
    let listed = match profile.architectures() {
        Some(listed) if !listed.is_empty() => listed,
        _ => return Ok(family.to_vec()),
    };
    let listed: Vec<Abi> = listed.iter().filter_map(|arch| Abi::from_oci(*arch)).collect();
    // The native one is always covered, as with libseccomp: else nothing could run.
    Ok(family.iter().filter(|abi| *abi == native || listed.contains(abi)).copied().collect())
}

/// What happens to calls of ABIs that the profile does not cover. A default that lets calls through must not let these
/// through: they would go around the rules.
fn foreign(default: u32) -> u32 {
    match default & libc::SECCOMP_RET_ACTION_FULL {
        libc::SECCOMP_RET_ALLOW | libc::SECCOMP_RET_LOG | libc::SECCOMP_RET_TRACE => libc::SECCOMP_RET_KILL_PROCESS,
        _ => default,
    }
}

/// The value that a BPF program returns for an action.
fn action(action: LinuxSeccompAction, data: Option<u32>) -> Result<u32> {
    use LinuxSeccompAction as A;
    Ok(match action {
        A::ScmpActKill | A::ScmpActKillThread => libc::SECCOMP_RET_KILL_THREAD,
        A::ScmpActKillProcess => libc::SECCOMP_RET_KILL_PROCESS,
        A::ScmpActTrap => libc::SECCOMP_RET_TRAP,
        A::ScmpActErrno => {
            let number = data.unwrap_or(libc::EPERM as u32);
            if number > MAX_ERRNO {
                bail!("error number {number} is greater than {MAX_ERRNO}");
            }
            libc::SECCOMP_RET_ERRNO | number
        }
        A::ScmpActTrace => {
            let number = data.unwrap_or(libc::EPERM as u32);
            if number > libc::SECCOMP_RET_DATA {
                bail!("trace number {number} is greater than {}", libc::SECCOMP_RET_DATA);
            }
            libc::SECCOMP_RET_TRACE | number
        }
        A::ScmpActLog => libc::SECCOMP_RET_LOG,
        A::ScmpActAllow => libc::SECCOMP_RET_ALLOW,
        A::ScmpActNotify => {
            return Err(Error::new("action `SCMP_ACT_NOTIFY` is not supported")
                .hint("use a seccomp profile without it: there is no seccomp agent here to notify"));
        }
    })
}

fn condition(arg: &LinuxSeccompArg) -> Result<Condition> {
    let op = match arg.op() {
        LinuxSeccompOperator::ScmpCmpEq => Op::Equal,
        LinuxSeccompOperator::ScmpCmpNe => Op::NotEqual,
        LinuxSeccompOperator::ScmpCmpLt => Op::Less,
        LinuxSeccompOperator::ScmpCmpLe => Op::LessOrEqual,
        LinuxSeccompOperator::ScmpCmpGt => Op::Greater,
        LinuxSeccompOperator::ScmpCmpGe => Op::GreaterOrEqual,
        LinuxSeccompOperator::ScmpCmpMaskedEq => Op::MaskedEqual,
    };
    match u8::try_from(arg.index()) {
        Ok(index @ 0..=5) => Ok(Condition { index, op, value: arg.value(), masked: arg.value_two().unwrap_or(0) }),
        _ => bail!("argument {} is out of range: a system call has arguments 0 to 5", arg.index()),
    }
}

/// A condition as an OCI spec has it.
pub(super) fn argument(index: usize, op: LinuxSeccompOperator, value: u64, second: Option<u64>) -> LinuxSeccompArg {
    let builder = LinuxSeccompArgBuilder::default().index(index).op(op).value(value);
    let builder = match second {
        Some(second) => builder.value_two(second),
        None => builder,
    };
    // It only fails where a field without a default is missing, and there is none.
    builder.build().unwrap_or_default()
}

/// OCI's name of an operator.
pub(super) fn operator(op: Op) -> LinuxSeccompOperator {
    match op {
        Op::Equal => LinuxSeccompOperator::ScmpCmpEq,
        Op::NotEqual => LinuxSeccompOperator::ScmpCmpNe,
        Op::Less => LinuxSeccompOperator::ScmpCmpLt,
        Op::LessOrEqual => LinuxSeccompOperator::ScmpCmpLe,
        Op::Greater => LinuxSeccompOperator::ScmpCmpGt,
        Op::GreaterOrEqual => LinuxSeccompOperator::ScmpCmpGe,
        Op::MaskedEqual => LinuxSeccompOperator::ScmpCmpMaskedEq,
    }
}
