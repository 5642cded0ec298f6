//! Whole logs: options, rotation, and following a log that grows while it is read.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::container::Record as ContainerRecord;
use crate::container::record::LogConfig;

fn container(driver: &str, path: &Path) -> Container {
    let log = LogConfig { driver: driver.into(), path: Some(path.into()), ..LogConfig::default() };
    Container {
        record: ContainerRecord { log, ..ContainerRecord::default() },
        state: Default::default(),
        is_lost: false,
    }
}

fn k8s(second: u32, rest: &str) -> String {
    format!("2026-11-22T01:00:{second:02}.000000000+00:00 {rest}\n")
}

fn json(second: u32, stream: &str, text: &str) -> String {
    format!(
        "{}\n",
        serde_json::json!({"log": text, "stream": stream, "time": format!("2026-11-22T01:00:{second:02}Z")})
    )
}

/// What is shown on standard output and standard error.
fn shown(driver: &str, path: &Path, options: &Options, change: impl Fn(&mut Source<'_>)) -> (String, String) {
    let mut source = Source::new(&container(driver, path), || false).unwrap();
    change(&mut source);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    show(vec![source], options, &mut out, &mut err).unwrap();
    (String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned())
}

fn at(second: u32) -> Option<Timestamp> {
    Some(format!("2026-11-22T01:00:{second:02}Z").parse().unwrap())
}

#[test]
fn options_choose_and_mark_lines() {
    let dir = tempfile::tempdir().unwrap();
    let lines = [
        (1, "stdout", "one", true),
        (2, "stderr", "two", true),
        (3, "stdout", "th", false),
        (4, "stdout", "ree", true),
        (5, "stdout", "prompt: ", false),
    ];
    for driver in ["k8s-file", "json-file"] {
        let path = dir.path().join(driver);
        let text: String = lines
            .iter()
            .map(|(second, stream, text, whole)| match driver {
                "k8s-file" => k8s(*second, &format!("{stream} {} {text}", if *whole { "F" } else { "P" })),
                _ => json(*second, stream, &format!("{text}{}", if *whole { "\n" } else { "" })),
            })
            .collect();
        fs::write(&path, format!("{text}torn reco")).unwrap();
        let default = Options::default();
        let plain = |options: &Options| shown(driver, &path, options, |_| {});
        assert_eq!(plain(&default), ("one\nthree\nprompt: ".into(), "two\n".into()));
        let cases = [
            (Options { tail: Some(2), ..default.clone() }, "three\nprompt: ", ""),
            (Options { tail: Some(3), ..default.clone() }, "three\nprompt: ", "two\n"),
            (Options { tail: Some(0), ..default.clone() }, "", ""),
            (Options { since: at(2), ..default.clone() }, "three\nprompt: ", "two\n"),
            (Options { until: at(2), ..default.clone() }, "one\n", "two\n"),
            (Options { since: at(2), until: at(2), ..default.clone() }, "", "two\n"),
        ];
        for (options, out, err) in cases {
            assert_eq!(plain(&options), (out.to_owned(), err.to_owned()), "{options:?}");
        }
        let stamp = |second| {
            if driver == "k8s-file" {
                format!("2026-11-22T01:00:0{second}.000000000Z")
            } else {
                format!("2026-11-22T01:00:0{second}Z")
            }
        };
        let marked =
            shown(driver, &path, &Options { timestamps: true, ..default.clone() }, |s| s.prefix = Some("web".into()));
        assert_eq!(marked.0, format!("web {} one\nweb {} three\nweb {} prompt: ", stamp(1), stamp(3), stamp(5)));
        assert_eq!(marked.1, format!("web {} two\n", stamp(2)));
        let colored = shown(driver, &path, &default, |s| (s.prefix, s.color) = (Some("web".into()), Some(2)));
        assert_eq!(colored.1, "\x1b[32mweb\x1b[0m two\n");
    }
}

#[test]
fn several_logs_are_shown_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let sources = ["a", "b"].map(|name| {
        let path = dir.path().join(name);
        fs::write(&path, k8s(1, "stdout F one") + &k8s(2, "stdout F two")).unwrap();
        let mut source = Source::new(&container("k8s-file", &path), || false).unwrap();
        source.prefix = Some(name.to_owned());
        source
    });
    let mut out = Vec::new();
    show(sources.into(), &Options { tail: Some(1), ..Options::default() }, &mut out, &mut Vec::new()).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "a two\nb two\n");
}

#[test]
fn bytes_that_are_not_text_pass_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    let mut line = k8s(1, "stdout F x").into_bytes();
    line.truncate(line.len() - 2);
    line.extend_from_slice(b"\xff\xfe\0\x1b  \n");
    fs::write(&path, line).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let source = Source::new(&container("k8s-file", &path), || false).unwrap();
    show(vec![source], &Options::default(), &mut out, &mut err).unwrap();
    assert_eq!(out, b"\xff\xfe\0\x1b  \n");
}

#[test]
fn rotated_files_are_part_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    let name = |n: u32| dir.path().join(format!("ctr.log.{n}"));
    // A rotation under way: number 1 is free, and the current file has two names.
    fs::write(name(3), k8s(1, "stdout F a")).unwrap();
    fs::write(name(2), k8s(2, "stdout F b")).unwrap();
    fs::write(&path, k8s(3, "stdout F c")).unwrap();
    let all = |options: &Options| shown("k8s-file", &path, options, |_| {}).0;
    assert_eq!(all(&Options::default()), "a\nb\nc\n");
    fs::hard_link(&path, name(1)).unwrap();
    assert_eq!(all(&Options::default()), "a\nb\nc\n");
    assert_eq!(all(&Options { tail: Some(2), ..Options::default() }), "b\nc\n");
    fs::remove_file(&path).unwrap();
    assert_eq!(all(&Options::default()), "a\nb\nc\n");
}

#[test]
fn what_cannot_be_shown_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    assert_eq!(shown("k8s-file", &path, &Options::default(), |_| {}), (String::new(), String::new()), "no log yet");
    let mut none = container("none", &path);
    none.record.log.path = None;
    let message = Source::new(&none, || false).err().unwrap().to_string();
    assert!(message.contains("'none' log driver, cannot read logs"), "{message}");
    let source = Source::new(&container("k8s-file", dir.path()), || false).unwrap();
    let error = show(vec![source], &Options::default(), &mut Vec::new(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().starts_with("reading log `"), "{error}");
    let source = Source::new(&container("journald", &path), || false).unwrap();
    assert!(show(vec![source], &Options::default(), &mut Vec::new(), &mut Vec::new()).is_err());
}

/// An output that tells how much it has.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lines(&self) -> usize {
        self.0.lock().unwrap().iter().filter(|b| **b == b'\n').count()
    }

    fn wait_for(&self, lines: usize) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while self.lines() < lines {
            assert!(std::time::Instant::now() < deadline, "{} of {lines} lines", self.lines());
            std::thread::yield_now();
        }
    }
}

/// Ends the followed container, also when the test fails, so that the reader ends.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// The writer rotates as the monitor does; every line is shown once, in order, and the reader ends with the container.
#[test]
fn following_across_rotations_loses_and_doubles_nothing() {
    const LINES: u32 = 4000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    fs::write(&path, "").unwrap();
    let running = AtomicBool::new(true);
    let shared = Shared::default();
    let out = shared.clone();
    std::thread::scope(|scope| {
        let end = End(&running);
        let reader = scope.spawn(|| {
            let source = Source::new(&container("k8s-file", &path), || running.load(Ordering::SeqCst)).unwrap();
            let options = Options { follow: true, ..Options::default() };
            show(vec![source], &options, &mut out.clone(), &mut Vec::new())
        });
        let name = |n: u32| dir.path().join(format!("ctr.log.{n}"));
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        for i in 0..LINES {
            if i % 50 == 49 {
                let next =
                    fs::OpenOptions::new().append(true).create(true).open(dir.path().join("ctr.log.new")).unwrap();
                // As many as are kept: the reader must not be so slow that one it has not read is removed.
                shared.wait_for((i as usize).saturating_sub(200));
                for n in (1..8).rev().filter(|n| name(*n).exists()) {
                    fs::rename(name(n), name(n + 1)).unwrap();
                }
                fs::hard_link(&path, name(1)).unwrap();
                fs::rename(dir.path().join("ctr.log.new"), &path).unwrap();
                file = next;
            }
            let line = k8s(i % 60, &format!("stdout F {i}"));
            if i % 7 == 0 {
                // A record that comes in two parts.
                let (a, b) = line.split_at(20);
                file.write_all(a.as_bytes()).unwrap();
                file.write_all(b.as_bytes()).unwrap();
            } else {
                file.write_all(line.as_bytes()).unwrap();
            }
        }
        drop(end);
        reader.join().unwrap().unwrap();
    });
    let got = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
    let want: String = (0..LINES).map(|i| format!("{i}\n")).collect();
    assert!(got == want, "{} lines of {LINES}", got.lines().count());
}

#[test]
fn following_begins_at_the_tail_and_sees_a_truncated_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    fs::write(&path, k8s(1, "stdout F old") + &k8s(2, "stdout F last")).unwrap();
    let running = AtomicBool::new(true);
    let shared = Shared::default();
    let out = shared.clone();
    std::thread::scope(|scope| {
        let end = End(&running);
        let reader = scope.spawn(|| {
            let source = Source::new(&container("k8s-file", &path), || running.load(Ordering::SeqCst)).unwrap();
            show(
                vec![source],
                &Options { follow: true, tail: Some(1), ..Options::default() },
                &mut out.clone(),
                &mut Vec::new(),
            )
        });
        shared.wait_for(1);
        fs::write(&path, k8s(3, "stdout F new")).unwrap();
        shared.wait_for(2);
        drop(end);
        reader.join().unwrap().unwrap();
    });
    assert_eq!(String::from_utf8(shared.0.lock().unwrap().clone()).unwrap(), "last\nnew\n");
}

#[test]
fn a_closed_pipe_ends_following() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    fs::write(&path, k8s(1, "stdout F a")).unwrap();
    let source = Source::new(&container("k8s-file", &path), || true).unwrap();
    show(vec![source], &Options { follow: true, ..Options::default() }, &mut Closed, &mut Vec::new()).unwrap();
    let source = Source::new(&container("k8s-file", &path), || true).unwrap();
    let past = Options { follow: true, until: at(30), ..Options::default() };
    show(vec![source], &past, &mut Vec::new(), &mut Vec::new()).unwrap();
}
