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
    let seconds = libc::time_t::from(timeout / 1000);
    let limit = libc::timespec { tv_sec: seconds, tv_nsec: libc::c_long::from(timeout % 1000) * 1_000_000 };
    let limit = if timeout < 0 { std::ptr::null() } else { &raw const limit };
    drop_and_poll(&ranges, &mut poll, limit);
}

/// Nothing but system calls, and these without the C library: a page that is used comes back together with the 64 kB
/// around it, and this function is the only place that is.
#[inline(never)]
fn drop_and_poll(ranges: &[(usize, usize); MAX_RANGES], poll: &mut libc::pollfd, limit: *const libc::timespec) {
    for (start, end) in ranges {
        let dont_need = libc::MADV_DONTNEED as usize;
        // SAFETY: an empty range, or a private mapping of the program's file, executable or at its beginning, which
        // nothing writes to (position-dependent code has no relocations there): dropped pages come back with the same
        // content.
        unsafe { system_call(libc::SYS_madvise, [*start, *end - *start, dont_need, 0]) };
    }
    // SAFETY: one valid pollfd, and a valid time or none, alive across the call; no signal mask.
    unsafe { system_call(libc::SYS_ppoll, [std::ptr::from_mut(poll) as usize, 1, limit as usize, 0]) };
}

/// A system call whose result does not matter: it may fail, or end early for a signal.
///
/// # Safety
/// As of the system call.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn system_call(number: libc::c_long, arguments: [usize; 4]) {
    let [a, b, c, d] = arguments;
    // SAFETY: as of the caller; the kernel changes no other registers (syscall(2), "Architecture calling conventions").
    unsafe {
        std::arch::asm!("syscall", inlateout("rax") number => _, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
}

#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn system_call(number: libc::c_long, arguments: [usize; 4]) {
    let [a, b, c, d] = arguments;
    // SAFETY: as above.
    unsafe {
        std::arch::asm!("svc 0", in("x8") number, inlateout("x0") a => _, in("x1") b, in("x2") c, in("x3") d,
            options(nostack));
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(always)]
unsafe fn system_call(number: libc::c_long, arguments: [usize; 4]) {
    let [a, b, c, d] = arguments;
    // SAFETY: as above.
    unsafe { libc::syscall(number, a, b, c, d) };
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
