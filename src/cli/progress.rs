//! Progress of pulls and loads on stderr: bars on a terminal, lines elsewhere, nothing with `--quiet`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printer::{Printer, strip_escapes};
use crate::image::progress::{Event, Progress};

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
    Bars { all: MultiProgress, by_digest: Mutex<HashMap<String, ProgressBar>> },
}

impl<'a> Shown<'a> {
    pub fn new(printer: &'a Printer, quiet: bool) -> Self {
        let how = if quiet {
            How::Silent
        } else if printer.err_is_terminal() {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            How::Bars { all, by_digest: Mutex::default() }
        } else {
            How::Lines
        };
        Shown { printer, how }
    }

    /// Ends the bars, so that what is printed next does not run into them. Bars of blobs that did not finish stay as
    /// they are.
    pub fn finish(&self) {
        if let How::Bars { by_digest, .. } = &self.how {
            lock(by_digest).drain().for_each(|(_, bar)| bar.abandon());
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
        match &self.how {
            How::Silent => {}
            How::Lines => {
                if let Some(line) = line(&event) {
                    self.printer.message(line);
                }
            }
            How::Bars { all, by_digest } => draw(all, &mut lock(by_digest), event),
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
        Event::Advanced { .. } | Event::Finished { .. } => None,
    }
}

fn draw(all: &MultiProgress, bars: &mut HashMap<String, ProgressBar>, event: Event) {
    match event {
        Event::Line(text) => {
            // A terminal that is gone has nothing to show.
            let _ = all.println(strip_escapes(&text));
        }
        Event::Started { digest, what, total } => {
            let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
            let bar = all.add(bar.with_style(style(total.is_some())));
            bar.set_prefix(format!("Copying {what} {}", short(&digest)));
            bars.insert(digest, bar);
        }
        Event::Advanced { digest, bytes } => {
            if let Some(bar) = bars.get(&digest) {
                bar.inc(bytes);
            }
        }
        Event::Finished { digest } => {
            if let Some(bar) = bars.remove(&digest) {
                bar.set_style(words());
                bar.finish_with_message("done");
            }
        }
        Event::Skipped { digest } => {
            let bar = all.add(ProgressBar::no_length().with_style(words()));
            bar.set_prefix(format!("Copying blob {}", short(&digest)));
            bar.finish_with_message("skipped: already exists");
        }
    }
}

/// The first 12 digits of a digest.
fn short(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    strip_escapes(hex.get(..12).unwrap_or(hex)).into_owned()
}

fn style(known_length: bool) -> ProgressStyle {
    let template = if known_length {
        "{prefix} [{bar:38}] {bytes} / {total_bytes} | {bytes_per_sec}"
    } else {
        "{prefix} {bytes} | {bytes_per_sec}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=>-")
}

fn words() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

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
