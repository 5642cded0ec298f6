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

/// The number that a tracer sets to have a call skipped. It is no x32 call, although the bit is set.
const SKIPPED: u32 = u32::MAX;

/// Compiles a plan.
///
/// # Errors
/// The program is longer than the kernel takes.
pub(super) fn compile(plan: &Plan) -> Result<Vec<sock_filter>> {
    let mut compiler = Compiler { plan, asm: Assembler::with_capacity(512), labels: Vec::new() };
    let mut sections: Vec<(u32, Label)> = Vec::new();
    // Assembled backward: the native architecture, which is first in the plan, ends up next to the start.
    for table in plan.tables.iter().rev() {
        let audit = table.abi.audit();
        if sections.iter().any(|(a, _)| *a == audit) {
            continue;
        }
        let section = compiler.section(audit);
        sections.push((audit, section));
    }
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
    /// Where the code of each outcome is, in the section that is being made.
    labels: Vec<Option<Label>>,
}

impl Compiler<'_> {
    /// The part for one audit architecture.
    fn section(&mut self, audit: u32) -> Label {
        let narrow = self.plan.tables.iter().any(|t| t.abi.audit() == audit && t.abi.is_narrow());
        self.labels.clear();
        // Chains first, so that the search tree jumps over as little as possible.
        for (place, outcome) in (0..).zip(&self.plan.outcomes) {
            let label = match outcome {
                Outcome::Chain(rules) if self.uses(audit, place) => Some(self.chain(rules, narrow)),
                _ => None,
            };
            self.labels.push(label);
        }
        let ranges = self.ranges(audit);
        let tree = self.tree(&ranges);
        self.asm.load(NUMBER, tree)
    }

    /// Whether a call of this architecture has this outcome.
    fn uses(&self, audit: u32, outcome: u16) -> bool {
        self.plan.tables.iter().any(|t| t.abi.audit() == audit && t.has(outcome))
    }

    /// The outcomes of one architecture's numbers, from zero, as (first number, what to do).
    fn ranges(&self, audit: u32) -> Vec<(u32, Target)> {
        let mut ranges = Vec::with_capacity(128);
        let mut of_table = Vec::with_capacity(128);
        let mut tables: Vec<&Table> = self.plan.tables.iter().filter(|t| t.abi.audit() == audit).collect();
        tables.sort_by_key(|t| t.abi.base());
        let marked = tables.iter().any(|t| t.abi == Abi::X32);
        let plain = tables.iter().any(|t| t.abi.base() == 0);
        if !plain {
            push(&mut ranges, 0, Target::Return(self.plan.foreign));
        }
        for table in tables {
            of_table.clear();
            table.ranges(&mut of_table);
            for (first, outcome) in &of_table {
                push(&mut ranges, *first, self.target(*outcome));
            }
        }
        if audit == Abi::X86_64.audit() {
            if !marked {
                push(&mut ranges, X32_BIT, Target::Return(self.plan.foreign));
            }
            push(&mut ranges, SKIPPED, Target::Return(self.plan.default));
        }
        ranges
    }

    fn target(&self, outcome: u16) -> Target {
        match self.plan.outcomes.get(usize::from(outcome)) {
            Some(Outcome::Return(action)) => Target::Return(*action),
            Some(Outcome::Chain(_)) => Target::Chain(outcome),
            None => Target::Return(self.plan.default),
        }
    }

    /// The search in these ranges.
    fn tree(&mut self, ranges: &[(u32, Target)]) -> Label {
        match *ranges {
            [] => self.asm.ret(self.plan.default),
            [(_, only)] => self.leaf(only),
            // One number with the same on both sides: one comparison instead of two.
            [(_, before), (first, inner), (end, after)] if before == after && end - first == 1 => {
                let outer = self.leaf(before);
                let inner = self.leaf(inner);
                self.asm.branch(Test::Equal, first, inner, outer)
            }
            _ => {
                let (below, above) = ranges.split_at(split(ranges));
                let value = above.first().map_or(0, |(first, _)| *first);
                let below = self.tree(below);
                let above = self.tree(above);
                self.asm.branch(Test::AtLeast, value, above, below)
            }
        }
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

fn push(ranges: &mut Vec<(u32, Target)>, first: u32, target: Target) {
    if ranges.last().is_none_or(|(_, last)| *last != target) {
        ranges.push((first, target));
    }
}

/// The offset of an argument's low half. All ABIs that we know are little-endian.
fn offset(index: u8) -> u32 {
    ARGS + 8 * u32::from(index)
}

/// Where to halve: near the middle, and so that single calls stay together with their neighbours on both sides.
fn split(ranges: &[(u32, Target)]) -> usize {
    ranges.len() / 2
}
