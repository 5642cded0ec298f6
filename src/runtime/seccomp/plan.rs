//! What a filter shall do with each system call, before it is a program.
//!
//! Of several rules for one call, the first without conditions decides alone; without such a one, the first whose
//! conditions all hold; and where none does, the default. (That an unconditional rule beats conditional ones whatever
//! the order is libseccomp's behaviour, on which profiles rely.)

use super::numbers::Abi;
use crate::error::{Error, Result};

/// How an argument is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `argument & value == masked`
    MaskedEqual,
}

/// A condition on one argument of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    /// 0 to 5.
    pub index: u8,
    pub op: Op,
    /// What is compared with, or the mask.
    pub value: u64,
    /// What remains under the mask.
    pub masked: u64,
}

/// Conditions that must all hold, and what is returned to the kernel then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub action: u32,
    pub conditions: Vec<Condition>,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Return(u32),
    /// The first of these rules that holds, by place in [`Plan::rules`]; else the default.
    Chain(Vec<u16>),
}

/// Calls with numbers from here on (ARM's private ones) are kept apart.
const LOW: usize = 640;

/// The outcomes of one architecture's calls, by place in [`Plan::outcomes`].
#[derive(Debug)]
pub(super) struct Table {
    pub abi: Abi,
    low: [u16; LOW],
    high: Vec<(u32, u16)>,
}

/// What to do with each call of each architecture.
///
/// x32 has no table of its own. Its calls are those of x86-64 with a bit set, except for some that have other numbers
/// there; kernels have taken each number with the bit and without it. So the rules for a call hold for all its numbers,
/// with the bit and without it.
#[derive(Debug)]
pub(super) struct Plan {
    /// The action for calls without a rule.
    pub default: u32,
    /// The action for calls of other ABIs than those of the plan.
    pub foreign: u32,
    /// Whether x32 is covered.
    pub x32: bool,
    pub tables: Vec<Table>,
    pub rules: Vec<Rule>,
    /// The first is the default.
    pub outcomes: Vec<Outcome>,
}

/// A rule that was put into a plan.
#[derive(Debug, Clone, Copy)]
pub(super) enum RuleId {
    Unconditional { outcome: u16 },
    Conditional { rule: u16 },
}

impl Plan {
    pub(super) fn new(default: u32, foreign: u32, abis: &[Abi]) -> Plan {
        let table = |&abi| Table { abi, low: [0; LOW], high: Vec::new() };
        Plan {
            default,
            foreign,
            x32: abis.contains(&Abi::X32),
            tables: abis.iter().filter(|abi| **abi != Abi::X32).map(table).collect(),
            rules: Vec::new(),
            outcomes: vec![Outcome::Return(default)],
        }
    }

    /// Puts in a rule, to be applied to calls.
    pub(super) fn add_rule(&mut self, action: u32, conditions: &[Condition]) -> Result<RuleId> {
        if conditions.is_empty() {
            return Ok(RuleId::Unconditional { outcome: self.outcome(Outcome::Return(action))? });
        }
        let rule = u16::try_from(self.rules.len()).map_err(|_| full())?;
        self.rules.push(Rule { action, conditions: conditions.to_vec() });
        Ok(RuleId::Conditional { rule })
    }

    /// Applies a rule to a call of an ABI, by its number there (for x32 without the bit).
    pub(super) fn apply(&mut self, abi: Abi, number: u32, rule: RuleId) -> Result<()> {
        let Some(table) = self.tables.iter().position(|table| table.abi.audit() == abi.audit()) else { return Ok(()) };
        let Some(current) = self.tables.get(table).map(|table| table.get(number)) else { return Ok(()) };
        let chain = match self.outcomes.get(usize::from(current)) {
            // An outcome other than the default that returns at once is an unconditional rule's.
            Some(Outcome::Return(_)) if current != 0 => return Ok(()),
            Some(Outcome::Chain(chain)) => Some(chain),
            _ => None,
        };
        let outcome = match rule {
            RuleId::Unconditional { outcome } => outcome,
            // It was applied to this number under another name already.
            RuleId::Conditional { rule } if chain.is_some_and(|chain| chain.last() == Some(&rule)) => return Ok(()),
            RuleId::Conditional { rule } => {
                let mut chain = chain.cloned().unwrap_or_default();
                chain.push(rule);
                self.outcome(Outcome::Chain(chain))?
            }
        };
        if let Some(table) = self.tables.get_mut(table) {
            table.set(number, outcome);
        }
        Ok(())
    }

    /// The place of an outcome.
    fn outcome(&mut self, outcome: Outcome) -> Result<u16> {
        // The default's place is left out: an unconditional rule must be told from no rule.
        let known = self.outcomes.iter().skip(1).position(|o| *o == outcome);
        let place = known.map_or(self.outcomes.len(), |place| place + 1);
        if known.is_none() {
            self.outcomes.push(outcome);
        }
        u16::try_from(place).map_err(|_| full())
    }
}

fn full() -> Error {
    Error::new("compiling seccomp filter: too many rules")
}

impl Table {
    fn get(&self, number: u32) -> u16 {
        match self.low.get(number as usize) {
            Some(outcome) => *outcome,
            None => self.high.iter().find(|(n, _)| *n == number).map_or(0, |(_, outcome)| *outcome),
        }
    }

    fn set(&mut self, number: u32, outcome: u16) {
        if let Some(slot) = self.low.get_mut(number as usize) {
            *slot = outcome;
        } else if let Some((_, slot)) = self.high.iter_mut().find(|(n, _)| *n == number) {
            *slot = outcome;
        } else {
            self.high.push((number, outcome));
            self.high.sort_unstable();
        }
    }

    /// Whether some call has this outcome.
    pub(super) fn has(&self, outcome: u16) -> bool {
        self.low.contains(&outcome) || self.high.iter().any(|(_, o)| *o == outcome)
    }

    /// Adds the runs of equal outcomes to `ranges` as (first number, outcome); the last is open to the end.
    pub(super) fn ranges(&self, ranges: &mut Vec<(u32, u16)>) {
        let first = self.low.first().copied().unwrap_or(0);
        ranges.push((0, first));
        let mut last = first;
        let mut put = |number: u32, outcome: u16| {
            if outcome != last {
                ranges.push((number, outcome));
                last = outcome;
            }
        };
        for (number, outcome) in (0..).zip(&self.low) {
            put(number, *outcome);
        }
        let mut next = LOW as u32;
        for (number, outcome) in &self.high {
            if *number > next {
                put(next, 0);
            }
            put(*number, *outcome);
            next = number.saturating_add(1);
        }
        put(next, 0);
    }
}
