//! Tests of the log as a whole: what is written is read again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// Stream name to text, all pieces put together.
type Texts = BTreeMap<String, Vec<u8>>;

fn options<'a>(driver: &'a str, path: &'a Path, max_size: u64) -> Options<'a> {
    Options { driver, path: Some(path), max_size, max_files: 100_000 }
}

/// The records of a log and of its rotated files, oldest first.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = (1..).map(|n| numbered(path, n)).take_while(|p| p.exists()).collect();
    files.reverse();
    files.push(path.to_owned());
    let bytes: Vec<u8> = files.iter().flat_map(|p| std::fs::read(p).unwrap()).collect();
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "the last record has no end");
    bytes.split_inclusive(|b| *b == b'\n').map(|line| line[..line.len() - 1].to_vec()).collect()
}

fn read_k8s(path: &Path) -> Texts {
    let mut texts = Texts::new();
    for record in records(path) {
        let parts: Vec<&[u8]> = record.splitn(4, |b| *b == b' ').collect();
        let [time, stream, kind, text] = parts[..] else { panic!("not a record: {record:?}") };
        let time = std::str::from_utf8(time).unwrap();
        assert!(time.len() == 35 && time.parse::<jiff::Timestamp>().is_ok(), "{time}");
        let all = texts.entry(String::from_utf8(stream.to_vec()).unwrap()).or_default();
        all.extend_from_slice(text);
        match kind {
            b"F" => all.push(b'\n'),
            b"P" => {}
            _ => panic!("not a record: {record:?}"),
        }
    }
    texts
}

fn read_json(path: &Path) -> Texts {
    let mut texts = Texts::new();
    for record in records(path) {
        let value: serde_json::Value = serde_json::from_slice(&record).unwrap();
        let keys: Vec<_> = value.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["log", "stream", "time"]);
        assert!(value["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
        let all = texts.entry(value["stream"].as_str().unwrap().to_owned()).or_default();
        all.extend_from_slice(value["log"].as_str().unwrap().as_bytes());
    }
    texts
}

/// Each byte that is not UTF-8 as U+FFFD.
fn lossy(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        chunk.invalid().iter().for_each(|_| text.push('\u{fffd}'));
    }
    text.into_bytes()
}

/// Writes all chunks, and returns what they are per stream.
fn write_all(log: &mut Log, chunks: &[(Stream, Vec<u8>)]) -> Texts {
    let mut texts = Texts::new();
    for (stream, bytes) in chunks {
        log.write(*stream, bytes);
        if !bytes.is_empty() {
            texts.entry(stream.name().to_owned()).or_default().extend_from_slice(bytes);
        }
    }
    log.finish(Stream::Stdout);
    log.finish(Stream::Stderr);
    texts
}

/// The records without their times.
fn shape(path: &Path) -> Vec<String> {
    let text = |r: Vec<u8>| String::from_utf8(r).unwrap();
    records(path).into_iter().map(text).map(|r| r.split_once(' ').unwrap().1.to_owned()).collect()
}

#[test]
fn k8s_records_are_lines_and_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    let mut log = Log::open(&options("k8s-file", &path, 0)).unwrap();
    log.write(Stream::Stdout, b"one\ntwo");
    log.write(Stream::Stderr, b"error\n\n");
    log.write(Stream::Stdout, b"");
    log.write(Stream::Stdout, b"\nthree\n");
    assert_eq!(
        shape(&path),
        ["stdout F one", "stdout P two", "stderr F error", "stderr F ", "stdout F ", "stdout F three"]
    );
}

#[test]
fn a_long_line_becomes_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    let mut log = Log::open(&options("k8s-file", &path, 0)).unwrap();
    let mut line = vec![b'x'; MAX_PIECE * 2];
    line.extend_from_slice(b"y\n");
    log.write(Stream::Stdout, &line);
    let lengths: Vec<_> = shape(&path).iter().map(|r| (r.len() - "stdout F ".len(), r.contains('P'))).collect();
    assert_eq!(lengths, [(MAX_PIECE, true), (MAX_PIECE, true), (1, false)]);
}

#[test]
fn a_character_cut_in_two_is_put_together_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    let mut log = Log::open(&options("json-file", &path, 0)).unwrap();
    for byte in "€\n".bytes() {
        log.write(Stream::Stdout, &[byte]);
    }
    log.write(Stream::Stdout, b"a\xf0\x9f");
    log.finish(Stream::Stdout);
    let texts = read_json(&path);
    assert_eq!(String::from_utf8_lossy(&texts["stdout"]), "€\na\u{fffd}\u{fffd}");
}

#[test]
fn the_buffer_never_grows() {
    for driver in ["k8s-file", "json-file"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ctr.log");
        let mut log = Log::open(&options(driver, &path, 0)).unwrap();
        for bytes in [vec![0; 100_000], vec![b'\n'; 100_000], vec![0xe2; 100_000], b"a\x01\n".repeat(10_000)] {
            log.write(Stream::Stderr, &bytes);
        }
        assert_eq!(log.0.unwrap().buffer.capacity(), BUFFER, "{driver}");
    }
}

#[test]
fn a_full_disk_stops_the_log_and_not_the_container() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ctr.log");
    let mut log = Log::open(&options("k8s-file", Path::new("/dev/full"), 0)).unwrap();
    for _ in 0..1000 {
        log.write(Stream::Stdout, b"lost\n");
    }
    let writer = log.0.as_mut().unwrap();
    let stopped = writer.stopped.as_mut().expect("the log has not stopped");
    let lost = stopped.lost;
    assert_eq!(lost, 1000 * "2026-11-22T01:13:19.767714026+00:00 stdout F lost\n".len() as u64);
    // The disk has room again, and the pause is over.
    stopped.again = 0;
    writer.file = LogFile::open(&path, 0, 1).unwrap();
    log.write(Stream::Stdout, b"kept\n");
    log.write(Stream::Stdout, b"too\n");
    let marker = format!("stderr F coracle: log goes on, {lost} bytes of it are lost");
    assert_eq!(shape(&path), [&marker, "stdout F kept", "stdout F too"]);
}

#[test]
fn the_marker_says_why_the_log_stopped() {
    let dir = tempfile::tempdir().unwrap();
    for (driver, expected) in [
        ("k8s-file", "stderr F coracle: log stopped: why"),
        ("json-file", r#"{"log":"coracle: log stopped: why\n","stream":"stderr","#),
    ] {
        let path = dir.path().join(driver);
        let mut log = Log::open(&options(driver, &path, 0)).unwrap();
        let writer = log.0.as_mut().unwrap();
        note(writer.format, &mut writer.clock, &mut writer.file, format_args!("log stopped: why")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(expected) && text.ends_with('\n'), "{text}");
    }
}

#[test]
fn drivers_without_a_file_and_unknown_ones() {
    for driver in ["none", "passthrough"] {
        let mut log = Log::open(&Options { driver, path: None, max_size: 0, max_files: 0 }).unwrap();
        log.write(Stream::Stdout, b"nowhere\n");
    }
    let error = Log::open(&Options { driver: "syslog", path: None, max_size: 0, max_files: 0 }).unwrap_err();
    assert_eq!(error.to_string(), "log driver `syslog` is not known");
    let error = Log::open(&options("k8s-file", Path::new("/nonexistent/x/ctr.log"), 0)).unwrap_err();
    assert_eq!(error.to_string(), "opening log `/nonexistent/x/ctr.log`: No such file or directory");
}

fn chunks() -> impl Strategy<Value = Vec<(Stream, Vec<u8>)>> {
    let stream = prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)];
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200),
        "[a-z\n€😀]{0,60}".prop_map(String::into_bytes),
        (any::<u8>(), 0..40_000_usize).prop_map(|(b, n)| vec![b; n]),
        "[é€]{9000}".prop_map(String::into_bytes),
    ];
    // Cut anywhere, so that characters and lines come in parts.
    proptest::collection::vec((stream, bytes, any::<prop::sample::Index>()), 0..12).prop_map(|all| {
        let cut = |(stream, bytes, index): (Stream, Vec<u8>, prop::sample::Index)| {
            let (a, b) = bytes.split_at(index.index(bytes.len() + 1));
            [(stream, a.to_vec()), (stream, b.to_vec())]
        };
        all.into_iter().flat_map(cut).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_put_together_are_what_was_written(chunks in chunks(), max_size in prop_oneof![Just(0), 300..40_000_u64]) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ctr.log");
        let mut log = Log::open(&options("k8s-file", &path, max_size)).unwrap();
        let written = write_all(&mut log, &chunks);
        prop_assert_eq!(read_k8s(&path), written);
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let text = std::fs::read(file.unwrap().path()).unwrap();
            let lines = text.iter().filter(|b| **b == b'\n').count();
            prop_assert!(max_size == 0 || text.len() as u64 <= max_size || lines == 1, "a file is too large");
        }
    }

    #[test]
    fn json_pieces_put_together_are_what_was_written(chunks in chunks(), max_size in prop_oneof![Just(0), 300..40_000_u64]) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ctr.log");
        let mut log = Log::open(&options("json-file", &path, max_size)).unwrap();
        let written: Texts = write_all(&mut log, &chunks).into_iter().map(|(k, v)| (k, lossy(&v))).collect();
        prop_assert_eq!(read_json(&path), written);
    }
}
