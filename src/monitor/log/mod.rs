//! The log of a container: what its output becomes on disk. Reading logs is not done here.
//!
//! ```text
//! k8s-file    2026-11-22T01:13:19.767714026+00:00 stdout F a whole line, or the end of one
//!             2026-11-22T01:13:19.767714026+00:00 stdout P a piece of a line, the next record goes on with it
//! json-file   {"log":"a whole line\n","stream":"stdout","time":"2026-11-22T01:13:19.767714026Z"}
//!             {"log":"a piece of a line","stream":"stdout","time":"2026-11-22T01:13:19.767714026Z"}
//! ```
//!
//! Output is written as it comes: bytes without a newline at the end of what was read become a piece, and so do the parts
//! of a line longer than [`MAX_PIECE`] bytes. With `k8s-file` the pieces put together are the container's bytes, exactly;
//! `json-file` shows bytes that are not UTF-8 as U+FFFD.
//!
//! The writer is made for a process that must stay small and must not die of its log: one buffer, no allocation per
//! line, and no errors. When a record cannot be written (a full disk), the log stops, says so in a record of its own if
//! there is room for one, and the container goes on; the writer tries again after 1, 2, 4 ... 64 seconds, and then says
//! how many bytes of log are missing.

mod clock;
mod file;
mod json;

use std::io::Write as _;
use std::path::Path;

use self::clock::{Clock, Stamp, Zone};
use self::file::LogFile;
use crate::error::{Context as _, Error, Result};
use crate::sys::time;

pub use self::file::numbered;

/// The longest text of one record, in bytes.
pub const MAX_PIECE: usize = 8 * 1024;

/// Records are collected until this many bytes, and written with one system call.
const BUFFER: usize = 16 * 1024;

/// The longest escaped text of one json-file record.
const MAX_ESCAPED: usize = 12 * 1024;

/// More than everything in a record but its text.
const FRAME: usize = 128;

/// The longest pause between two attempts to write to a log that stopped, in seconds.
const MAX_PAUSE: i64 = 64;

/// Where a byte came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Stream {
    /// The name in a log.
    pub fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

/// How and where to log.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// `k8s-file`, `json-file`, `none` or `passthrough` (which has no log either).
    pub driver: &'a str,
    /// The file; needed by the first two.
    pub path: Option<&'a Path>,
    /// Rotate rather than let the file become larger than this many bytes; 0 means never.
    pub max_size: u64,
    /// How many rotated files are kept beside the current one; 0 means one, as a rotation loses nothing.
    pub max_files: u32,
}

/// The log of one container, open for writing.
#[derive(Debug)]
pub struct Log(Option<Writer>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    K8s,
    Json,
}

#[derive(Debug)]
struct Writer {
    format: Format,
    file: LogFile,
    clock: Clock,
    /// Whole records that are not in the file yet. Never grows.
    buffer: Vec<u8>,
    /// Per stream: the beginning of a character whose rest has not come yet (json-file only).
    carry: [Carry; 2],
    stopped: Option<Stopped>,
}

/// Up to three bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Carry {
    bytes: [u8; 4],
    len: usize,
}

/// A log that could not be written to.
#[derive(Debug, Clone, Copy)]
struct Stopped {
    /// Bytes of log that are missing.
    lost: u64,
    /// When to try again, seconds since 1970.
    again: i64,
    pause: i64,
}

impl Log {
    /// Opens the log; what an earlier, killed writer left torn is repaired.
    ///
    /// # Errors
    /// A driver that is not known, a file that cannot be opened.
    pub fn open(options: &Options<'_>) -> Result<Log> {
        let format = match options.driver {
            "k8s-file" => Format::K8s,
            "json-file" => Format::Json,
            "none" | "passthrough" => return Ok(Log(None)),
            other => {
                return Err(Error::new(format!("log driver `{other}` is not known"))
                    .hint("use k8s-file, json-file, none or passthrough"));
            }
        };
        let path = options.path.ok_or_else(|| Error::new("the log has no path"))?;
        let file = LogFile::open(path, options.max_size, options.max_files)
            .with_context(|| format!("opening log `{}`", path.display()))?;
        let zone = if format == Format::K8s { Zone::Local } else { Zone::Utc };
        Ok(Log(Some(Writer {
            format,
            file,
            clock: Clock::new(zone),
            buffer: Vec::with_capacity(BUFFER),
            carry: [Carry::default(); 2],
            stopped: None,
        })))
    }

    /// Logs what was read from the container at once. All of it has been handed to the kernel when this returns.
    pub fn write(&mut self, stream: Stream, bytes: &[u8]) {
        if let Some(writer) = &mut self.0
            && !bytes.is_empty()
        {
            writer.write(stream, bytes);
            writer.flush(writer.buffer.len());
        }
    }

    /// Logs what was held back of a stream, which has ended.
    pub fn finish(&mut self, stream: Stream) {
        if let Some(writer) = &mut self.0 {
            let carry = std::mem::take(writer.carry(stream));
            if carry.len > 0 {
                let stamp = writer.clock.now();
                writer.record(stream, &stamp, &carry, b"", false);
                writer.flush(writer.buffer.len());
            }
        }
    }
}

impl Writer {
    fn carry(&mut self, stream: Stream) -> &mut Carry {
        let [stdout, stderr] = &mut self.carry;
        match stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let stamp = self.clock.now();
        let mut head = std::mem::take(self.carry(stream));
        let mut rest = bytes;
        if self.format == Format::Json {
            rest = head.complete(rest);
            if rest.is_empty() && head.is_incomplete() {
                *self.carry(stream) = head;
                return;
            }
            let (now, later) = rest.split_at(rest.len() - json::incomplete_tail(rest));
            *self.carry(stream) = Carry::of(later);
            rest = now;
        }
        while !rest.is_empty() || head.len > 0 {
            let newline = rest.iter().take(MAX_PIECE).position(|b| *b == b'\n');
            let mut length = newline.unwrap_or(rest.len().min(MAX_PIECE));
            if self.format == Format::Json && newline.is_none() && length < rest.len() {
                length -= json::incomplete_tail(rest.get(..length).unwrap_or(&[]));
            }
            let (text, after) = rest.split_at(length);
            let taken = self.record(stream, &stamp, &head, text, newline.is_some());
            head = Carry::default();
            rest = match newline {
                _ if taken < text.len() => rest.get(taken..).unwrap_or(&[]),
                Some(_) => after.get(1..).unwrap_or(&[]),
                None => after,
            };
        }
    }

    /// Adds one record of `head` and as much of `text` as fits to the buffer; returns how much that is. The record is a
    /// whole line if `whole` and all of the text fitted.
    fn record(&mut self, stream: Stream, stamp: &Stamp, head: &Carry, text: &[u8], whole: bool) -> usize {
        let need = match self.format {
            Format::K8s => text.len(),
            Format::Json => (head.len + text.len()).saturating_mul(json::WORST).min(MAX_ESCAPED),
        };
        if self.buffer.len() + need + FRAME > BUFFER {
            self.flush(self.buffer.len());
        }
        let start = self.buffer.len();
        let out = &mut self.buffer;
        let taken = match self.format {
            Format::K8s => {
                out.extend_from_slice(stamp.as_bytes());
                let kind: &[u8] = if whole { b" F " } else { b" P " };
                for part in [b" ", stream.name().as_bytes(), kind, text, b"\n"] {
                    out.extend_from_slice(part);
                }
                text.len()
            }
            Format::Json => {
                out.extend_from_slice(br#"{"log":""#);
                json::escape(out, head.as_bytes(), usize::MAX);
                let taken = json::escape(out, text, MAX_ESCAPED - 4 * json::WORST);
                let end: &[u8] = if whole && taken == text.len() { br#"\n","stream":""# } else { br#"","stream":""# };
                for part in [end, stream.name().as_bytes(), br#"","time":""#, stamp.as_bytes(), b"\"}\n"] {
                    out.extend_from_slice(part);
                }
                taken
            }
        };
        let length = self.buffer.len() - start;
        if self.file.is_full(start, length) {
            // This record is the first of the next file.
            self.flush(start);
            if self.file.is_full(0, length) && self.stopped.is_none() {
                self.file.rotate();
            }
        }
        taken
    }

    /// Writes the first `length` bytes of the buffer, whole records, and takes them out of it.
    fn flush(&mut self, length: usize) {
        if length == 0 {
            return;
        }
        let mut pause = 1;
        if let Some(stopped) = &mut self.stopped {
            let (now, _) = time::now();
            let resumed = now >= stopped.again && {
                let lost = stopped.lost;
                note(
                    self.format,
                    &mut self.clock,
                    &mut self.file,
                    format_args!("log goes on, {lost} bytes of it are lost"),
                )
                .is_ok()
            };
            if !resumed {
                if now >= stopped.again {
                    stopped.wait(now);
                }
                stopped.lost += length as u64;
                self.buffer.drain(..length);
                return;
            }
            pause = stopped.pause;
            self.stopped = None;
        }
        let records = self.buffer.get(..length).unwrap_or(&[]);
        if let Err(error) = self.file.append(records) {
            let mut stopped = Stopped { lost: length as u64, again: 0, pause };
            stopped.wait(time::now().0);
            self.stopped = Some(stopped);
            let why = error.raw_os_error().map_or("cannot write", |e| nix::errno::Errno::from_raw(e).desc());
            // There may be room for this one, as what was written of the records has been taken away again.
            let _ = note(self.format, &mut self.clock, &mut self.file, format_args!("log stopped: {why}"));
        }
        self.buffer.drain(..length);
    }
}

/// Writes a record of our own.
fn note(format: Format, clock: &mut Clock, file: &mut LogFile, text: std::fmt::Arguments<'_>) -> std::io::Result<()> {
    let mut record = [0; 256];
    let mut rest = &mut record[..];
    let stamp = clock.now();
    let stamp = std::str::from_utf8(stamp.as_bytes()).unwrap_or_default();
    match format {
        Format::K8s => writeln!(rest, "{stamp} stderr F coracle: {text}")?,
        // Our own texts have nothing in them that JSON wants escaped.
        Format::Json => writeln!(rest, r#"{{"log":"coracle: {text}\n","stream":"stderr","time":"{stamp}"}}"#)?,
    }
    let left = rest.len();
    file.append(record.get(..record.len() - left).unwrap_or(&[]))
}

impl Stopped {
    /// Decides when to try again, each time later.
    fn wait(&mut self, now: i64) {
        self.again = now.saturating_add(self.pause);
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }
}

impl Carry {
    /// The first three bytes of `bytes`, which has no more.
    fn of(bytes: &[u8]) -> Self {
        let mut carry = Carry::default();
        bytes.iter().take(3).for_each(|b| carry.push(*b));
        carry
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    fn is_incomplete(&self) -> bool {
        self.len > 0 && json::incomplete_tail(self.as_bytes()) == self.len
    }

    /// Takes from the beginning of `bytes` what belongs to the character; returns the rest.
    fn complete<'a>(&mut self, mut bytes: &'a [u8]) -> &'a [u8] {
        while self.is_incomplete()
            && let Some((byte @ 0x80..0xc0, rest)) = bytes.split_first()
        {
            self.push(*byte);
            bytes = rest;
        }
        bytes
    }
}

#[cfg(test)]
mod tests;
