//! The record of `json-file`, as Docker writes it, without a JSON library: nothing is allocated per line.
//!
//! ```text
//! {"log":"text\n","stream":"stdout","time":"2026-11-22T01:13:19.767714026Z"}
//! ```
//!
//! A record whose log does not end in `\n` is a piece of a longer line.

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The most bytes that one byte of input becomes (`\u00ff`).
pub const WORST: usize = 6;

/// Appends `bytes` to `out` as the inside of a JSON string, until `limit` bytes have been appended at most; returns how
/// many bytes of the input that took. Stops only between characters. Each byte that is not UTF-8 becomes U+FFFD.
pub fn escape(out: &mut Vec<u8>, bytes: &[u8], limit: usize) -> usize {
    let end = out.len().saturating_add(limit);
    let mut taken = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if out.len() + WORST > end {
                return taken;
            }
            push(out, character);
            taken += character.len_utf8();
        }
        for _ in chunk.invalid() {
            if out.len() + WORST > end {
                return taken;
            }
            out.extend_from_slice(b"\\ufffd");
            taken += 1;
        }
    }
    taken
}

fn push(out: &mut Vec<u8>, character: char) {
    match character {
        '"' | '\\' => out.extend_from_slice(&[b'\\', character as u8]),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        // The last five are escaped for the sake of readers that put JSON into HTML or JavaScript.
        '\0'..='\x1f' | '\x7f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
            let code = character as u32;
            let digit = |shift: u32| HEX[(code >> shift & 15) as usize];
            out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
        }
        ' '..='~' => out.push(character as u8),
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// How many bytes at the end of `bytes` are the beginning of a character whose rest is yet to come: 0 to 3.
pub fn incomplete_tail(bytes: &[u8]) -> usize {
    for length in 1..=bytes.len().min(3) {
        let (_, tail) = bytes.split_at(bytes.len() - length);
        if tail.first().is_some_and(|b| *b >= 0xc0) {
            let incomplete = std::str::from_utf8(tail).is_err_and(|e| e.error_len().is_none());
            return if incomplete { length } else { 0 };
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_json_wants_escaped() {
        for (input, expected) in [
            (&b"plain"[..], "plain"),
            (b"\"\\\t\r\n", r#"\"\\\t\r\n"#),
            (b"\x00\x1b\x7f<>&", r"\u0000\u001b\u007f\u003c\u003e\u0026"),
            ("é€😀\u{2028}".as_bytes(), "é€😀\\u2028"),
            (b"a\xffb\xf0\x9f", r"a\ufffdb\ufffd\ufffd"),
            (b"\xed\xa0\x80", r"\ufffd\ufffd\ufffd"),
        ] {
            let mut out = Vec::new();
            assert_eq!(escape(&mut out, input, usize::MAX), input.len());
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn stops_between_characters_at_the_limit() {
        let mut out = b"head".to_vec();
        let text = "é".repeat(100);
        let taken = escape(&mut out, text.as_bytes(), 21);
        assert!(out.len() <= 25 && taken >= 14 && taken.is_multiple_of(2), "{taken}");
        assert_eq!(String::from_utf8(out).unwrap(), format!("head{}", "é".repeat(taken / 2)));
    }

    #[test]
    fn an_incomplete_character_is_recognised() {
        for (input, length) in [
            (&b""[..], 0),
            (b"abc", 0),
            ("é".as_bytes(), 0),
            (b"a\xc3", 1),
            (b"a\xe2\x82", 2),
            (b"\xf0\x9f\x98", 3),
            (b"\xff", 0),
            (b"\x82\x82\x82", 0),
            (b"\xed\xa0", 0),
        ] {
            assert_eq!(incomplete_tail(input), length, "{input:?}");
        }
    }
}
