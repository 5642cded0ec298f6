//! What others see as this process's command line and environment in /proc.

use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;

/// Replaces the command line by `words`, as far as there is room for them, and wipes the environment.
///
/// Both are the memory that the kernel filled at exec. Whoever may look at the process (in a container: anybody) would
/// see with what options and variables the engine was called. Afterwards [`std::env`] has neither any more. Without
/// /proc nothing happens, but then nobody sees anything either.
pub fn replace<'a>(words: impl Iterator<Item = &'a [u8]> + Clone) {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return };
    let Some((arguments, environment)) = parse(&stat) else { return };
    wipe(&environment);
    wipe(&arguments);
    let length: usize = words.clone().map(|word| word.len() + 1).sum();
    // When the last byte of the arguments is not NUL, the kernel takes all up to the first NUL for a title that goes on
    // into the environment; then it is one text, and the words stand apart by spaces (proc_pid_cmdline(5)).
    let (room, apart) = if length > arguments.len() && environment.start == arguments.end {
        (environment.end - arguments.start, b' ')
    } else {
        (arguments.len(), 0)
    };
    let bytes = words.flat_map(|word| word.iter().copied().chain(std::iter::once(apart)));
    // The last byte stays NUL.
    for (address, byte) in (arguments.start..).zip(bytes).take(length.min(room).saturating_sub(1)) {
        // SAFETY: see `wipe`; the address is within one of the two ranges, which follow each other.
        unsafe { std::ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(byte) };
    }
}

/// Makes the words of the command line that end with `secret` end with as many asterisks.
///
/// [`std::env`] hands out the asterisks as well afterwards, so that the secret is in no record of the command either.
pub fn hide(secret: &[u8]) {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return };
    let Some((arguments, _)) = parse(&stat) else { return };
    let mut address = arguments.start;
    for word in std::env::args_os() {
        let end = address + word.as_bytes().len();
        if !secret.is_empty() && word.as_bytes().ends_with(secret) && end <= arguments.end {
            for address in end - secret.len()..end {
                // SAFETY: see `wipe`; the address is within the range of the arguments.
                unsafe { std::ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(b'*') };
            }
        }
        address = end + 1;
    }
}

fn wipe(range: &Range<usize>) {
    for address in range.clone() {
        // SAFETY: the kernel says that this range holds the strings that it put onto the stack of this program at exec;
        // that memory is writable, stays mapped, and no reference into it exists: std::env copies what it hands out.
        unsafe { std::ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(0) };
    }
}

/// The ranges of arguments and environment: fields 48 to 51 of proc_pid_stat(5).
fn parse(stat: &str) -> Option<(Range<usize>, Range<usize>)> {
    // The second field, the name, may hold anything; the third is the first after its last parenthesis.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut numbers = fields.split_ascii_whitespace().skip(48 - 3).map(str::parse::<usize>);
    let mut next = || numbers.next()?.ok().filter(|address| *address > 0);
    let (a, b, c, d) = (next()?, next()?, next()?, next()?);
    (a <= b && c <= d).then_some((a..b, c..d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_are_found_behind_any_name() {
        let fields = (3..=52).map(|n| (n * 10).to_string()).collect::<Vec<_>>().join(" ");
        for name in ["a", "a b", ") 1 2", ""] {
            assert_eq!(parse(&format!("1 ({name}) {fields}")), Some((480..490, 500..510)), "{name}");
        }
        for bad in ["", "1 (a) S", &format!("1 (a) {}", fields.replace("490", "0"))] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn our_own_ranges_hold_our_arguments() {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let (arguments, _) = parse(&stat).unwrap();
        let length: usize = std::env::args_os().map(|a| a.len() + 1).sum();
        assert_eq!(arguments.len(), length);
    }
}
