//! Progress of pulls and loads on stderr: bars on a terminal, lines elsewhere, nothing with `--quiet`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printer::{Printer, strip_escapes};
use crate::image::progress::{Event, Progress};

/// A terminal narrower than this gets no bars, only figures.
const NARROW: u16 = 70;

/// Shows progress.
#[derive(Debug)]
pub struct Shown<'a> {
    printer: &'a Printer,
    how: How,
}

#[derive(Debug)]
enum How {
    Silent,
    Lines,
    Bars { all: MultiProgress, bars: Mutex<Bars> },
}

/// What stands on the terminal.
#[derive(Debug, Default)]
struct Bars {
    by_digest: HashMap<String, ProgressBar>,
    /// All blobs together, below the others; there is one when there are at least two blobs.
    total: Option<ProgressBar>,
    /// How many blobs, and their bytes.
    blobs: u64,
    bytes: u64,
    /// Nothing is drawn any more.
    ended: bool,
}

impl<'a> Shown<'a> {
    pub fn new(printer: &'a Printer, quiet: bool) -> Self {
        let how = if quiet {
            How::Silent
        } else if printer.err_is_terminal() {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            How::Bars { all, bars: Mutex::default() }
        } else {
            How::Lines
        };
        Shown { printer, how }
    }

    /// Ends the bars, so that what is printed next does not run into them. Bars of blobs that did not finish stay as
    /// they are.
    pub fn finish(&self) {
        if let How::Bars { bars, .. } = &self.how {
            let mut bars = lock(bars);
            bars.by_digest.drain().for_each(|(_, bar)| bar.abandon());
            if let Some(total) = bars.total.take() {
                total.abandon();
            }
            (bars.blobs, bars.bytes) = (0, 0);
        }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Progress for Shown<'_> {
    fn event(&self, event: Event) {
        if let Event::Stopped(words) = event {
            self.finish();
            if let How::Bars { bars, .. } = &self.how {
                lock(bars).ended = true;
            }
            self.printer.error(&crate::error::Error::new(words));
            return;
        }
        match &self.how {
            How::Silent => {}
            How::Lines => {
                if let Some(line) = line(&event) {
                    self.printer.message(line);
                }
            }
            How::Bars { all, bars } => {
                let mut bars = lock(bars);
                if !bars.ended {
                    bars.draw(all, event);
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is printed of an event where there is no terminal.
fn line(event: &Event) -> Option<String> {
    match event {
        Event::Line(text) => Some(text.clone()),
        Event::Started { digest, what, .. } => Some(format!("Copying {what} {digest}")),
        Event::Skipped { digest } => Some(format!("Copying blob {digest} skipped: already exists")),
        Event::Waiting { digest } => Some(format!("Copying blob {digest} is left to another process")),
        Event::Queued { .. }
        | Event::Advanced { .. }
        | Event::Unpacking { .. }
        | Event::Finished { .. }
        | Event::Stopped(_) => None,
    }
}

impl Bars {
    fn draw(&mut self, all: &MultiProgress, event: Event) {
        match event {
            Event::Line(text) => {
                // A terminal that is gone has nothing to show.
                let _ = all.println(strip_escapes(&text));
            }
            Event::Queued { digest, total } => {
                let bar = self.add(all, &digest, "blob", total);
                bar.set_message("waiting");
                self.blobs += 1;
                // What a manifest promises can be anything.
                self.bytes = self.bytes.saturating_add(total.unwrap_or_default());
                if self.blobs > 1 {
                    let bytes = self.bytes;
                    let bar = self.total.get_or_insert_with(|| {
                        let bar = all.add(ProgressBar::new(bytes).with_style(sum()));
                        bar.set_prefix("Total");
                        bar
                    });
                    bar.set_length(bytes);
                }
            }
            Event::Started { digest, what, total } => {
                let bar = match self.by_digest.get(&digest) {
                    Some(bar) => bar.clone(),
                    None => self.add(all, &digest, what, total),
                };
                // It may be the second start: what an earlier pull had left was wrong.
                if let Some(sum) = &self.total {
                    sum.set_position(sum.position().saturating_sub(bar.position()));
                }
                bar.reset();
                bar.set_style(flowing(total.is_some()));
            }
            Event::Advanced { digest, bytes } => {
                if let Some(bar) = self.by_digest.get(&digest) {
                    bar.inc(bytes);
                    self.total.iter().for_each(|sum| sum.inc(bytes));
                }
            }
            Event::Waiting { digest } => {
                self.say(all, &digest, "left to another process");
            }
            Event::Unpacking { digest } => self.say(all, &digest, "extracting"),
            Event::Finished { digest } => {
                self.say(all, &digest, "done");
                self.by_digest.remove(&digest).iter().for_each(ProgressBar::abandon);
            }
            Event::Skipped { digest } => {
                self.say(all, &digest, "skipped: already exists");
                self.by_digest.remove(&digest).iter().for_each(ProgressBar::abandon);
            }
            // Told before by the one who shows it.
            Event::Stopped(_) => {}
        }
    }

    /// Puts a new bar above the sum.
    fn add(&mut self, all: &MultiProgress, digest: &str, what: &str, total: Option<u64>) -> ProgressBar {
        let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(words());
        let bar = match &self.total {
            Some(sum) => all.insert_before(sum, bar),
            None => all.add(bar),
        };
        bar.set_prefix(format!("Copying {what} {}", short(digest)));
        self.by_digest.insert(digest.to_owned(), bar.clone());
        bar
    }

    /// Puts words in the place of a bar.
    fn say(&mut self, all: &MultiProgress, digest: &str, what: &'static str) {
        let bar = match self.by_digest.get(digest) {
            Some(bar) => bar.clone(),
            None => self.add(all, digest, "blob", None),
        };
        bar.set_style(words());
        bar.set_message(what);
    }
}

/// The first 12 digits of a digest.
fn short(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    strip_escapes(hex.get(..12).unwrap_or(hex)).into_owned()
}

const WIDE: &str = "{prefix} [{wide_bar}] {bytes} / {total_bytes} | {bytes_per_sec}";
const SHORT: &str = "{prefix} {percent}%";
const ENDLESS: &str = "{prefix} {bytes} | {bytes_per_sec}";
const SUM: &str = "{prefix} [{wide_bar}] {bytes} / {total_bytes} | {bytes_per_sec} | {elapsed}";
const SHORT_SUM: &str = "{prefix} {bytes} / {total_bytes}";
const WORDS: &str = "{prefix} {msg}";

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=>-")
}

fn is_narrow() -> bool {
    rustix::termios::tcgetwinsize(std::io::stderr()).is_ok_and(|size| size.ws_col > 0 && size.ws_col < NARROW)
}

fn flowing(known_length: bool) -> ProgressStyle {
    style(match (known_length, is_narrow()) {
        (true, false) => WIDE,
        (true, true) => SHORT,
        (false, _) => ENDLESS,
    })
}

fn sum() -> ProgressStyle {
    style(if is_narrow() { SHORT_SUM } else { SUM })
}

fn words() -> ProgressStyle {
    style(WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_valid() {
        for template in [WIDE, SHORT, ENDLESS, SUM, SHORT_SUM, WORDS] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn events_have_lines() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        assert_eq!(short(&digest), "abababababab");
        assert_eq!(short("x"), "x");
        let started = Event::Started { digest: digest.clone(), what: "config", total: None };
        assert_eq!(line(&started), Some(format!("Copying config {digest}")));
        assert_eq!(line(&Event::Finished { digest }), None);
        assert_eq!(line(&Event::Line("words".to_owned())).as_deref(), Some("words"));
    }
}
