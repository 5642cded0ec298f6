//! Asking the user on the terminal: a line, a password that is not shown, one of several images.

use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;

use crate::engine::attach::terminal::RawMode;
use crate::error::{Context, Error, Result};
use crate::image::Reference;
use crate::image::config::Choose;

/// No answer is as long as this.
const MAX_ANSWER: usize = 64 << 10;

/// Whether there is somebody to ask: both stdin and stdout are a terminal.
pub fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks which image a short name means, where there is somebody to ask.
pub fn chooser() -> Option<Choose> {
    is_possible().then_some(Choose(choose))
}

/// Asks for a line. At the end of the input it is an error.
pub fn line(question: &str) -> Result<String> {
    ask(question)?;
    let mut text = Vec::new();
    loop {
        match read_byte().with_context(|| "reading the answer")? {
            None if text.is_empty() => return Err(Error::new("the input ends before the answer")),
            None | Some(b'\n') => break,
            Some(byte) if text.len() < MAX_ANSWER => text.push(byte),
            Some(_) => return Err(Error::new("the answer is too long")),
        }
    }
    String::from_utf8(text).map(|text| text.trim().to_owned()).map_err(|_| Error::new("the answer is not UTF-8"))
}

/// Asks for a password, which is not shown while it is typed. The terminal is as before afterwards, on Ctrl-C as well.
pub fn password(question: &str) -> Result<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Err(Error::new("a password can only be asked for on a terminal").hint("use --password-stdin"));
    }
    let typed = {
        // Before the question: who answers at once must not be shown either.
        let _raw = RawMode::enter(stdin.as_fd())?;
        ask(question)?;
        type_secret(read_byte)
    };
    ask("\n")?;
    match typed? {
        Typed::Text(text) => Ok(text),
        Typed::Interrupted => {
            // As if the terminal had made a signal of it.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT);
            Err(Error::new("interrupted"))
        }
    }
}

/// What came of typing without being seen.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Text(String),
    Interrupted,
}

/// Reads a line from a terminal in raw mode, with the keys that end or mend it.
fn type_secret(mut next: impl FnMut() -> io::Result<Option<u8>>) -> Result<Typed> {
    let mut typed = Vec::new();
    loop {
        match next().with_context(|| "reading the password")? {
            None | Some(b'\r' | b'\n' | 4) => break,
            Some(3) => return Ok(Typed::Interrupted),
            Some(8 | 127) => {
                // A character may be several bytes.
                while typed.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            // Ctrl-U takes all back.
            Some(21) => typed.clear(),
            Some(0..=31) => {}
            Some(byte) if typed.len() < MAX_ANSWER => typed.push(byte),
            Some(_) => return Err(Error::new("the password is too long")),
        }
    }
    String::from_utf8(typed).map(Typed::Text).map_err(|_| Error::new("the password is not UTF-8"))
}

fn choose(candidates: &[Reference]) -> Result<usize> {
    let mut question = String::from("Please select an image:\n");
    for (position, candidate) in candidates.iter().enumerate() {
        question.push_str(&format!("  {}  {candidate}\n", position + 1));
    }
    ask(&question)?;
    let last = candidates.len();
    loop {
        let answer = line(&format!("1-{last} [1]: "))?;
        match answer.parse::<usize>() {
            _ if answer.is_empty() => return Ok(0),
            Ok(number) if (1..=last).contains(&number) => return Ok(number - 1),
            _ => ask(&format!("a number from 1 to {last} is needed\n"))?,
        }
    }
}

fn ask(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("asking on the terminal")
}

/// One byte of stdin, and not more: what follows may be for somebody else.
fn read_byte() -> io::Result<Option<u8>> {
    let mut byte = [0];
    loop {
        match rustix::io::read(io::stdin().as_fd(), &mut byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(byte.first().copied()),
            Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        let table = [
            ("secret\r", "secret"),
            ("secret\n", "secret"),
            ("secret", "secret"),
            ("secrex\x7ft\n", "secret"),
            ("x\u{e9}\x7f\x7f\x7fy\n", "y"),
            ("wrong\x15right\n", "right"),
            ("a\tb\n", "ab"),
            ("\x04", ""),
        ];
        for (keys, expected) in table {
            let mut bytes = keys.bytes();
            let typed = type_secret(|| Ok(bytes.next())).unwrap();
            assert_eq!(typed, Typed::Text(expected.to_owned()), "{keys:?}");
        }
        let mut bytes = "se\x03".bytes();
        assert_eq!(type_secret(|| Ok(bytes.next())).unwrap(), Typed::Interrupted);
    }
}
