//! The one place that writes for people and scripts: data to stdout, everything else to stderr.
//!
//! A closed pipe is not an error: what comes after it is dropped in silence. Text that comes from images, labels or
//! other users is stripped of terminal escapes when stdout is a terminal, and left as it is otherwise.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::env;
use crate::error::{Error, os_message};

/// Writes data, messages and errors.
#[derive(Debug)]
pub struct Printer {
    started: Instant,
    out_is_terminal: bool,
    err_is_terminal: bool,
    colour: bool,
    closed: AtomicBool,
    failed: AtomicBool,
    debug: AtomicBool,
}

impl Default for Printer {
    fn default() -> Self {
        Self::new()
    }
}

impl Printer {
    /// A printer for this process's stdout and stderr.
    pub fn new() -> Self {
        let err_is_terminal = io::stderr().is_terminal();
        Printer {
            started: Instant::now(),
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal,
            colour: err_is_terminal && env::get(env::NO_COLOR).is_none(),
            closed: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            debug: AtomicBool::new(false),
        }
    }

    /// Whether stdout is a terminal.
    pub fn out_is_terminal(&self) -> bool {
        self.out_is_terminal
    }

    /// Whether stderr, where progress goes, is a terminal.
    pub fn err_is_terminal(&self) -> bool {
        self.err_is_terminal
    }

    /// Whether the reader of stdout is gone. Commands that would write for ever end then.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Whether some output was lost for a reason other than a closed pipe (a full disk, for example).
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Turns on [`Printer::debug`].
    pub fn show_debug(&self) {
        self.debug.store(true, Ordering::Relaxed);
    }

    /// Data, exactly as given.
    pub fn data(&self, bytes: &[u8]) {
        if self.is_closed() || self.has_failed() {
            return;
        }
        let mut out = io::stdout().lock();
        if let Err(e) = out.write_all(bytes).and_then(|()| out.flush()) {
            self.lost(&e);
        }
    }

    /// Text as data. Terminal escapes are removed when stdout is a terminal.
    pub fn text(&self, text: &str) {
        if self.out_is_terminal { self.data(strip_escapes(text).as_bytes()) } else { self.data(text.as_bytes()) }
    }

    /// One line of data. Terminal escapes are removed when stdout is a terminal.
    pub fn line(&self, line: impl fmt::Display) {
        self.text(&format!("{line}\n"));
    }

    /// A message on stderr.
    pub fn message(&self, message: impl fmt::Display) {
        self.stderr(&format!("{message}\n"));
    }

    /// A warning on stderr.
    pub fn warning(&self, message: impl fmt::Display) {
        self.stderr(&format!("WARN: {message}\n"));
    }

    /// With `--log-level debug`: what is being done, with the milliseconds since the start.
    pub fn debug(&self, message: impl FnOnce() -> String) {
        if self.debug.load(Ordering::Relaxed) {
            let elapsed = self.started.elapsed().as_secs_f64() * 1000.0;
            self.stderr(&format!("DEBUG {elapsed:9.3} ms  {}\n", message()));
        }
    }

    /// An error: one line with the whole chain of causes, and a line with the way out where one is known.
    pub fn error(&self, error: &Error) {
        let mut text = format!("Error: {error}\n");
        if let Some(hint) = error.hint_text() {
            let (on, off) = if self.colour { ("\x1b[36m", "\x1b[0m") } else { ("", "") };
            let hint = self.for_stderr(hint);
            text = format!("{}{on}hint:{off} {hint}\n", self.for_stderr(&text));
            self.stderr_raw(&text);
        } else {
            self.stderr(&text);
        }
    }

    /// An error in what was typed: the message and the line that says where to read more.
    pub fn usage_error(&self, message: &str, see: Option<&str>) {
        let see = see.map(|see| format!("{see}\n")).unwrap_or_default();
        self.stderr(&format!("Error: {message}\n{see}"));
    }

    /// Writes data to stderr: what a container wrote to its own.
    pub fn errors(&self) -> impl Write + '_ {
        io::stderr()
    }

    fn for_stderr<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.err_is_terminal { strip_escapes(text) } else { Cow::Borrowed(text) }
    }

    fn stderr(&self, text: &str) {
        self.stderr_raw(&self.for_stderr(text));
    }

    fn stderr_raw(&self, text: &str) {
        // Nobody is left to tell when stderr itself is gone.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    fn lost(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::BrokenPipe {
            self.closed.store(true, Ordering::Relaxed);
        } else if !self.failed.swap(true, Ordering::Relaxed) {
            self.stderr(&format!("Error: writing to standard output: {}\n", os_message(error)));
        }
    }
}

/// Writes data to stdout through the printer. A closed pipe is reported as an error, so that copying stops.
impl Write for &Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.data(bytes);
        if self.is_closed() || self.has_failed() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().lock().flush()
    }
}

/// Replaces control characters, of which terminal escapes are made, by nothing. Line feeds and tabs stay.
pub fn strip_escapes(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| harmless(*c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_stripped_and_layout_stays() {
        for (from, to) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("\x1b[31mred\x1b[0m", "[31mred[0m"),
            ("title\x1b]0;x\x07", "title]0;x"),
            ("c1\u{9b}31m", "c131m"),
            ("back\x08\r", "back"),
            ("größe 你好", "größe 你好"),
        ] {
            assert_eq!(strip_escapes(from), to);
        }
    }
}
