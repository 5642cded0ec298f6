//! An assembler of classic BPF that works from the last instruction to the first.
//!
//! Jumps of classic BPF only go forward, so whoever assembles backward knows every target when a jump to it is made,
//! and no second pass is needed. A conditional jump reaches 255 instructions: for a target further away the assembler
//! puts a copy of it (where it is a return) or an unconditional jump next to the one that jumps.

use libc::sock_filter;

/// `A = *(u32 *)(seccomp_data + k)`
const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
/// `A &= k`
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// The furthest that a conditional jump reaches.
const REACH: usize = u8::MAX as usize;

/// What a conditional jump asks about the accumulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Equal,
    Above,
    AtLeast,
}

impl Test {
    fn code(self) -> u16 {
        let test = match self {
            Test::Equal => libc::BPF_JEQ,
            Test::Above => libc::BPF_JGT,
            Test::AtLeast => libc::BPF_JGE,
        };
        (libc::BPF_JMP | test | libc::BPF_K) as u16
    }
}

/// An instruction that can be jumped to: how many instructions stand behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label(usize);

/// A program in the making.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// The last instruction first.
    reversed: Vec<sock_filter>,
    /// The foremost return of each value.
    returns: Vec<(u32, Label)>,
}

impl Assembler {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Assembler { reversed: Vec::with_capacity(capacity), returns: Vec::with_capacity(16) }
    }

    /// The finished program, in the order of execution. Everything put in last runs first.
    pub(super) fn finish(mut self) -> Vec<sock_filter> {
        self.reversed.reverse();
        self.reversed
    }

    /// `return value`, wherever in the program it stands already.
    pub(super) fn ret(&mut self, value: u32) -> Label {
        self.ret_within(value, usize::MAX)
    }

    /// Loads the word at this offset of `seccomp_data`, then goes to `next`.
    pub(super) fn load(&mut self, offset: u32, next: Label) -> Label {
        self.fall_through(next);
        self.push(LOAD, 0, 0, offset)
    }

    /// Masks the accumulator, then goes to `next`.
    pub(super) fn and(&mut self, mask: u32, next: Label) -> Label {
        self.fall_through(next);
        self.push(AND, 0, 0, mask)
    }

    /// Goes to `yes` where the accumulator passes the test against `value`, else to `no`.
    pub(super) fn branch(&mut self, test: Test, value: u32, yes: Label, no: Label) -> Label {
        if yes == no {
            return yes;
        }
        // Bringing `no` near may put one instruction between, so `yes` must be nearer by one.
        let yes = self.near(yes, REACH - 1);
        let no = self.near(no, REACH);
        let (jt, jf) = (self.distance(yes) as u8, self.distance(no) as u8);
        self.push(test.code(), jt, jf, value)
    }

    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(sock_filter { code, jt, jf, k });
        Label(self.reversed.len() - 1)
    }

    /// How many instructions stand between the one that is put in next and `label`.
    fn distance(&self, label: Label) -> usize {
        self.reversed.len() - 1 - label.0
    }

    /// Makes `next` the instruction behind the one that is put in next.
    fn fall_through(&mut self, next: Label) {
        if self.distance(next) > 0 {
            self.bring(next, 0);
        }
    }

    /// `label`, or something that leads to it and is not further away than `reach`.
    fn near(&mut self, label: Label, reach: usize) -> Label {
        if self.distance(label) <= reach { label } else { self.bring(label, reach) }
    }

    fn bring(&mut self, label: Label, reach: usize) -> Label {
        match self.reversed.get(label.0) {
            Some(target) if target.code == RETURN => {
                let value = target.k;
                self.ret_within(value, reach)
            }
            _ => {
                let distance = self.distance(label);
                self.push(JUMP, 0, 0, distance as u32)
            }
        }
    }

    fn ret_within(&mut self, value: u32, reach: usize) -> Label {
        let known = self.returns.iter().position(|(v, _)| *v == value);
        if let Some(&(_, label)) = known.and_then(|i| self.returns.get(i))
            && self.distance(label) <= reach
        {
            return label;
        }
        let label = self.push(RETURN, 0, 0, value);
        match known.and_then(|i| self.returns.get_mut(i)) {
            Some(entry) => entry.1 = label,
            None => self.returns.push((value, label)),
        }
        label
    }
}

#[cfg(test)]
mod tests {
    use super::super::interpreter::{Data, run};
    use super::*;

    #[test]
    fn far_targets_are_brought_near() {
        for between in [0, 100, 252, 253, 254, 255, 256, 257, 600] {
            let mut asm = Assembler::default();
            let far_return = asm.ret(7);
            let far_code = asm.load(0, far_return);
            // Code that is not jumped to, to keep the two apart.
            let mut filler = asm.ret(1);
            for _ in 0..between {
                filler = asm.and(u32::MAX, filler);
            }
            let near = asm.ret(2);
            let to_return = asm.branch(Test::Equal, 5, far_return, near);
            let to_code = asm.branch(Test::AtLeast, 10, far_code, to_return);
            let start = asm.load(0, to_code);
            asm.load(4, start);
            let program = asm.finish();
            for (number, expected) in [(5, 7), (6, 2), (10, 7), (11, 7)] {
                let data = Data { number, ..Data::default() };
                assert_eq!(run(&program, &data), expected, "{number} with {between} between");
            }
        }
    }

    #[test]
    fn a_branch_to_the_same_place_is_no_instruction() {
        let mut asm = Assembler::default();
        let end = asm.ret(1);
        assert_eq!(asm.branch(Test::Above, 5, end, end), end);
        assert_eq!(asm.ret(1), end);
        assert_eq!(asm.finish().len(), 1);
    }
}
