//! `coracle cp`

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::engine::copy::{self, CopyOptions, Location};
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Give what is copied into a container to its user; without, it keeps its owners
    #[arg(short, long, default_value = "true")]
    archive: GoBool,
    /// Allow directories to be overwritten with non-directories and vice versa
    #[arg(long)]
    overwrite: GoBool,
    #[arg(value_name = "SRC_PATH")]
    source: OsString,
    #[arg(value_name = "DEST_PATH")]
    destination: OsString,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (source, destination) = (args.source.into_vec(), args.destination.into_vec());
    let (from, to) = (location(&source), location(&destination));
    for end in [&from, &to] {
        if end.path.is_empty() {
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            return Err(Error::new(format!(
                "invalid arguments \"{}\", \"{}\": you must specify paths",
                shown(&source),
                shown(&destination)
            )));
        }
    }
    if from.container.is_none() && to.container.is_none() {
        return Err(Error::new("name or ID cannot be empty").hint("write a path of a container as CONTAINER:PATH"));
    }
    let options = CopyOptions { archive: *args.archive, overwrite: *args.overwrite };
    let engine = cx.engine()?;
    let warnings = if source == b"-" {
        copy::copy_in(&engine, &mut std::io::stdin(), &to, options)?
    } else if destination == b"-" {
        if cx.printer.out_is_terminal() {
            return Err(Error::new("refusing to write an archive to a terminal").hint("redirect it"));
        }
        let mut out = std::io::BufWriter::with_capacity(1 << 18, cx.printer);
        let result = copy::copy_out(&engine, &from, &mut out);
        return if cx.printer.is_closed() { Ok(0) } else { result.map(|()| 0) };
    } else {
        copy::copy(&engine, &from, &to, options)?
    };
    cx.warnings(&warnings);
    Ok(0)
}

/// `CONTAINER:PATH`, or a path of the host. What begins with a dot or a slash is of the host, whatever comes then.
fn location(text: &[u8]) -> Location {
    let host = Location { container: None, path: text.to_vec() };
    if matches!(text.first(), Some(b'.' | b'/')) {
        return host;
    }
    let Some(colon) = text.iter().position(|&b| b == b':') else { return host };
    let (name, path) = (text.get(..colon).unwrap_or_default(), text.get(colon + 1..).unwrap_or_default());
    Location { container: Some(String::from_utf8_lossy(name).into_owned()), path: path.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_container() {
        let table: [(&str, Option<&str>, &str); 8] = [
            ("", None, ""),
            ("c:/x", Some("c"), "/x"),
            ("c:x:y", Some("c"), "x:y"),
            ("c:", Some("c"), ""),
            ("./c:x", None, "./c:x"),
            ("/c:x", None, "/c:x"),
            ("file", None, "file"),
            (":x", Some(""), "x"),
        ];
        for (text, container, path) in table {
            let want = Location { container: container.map(str::to_owned), path: path.as_bytes().to_vec() };
            assert_eq!(location(text.as_bytes()), want, "{text}");
        }
    }
}
