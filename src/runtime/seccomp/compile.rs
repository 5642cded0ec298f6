//! Makes a BPF program of a plan.
//!
//! The program asks for the audit architecture first and then searches the number by halves over ranges of calls with
//! the same outcome, so that a call is decided in about ten instructions and the whole default filter is a few hundred.
//! Only a call whose rules have conditions looks at arguments: the kernel keeps a bitmap of the calls that a filter
//! allows by number alone, and does not run the program for these at all (seccomp_cache_prepare in kernel/seccomp.c
//! knows the instructions that are used here).

use libc::sock_filter;

use super::bpf::{Assembler, Label, Test};
use super::numbers::{Abi, X32_BIT};
use super::plan::{Condition, Op, Outcome, Plan, Table};
use crate::error::{Error, Result};

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGS: u32 = 16;

/// `BPF_MAXINSNS`
const LONGEST: usize = 4096;

/// How many single calls are asked for one by one.
const FEW: usize = 3;

/// The number that a tracer sets to have a call skipped. It is no x32 call, although the bit is set. (Where x32 is
/// covered, it is a number above all others.)
const SKIPPED: u32 = u32::MAX;

/// Compiles a plan.
///
/// # Errors
/// The program is longer than the kernel takes.
pub(super) fn compile(plan: &Plan) -> Result<Vec<sock_filter>> {
    let mut compiler = Compiler { plan, asm: Assembler::with_capacity(512), labels: Vec::new() };
    // Assembled backward: the native architecture, which is first in the plan, ends up next to the start.
    let sections: Vec<(u32, Label)> =
        plan.tables.iter().rev().map(|table| (table.abi.audit(), compiler.section(table))).collect();
    let mut start = compiler.asm.ret(plan.foreign);
    for (audit, section) in sections {
        start = compiler.asm.branch(Test::Equal, audit, section, start);
    }
    compiler.asm.load(ARCH, start);
    let program = compiler.asm.finish();
    if program.len() > LONGEST {
        return Err(Error::new(format!(
            "compiling seccomp filter: {} instructions, and the kernel takes {LONGEST} at most",
            program.len()
        ))
        .hint("use a profile with fewer conditions on arguments"));
    }
    Ok(program)
}

struct Compiler<'a> {
    plan: &'a Plan,
    asm: Assembler,
    /// Where the code of each chain of rules is, in the section that is being made.
    labels: Vec<Option<Label>>,
}

impl Compiler<'_> {
    /// The part for one architecture.
    fn section(&mut self, table: &Table) -> Label {
        self.labels.clear();
        // Chains first, so that the search tree jumps over as little as possible.
        for (place, outcome) in (0..).zip(&self.plan.outcomes) {
            let label = match outcome {
                Outcome::Chain(rules) if table.has(place) => Some(self.chain(rules, table.abi.is_narrow())),
                _ => None,
            };
            self.labels.push(label);
        }
        let mut ranges = Vec::with_capacity(128);
        table.ranges(&mut ranges);
        let mut ranges: Vec<(u32, Target)> = ranges.iter().map(|(first, o)| (*first, self.target(*o))).collect();
        let x86_64 = table.abi == Abi::X86_64;
        if x86_64 && !self.plan.x32 {
            ranges.push((X32_BIT, Target::Return(self.plan.foreign)));
            ranges.push((SKIPPED, Target::Return(self.plan.default)));
        }
        let mut start = self.tree(&ranges, u32::MAX);
        if x86_64 && self.plan.x32 {
            start = self.asm.and(!X32_BIT, start);
        }
        self.asm.load(NUMBER, start)
    }

    fn target(&self, outcome: u16) -> Target {
        match self.plan.outcomes.get(usize::from(outcome)) {
            Some(Outcome::Return(action)) => Target::Return(*action),
            Some(Outcome::Chain(_)) => Target::Chain(outcome),
            None => Target::Return(self.plan.default),
        }
    }

    /// The search in these ranges, the last of which goes to `end`.
    fn tree(&mut self, ranges: &[(u32, Target)], end: u32) -> Label {
        let Some(&(_, first)) = ranges.first() else { return self.asm.ret(self.plan.default) };
        if ranges.len() == 1 {
            return self.leaf(first);
        }
        let second = ranges.get(1).map_or(first, |(_, second)| *second);
        for background in [first, second] {
            if let Some(exceptions) = exceptions(ranges, end, background) {
                let mut label = self.leaf(background);
                for (number, target) in exceptions.into_iter().rev() {
                    let target = self.leaf(target);
                    label = self.asm.branch(Test::Equal, number, target, label);
                }
                return label;
            }
        }
        let (below, above) = ranges.split_at(split(ranges, end));
        let value = above.first().map_or(end, |(first, _)| *first);
        let below = self.tree(below, value);
        let above = self.tree(above, end);
        self.asm.branch(Test::AtLeast, value, above, below)
    }

    fn leaf(&mut self, target: Target) -> Label {
        match target {
            Target::Return(action) => self.asm.ret(action),
            Target::Chain(outcome) => match self.labels.get(usize::from(outcome)) {
                Some(Some(label)) => *label,
                _ => self.asm.ret(self.plan.default),
            },
        }
    }

    /// The first of these rules that holds.
    fn chain(&mut self, rules: &[u16], narrow: bool) -> Label {
        let mut next = self.asm.ret(self.plan.default);
        for place in rules.iter().rev() {
            let Some(rule) = self.plan.rules.get(usize::from(*place)) else { continue };
            let mut label = self.asm.ret(rule.action);
            for condition in rule.conditions.iter().rev() {
                label = self.condition(condition, narrow, label, next);
            }
            next = label;
        }
        next
    }

    /// Goes to `yes` where the condition holds, else to `no`.
    fn condition(&mut self, c: &Condition, narrow: bool, yes: Label, no: Label) -> Label {
        let (test, yes, no) = match c.op {
            Op::Equal => (Test::Equal, yes, no),
            Op::NotEqual => (Test::Equal, no, yes),
            Op::Greater => (Test::Above, yes, no),
            Op::LessOrEqual => (Test::Above, no, yes),
            Op::GreaterOrEqual => (Test::AtLeast, yes, no),
            Op::Less => (Test::AtLeast, no, yes),
            Op::MaskedEqual => return self.masked(c, narrow, yes, no),
        };
        let (low, high) = (c.value as u32, (c.value >> 32) as u32);
        let low = self.asm.branch(test, low, yes, no);
        let low = self.asm.load(offset(c.index), low);
        if narrow {
            return low;
        }
        // Where the high halves are equal, the low ones decide.
        let other = match test {
            Test::Equal => no,
            Test::Above | Test::AtLeast => self.asm.branch(Test::Above, high, yes, no),
        };
        let high_word = self.asm.branch(Test::Equal, high, low, other);
        self.asm.load(offset(c.index) + 4, high_word)
    }

    fn masked(&mut self, c: &Condition, narrow: bool, yes: Label, no: Label) -> Label {
        // Bits outside the mask are not compared, as in libseccomp.
        let masked = c.value & c.masked;
        let mut label = yes;
        for (half, word) in [(0, offset(c.index)), (32, offset(c.index) + 4)] {
            let (mask, masked) = ((c.value >> half) as u32, (masked >> half) as u32);
            if mask == 0 || (half == 32 && narrow) {
                continue;
            }
            label = self.asm.branch(Test::Equal, masked, label, no);
            if mask != u32::MAX {
                label = self.asm.and(mask, label);
            }
            label = self.asm.load(word, label);
        }
        label
    }
}

/// What a range of calls leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Return(u32),
    Chain(u16),
}

/// The single calls in `ranges` for which something else happens than `background`, where they are few: to ask for each
/// is shorter then than to search for where it begins and ends.
fn exceptions(ranges: &[(u32, Target)], end: u32, background: Target) -> Option<Vec<(u32, Target)>> {
    if ranges.len() > 2 * FEW + 1 {
        return None;
    }
    let mut exceptions = Vec::new();
    for (i, (first, target)) in ranges.iter().enumerate() {
        let next = ranges.get(i + 1).map_or(end, |(next, _)| *next);
        if *target != background {
            if exceptions.len() + (next - first) as usize > FEW {
                return None;
            }
            exceptions.extend((*first..next).map(|number| (number, *target)));
        }
    }
    Some(exceptions)
}

/// The offset of an argument's low half. All ABIs that we know are little-endian.
fn offset(index: u8) -> u32 {
    ARGS + 8 * u32::from(index)
}

/// Where to halve: so that both sides weigh the same.
///
/// When a filter is installed the kernel tries it with every number that it has a call for, which takes longer than
/// all else there, so what weighs is how many of these numbers a range has.
fn split(ranges: &[(u32, Target)], end: u32) -> usize {
    const KERNELS: u32 = 470;
    let next = |i: usize| ranges.get(i + 1).map_or(end, |(next, _)| *next).min(KERNELS);
    let weight = |i: usize| ranges.get(i).map_or(0, |(first, _)| 1 + 16 * next(i).saturating_sub(*first));
    let whole: u32 = (0..ranges.len()).map(weight).sum();
    let (mut best, mut least, mut below) = (1, u32::MAX, 0);
    for i in 1..ranges.len() {
        below += weight(i - 1);
        let difference = whole.abs_diff(2 * below);
        if difference < least {
            (best, least) = (i, difference);
        }
    }
    best
}
