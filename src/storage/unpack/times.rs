//! Sets modification times, and remembers those of directories until everything in them is written.
//!
//! A million directories must fit: a path is kept as the length it shares with the path before, and the rest.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Timespec, Timestamps};

use crate::error::{Context, Result};

/// A modification time (seconds and nanoseconds) as the kernel takes it, for the last access too.
pub fn timestamps((seconds, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: i64::from(nanos) };
    Timestamps { last_access: time, last_modification: time }
}

/// Sets the time of an open file or directory.
pub fn set_time_of(file: impl AsFd, mtime: (i64, u32)) -> Result<()> {
    rustix::fs::futimens(file, &timestamps(mtime)).context("setting its time")
}

/// Sets the time of a name, links not followed.
pub fn set_time(parent: impl AsFd, name: impl rustix::path::Arg, mtime: (i64, u32)) -> Result<()> {
    rustix::fs::utimensat(parent, name, &timestamps(mtime), AtFlags::SYMLINK_NOFOLLOW).context("setting its time")
}

/// Paths with modification times, packed.
#[derive(Debug, Default)]
pub struct DirTimes {
    packed: Vec<u8>,
    last: Vec<u8>,
}

impl DirTimes {
    /// Remembers a clean path with seconds and nanoseconds.
    pub fn push(&mut self, path: &[u8], (seconds, nanos): (i64, u32)) {
        let shared = path.iter().zip(&self.last).take_while(|(a, b)| a == b).count().min(usize::from(u16::MAX));
        let rest = path.get(shared..).unwrap_or_default();
        self.packed.extend_from_slice(&(shared as u16).to_le_bytes());
        self.packed.extend_from_slice(&(rest.len() as u32).to_le_bytes());
        self.packed.extend_from_slice(&seconds.to_le_bytes());
        self.packed.extend_from_slice(&nanos.to_le_bytes());
        self.packed.extend_from_slice(rest);
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
    }

    /// Calls `each` for every path, oldest first.
    pub fn for_each(&self, mut each: impl FnMut(&[u8], (i64, u32))) {
        let mut path = Vec::new();
        let mut bytes = self.packed.as_slice();
        while let Some((shared, rest)) = bytes.split_first_chunk::<2>() {
            let Some((length, rest)) = rest.split_first_chunk::<4>() else { return };
            let Some((seconds, rest)) = rest.split_first_chunk::<8>() else { return };
            let Some((nanos, rest)) = rest.split_first_chunk::<4>() else { return };
            let Some((tail, rest)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize) else { return };
            path.truncate(usize::from(u16::from_le_bytes(*shared)));
            path.extend_from_slice(tail);
            each(&path, (i64::from_le_bytes(*seconds), u32::from_le_bytes(*nanos)));
            bytes = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let all: [(&[u8], (i64, u32)); 5] =
            [(b"", (1, 2)), (b"a", (-3, 4)), (b"a/bc", (5, 0)), (b"a/bd/e", (6, 999_999_999)), (b"z", (i64::MIN, 0))];
        let mut times = DirTimes::default();
        for (path, time) in all {
            times.push(path, time);
        }
        let mut out = Vec::new();
        times.for_each(|path, time| out.push((path.to_vec(), time)));
        let expected: Vec<_> = all.iter().map(|(path, time)| (path.to_vec(), *time)).collect();
        assert_eq!(out, expected);
    }
}
