//! Reading the logs of containers: all of it or the end, between two instants, and on as they grow.
//!
//! The format on disk is the monitor's (`monitor/log`): `k8s-file` or `json-file`, the current file at the log's path,
//! rotated ones beside it as `.1` (the newest), `.2` and so on. What the container wrote to standard output goes to `out`
//! and what it wrote to standard error to `err`, byte for byte; names and times are put before lines only.

mod files;
mod record;
mod tail;

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

use self::files::Reader;
use self::record::{Format, Record, Stream};
use crate::container::store::Container;
use crate::error::{Context as _, Error, Result};

/// How long the end of a followed container may go unnoticed when its directory does not change.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What is shown of every log.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only so many lines at the end.
    pub tail: Option<u64>,
    /// Only records of this instant or later.
    pub since: Option<Timestamp>,
    /// Only records of this instant or earlier.
    pub until: Option<Timestamp>,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// Go on until the container ends.
    pub follow: bool,
}

/// A log, and how its lines are marked.
pub struct Source<'a> {
    driver: String,
    path: PathBuf,
    /// Stands before each line.
    pub prefix: Option<String>,
    /// The color of the prefix, or of all text where there is none: 1 to 6.
    pub color: Option<u8>,
    /// Whether the container may still write. Asked only when following.
    alive: Box<dyn FnMut() -> bool + 'a>,
}

impl<'a> Source<'a> {
    /// The log of a container.
    ///
    /// # Errors
    /// When its driver keeps nothing.
    pub fn new(container: &Container, alive: impl FnMut() -> bool + 'a) -> Result<Self> {
        let log = &container.record.log;
        let Some(path) = &log.path else {
            return Err(Error::new(format!(
                "this container is using the '{}' log driver, cannot read logs: this container is not logging output",
                log.driver
            )));
        };
        Ok(Source { driver: log.driver.clone(), path: path.clone(), prefix: None, color: None, alive: Box::new(alive) })
    }
}

/// Shows logs: each from its beginning (or tail) to its end, and then, when following, all of them as they grow.
///
/// It ends without an error when nobody reads the output any more.
///
/// # Errors
/// When a log cannot be read, or the output not be written.
pub fn show(sources: Vec<Source<'_>>, options: &Options, out: &mut dyn Write, err: &mut dyn Write) -> Result<()> {
    let mut output = Output { out, err, buffer: Vec::new(), stream: Stream::Stdout, closed: false };
    let mut logs = Vec::new();
    for source in sources {
        logs.push(Log::open(source, options)?);
    }
    let waiter = if options.follow { Waiter::new(&logs) } else { Waiter { inotify: None } };
    loop {
        for log in logs.iter_mut().filter(|log| !log.done) {
            // Asked first: what was written before the answer `no` is read afterwards.
            let alive = options.follow && (log.source.alive)();
            log.advance(options, &mut output)?;
            log.done |= !alive;
        }
        output.flush()?;
        let late = options.until.is_some_and(|until| Timestamp::now() > until);
        if output.closed || late || logs.iter().all(|log| log.done) {
            return Ok(());
        }
        waiter.wait();
    }
}

/// A log while it is shown.
struct Log<'a> {
    source: Source<'a>,
    format: Format,
    /// What is left to read, oldest first. The last is the current file.
    readers: std::collections::VecDeque<Reader>,
    /// Per stream: the last record did not end a line.
    inside_line: [bool; 2],
    done: bool,
}

impl<'a> Log<'a> {
    fn open(source: Source<'a>, options: &Options) -> Result<Self> {
        let format = Format::of(&source.driver)?;
        let reading = || format!("reading log `{}`", source.path.display());
        let files = files::open_all(&source.path).with_context(reading)?;
        let start = match options.tail {
            Some(lines) => tail::start(&files, lines, format).with_context(reading)?,
            None => (files::first_since(&files, options.since), 0),
        };
        let readers = files.into_iter().enumerate().skip(start.0);
        let readers = readers.map(|(i, file)| Reader::new(file, if i == start.0 { start.1 } else { 0 })).collect();
        Ok(Log { source, format, readers, inside_line: [false; 2], done: false })
    }

    /// Shows what has come since the last time.
    fn advance(&mut self, options: &Options, output: &mut Output<'_>) -> Result<()> {
        let path = self.source.path.clone();
        let reading = || format!("reading log `{}`", path.display());
        loop {
            // Found before the last file is read to its end: nothing is written to it after that.
            let newer = match self.readers.back() {
                Some(_) if !options.follow => Vec::new(),
                Some(last) => files::newer_than(&path, last.id()).with_context(reading)?,
                None if options.follow => files::open_all(&path).with_context(reading)?,
                None => return Ok(()),
            };
            let grown = !newer.is_empty();
            self.readers.extend(newer.into_iter().map(|file| Reader::new(file, 0)));
            while let Some(mut reader) = self.readers.pop_front() {
                while let Some(line) = reader.next_line().with_context(reading)? {
                    if let Some(record) = self.format.parse(&line) {
                        self.show(&record, options, output)?;
                    }
                    if output.closed || self.done {
                        return Ok(());
                    }
                }
                if self.readers.is_empty() {
                    self.readers.push_front(reader);
                    break;
                }
            }
            if !grown {
                return Ok(());
            }
        }
    }

    fn show(&mut self, record: &Record<'_>, options: &Options, output: &mut Output<'_>) -> Result<()> {
        if options.since.is_some() || options.until.is_some() {
            let Some(time) = record.timestamp() else { return Ok(()) };
            if options.until.is_some_and(|until| time > until) {
                // Records are in the order of time.
                self.done = true;
                return Ok(());
            }
            if options.since.is_some_and(|since| time < since) {
                return Ok(());
            }
        }
        let [stdout, stderr] = &mut self.inside_line;
        let inside_line = if record.stream == Stream::Stdout { stdout } else { stderr };
        let line = output.to(record.stream)?;
        let color = self.source.color.map(|color| (format!("\x1b[3{color}m"), "\x1b[0m"));
        let (on, off) = color.as_ref().map_or(("", ""), |(on, off)| (on.as_str(), *off));
        if !std::mem::replace(inside_line, !record.ends_line) {
            if let Some(prefix) = &self.source.prefix {
                line.extend_from_slice(format!("{on}{prefix}{off} ").as_bytes());
            }
            if options.timestamps {
                line.extend_from_slice(record.time_text().as_bytes());
                line.push(b' ');
            }
        }
        let (on, off) = if self.source.prefix.is_none() { (on, off) } else { ("", "") };
        line.extend_from_slice(on.as_bytes());
        line.extend_from_slice(&record.text);
        line.extend_from_slice(off.as_bytes());
        if record.ends_line {
            line.push(b'\n');
        }
        output.flush_when_large()
    }
}

/// Both streams of the output. Bytes for one are collected; those for the other are written out before.
struct Output<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    buffer: Vec<u8>,
    stream: Stream,
    /// Nobody reads any more.
    closed: bool,
}

impl Output<'_> {
    const LARGE: usize = 64 * 1024;

    fn to(&mut self, stream: Stream) -> Result<&mut Vec<u8>> {
        if self.stream != stream {
            self.flush()?;
            self.stream = stream;
        }
        Ok(&mut self.buffer)
    }

    fn flush_when_large(&mut self) -> Result<()> {
        if self.buffer.len() >= Self::LARGE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        if self.buffer.is_empty() || self.closed {
            return Ok(());
        }
        let writer: &mut dyn Write = match self.stream {
            Stream::Stdout => self.out,
            Stream::Stderr => self.err,
        };
        let result = writer.write_all(&self.buffer).and_then(|()| writer.flush());
        self.buffer.clear();
        match result {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => self.closed = true,
            Err(e) => return Err(Error::from(e).wrap("writing the log")),
            Ok(()) => {}
        }
        Ok(())
    }
}

/// Waits until something happens in the directories of logs, or it is time to look anyway.
struct Waiter {
    inotify: Option<OwnedFd>,
}

impl Waiter {
    /// Where the kernel refuses to watch, time alone must do.
    fn new(logs: &[Log<'_>]) -> Self {
        let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
        let inotify = inotify::init(flags).ok().filter(|fd| {
            logs.iter().filter_map(|log| log.source.path.parent()).all(|dir| {
                let events = inotify::WatchFlags::MODIFY | inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::DELETE;
                inotify::add_watch(fd, dir, events).is_ok()
            })
        });
        Waiter { inotify }
    }

    fn wait(&self) {
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK_AGAIN.subsec_nanos()) };
        match &self.inotify {
            Some(fd) => {
                // An interrupted wait is as good as a finished one.
                let _ = poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&timeout));
                let mut events = [0; 4096];
                while rustix::io::read(fd, &mut events).is_ok_and(|n| n > 0) {}
            }
            None => {
                let _ = poll(&mut [], Some(&timeout));
            }
        }
    }
}

#[cfg(test)]
mod tests;
