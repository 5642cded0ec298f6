//! Where the last lines of a log begin, found by reading from its end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::files::CHUNK;
use super::record::{Format, Stream};

/// A line longer than this is no record of the monitor's.
const MAX_LINE: usize = 1 << 20;

/// The file and the offset in it at which the last `lines` lines begin. `files` are oldest first.
pub(super) fn start(files: &[File], lines: u64, format: Format) -> io::Result<(usize, u64)> {
    let Some((last, current)) = files.split_last().map(|(current, older)| (older.len(), current)) else {
        return Ok((0, 0));
    };
    let mut found = (last, current.metadata()?.len());
    if lines == 0 {
        return Ok(found);
    }
    let mut counted = 0;
    // Whether a later record of the stream is known: a piece before another is no line of its own.
    let mut seen = [false; 2];
    for (i, file) in files.iter().enumerate().rev() {
        let length = file.metadata()?.len();
        let went_through = lines_backward(file, length, &mut |offset, line| {
            let Some(record) = format.parse(line) else { return true };
            let [stdout, stderr] = &mut seen;
            let seen = if record.stream == Stream::Stdout { stdout } else { stderr };
            if record.ends_line || !*seen {
                counted += 1;
            }
            *seen = true;
            if counted > lines {
                return false;
            }
            found = (i, offset);
            true
        })?;
        if !went_through {
            return Ok(found);
        }
    }
    Ok((0, 0))
}

/// Calls `each` with the offset and text of every line, last first, until it says no. Returns whether it never did.
fn lines_backward(file: &File, length: u64, each: &mut dyn FnMut(u64, &[u8]) -> bool) -> io::Result<bool> {
    // The end of a line whose beginning has not been read, at `base`.
    let mut tail: Vec<u8> = Vec::new();
    let mut base = length;
    while base > 0 {
        let size = CHUNK.min(usize::try_from(base).unwrap_or(CHUNK));
        base -= size as u64;
        let mut chunk = vec![0; size];
        file.read_exact_at(&mut chunk, base)?;
        chunk.append(&mut tail);
        let mut end = chunk.len();
        while let Some(newline) = chunk.get(..end).unwrap_or_default().iter().rposition(|b| *b == b'\n') {
            let line = chunk.get(newline + 1..end).unwrap_or_default();
            if !line.is_empty() && !each(base + newline as u64 + 1, line) {
                return Ok(false);
            }
            end = newline;
        }
        chunk.truncate(end);
        tail = if chunk.len() > MAX_LINE { Vec::new() } else { chunk };
    }
    Ok(tail.is_empty() || each(0, &tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn records(texts: &[&str]) -> String {
        texts.iter().map(|text| format!("2026-11-22T01:13:19.767714026+00:00 {text}\n")).collect()
    }

    #[test]
    fn the_last_lines_begin_where_they_should() {
        let one = |n: usize| records(&["stdout F x"]).len() as u64 * n as u64;
        type Files<'a> = &'a [&'a [&'a str]];
        let cases: [(Files<'_>, u64, (usize, u64)); 9] = [
            (&[&["stdout F a", "stderr F b", "stdout F c"]], 1, (0, one(2))),
            (&[&["stdout F a", "stderr F b", "stdout F c"]], 2, (0, one(1))),
            (&[&["stdout F a", "stderr F b", "stdout F c"]], 3, (0, 0)),
            (&[&["stdout F a", "stderr F b", "stdout F c"]], 9, (0, 0)),
            (&[&["stdout F a", "stderr F b", "stdout F c"]], 0, (0, one(3))),
            (&[&["stdout F a", "stdout P b", "stdout P c", "stdout F d"]], 1, (0, one(1))),
            (&[&["stdout F a", "stdout P b"]], 1, (0, one(1))),
            (&[&["stdout F a", "stdout F b"], &["stdout F c"]], 2, (0, one(1))),
            (&[&["stdout F a", "stdout F b"], &["stdout F c"], &[]], 1, (1, 0)),
        ];
        for (texts, lines, want) in cases {
            let files: Vec<File> = texts.iter().map(|t| file(&records(t))).collect();
            assert_eq!(start(&files, lines, Format::K8s).unwrap(), want, "{texts:?} {lines}");
        }
        assert_eq!(start(&[], 5, Format::K8s).unwrap(), (0, 0));
    }

    #[test]
    fn large_files_are_read_from_the_end() {
        let long = "y".repeat(10_000);
        let texts: Vec<String> = (0..1000).map(|i| format!("stdout F {i}{long}")).collect();
        let text = records(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let big = file(&text);
        for lines in [1_u64, 7, 500, 999, 1000] {
            let (_, offset) = start(std::slice::from_ref(&big), lines, Format::K8s).unwrap();
            let rest = text.get(offset as usize..).unwrap();
            assert_eq!(rest.lines().count() as u64, lines);
            assert!(rest.contains(&format!("stdout F {}yy", 1000 - lines)));
        }
        let mut read = 0;
        lines_backward(&big, big.metadata().unwrap().len(), &mut |_, line| {
            read += line.len();
            false
        })
        .unwrap();
        assert!(read < 20_000, "stops at once");
    }
}
