//! Which namespaces a container has of its own, and which it shares with the host.

use crate::bail;
use crate::error::{Error, Result};

/// `--pid`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PidMode {
    #[default]
    Private,
    Host,
}

/// `--ipc`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IpcMode {
    /// Its own, which other containers may join.
    #[default]
    Shareable,
    Private,
    /// Its own, without /dev/shm.
    None,
    Host,
}

/// `--uts`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UtsMode {
    #[default]
    Private,
    Host,
}

/// `--cgroupns`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CgroupMode {
    #[default]
    Private,
    Host,
}

impl PidMode {
    /// Reads the value of `--pid`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "private" => Ok(PidMode::Private),
            "host" => Ok(PidMode::Host),
            other => Err(refuse("pid", other, "host, private")),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            PidMode::Private => "private",
            PidMode::Host => "host",
        }
    }
}

impl IpcMode {
    /// Reads the value of `--ipc`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "shareable" => Ok(IpcMode::Shareable),
            "private" => Ok(IpcMode::Private),
            "none" => Ok(IpcMode::None),
            "host" => Ok(IpcMode::Host),
            other => Err(refuse("ipc", other, "host, none, private, shareable")),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            IpcMode::Shareable => "shareable",
            IpcMode::Private => "private",
            IpcMode::None => "none",
            IpcMode::Host => "host",
        }
    }
}

impl UtsMode {
    /// Reads the value of `--uts`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "private" => Ok(UtsMode::Private),
            "host" => Ok(UtsMode::Host),
            other => Err(refuse("uts", other, "host, private")),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            UtsMode::Private => "private",
            UtsMode::Host => "host",
        }
    }
}

impl CgroupMode {
    /// Reads the value of `--cgroupns`.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "private" => Ok(CgroupMode::Private),
            "host" => Ok(CgroupMode::Host),
            other => Err(refuse("cgroupns", other, "host, private")),
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            CgroupMode::Private => "private",
            CgroupMode::Host => "host",
        }
    }
}

fn refuse(flag: &str, value: &str, valid: &str) -> Error {
    if value.starts_with("container:") || value.starts_with("ns:") || value == "pod" {
        return later(flag, value, "joining another namespace");
    }
    Error::new(format!("unrecognized namespace mode `{value}` for `--{flag}`")).hint(format!("use one of {valid}"))
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
        for text in ["private", "host"] {
            assert_eq!(PidMode::parse(text).unwrap().as_str(), text);
            assert_eq!(UtsMode::parse(text).unwrap().as_str(), text);
            assert_eq!(CgroupMode::parse(text).unwrap().as_str(), text);
        }
        for text in ["private", "host", "none", "shareable"] {
            assert_eq!(IpcMode::parse(text).unwrap().as_str(), text);
        }
        assert_eq!(IpcMode::parse("").unwrap(), IpcMode::Shareable);
    }

    #[test]
    fn what_is_not_there_says_so() {
        let message = |r: Result<PidMode>| r.unwrap_err().to_string();
        assert!(message(PidMode::parse("container:x")).contains("not there yet"));
        assert!(message(PidMode::parse("nonsense")).contains("unrecognized namespace mode `nonsense`"));
        assert!(parse_cgroups("split").is_err());
        assert!(parse_cgroups("disabled").unwrap());
    }
}
