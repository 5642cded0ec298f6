//! `--volume SOURCE:DESTINATION[:OPTIONS]` and `--tmpfs DESTINATION[:OPTIONS]`.

use std::path::{Path, PathBuf};

use crate::bail;
use crate::error::Result;

use super::options::Flag;
use super::{Kept, MountKind, UserMount, clean_destination, no_volumes_yet, options};

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
        bail!("host directory cannot be empty");
    }
    let destination = clean_destination(destination)?;
    let source = host_path(source, cwd)?;
    let given: Vec<&str> = given.split(',').filter(|option| !option.is_empty()).collect();
    let (kind, given) = match given.iter().position(|option| *option == "O") {
        Some(at) => overlay(source, &given, at, cwd)?,
        None => (MountKind::Bind(source), given),
    };
    options::complete(Flag::Volume, kind, destination, &given).map_err(|e| e.hint(in_flag("volume", text)))
}

/// Where a wrong option stands.
pub(super) fn in_flag(flag: &str, text: &str) -> String {
    format!("it is in `--{flag} {text}`")
}

/// An overlay, and the options that are left.
fn overlay<'a>(source: PathBuf, given: &[&'a str], at: usize, cwd: &Path) -> Result<(MountKind, Vec<&'a str>)> {
    let (mut upper, mut work, mut rest) = (None, None, Vec::new());
    for (index, &option) in given.iter().enumerate() {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let slot = match key {
            "upperdir" => &mut upper,
            "workdir" => &mut work,
            _ if index == at => continue,
            _ => {
                rest.push(option);
                continue;
            }
        };
        if value.is_empty() || value.contains('\0') {
            bail!("cannot accept empty value for {key}");
        }
        if slot.replace(cwd.join(value)).is_some() {
            bail!("invalid options \"{}\", can only specify 1 {key} per overlay", given.join(", "));
        }
    }
    let kept = match (upper, work) {
        (None, None) => None,
        (Some(upper), Some(work)) => Some(Kept { upper, work }),
        _ => bail!("must set both `upperdir` and `workdir`"),
    };
    Ok((MountKind::Overlay { source, kept }, rest))
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
    let destination = clean_destination(destination)?;
    options::complete(Flag::Tmpfs, MountKind::Tmpfs, destination, &given).map_err(|e| e.hint(in_flag("tmpfs", text)))
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
        let MountKind::Bind(source) = &mount.kind else { panic!("{text}: not a bind mount") };
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
    fn overlays() {
        let overlay = |text: &str| parse_volume(text, Path::new("/cwd"));
        let mount = overlay("./x:/b:O,U").unwrap();
        assert_eq!(mount.kind, MountKind::Overlay { source: "/cwd/x".into(), kept: None });
        assert_eq!(mount.options.join(","), "rw,rprivate,U");
        let mount = overlay("/x:/b:O,upperdir=up,workdir=/w").unwrap();
        let kept = Kept { upper: "/cwd/up".into(), work: "/w".into() };
        assert_eq!(mount.kind, MountKind::Overlay { source: "/x".into(), kept: Some(kept) });
        for (text, part) in [
            ("/x:/b:O,ro", "can't use 'O' with other options"),
            ("/x:/b:O,upperdir=/u", "must set both `upperdir` and `workdir`"),
            ("/x:/b:O,upperdir=,workdir=/w", "cannot accept empty value for upperdir"),
            ("/x:/b:O,upperdir=/a,upperdir=/b", "can only specify 1 upperdir per overlay"),
            ("/x:/b:O,z", "invalid options \"O, z\", can only specify 1 'z', 'Z', or 'O' option"),
            ("/x:/b:O,O", "invalid options \"O, O\", can only specify 1 'z', 'Z', or 'O' option"),
            ("/x:/b:upperdir=/a", "invalid option type \"upperdir=/a\""),
        ] {
            assert!(overlay(text).unwrap_err().to_string().contains(part), "{text}");
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
            ("/a:/b:bogus", "invalid option type \"bogus\""),
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
