//! One record of a log: a line that the container wrote, or a piece of one.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;

use crate::error::{Error, Result};

/// The kinds of log files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `TIME stdout|stderr F|P TEXT`.
    K8s,
    /// `{"log":TEXT,"stream":…,"time":…}`; the text of a whole line has its newline.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

#[derive(Debug, PartialEq)]
pub(super) struct Record<'a> {
    pub stream: Stream,
    time: Cow<'a, str>,
    /// Not a piece that the next record of the stream goes on with.
    pub ends_line: bool,
    /// Without the newline.
    pub text: Cow<'a, [u8]>,
}

#[derive(Deserialize)]
struct JsonRecord<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
}

impl Format {
    pub fn of(driver: &str) -> Result<Self> {
        match driver {
            "k8s-file" => Ok(Format::K8s),
            "json-file" => Ok(Format::Json),
            _ => Err(Error::new(format!("cannot read logs of log driver `{driver}`"))
                .hint("logs are kept by k8s-file and json-file")),
        }
    }

    /// Reads a line of the file. What is no record (the torn end after a power cut) is `None`.
    pub fn parse<'a>(self, line: &'a [u8]) -> Option<Record<'a>> {
        match self {
            Format::K8s => {
                let mut words = line.splitn(4, |b| *b == b' ');
                let time = std::str::from_utf8(words.next()?).ok()?;
                let stream = stream(words.next()?)?;
                let ends_line = match words.next()? {
                    b"F" => true,
                    b"P" => false,
                    _ => return None,
                };
                let text = words.next()?;
                time.starts_with(|c: char| c.is_ascii_digit()).then_some(Record {
                    stream,
                    time: Cow::Borrowed(time),
                    ends_line,
                    text: Cow::Borrowed(text),
                })
            }
            Format::Json => {
                let record: JsonRecord<'a> = serde_json::from_slice(line).ok()?;
                let ends_line = record.log.ends_with('\n');
                let text = match record.log {
                    Cow::Borrowed(text) => Cow::Borrowed(text.strip_suffix('\n').unwrap_or(text).as_bytes()),
                    Cow::Owned(mut text) => {
                        text.truncate(text.len() - usize::from(ends_line));
                        Cow::Owned(text.into_bytes())
                    }
                };
                Some(Record { stream: stream(record.stream.as_bytes())?, time: record.time, ends_line, text })
            }
        }
    }
}

fn stream(name: &[u8]) -> Option<Stream> {
    match name {
        b"stdout" => Some(Stream::Stdout),
        b"stderr" => Some(Stream::Stderr),
        _ => None,
    }
}

impl Record<'_> {
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.time.parse().ok()
    }

    /// The time as `--timestamps` shows it: as it stands in the log, UTC written as `Z`.
    pub fn time_text(&self) -> String {
        match self.time.strip_suffix("+00:00") {
            Some(utc) => format!("{utc}Z"),
            None => self.time.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read() {
        let time = "2026-11-22T01:13:19.767714026+00:00";
        type Parts<'a> = Option<(Stream, bool, &'a str)>;
        let cases: [(Format, &str, Parts<'_>); 13] = [
            (Format::K8s, "T stdout F a b  c", Some((Stream::Stdout, true, "a b  c"))),
            (Format::K8s, "T stderr P x", Some((Stream::Stderr, false, "x"))),
            (Format::K8s, "T stdout F ", Some((Stream::Stdout, true, ""))),
            (Format::K8s, "T stdout F", None),
            (Format::K8s, "T stdout", None),
            (Format::K8s, "T stdlog F x", None),
            (Format::K8s, "x stdout F x", None),
            (Format::K8s, "", None),
            (Format::Json, r#"{"log":"a\n","stream":"stdout","time":"T"}"#, Some((Stream::Stdout, true, "a"))),
            (Format::Json, r#"{"log":"a","stream":"stderr","time":"T"}"#, Some((Stream::Stderr, false, "a"))),
            (Format::Json, r#"{"log":"\n","stream":"stderr","time":"T"}"#, Some((Stream::Stderr, true, ""))),
            (Format::Json, r#"{"log":"\t\"\n","stream":"stdout","time":"T"}"#, Some((Stream::Stdout, true, "\t\""))),
            (Format::Json, r#"{"log":"a","stre"#, None),
        ];
        for (format, line, want) in cases {
            let line = line.replace('T', time);
            let got = format.parse(line.as_bytes());
            let got_parts = got.as_ref().map(|r| (r.stream, r.ends_line, std::str::from_utf8(&r.text).unwrap()));
            assert_eq!(got_parts, want, "{line}");
            if let Some(record) = got {
                assert_eq!(record.time_text(), "2026-11-22T01:13:19.767714026Z");
                assert_eq!(record.timestamp().unwrap().as_nanosecond() % 1_000_000_000, 767_714_026);
            }
        }
    }
}
