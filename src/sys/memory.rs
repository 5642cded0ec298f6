//! Giving memory back to the kernel.

use std::fs::File;
use std::io::Read as _;

/// Takes this program's unmodified file pages (its code and constants) out of its page tables. What is used again is mapped
/// again, page by page, from the page cache. For a process that will mostly sleep: it is left with the pages that
/// sleeping needs, where the kernel's reading ahead had given it the whole file.
pub fn forget_program_pages() {
    let mut text = [0_u8; 4096];
    let Ok(length) = File::open("/proc/self/maps").and_then(|mut maps| maps.read(&mut text)) else { return };
    let lines = text.get(..length).unwrap_or_default().split(|byte| *byte == b'\n');
    for (start, end) in lines.filter_map(unmodified) {
        // SAFETY: the range is a private mapping of the program's file, executable or at its beginning, which nothing
        // writes to (position-dependent code has no relocations there): dropped pages come back with the same content.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
    }
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
    fn the_program_goes_on() {
        forget_program_pages();
        assert_eq!("12".parse(), Ok(12));
    }
}
