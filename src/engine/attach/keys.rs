//! Detach keys: parsing `--detach-keys`, and finding the sequence in what is typed.

use crate::error::{Error, Result};

/// The sequence where none is asked for.
pub const DEFAULT: &str = "ctrl-p,ctrl-q";

/// A key sequence; empty where detaching is disabled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DetachKeys(Vec<u8>);

impl DetachKeys {
    /// Parses `ctrl-p,ctrl-q`, `a,b,c`, `DEL`; an empty text disables detaching.
    ///
    /// # Errors
    /// A key that has no name like these.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(DetachKeys(Vec::new()));
        }
        let unknown = |name: &str| {
            Error::new(format!("parsing detach keys `{text}`: unknown key `{name}`")).hint(
                "give single characters or ctrl-<value>, separated by commas; <value> is one of a-z, @, [, \\, ], ^, _",
            )
        };
        text.split(',').map(|name| key(name).ok_or_else(|| unknown(name))).collect::<Result<_>>().map(DetachKeys)
    }
}

/// The byte that a terminal sends for a key.
fn key(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [byte] => Some(*byte),
        b"DEL" => Some(0x7f),
        [b'c', b't', b'r', b'l', b'-', value] => match value {
            b'a'..=b'z' => Some(value - b'a' + 1),
            b'@' | b'['..=b'_' => Some(value - b'@'),
            _ => None,
        },
        _ => None,
    }
}

/// Looks for the sequence in a stream of input. Keys that may become the sequence are held back.
#[derive(Debug)]
pub struct Scanner {
    keys: Vec<u8>,
    /// How many of the keys have been seen, and are held back.
    held: usize,
}

impl Scanner {
    pub fn new(keys: &DetachKeys) -> Self {
        Scanner { keys: keys.0.clone(), held: 0 }
    }

    /// Appends to `out` what of `input` is to be passed on; true when the sequence is complete. What follows it in
    /// `input` is dropped: it was not typed for the container.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> bool {
        if self.keys.is_empty() {
            out.extend_from_slice(input);
            return false;
        }
        for byte in input {
            self.step(*byte, out);
            if self.held == self.keys.len() {
                self.held = 0;
                return true;
            }
        }
        false
    }

    /// The input has ended: what was held back was typed for the container.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend(self.keys.iter().take(self.held));
        self.held = 0;
    }

    /// After a key that breaks the sequence, a later one of those held back may still begin it (`a,a,b` in `aaab`).
    fn step(&mut self, byte: u8, out: &mut Vec<u8>) {
        while self.keys.get(self.held) != Some(&byte) {
            let Some(first) = self.keys.first().filter(|_| self.held > 0) else {
                out.push(byte);
                return;
            };
            out.push(*first);
            let seen = self.keys.get(1..self.held).unwrap_or(&[]);
            let begins = |from: usize| seen.get(from..).filter(|tail| self.keys.starts_with(tail));
            let dropped = (0..=seen.len()).find(|from| begins(*from).is_some()).unwrap_or(seen.len());
            out.extend(seen.iter().take(dropped));
            self.held = seen.len() - dropped;
        }
        self.held += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_parsed_as_the_reference_does() {
        for (text, expected) in [
            ("ctrl-p,ctrl-q", Some(&[16_u8, 17][..])),
            ("", Some(&[])),
            ("a", Some(b"a")),
            ("ctrl-a,a,B", Some(b"\x01aB")),
            ("ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,DEL", Some(b"\x00\x1b\x1c\x1d\x1e\x1f\x7f")),
            ("ctrl-", None),
            ("ctrl-A", None),
            ("ctrl-`", None),
            ("ab", None),
            ("a,", None),
            (",", None),
            ("é", None),
        ] {
            let parsed = DetachKeys::parse(text);
            assert_eq!(parsed.as_ref().ok().map(|k| &k.0[..]), expected, "{text}");
        }
        let error = DetachKeys::parse("ctrl-p,foo").unwrap_err();
        assert_eq!(error.to_string(), "parsing detach keys `ctrl-p,foo`: unknown key `foo`");
    }

    #[test]
    fn keys_held_back_are_sent_when_the_sequence_breaks() {
        for (keys, input, passed, detached) in [
            ("ctrl-p,ctrl-q", &b"ls\x10\x11rest"[..], &b"ls"[..], true),
            ("ctrl-p,ctrl-q", b"\x10a\x11", b"\x10a\x11", false),
            ("ctrl-p,ctrl-q", b"\x10\x10\x11", b"\x10", true),
            ("a,a,b", b"aaab", b"a", true),
            ("a,b,a,b,c", b"ababababc", b"abab", true),
            ("a,b,a,c", b"ababac", b"ab", true),
            ("a,a,a", b"aabaa", b"aabaa", false),
            ("x", b"x", b"", true),
            ("", b"\x10\x11", b"\x10\x11", false),
        ] {
            let keys = DetachKeys::parse(keys).unwrap();
            // At once, and key by key: the same.
            let mut out = Vec::new();
            let mut scanner = Scanner::new(&keys);
            let found = scanner.feed(input, &mut out);
            scanner.finish(&mut out);
            assert_eq!((&out[..], found), (passed, detached), "{keys:?} at once");
            out.clear();
            let found = input.chunks(1).any(|byte| scanner.feed(byte, &mut out));
            scanner.finish(&mut out);
            assert_eq!((&out[..], found), (passed, detached), "{keys:?} key by key");
        }
    }
}
