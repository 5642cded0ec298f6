//! `--security-opt`: seccomp, new privileges, masked paths, options of /proc.

use std::path::PathBuf;

use crate::bail;
use crate::error::{Error, Result};

use super::defaults;

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Security {
    /// The values as typed, for `inspect`.
    pub raw: Vec<String>,
    pub seccomp: SeccompChoice,
    pub no_new_privileges: bool,
    /// Masked beside the default ones.
    pub mask: Vec<String>,
    /// Patterns of paths that are neither masked nor read-only; `ALL` means every path.
    pub unmask: Vec<String>,
    /// Mount options of /proc.
    pub proc_options: Vec<String>,
}

/// Which system calls are filtered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SeccompChoice {
    #[default]
    Default,
    Unconfined,
    /// A profile in JSON; an absolute path of the host.
    File(PathBuf),
}

impl Security {
    /// Reads the values of `--security-opt`. Relative paths start at `cwd`.
    pub fn parse(values: &[String], cwd: &std::path::Path) -> Result<Self> {
        let mut security = Security { raw: values.to_vec(), ..Default::default() };
        for value in values {
            // Docker once separated with a colon, and scripts still do.
            let separator = if value.contains('=') { '=' } else { ':' };
            let (key, setting) = value.split_once(separator).unwrap_or((value, ""));
            match (key, setting) {
                ("no-new-privileges", "" | "true") => security.no_new_privileges = true,
                ("no-new-privileges", "false") => security.no_new_privileges = false,
                ("seccomp", "unconfined") => security.seccomp = SeccompChoice::Unconfined,
                ("seccomp", "") if value.contains(separator) => security.seccomp = SeccompChoice::Default,
                ("seccomp", path) if !path.is_empty() => security.seccomp = SeccompChoice::File(cwd.join(path)),
                // To ask for no confinement is to get what is there.
                ("label", "disable") | ("apparmor", "unconfined") => {}
                ("label", label) if !label.is_empty() => check_label(value, label)?,
                ("apparmor", profile) if !profile.is_empty() => check_apparmor(profile)?,
                ("mask", paths) => security.mask.extend(absolute_paths(value, paths)?),
                ("unmask", paths) if paths.eq_ignore_ascii_case("all") => security.unmask.push("ALL".to_owned()),
                ("unmask", paths) => security.unmask.extend(absolute_paths(value, paths)?),
                ("systempaths", "unconfined") => security.unmask.push("ALL".to_owned()),
                ("proc-opts", options) if !options.is_empty() => {
                    security.proc_options.extend(options.split(',').map(str::to_owned));
                }
                _ => {
                    let parts = if value.contains(separator) { 2 } else { 1 };
                    bail!("invalid --security-opt {parts}: \"{value}\"")
                }
            }
        }
        Ok(security)
    }

    /// The paths hidden from a container.
    pub fn masked_paths(&self, privileged: bool) -> Vec<String> {
        let mut paths = self.kept(&defaults::MASKED_PATHS, privileged);
        for path in &self.mask {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
        paths
    }

    /// The paths that are read-only in a container.
    pub fn readonly_paths(&self, privileged: bool) -> Vec<String> {
        self.kept(&defaults::READONLY_PATHS, privileged)
    }

    /// The choice of filter, which a privileged container has only when it asks for it.
    pub fn seccomp_for(&self, privileged: bool) -> SeccompChoice {
        match self.seccomp {
            SeccompChoice::Default if privileged => SeccompChoice::Unconfined,
            ref choice => choice.clone(),
        }
    }

    fn kept(&self, paths: &[&str], privileged: bool) -> Vec<String> {
        if privileged {
            return Vec::new();
        }
        let unmasked = |path: &str| self.unmask.iter().any(|pattern| pattern == "ALL" || matches(pattern, path));
        paths.iter().filter(|path| !unmasked(path)).map(|&path| path.to_owned()).collect()
    }
}

/// As in the reference, labels are accepted where there is no SELinux: nothing is confined by them, and images' and users'
/// habits are not in the way.
fn check_label(value: &str, label: &str) -> Result<()> {
    let known = label
        .split_once(':')
        .is_some_and(|(key, name)| matches!(key, "user" | "role" | "type" | "level" | "filetype") && !name.is_empty());
    if std::path::Path::new("/sys/fs/selinux/enforce").exists() {
        return Err(Error::new(format!("`--security-opt {value}` is not supported: no SELinux labels are set"))
            .hint("use label=disable, or leave it out"));
    }
    match label {
        "nested" => bail!("statfs /sys/fs/selinux: no such file or directory"),
        _ if known => Ok(()),
        _ => bail!("invalid --security-opt 2: \"{value}\": use disable, user:, role:, type:, level: or filetype:"),
    }
}

fn check_apparmor(profile: &str) -> Result<()> {
    let enabled = std::fs::read("/sys/module/apparmor/parameters/enabled").is_ok_and(|text| text.starts_with(b"Y"));
    if enabled {
        return Err(Error::new(format!(
            "apparmor profile \"{profile}\" specified, but an unprivileged user cannot load or enter profiles"
        ))
        .hint("use apparmor=unconfined, or leave it out"));
    }
    bail!("apparmor profile \"{profile}\" specified, but Apparmor is not enabled on this system")
}

fn absolute_paths(whole: &str, list: &str) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for path in list.split(':').filter(|path| !path.is_empty()) {
        if !path.starts_with('/') || path.split('/').any(|part| part == "..") {
            bail!("invalid --security-opt `{whole}`: `{path}` is not an absolute path");
        }
        paths.push(match path.trim_end_matches('/') {
            "" => "/".to_owned(),
            trimmed => trimmed.to_owned(),
        });
    }
    Ok(paths)
}

/// Whether a path matches a pattern in which `*` and `?` stand for characters within one component.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if matches_part(pattern.as_bytes(), part.as_bytes()) => {}
            _ => return false,
        }
    }
}

/// Wildcard matching in linear space: on a mismatch, the last star takes one character more.
fn matches_part(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += 1;
            }
            Some(&c) if text.get(t) == Some(&c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Result<Security> {
        let values: Vec<String> = values.iter().map(|&v| v.to_owned()).collect();
        Security::parse(&values, std::path::Path::new("/cwd"))
    }

    #[test]
    fn options() {
        let s = parse(&["no-new-privileges", "seccomp=p.json", "label=disable", "apparmor=unconfined"]).unwrap();
        assert!(s.no_new_privileges);
        assert_eq!(s.seccomp, SeccompChoice::File("/cwd/p.json".into()));
        assert_eq!(s.raw.len(), 4);
        assert!(parse(&["no-new-privileges:true"]).unwrap().no_new_privileges);
        assert_eq!(parse(&["seccomp:unconfined"]).unwrap().seccomp, SeccompChoice::Unconfined);
        assert_eq!(parse(&["proc-opts=hidepid=2,gid=1"]).unwrap().proc_options, ["hidepid=2", "gid=1"]);
        for bad in
            ["", "bogus", "label=x", "label=", "apparmor=p", "mask=proc", "unmask=/a/../b", "seccomp", "proc-opts="]
        {
            assert!(parse(&[bad]).is_err(), "{bad}");
        }
        assert_eq!(parse(&["seccomp="]).unwrap().seccomp, SeccompChoice::Default);
        assert_eq!(parse(&["bogus=x"]).unwrap_err().to_string(), "invalid --security-opt 2: \"bogus=x\"");
        assert_eq!(parse(&["bogus"]).unwrap_err().to_string(), "invalid --security-opt 1: \"bogus\"");
        let profile = parse(&["apparmor=p"]).unwrap_err().to_string();
        assert!(profile.starts_with("apparmor profile \"p\" specified, but"), "{profile}");
        assert!(parse(&["mask="]).unwrap().mask.is_empty());
    }

    #[test]
    fn masking() {
        let s = parse(&["mask=/srv/secret:/proc/keys", "unmask=/proc/s*"]).unwrap();
        let masked = s.masked_paths(false);
        assert!(masked.contains(&"/srv/secret".to_owned()) && masked.contains(&"/proc/kcore".to_owned()));
        assert!(!masked.iter().any(|p| p.starts_with("/proc/s")));
        assert_eq!(masked.iter().filter(|p| *p == "/proc/keys").count(), 1);
        assert!(!s.readonly_paths(false).contains(&"/proc/sys".to_owned()));
        assert!(parse(&["unmask=ALL"]).unwrap().masked_paths(false).is_empty());
        assert!(parse(&["systempaths=unconfined"]).unwrap().readonly_paths(false).is_empty());
        let plain = Security::default();
        assert_eq!(plain.masked_paths(false), defaults::MASKED_PATHS);
        assert!(plain.masked_paths(true).is_empty() && plain.readonly_paths(true).is_empty());
        assert_eq!(plain.seccomp_for(true), SeccompChoice::Unconfined);
    }

    #[test]
    fn wildcards() {
        for (pattern, path, want) in [
            ("/proc/*", "/proc/kcore", true),
            ("/proc/*", "/proc/a/b", false),
            ("/proc/*s", "/proc/acpis", true),
            ("/proc/????", "/proc/acpi", true),
            ("/*/*c*re", "/proc/kcore", true),
            ("/proc", "/proc/acpi", false),
        ] {
            assert_eq!(matches(pattern, path), want, "{pattern} {path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*", pattern in "[a*?/]{0,12}", path in "[a/]{0,12}") {
            let _ = parse(&[&text]);
            let _ = matches(&pattern, &path);
        }
    }
}
