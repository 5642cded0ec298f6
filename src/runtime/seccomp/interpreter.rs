//! An interpreter of classic BPF as seccomp runs it, to check programs against the rules that they were made from.

use libc::sock_filter;

/// `struct seccomp_data`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Data {
    pub number: u32,
    pub arch: u32,
    pub args: [u64; 6],
}

impl Data {
    fn word(&self, offset: u32) -> u32 {
        assert_eq!(offset % 4, 0, "unaligned load");
        match offset {
            0 => self.number,
            4 => self.arch,
            8 | 12 => 0,
            16.. => {
                let word = (offset - 16) / 4;
                let value = self.args[word as usize / 2];
                if word.is_multiple_of(2) { value as u32 } else { (value >> 32) as u32 }
            }
            _ => unreachable!(),
        }
    }
}

/// Runs a program and returns its verdict. Panics on what the kernel would refuse.
pub(super) fn run(program: &[sock_filter], data: &Data) -> u32 {
    counted(program, data).0
}

/// The verdict, and how many instructions it took.
pub(super) fn counted(program: &[sock_filter], data: &Data) -> (u32, usize) {
    let (mut at, mut accumulator, mut steps) = (0usize, 0u32, 0);
    loop {
        let i = program[at];
        at += 1;
        steps += 1;
        let branch = |yes: bool| usize::from(if yes { i.jt } else { i.jf });
        match i.code {
            0x20 => accumulator = data.word(i.k),
            0x54 => accumulator &= i.k,
            0x05 => at += i.k as usize,
            0x15 => at += branch(accumulator == i.k),
            0x25 => at += branch(accumulator > i.k),
            0x35 => at += branch(accumulator >= i.k),
            0x06 => return (i.k, steps),
            code => panic!("unexpected instruction {code:#x}"),
        }
    }
}
