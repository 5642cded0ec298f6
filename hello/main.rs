//! The program of the image that is part of the coracle binary (`coracle run --rm hello`): says hello, and shows what
//! it is isolated from. Everything it tells is read from /proc as it finds it in the container.
//!
//! Built by build.rs with a plain `rustc`, as a static program without libc or std.
#![no_std]
#![no_main]
#![no_builtins]

mod sys;

use core::ffi::CStr;
use core::fmt::Write as _;
use core::str::Split;

/// Longest file that is read: mountinfo of a container with very many mounts.
const MAX_FILE: usize = 48 * 1024;

fn main() -> i32 {
    let mut page = Page { bytes: [0; 4096], length: 0 };
    page.write();
    i32::from(!sys::print(page.bytes.get(..page.length).unwrap_or_default()))
}

/// What is printed, put together first so that it appears in one piece.
struct Page {
    bytes: [u8; 4096],
    length: usize,
}

impl core::fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(core::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl Page {
    /// A page that is full stays as it is: what is told has bounds far below its size, but for interface names.
    fn write(&mut self) {
        let _ = self.write_str(concat!(
            "\n",
            "       |\\\n",
            "    ___|_\\___\n",
            "    \\_______/    Hello from inside a container!\n",
            "  ~~~~~~~~~~~~~  No daemon: you started it, and it is yours.\n",
            "\n",
        ));
        for (label, tell) in FACTS {
            let _ = write!(self, "  {label:<14}");
            let _ = tell(self);
            let _ = self.write_str("\n");
        }
        let _ = self.write_str(concat!(
            "\n",
            "  Try next:\n",
            "    coracle run --rm -it IMAGE sh               a shell in an image from a registry\n",
            "    coracle run -d --name web -p 8080:80 IMAGE  a server, published on port 8080\n",
            "    coracle ps -a                               all containers\n",
            "    coracle --help                              everything else\n",
            "\n",
        ));
    }
}

type Tell = fn(&mut Page) -> core::fmt::Result;

/// One line each.
const FACTS: [(&str, Tell); 7] = [
    ("Processes", processes),
    ("User", user),
    ("Hostname", hostname),
    ("Mounts", mounts),
    ("Network", network),
    ("Capabilities", capabilities),
    ("System calls", system_calls),
];

fn processes(page: &mut Page) -> core::fmt::Result {
    write!(page, "I am PID {}, ", sys::pid())?;
    match sys::count_numbered(c"/proc") {
        0 => page.write_str("and cannot see /proc"),
        1 => page.write_str("and the only process that I can see"),
        n => write!(page, "and can see {n} processes"),
    }
}

/// `/proc/self/uid_map`: lines of first ID in here, first ID outside, how many.
fn user(page: &mut Page) -> core::fmt::Result {
    let mut buffer = [0; MAX_FILE];
    let status = text(c"/proc/self/status", &mut buffer);
    let uid = field(status, "Uid:").and_then(|ids| ids.split_ascii_whitespace().next()).and_then(number);
    match uid {
        Some(0) => page.write_str("root in here")?,
        Some(uid) => write!(page, "user {uid} in here")?,
        None => page.write_str("unknown in here")?,
    }
    let mut separator = "";
    for line in text(c"/proc/self/uid_map", &mut buffer).lines() {
        let mut numbers = line.split_ascii_whitespace().filter_map(number);
        let (Some(inside), Some(outside), Some(count)) = (numbers.next(), numbers.next(), numbers.next()) else {
            continue;
        };
        if inside == 0 && outside == 0 && count == u64::from(u32::MAX) {
            return page.write_str(" and outside: no user namespace");
        }
        match uid {
            Some(uid) if (inside..inside + count).contains(&uid) => {
                write!(page, ", user {} outside", outside + (uid - inside))?;
                separator = "; ";
            }
            _ => separator = if separator.is_empty() { "; " } else { separator },
        }
        if count > 1 {
            write!(page, "{separator}{inside}-{} are {outside}-{}", inside + count - 1, outside + count - 1)?;
            separator = ", ";
        }
    }
    Ok(())
}

fn hostname(page: &mut Page) -> core::fmt::Result {
    page.write_str(text(c"/proc/sys/kernel/hostname", &mut [0; 256]).trim_end())
}

/// Lines of mountinfo: ID, parent, device, root, mount point, options, optional fields, `-`, type, source, options.
fn mounts(page: &mut Page) -> core::fmt::Result {
    let mut buffer = [0; MAX_FILE];
    let (mut count, mut root) = (0, "unknown");
    for line in text(c"/proc/self/mountinfo", &mut buffer).lines() {
        count += 1;
        if line.split(' ').nth(4) == Some("/") {
            root = line.split(' ').skip_while(|word| *word != "-").nth(1).unwrap_or(root);
        }
    }
    write!(page, "{count}; the root is of type {root}")
}

/// Lines of /proc/net/dev after two lines of heading: `  name: counters`.
fn network(page: &mut Page) -> core::fmt::Result {
    let mut buffer = [0; 8192];
    let mut separator = "";
    for name in text(c"/proc/net/dev", &mut buffer).lines().filter_map(|line| Some(line.split_once(':')?.0.trim())) {
        write!(page, "{separator}{name}")?;
        separator = ", ";
    }
    if separator.is_empty() { page.write_str("no interface") } else { Ok(()) }
}

fn capabilities(page: &mut Page) -> core::fmt::Result {
    let mut buffer = [0; MAX_FILE];
    let status = text(c"/proc/self/status", &mut buffer);
    let effective = field(status, "CapEff:").and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
    let last = number(text(c"/proc/sys/kernel/cap_last_cap", &mut [0; 32]).trim_end());
    write!(page, "{} of {}", effective.count_ones(), last.unwrap_or(40) + 1)
}

fn system_calls(page: &mut Page) -> core::fmt::Result {
    let mut buffer = [0; MAX_FILE];
    let status = text(c"/proc/self/status", &mut buffer);
    page.write_str(match field(status, "Seccomp:") {
        Some("0") => "not filtered",
        Some("1") => "restricted to read, write and exit",
        Some("2") => "filtered by seccomp",
        _ => "unknown",
    })?;
    match field(status, "NoNewPrivs:") {
        Some("1") => page.write_str(", no new privileges"),
        _ => Ok(()),
    }
}

/// A file's content as far as it is UTF-8.
fn text<'a>(path: &CStr, buffer: &'a mut [u8]) -> &'a str {
    match core::str::from_utf8(sys::read(path, buffer)) {
        Ok(text) => text,
        Err(_) => "",
    }
}

/// The value behind `name` in /proc/self/status.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let mut lines: Split<'a, char> = status.split('\n');
    lines.find_map(|line| line.strip_prefix(name)).map(str::trim_ascii)
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}
