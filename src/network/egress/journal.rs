//! What was refused: a file with one JSON document on each line, in the container's directory.
//!
//! ```text
//! egress.log      {"time":"2026-11-22T22:00:00.123Z","container":"<id>","name":"web","direction":"out","protocol":"tcp",
//!                  "destination":"1.1.1.1","port":443,"domain":"example.org","reason":"address"}
//! egress.log.1    what was before, as soon as the first one has a mebibyte
//! ```
//!
//! The same flow is written once in some seconds, and no container writes more than some lines a second: what is left
//! out is counted in `more` of the next line.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::packet::Flow;

/// The file's name in a container's directory, and that of the one before.
pub const FILE: &str = "egress.log";
pub const OLD_FILE: &str = "egress.log.1";

const MAX_SIZE: u64 = 1 << 20;
/// The same flow is not written again so soon.
const REPEAT: Duration = Duration::from_secs(10);
const MAX_FLOWS: usize = 1024;
/// Lines a second, after a first burst of ten times as many.
const RATE: f64 = 20.0;

/// The journal of one container.
#[derive(Debug)]
pub struct Journal {
    id: String,
    name: String,
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// With its size.
    file: Option<(File, u64)>,
    recent: HashMap<Refusal, Instant>,
    tokens: f64,
    filled: Instant,
    left_out: u64,
}

/// What was refused, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Refusal {
    /// `out`: the container wanted it; `in`: somebody wanted the container.
    direction: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// The name that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// `address`, `name`: it is not listed; `private`: a listed name has an address that must be listed itself; `forged`: sent in
    /// the name of another one.
    reason: &'static str,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    container: &'a str,
    name: &'a str,
    #[serde(flatten)]
    refusal: &'a Refusal,
    /// So many were left out before.
    #[serde(skip_serializing_if = "is_zero")]
    more: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Refusal {
    pub(super) fn name(name: &str) -> Refusal {
        Refusal {
            direction: "out",
            protocol: "dns".into(),
            domain: Some(name.to_owned()),
            reason: "name",
            ..Refusal::default()
        }
    }

    pub(super) fn private(name: &str, address: IpAddr) -> Refusal {
        let (destination, domain) = (Some(address), Some(name.to_owned()));
        Refusal {
            direction: "out",
            protocol: "dns".into(),
            destination,
            domain,
            reason: "private",
            ..Refusal::default()
        }
    }

    pub(super) fn packet(flow: &Flow, direction: &str, name: Option<String>) -> Refusal {
        Refusal {
            direction: if direction == "in" { "in" } else { "out" },
            protocol: flow.protocol.clone(),
            source: flow.source,
            destination: flow.destination,
            port: flow.port,
            domain: name,
            reason: if direction == "forged" { "forged" } else { "address" },
        }
    }
}

impl Journal {
    /// The journal of a container in its directory. The file is made with its first line.
    pub fn new(id: &str, name: &str, dir: PathBuf) -> Journal {
        let state =
            State { file: None, recent: HashMap::new(), tokens: RATE * 10.0, filled: Instant::now(), left_out: 0 };
        Journal { id: id.to_owned(), name: name.to_owned(), dir, state: Mutex::new(state) }
    }

    /// Writes a line, unless there was the same one or there are too many. Nothing is to be done about a full disk.
    pub(super) fn write(&self, refusal: &Refusal) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !state.is_due(refusal, Instant::now()) {
            return;
        }
        let more = std::mem::take(&mut state.left_out);
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
        let line = Line { time, container: &self.id, name: &self.name, refusal, more };
        let Ok(mut text) = serde_json::to_vec(&line) else { return };
        text.push(b'\n');
        if self.append(&mut state, &text).is_err() {
            state.file = None;
            state.left_out = more + 1;
        }
    }

    fn append(&self, state: &mut State, text: &[u8]) -> std::io::Result<()> {
        if state.file.as_ref().is_some_and(|(_, size)| *size + text.len() as u64 > MAX_SIZE) {
            state.file = None;
            std::fs::rename(self.dir.join(FILE), self.dir.join(OLD_FILE))?;
        }
        if state.file.is_none() {
            let file = File::options().append(true).create(true).open(self.dir.join(FILE))?;
            let size = file.metadata()?.len();
            state.file = Some((file, size));
        }
        if let Some((file, size)) = &mut state.file {
            file.write_all(text)?;
            *size += text.len() as u64;
        }
        Ok(())
    }
}

impl State {
    fn is_due(&mut self, refusal: &Refusal, now: Instant) -> bool {
        if self.recent.get(refusal).is_some_and(|last| now.duration_since(*last) < REPEAT) {
            return false;
        }
        self.tokens = (self.tokens + now.duration_since(self.filled).as_secs_f64() * RATE).min(RATE * 10.0);
        self.filled = now;
        if self.tokens < 1.0 {
            self.left_out += 1;
            return false;
        }
        self.tokens -= 1.0;
        if self.recent.len() >= MAX_FLOWS {
            self.recent.retain(|_, last| now.duration_since(*last) < REPEAT);
        }
        if self.recent.len() < MAX_FLOWS {
            self.recent.insert(refusal.clone(), now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_few_and_the_file_is_small() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new("0123", "web", dir.path().to_owned());
        journal.write(&Refusal::name("a.example"));
        journal.write(&Refusal::name("a.example"));
        let address = "1.1.1.1".parse().unwrap();
        let flow = Flow { protocol: "tcp".into(), destination: Some(address), port: Some(443), ..Flow::default() };
        journal.write(&Refusal::packet(&flow, "out", Some("b.example".into())));
        let text = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!(lines[0]["domain"], "a.example");
        assert_eq!(lines[1]["destination"], "1.1.1.1");
        assert_eq!((&lines[1]["port"], &lines[1]["container"]), (&443.into(), &"0123".into()));
        for number in 0..1000 {
            journal.write(&Refusal::name(&format!("{number}.example")));
        }
        let written = std::fs::read_to_string(dir.path().join(FILE)).unwrap().lines().count();
        assert!((200..400).contains(&written), "{written} lines");
        // A file that is full moves aside.
        journal.state.lock().unwrap().file.as_mut().unwrap().1 = MAX_SIZE;
        journal.state.lock().unwrap().tokens = 10.0;
        journal.write(&Refusal::name("last.example"));
        let last = std::fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert!(last.contains("last.example") && last.contains("\"more\":"), "{last}");
        assert!(dir.path().join(OLD_FILE).exists());
    }
}
