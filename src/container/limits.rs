//! Resource limits of processes (`--ulimit`): parsing, and what holds without them.

use crate::error::{Context, Error, Result};

use super::record::Ulimit;

/// The limit on open files and processes, where the host allows as much.
const DEFAULT_LIMIT: u64 = 1_048_576;

/// The limits asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Ulimits {
    /// The defaults, and these instead of them.
    Set(Vec<Ulimit>),
    /// `--ulimit host`: whatever the process that starts the container has.
    Host,
    #[default]
    Default,
}

/// A limit of the host: soft and hard. `u64::MAX` means unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostLimit {
    pub soft: u64,
    pub hard: u64,
}

impl Default for HostLimit {
    fn default() -> Self {
        HostLimit { soft: u64::MAX, hard: u64::MAX }
    }
}

/// Reads the values of `--ulimit`: `host`, beside which no other counts, or any number of `NAME=SOFT[:HARD]`. The last one of a name wins.
pub fn parse(values: &[String]) -> Result<Ulimits> {
    if values.is_empty() {
        return Ok(Ulimits::Default);
    }
    if values.iter().any(|v| v == "host") {
        return Ok(Ulimits::Host);
    }
    let mut limits: Vec<Ulimit> = Vec::new();
    for value in values {
        let limit = parse_one(value)?;
        limits.retain(|l| l.name != limit.name);
        limits.push(limit);
    }
    Ok(Ulimits::Set(limits))
}

fn parse_one(text: &str) -> Result<Ulimit> {
    let broken =
        |why: &str| Error::new(format!("ulimit option \"{text}\" requires name=SOFT:HARD, failed to be parsed: {why}"));
    let (name, range) = text.split_once('=').ok_or_else(|| broken("invalid ulimit argument"))?;
    let name = name.strip_prefix("RLIMIT_").unwrap_or(name).to_ascii_lowercase();
    if !NAMES.contains(&name.as_str()) {
        return Err(broken(&format!("invalid ulimit type: {name}")));
    }
    let number = |text: &str| match text {
        "-1" | "unlimited" => Ok(u64::MAX),
        _ => text.parse::<u64>().map_err(|_| broken(&format!("`{text}` is not a number"))),
    };
    let (soft, hard) = match range.split_once(':') {
        Some((soft, hard)) => (number(soft)?, number(hard)?),
        None => {
            let both = number(range)?;
            (both, both)
        }
    };
    if soft > hard {
        return Err(broken("ulimit soft limit must be less than or equal to hard limit"));
    }
    Ok(Ulimit { name: format!("RLIMIT_{}", name.to_ascii_uppercase()), soft, hard })
}

const NAMES: [&str; 16] = [
    "as",
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// The limits that a container gets: the defaults, capped to what the host allows, and those asked for.
pub fn effective(asked: &Ulimits, nofile: HostLimit, nproc: HostLimit) -> Vec<Ulimit> {
    let asked = match asked {
        Ulimits::Host => return Vec::new(),
        Ulimits::Default => &[][..],
        Ulimits::Set(limits) => limits,
    };
    // Open files start at the hard limit: the soft one is low for the sake of select(2) only.
    let files = nofile.hard.min(DEFAULT_LIMIT);
    let processes = HostLimit { soft: nproc.soft.min(DEFAULT_LIMIT), hard: nproc.hard.min(DEFAULT_LIMIT) };
    let defaults = [
        Ulimit { name: "RLIMIT_NOFILE".to_owned(), soft: files, hard: files },
        Ulimit { name: "RLIMIT_NPROC".to_owned(), soft: processes.soft, hard: processes.hard },
    ];
    let mut limits = asked.to_vec();
    for default in defaults {
        if !limits.iter().any(|l| l.name == default.name) {
            limits.push(default);
        }
    }
    limits.sort_by(|a, b| a.name.cmp(&b.name));
    limits
}

/// Reads one of this process's own limits.
pub fn of_this_process(resource: nix::sys::resource::Resource) -> Result<HostLimit> {
    let (soft, hard) = nix::sys::resource::getrlimit(resource).context("reading resource limits")?;
    Ok(HostLimit { soft, hard })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Ulimits> {
        parse(&[text.to_owned()])
    }

    #[test]
    fn ulimits() {
        for (text, name, soft, hard) in [
            ("nofile=1024:2048", "RLIMIT_NOFILE", 1024, 2048),
            ("nofile=1024", "RLIMIT_NOFILE", 1024, 1024),
            ("RLIMIT_NOFILE=1:2", "RLIMIT_NOFILE", 1, 2),
            ("core=-1", "RLIMIT_CORE", u64::MAX, u64::MAX),
            ("core=0:unlimited", "RLIMIT_CORE", 0, u64::MAX),
        ] {
            let want = Ulimits::Set(vec![Ulimit { name: name.to_owned(), soft, hard }]);
            assert_eq!(one(text).unwrap(), want, "{text}");
        }
        for text in ["", "nofile", "nofile=", "nofile=x", "nofile=2:1", "nofile=1:2:3", "bogus=1", "nofile=-1:5"] {
            assert!(one(text).is_err(), "{text}");
        }
        assert_eq!(one("host").unwrap(), Ulimits::Host);
        assert_eq!(parse(&["host".to_owned(), "core=0".to_owned()]).unwrap(), Ulimits::Host);
    }

    #[test]
    fn defaults_are_capped_to_the_host_and_overridden() {
        let asked = one("nofile=1024:2048").unwrap();
        let nproc = HostLimit { soft: 96365, hard: 96365 };
        let limits = effective(&asked, HostLimit { soft: 1024, hard: 524_288 }, nproc);
        let flat: Vec<_> = limits.iter().map(|l| (l.name.as_str(), l.soft, l.hard)).collect();
        assert_eq!(flat, [("RLIMIT_NOFILE", 1024, 2048), ("RLIMIT_NPROC", 96365, 96365)]);
        let limits = effective(&Ulimits::Default, HostLimit { soft: 1024, hard: 524_288 }, HostLimit::default());
        let flat: Vec<_> = limits.iter().map(|l| (l.soft, l.hard)).collect();
        assert_eq!(flat, [(524_288, 524_288), (1_048_576, 1_048_576)]);
        assert!(effective(&Ulimits::Host, HostLimit::default(), HostLimit::default()).is_empty());
    }
}
