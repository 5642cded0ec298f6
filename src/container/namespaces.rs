//! Which namespaces a container has of its own, and which it shares with the host or with another container.

use std::fmt;
use std::path::PathBuf;

use crate::bail;
use crate::error::{Error, Result};

/// `--pid`, `--uts`, `--cgroupns`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sharing {
    #[default]
    Private,
    Host,
    /// Another container's: as typed, then its ID.
    Container(String),
    /// An existing one, by a file of the host's that stands for it.
    Path(PathBuf),
}

/// `--ipc`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum IpcMode {
    /// Its own, which other containers may join.
    #[default]
    Shareable,
    /// Its own, which they may not.
    Private,
    /// Its own, without /dev/shm.
    None,
    Host,
    Container(String),
    Path(PathBuf),
}

impl Sharing {
    /// Reads the value of such a flag.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "" | "private" => Sharing::Private,
            "host" => Sharing::Host,
            other => match joined(other)? {
                Joined::Container(name) => Sharing::Container(name),
                Joined::Path(path) => Sharing::Path(path),
            },
        })
    }
}

impl fmt::Display for Sharing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sharing::Private => f.write_str("private"),
            Sharing::Host => f.write_str("host"),
            Sharing::Container(id) => write!(f, "container:{id}"),
            Sharing::Path(path) => write!(f, "ns:{}", path.display()),
        }
    }
}

impl IpcMode {
    /// Reads the value of `--ipc`.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "" | "shareable" => IpcMode::Shareable,
            "private" => IpcMode::Private,
            "none" => IpcMode::None,
            "host" => IpcMode::Host,
            other => match joined(other)? {
                Joined::Container(name) => IpcMode::Container(name),
                Joined::Path(path) => IpcMode::Path(path),
            },
        })
    }

    /// Whether the namespace is made for this container.
    pub fn is_own(&self) -> bool {
        matches!(self, IpcMode::Shareable | IpcMode::Private | IpcMode::None)
    }
}

impl fmt::Display for IpcMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IpcMode::Private => f.write_str("private"),
            IpcMode::Shareable => f.write_str("shareable"),
            IpcMode::None => f.write_str("none"),
            IpcMode::Host => f.write_str("host"),
            IpcMode::Container(id) => write!(f, "container:{id}"),
            IpcMode::Path(path) => write!(f, "ns:{}", path.display()),
        }
    }
}

enum Joined {
    Container(String),
    Path(PathBuf),
}

fn joined(text: &str) -> Result<Joined> {
    match text.split_once(':') {
        Some(("container", "")) => bail!("invalid config provided: namespace mode container requires a value"),
        Some(("ns", "")) => bail!("invalid config provided: namespace mode path requires a value"),
        Some(("container", name)) => Ok(Joined::Container(name.to_owned())),
        Some(("ns", path)) if path.contains('\0') => bail!("the path of a namespace contains a null byte"),
        Some(("ns", path)) => Ok(Joined::Path(path.into())),
        None if text == "pod" => {
            bail!(
                "cannot use pod namespace as container is not joining a pod or pod has no infra container: invalid argument"
            )
        }
        _ => Err(Error::new(format!("unrecognized namespace mode {text} passed"))
            .hint("use private, host, container:NAME or ns:PATH")),
    }
}

/// Checks that a namespace file is there.
pub fn check_path(kind: &str, path: &std::path::Path) -> Result<()> {
    match rustix::fs::access(path, rustix::fs::Access::EXISTS) {
        Ok(()) => Ok(()),
        Err(errno) => {
            let reason = super::mounts::go_reason(&errno.into());
            bail!("cannot find specified {kind} namespace path: faccessat {}: {reason}", path.display())
        }
    }
}

fn later(flag: &str, value: &str, matter: &str) -> Error {
    Error::new(format!("`--{flag}={value}` is not there yet: {matter} is the matter of a later release"))
}

/// Checks the value of `--cgroups`; true means that the container gets no cgroup of its own.
pub fn parse_cgroups(text: &str) -> Result<bool> {
    match text {
        "" | "enabled" => Ok(false),
        "disabled" => Ok(true),
        "no-conmon" | "split" => Err(later("cgroups", text, "another layout of cgroups")),
        other => bail!("invalid value `{other}` for `--cgroups`: use enabled or disabled"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_parsed_and_printed_alike() {
        for text in ["private", "host", "container:x", "ns:/proc/1/ns/pid"] {
            assert_eq!(Sharing::parse(text).unwrap().to_string(), text);
            assert_eq!(IpcMode::parse(text).unwrap().to_string(), text);
        }
        for text in ["none", "shareable"] {
            assert_eq!(IpcMode::parse(text).unwrap().to_string(), text);
            assert!(Sharing::parse(text).is_err());
        }
        assert_eq!((Sharing::parse("").unwrap(), IpcMode::parse("").unwrap()), Default::default());
    }

    #[test]
    fn what_cannot_be_says_so() {
        for (text, want) in [
            ("container:", "invalid config provided: namespace mode container requires a value"),
            ("ns:", "invalid config provided: namespace mode path requires a value"),
            ("nonsense", "unrecognized namespace mode nonsense passed"),
            ("x:y", "unrecognized namespace mode x:y passed"),
        ] {
            assert_eq!(Sharing::parse(text).unwrap_err().to_string(), want);
        }
        let missing = check_path("PID", "/nosuch".as_ref()).unwrap_err().to_string();
        assert_eq!(missing, "cannot find specified PID namespace path: faccessat /nosuch: no such file or directory");
        assert!(parse_cgroups("split").is_err());
        assert!(parse_cgroups("disabled").unwrap());
    }
}
