//! `--volume SOURCE:DESTINATION[:OPTIONS]` and `--tmpfs DESTINATION[:OPTIONS]`.

use std::path::{Path, PathBuf};

use crate::bail;
use crate::error::Result;

use super::options::Flag;
use super::{Kept, MountKind, UserMount, VolumeSource, clean_destination, options};

/// Reads one value of `--volume`. A relative source starts at `cwd`.
pub fn parse_volume(text: &str, cwd: &Path) -> Result<UserMount> {
    let parts = split(text);
    let (source, destination, given) = match parts.as_slice() {
        [source, destination] => (Some(source), destination, ""),
        [source, destination, given] => (Some(source), destination, given.as_str()),
        [only] if !only.is_empty() => (None, only, ""),
        _ => bail!("{text}: incorrect volume format, should be [host-dir:]ctr-dir[:option]"),
    };
    let destination = clean_destination(destination)?;
    let given: Vec<&str> = given.split(',').filter(|option| !option.is_empty()).collect();
    let overlay_at = given.iter().position(|option| *option == "O");
    let (kind, given) = match (source, overlay_at) {
        (None, _) => (MountKind::Volume(VolumeSource::default()), given),
        (Some(source), _) if source.is_empty() => bail!("host directory cannot be empty"),
        (Some(source), Some(at)) if is_path(source) => overlay(host_path(source, cwd)?, &given, at, cwd)?,
        (Some(source), None) if is_path(source) => (MountKind::Bind(host_path(source, cwd)?), given),
        (Some(name), _) => (MountKind::Volume(VolumeSource::named(name)?), given),
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

/// Whether it is a path of the host: anything else is the name of a volume.
pub(super) fn is_path(source: &str) -> bool {
    source.starts_with('/') || source.starts_with('.')
}

/// A path of the host.
pub(super) fn host_path(source: &str, cwd: &Path) -> Result<PathBuf> {
    if source.contains('\0') {
        bail!("source of a mount contains a null byte");
    }
    // The kernel resolves `..` after links, so that it is left to the kernel.
    Ok(cwd.join(source).components().collect())
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
        let source = match &mount.kind {
            MountKind::Bind(source) => source.display().to_string(),
            MountKind::Volume(volume) => format!("{:?}", volume.name.as_deref().unwrap_or("anonymous")),
            other => format!("{other:?}"),
        };
        Ok((source, mount.destination.display().to_string(), mount.options.join(",")))
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
            ("name:/b", "\"name\"", "/b", "rw,rprivate,nosuid,nodev,rbind"),
            ("n.1_x-y:/b:ro,noexec,nocopy", "\"n.1_x-y\"", "/b", "ro,rprivate,nosuid,nodev,noexec,rbind,nocopy"),
            ("name:/b:suid,dev,copy", "\"name\"", "/b", "rw,rprivate,rbind,copy"),
            ("name:/b:O", "\"name\"", "/b", "rw,rprivate,nosuid,nodev,rbind,O"),
            ("name:/b:U", "\"name\"", "/b", "rw,rprivate,nosuid,nodev,rbind,U"),
            ("/b/../c", "\"anonymous\"", "/c", "rw,rprivate,nosuid,nodev,rbind"),
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
            ("a/b:/b", "names must match"),
            ("-a:/b", "names must match"),
            ("b", "must be an absolute path"),
            ("/", "root directory"),
            ("name:/b:copy,nocopy", "can only specify 1 'copy' or 'nocopy' option"),
            ("name:/b:O,ro", "can't use 'O' with other options"),
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
