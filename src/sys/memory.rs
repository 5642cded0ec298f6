//! Giving memory back to the kernel.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// Most ranges that a static program has.
const MAX_RANGES: usize = 4;

/// Sleeps until `fd` is readable or `timeout` milliseconds have passed (-1: for ever), with as little memory as can be:
/// this program's unmodified file pages (its code and constants) are taken out of its page tables first. What is used
/// again afterwards is mapped again from the page cache. Without this, the kernel's reading ahead leaves a process that
/// did a little work with most of its program's file, which counts as its own when no other process runs the program.
pub fn sleep_small(fd: BorrowedFd<'_>, timeout: i32) {
    let mut ranges = [(0_usize, 0_usize); MAX_RANGES];
    let mut text = [0_u8; 4096];
    if let Ok(length) = File::open("/proc/self/maps").and_then(|mut maps| maps.read(&mut text)) {
        let lines = text.get(..length).unwrap_or_default().split(|byte| *byte == b'\n');
        for (place, range) in ranges.iter_mut().zip(lines.filter_map(unmodified)) {
            *place = range;
        }
    }
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // Nothing but the two system calls from here on, so that only the pages of this function come back.
    for (start, end) in ranges {
        // SAFETY: an empty range, or a private mapping of the program's file, executable or at its beginning, which
        // nothing writes to (position-dependent code has no relocations there): dropped pages come back with the same
        // content.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
    }
    // SAFETY: one valid pollfd, alive across the call.
    unsafe { libc::poll(&raw mut poll, 1, timeout) };
}

/// The range of a line of proc_pid_maps(5), if it is code or the beginning of a file, and cannot be written to.
fn unmodified(line: &[u8]) -> Option<(usize, usize)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let (permissions, offset, _device, inode) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_code = permissions == "r-xp";
    let is_beginning = permissions == "r--p" && offset.bytes().all(|b| b == b'0');
    if inode == "0" || !(is_code || is_beginning) {
        return None;
    }
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_and_the_beginning_of_a_file_are_dropped() {
        for (line, expected) in [
            ("00200000-00424000 r--p 00000000 fe:00 101 /x", Some((0x20_0000, 0x42_4000))),
            ("00424000-00bca000 r-xp 00224000 fe:00 101 /x", Some((0x42_4000, 0xbc_a000))),
            ("00bcc000-00bd2000 r--p 009ca000 fe:00 101 /x", None),
            ("00bd2000-00bd6000 rw-p 009cf000 fe:00 101 /x", None),
            ("7ffd0000-7ffd2000 r-xp 00000000 00:00 0 [vdso]", None),
            ("", None),
        ] {
            assert_eq!(unmodified(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn the_program_goes_on_when_something_can_be_read_and_when_the_time_is_over() {
        use std::io::Write as _;
        use std::os::fd::AsFd as _;
        let (mut read, mut write) = std::io::pipe().unwrap();
        sleep_small(read.as_fd(), 1);
        write.write_all(b"12").unwrap();
        sleep_small(read.as_fd(), -1);
        let mut bytes = [0; 2];
        read.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"12");
    }
}
