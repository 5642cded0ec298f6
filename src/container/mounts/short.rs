//! `--volume SOURCE:DESTINATION[:OPTIONS]` and `--tmpfs DESTINATION[:OPTIONS]`.

use std::path::Path;

use crate::bail;
use crate::error::{Context, Result};

use super::{MountKind, UserMount, clean_destination, no_volumes_yet, options};

/// Reads one value of `--volume`. A relative source starts at `cwd`.
pub fn parse_volume(text: &str, cwd: &Path) -> Result<UserMount> {
    let parts = split(text);
    let (source, destination, given) = match parts.as_slice() {
        [source, destination] => (source, destination, ""),
        [source, destination, given] => (source, destination, given.as_str()),
        [only] if only.starts_with('/') => return Err(no_volumes_yet(&format!("volume at `{only}`"))),
        _ => bail!("{text}: incorrect volume format, should be [host-dir:]ctr-dir[:option]"),
    };
    if source.is_empty() {
        bail!("{text}: host directory cannot be empty");
    }
    let destination = clean_destination(destination).with_context(|| format!("volume `{text}`"))?;
    let source = host_path(source, cwd)?;
    let kind = MountKind::Bind(source);
    let given: Vec<&str> = given.split(',').collect();
    let options = options::complete(&kind, &given).with_context(|| format!("volume `{text}`"))?;
    Ok(UserMount { kind, destination, options })
}

/// A path of the host, which begins with a slash or a dot; anything else is the name of a volume.
pub(super) fn host_path(source: &str, cwd: &Path) -> Result<std::path::PathBuf> {
    if source.contains('\0') {
        bail!("source of a mount contains a null byte");
    }
    if source.starts_with('/') || source.starts_with('.') {
        // The kernel resolves `..` after links, so that it is left to the kernel.
        return Ok(cwd.join(source).components().collect());
    }
    Err(no_volumes_yet(&format!("volume `{source}`")))
}

/// Reads one value of `--tmpfs`.
pub fn parse_tmpfs(text: &str) -> Result<UserMount> {
    let (destination, given) = text.split_once(':').unwrap_or((text, ""));
    let given: Vec<&str> = given.split(',').collect();
    let options = options::complete(&MountKind::Tmpfs, &given).with_context(|| format!("tmpfs `{text}`"))?;
    Ok(UserMount { kind: MountKind::Tmpfs, destination: clean_destination(destination)?, options })
}

/// Splits at colons, but for those after a backslash.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ':' => parts.push(String::new()),
            '\\' if chars.peek() == Some(&':') => parts.last_mut().into_iter().for_each(|p| p.extend(chars.next())),
            c => parts.last_mut().into_iter().for_each(|p| p.push(c)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(text: &str) -> Result<(String, String, String)> {
        let mount = parse_volume(text, Path::new("/cwd"))?;
        let MountKind::Bind(source) = &mount.kind else { unreachable!("a volume is a bind") };
        Ok((source.display().to_string(), mount.destination.display().to_string(), mount.options.join(",")))
    }

    #[test]
    fn volumes() {
        for (text, source, destination, options) in [
            ("/a:/b", "/a", "/b", "rw,rprivate,rbind"),
            ("/a/:/b/", "/a", "/b", "rw,rprivate,rbind"),
            ("/a:/b/../c:ro,Z", "/a", "/c", "ro,rprivate,rbind"),
            ("./x:/b:rro", "/cwd/x", "/b", "rro,rprivate,rbind"),
            ("..:/b", "/cwd/..", "/b", "rw,rprivate,rbind"),
            ("/a\\:1:/b", "/a:1", "/b", "rw,rprivate,rbind"),
            ("/a:/b:", "/a", "/b", "rw,rprivate,rbind"),
        ] {
            let want = (source.to_owned(), destination.to_owned(), options.to_owned());
            assert_eq!(volume(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn broken_volumes() {
        for (text, part) in [
            ("", "incorrect volume format"),
            ("name:/b", "named and anonymous volumes"),
            ("/b", "named and anonymous volumes"),
            (":/b", "host directory cannot be empty"),
            ("/a:", "container directory cannot be empty"),
            ("/a:b", "must be an absolute path"),
            ("/a:/", "root directory"),
            ("/a:/b/..", "root directory"),
            ("/a:/b:ro:rw", "incorrect volume format"),
            ("/a:/b:bogus", "unknown mount option"),
        ] {
            let error = volume(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn tmpfs() {
        let mount = parse_tmpfs("/scratch").unwrap();
        assert_eq!(mount.options.join(","), "rw,rprivate,nosuid,nodev,tmpcopyup");
        assert_eq!(
            parse_tmpfs("/t:size=1m,ro").unwrap().options.join(","),
            "ro,rprivate,nosuid,nodev,tmpcopyup,size=1m"
        );
        for text in ["", "t", "/t:size", "/", ":size=1m"] {
            assert!(parse_tmpfs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_source_is_named_as_the_reference_does() {
        let mount = parse_volume("/nosuch:/x", Path::new("/")).unwrap();
        assert_eq!(mount.check().unwrap_err().to_string(), "statfs /nosuch: no such file or directory");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*", odd in "[:/\\\\.,a=]{0,24}") {
            for text in [&text, &odd] {
                if let Ok(mount) = parse_volume(text, Path::new("/cwd")) {
                    proptest::prop_assert!(mount.destination.is_absolute());
                }
                let _ = parse_tmpfs(text);
            }
        }
    }
}
