//! `--tz`: the time zone of a container, from the host's time zone database.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::bail;
use crate::error::{Context, Error, Result};

/// Where systems keep the database.
const PLACES: [&str; 4] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];
/// No zone is as large.
const MAX_SIZE: u64 = 256 << 10;

/// The contents of /etc/localtime for a time zone: `local` is the host's own, everything else a name of the database.
///
/// # Errors
/// There is no such zone.
pub fn read(name: &str) -> Result<Vec<u8>> {
    let wrong = |e: Error| e.wrap(format!("finding timezone `{name}`"));
    if name == "local" {
        return tzif(Path::new("/etc/localtime")).map_err(wrong);
    }
    check_name(name).map_err(wrong)?;
    let candidates = PLACES.map(|dir| Path::new(dir).join(name));
    let found: Option<&PathBuf> = candidates.iter().find(|path| path.exists());
    match found {
        Some(path) => tzif(path).map_err(wrong),
        None => Err(wrong(Error::new(format!("unknown time zone {name}"))).hint(
            if PLACES.iter().any(|dir| Path::new(dir).is_dir()) {
                "see /usr/share/zoneinfo for the names, for example Europe/Berlin"
            } else {
                "the host has no time zones: install its package tzdata"
            },
        )),
    }
}

/// A name never leads out of the database.
fn check_name(name: &str) -> Result<()> {
    let bad = name.starts_with(['/', '\\']) || name.contains(['\\', '\0']) || name.split('/').any(|part| part == "..");
    if bad || name.is_empty() {
        bail!("invalid location name");
    }
    Ok(())
}

/// A file of the database begins with this word (RFC 9636).
fn tzif(path: &Path) -> Result<Vec<u8>> {
    let reading = || format!("reading `{}`", path.display());
    let file = std::fs::File::open(path).with_context(reading)?;
    if file.metadata().with_context(reading)?.is_dir() {
        return Err(Error::new("is a directory").wrap(reading()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_SIZE).read_to_end(&mut bytes).with_context(reading)?;
    if !bytes.starts_with(b"TZif") {
        return Err(Error::new("it has no time zone").wrap(reading()));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_database() {
        for name in ["", "/etc/localtime", "../../etc/passwd", "a/../../b", "a\\b", "..", "a\0"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        for name in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        assert!(read("No/Where").unwrap_err().to_string().ends_with("unknown time zone No/Where"));
        assert!(tzif(Path::new("/etc/passwd")).is_err() && tzif(Path::new("/etc")).is_err());
    }
}
