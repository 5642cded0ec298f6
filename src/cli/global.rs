//! The flags that every command has, before or after its name. Those of the reference that coracle does not have are
//! known too, and refused with the reason.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::args::{GoBool, refuse, refuse_bool};
use crate::bail;
use crate::error::{Context as _, Error, Result};

/// One global flag.
struct Flag {
    id: &'static str,
    long: &'static str,
    short: Option<char>,
    /// The name of the value; `None` for a boolean.
    value: Option<&'static str>,
    help: &'static str,
    /// Why it is refused.
    refused: Option<&'static str>,
}

macro_rules! flag {
    ($long:literal, $value:expr, $help:literal) => {
        flag!($long, None, $value, $help, None)
    };
    ($long:literal, $value:expr, $help:literal, refused: $reason:literal) => {
        flag!($long, None, $value, $help, Some($reason))
    };
    ($long:literal, $short:expr, $value:expr, $help:literal, $refused:expr) => {
        Flag {
            id: concat!("global ", $long),
            long: $long,
            short: $short,
            value: $value,
            help: $help,
            refused: $refused,
        }
    };
}

const STRING: Option<&str> = Some("string");
const ARRAY: Option<&str> = Some("stringArray");
const NO_REMOTE: &str = "coracle has no remote mode, it is its own engine";

static FLAGS: &[Flag] = &[
    flag!("cgroup-manager", STRING, "Cgroup manager to use (\"cgroupfs\")"),
    flag!("config", STRING, "Location of the authentication configuration",
        refused: "registries are used without credentials for now"),
    flag!("conmon", STRING, "Path of the conmon binary", refused: "the monitor is part of coracle"),
    flag!("connection", Some('c'), STRING, "Connection to use for remote operation", Some(NO_REMOTE)),
    flag!("events-backend", STRING, "Events backend to use (\"none\")"),
    flag!("hooks-dir", ARRAY, "Set the OCI hooks directory path", refused: "OCI hooks are not there yet"),
    flag!("identity", STRING, "Path to SSH identity file", refused: "coracle has no remote mode, it is its own engine"),
    flag!("imagestore", STRING, "Path to the image store, different from the root",
        refused: "images are always kept under --root"),
    flag!("log-level", STRING, "Log messages at and above this level (debug, info, warn, error, fatal, panic)"),
    flag!("module", ARRAY, "Load this containers.conf(5) module", refused: "containers.conf modules are not there yet"),
    flag!("network-cmd-path", STRING, "Path to the slirp4netns or pasta binary"),
    flag!("network-config-dir", STRING, "Path of the network configuration directory"),
    flag!("out", STRING, "Send output (stdout) to a file"),
    flag!("remote", Some('r'), None, "Access remote engine", Some(NO_REMOTE)),
    flag!("root", STRING, "Directory where images and containers are kept"),
    flag!("runroot", STRING, "Directory where all state of running containers is kept"),
    flag!("runtime", STRING, "Path to the OCI-compatible runtime", refused: "the runtime is part of coracle"),
    flag!("runtime-flag", ARRAY, "Add global flags for the container runtime",
        refused: "the runtime is part of coracle"),
    flag!("ssh", STRING, "Define the SSH mode", refused: "coracle has no remote mode, it is its own engine"),
    flag!("storage-driver", STRING, "How root file systems are put together (overlay, fuse-overlayfs, vfs)"),
    flag!("storage-opt", ARRAY, "Option of the storage driver", refused: "storage drivers have no options here"),
    flag!("syslog", None, "Output logging information to syslog as well as the console",
        refused: "logging to syslog is not there yet"),
    flag!("tmpdir", STRING, "Path to the temporary directory for state", refused: "that directory is --runroot here"),
    flag!("transient-store", None, "Enable transient container storage",
        refused: "the container store is always persistent"),
    flag!("url", STRING, "URL to access the engine", refused: "coracle has no remote mode, it is its own engine"),
    flag!("volumepath", STRING, "Path to the volume directory", refused: "volumes are kept below --root"),
];

impl Flag {
    fn arg(&self) -> Arg {
        let arg = Arg::new(self.id).long(self.long).help(self.help);
        let arg = if let Some(short) = self.short { arg.short(short) } else { arg };
        match (self.value, self.refused) {
            (Some(name), None) => arg.value_name(name).action(ArgAction::Append),
            (Some(name), Some(why)) => arg.value_name(name).action(ArgAction::Append).value_parser(refuse(why)),
            (None, None) => arg.value_parser(clap::value_parser!(GoBool)),
            (None, Some(why)) => arg.value_parser(refuse_bool(why)),
        }
    }

    fn is_in(&self, word: &str) -> bool {
        match word.strip_prefix("--") {
            Some(long) => long.split('=').next() == Some(self.long),
            None => word.strip_prefix('-').and_then(|rest| rest.chars().next()).is_some_and(|c| Some(c) == self.short),
        }
    }
}

/// Whether some word could be a global flag, so that a command must know them.
pub fn may_be_used(words: &[String]) -> bool {
    words.iter().any(|word| word.starts_with('-') && FLAGS.iter().any(|flag| flag.is_in(word)))
}

/// Adds the global flags to a command, but for those whose names mean something else to it.
pub fn augment(command: Command) -> Command {
    let mut shorts = Vec::new();
    let mut longs = Vec::new();
    for arg in command.get_arguments() {
        shorts.extend(arg.get_short());
        longs.extend(arg.get_long().map(str::to_owned));
    }
    FLAGS.iter().filter(|flag| !longs.iter().any(|long| long == flag.long)).fold(command, |command, flag| {
        let taken = flag.short.is_some_and(|short| shorts.contains(&short));
        let arg = flag.arg();
        command.arg(if taken { arg.short(None) } else { arg })
    })
}

/// What the global flags say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Globals {
    pub root: Option<PathBuf>,
    pub runroot: Option<PathBuf>,
    pub storage_driver: Option<String>,
    pub network_cmd_path: Option<String>,
    /// Absolute.
    pub network_config_dir: Option<PathBuf>,
    pub out: Option<PathBuf>,
    /// `--log-level debug` or `trace`.
    pub debug: bool,
}

impl Globals {
    /// Takes over what was given in these matches. What was not given stays.
    pub fn apply(&mut self, matches: &ArgMatches) -> Result<()> {
        let get = |long: &str| -> Option<String> {
            let flag = FLAGS.iter().find(|flag| flag.long == long)?;
            matches.try_get_many::<String>(flag.id).ok()??.next_back().cloned()
        };
        let path = |long: &str| get(long).map(PathBuf::from);
        self.root = path("root").or(self.root.take());
        self.runroot = path("runroot").or(self.runroot.take());
        self.out = path("out").or(self.out.take());
        self.storage_driver = get("storage-driver").or(self.storage_driver.take());
        self.network_cmd_path = get("network-cmd-path").or(self.network_cmd_path.take());
        if let Some(dir) = path("network-config-dir") {
            self.network_config_dir = Some(std::path::absolute(dir).context("resolving --network-config-dir")?);
        }
        if let Some(level) = get("log-level") {
            self.debug = is_debug(&level)?;
        }
        if let Some(manager) = get("cgroup-manager").filter(|m| m != "cgroupfs") {
            bail!("cgroup manager `{manager}` is not supported, only cgroupfs is");
        }
        if let Some(backend) = get("events-backend").filter(|b| b != "none") {
            bail!("events backend `{backend}` is not supported: events are not there yet, only none is possible");
        }
        Ok(())
    }
}

fn is_debug(level: &str) -> Result<bool> {
    match level.to_ascii_lowercase().as_str() {
        "trace" | "debug" => Ok(true),
        "info" | "warn" | "warning" | "error" | "fatal" | "panic" => Ok(false),
        _ => Err(Error::new(format!(
            "log level \"{level}\" is not supported, choose from: trace, debug, info, warn, warning, error, fatal, panic"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn possible_use_is_seen() {
        for (words, want) in [
            (&["ps", "-a"][..], false),
            (&["--root=/x"], true),
            (&["--root", "/x"], true),
            (&["--rooted"], false),
            (&["-cfoo"], true),
            (&["root"], false),
            (&["-r"], true),
        ] {
            let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            assert_eq!(may_be_used(&words), want, "{words:?}");
        }
    }

    #[test]
    fn later_values_win_and_bad_ones_are_refused() {
        let parse = |words: &[&str]| -> Result<Globals> {
            let command = crate::cli::args::like_go(augment(Command::new("x")));
            let mut globals = Globals { root: Some("/old".into()), ..Globals::default() };
            globals.apply(&command.try_get_matches_from(words).map_err(|e| Error::new(e.to_string()))?)?;
            Ok(globals)
        };
        assert_eq!(parse(&["x"]).unwrap().root, Some("/old".into()));
        let globals = parse(&["x", "--root", "/a", "--root=/b", "--log-level=debug"]).unwrap();
        assert_eq!((globals.root, globals.debug), (Some("/b".into()), true));
        for bad in ["--log-level=loud", "--cgroup-manager=systemd", "--events-backend=file", "--remote", "--url=x"] {
            assert!(parse(&["x", bad]).is_err(), "{bad}");
        }
    }
}
