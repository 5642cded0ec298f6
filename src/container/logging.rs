//! Where the output of a container goes (`--log-driver`, `--log-opt`).

use std::path::{Path, PathBuf};

use crate::bail;
use crate::error::{Context, Error, Result};

use super::record::LogConfig;
use super::size;

/// The name of the log file in the container's directory.
pub const LOG_FILE: &str = "ctr.log";

/// How many rotated files are kept unless `max-file` says otherwise.
const DEFAULT_ROTATED: u32 = 1;

/// A log driver.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogDriver {
    #[default]
    K8sFile,
    JsonFile,
    None,
    Passthrough,
}

impl LogDriver {
    pub fn as_str(self) -> &'static str {
        match self {
            LogDriver::K8sFile => "k8s-file",
            LogDriver::JsonFile => "json-file",
            LogDriver::None => "none",
            LogDriver::Passthrough => "passthrough",
        }
    }

    /// Whether it writes a file.
    fn has_file(self) -> bool {
        matches!(self, LogDriver::K8sFile | LogDriver::JsonFile)
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "k8s-file" => Ok(LogDriver::K8sFile),
            "json-file" => Ok(LogDriver::JsonFile),
            "none" => Ok(LogDriver::None),
            "passthrough" => Ok(LogDriver::Passthrough),
            "journald" | "passthrough-tty" => {
                Err(Error::new(format!("log driver `{text}` is not there yet: it is the matter of a later release"))
                    .hint("use k8s-file, json-file, none or passthrough"))
            }
            other => Err(Error::new(format!("log driver `{other}` is not supported"))
                .hint("use k8s-file, json-file, none or passthrough")),
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    pub driver: LogDriver,
    /// Absolute; `None` means the file in the container's directory.
    pub path: Option<PathBuf>,
    /// Bytes; `None` means no limit.
    pub max_size: Option<u64>,
    /// How many files there are at most, the current one included.
    pub max_files: Option<u32>,
    pub tag: String,
}

impl LogOptions {
    /// Reads the values of `--log-driver` and `--log-opt`. Relative paths start at `cwd`.
    pub fn parse(driver: Option<&str>, options: &[String], cwd: &Path) -> Result<Self> {
        let mut log = LogOptions { driver: LogDriver::parse(driver.unwrap_or_default())?, ..Default::default() };
        for option in options {
            let Some((key, value)) = option.split_once('=') else {
                bail!("invalid log option `{option}`: must be KEY=VALUE");
            };
            if value.is_empty() {
                bail!("invalid log option `{option}`: the value is empty");
            }
            match key {
                "driver" => log.driver = LogDriver::parse(value)?,
                "path" => log.path = Some(cwd.join(value)),
                "max-size" => {
                    log.max_size = match value {
                        "-1" => None,
                        _ => Some(size::parse_decimal(value).context("invalid log option `max-size`")?),
                    }
                }
                "max-file" => match value.parse() {
                    Ok(0) | Err(_) => bail!("invalid log option `{option}`: must be a whole number, 1 or greater"),
                    Ok(files) => log.max_files = Some(files),
                },
                "tag" => log.tag = value.to_owned(),
                _ => {
                    return Err(
                        Error::new(format!("unknown log option `{key}`")).hint("use path, max-size, max-file or tag")
                    );
                }
            }
        }
        if !log.driver.has_file() && (log.path.is_some() || log.max_size.is_some() || log.max_files.is_some()) {
            bail!("log driver `{}` writes no file: path, max-size and max-file do not apply", log.driver.as_str());
        }
        Ok(log)
    }

    /// What the record says, for a container whose directory is `container_dir`.
    pub fn to_record(&self, container_dir: &Path) -> LogConfig {
        let path = || self.path.clone().unwrap_or_else(|| container_dir.join(LOG_FILE));
        LogConfig {
            driver: self.driver.as_str().to_owned(),
            path: self.driver.has_file().then(path),
            max_size: self.max_size.unwrap_or(0),
            max_files: self.max_files.map_or(DEFAULT_ROTATED, |files| files.saturating_sub(1)),
            tag: self.tag.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(driver: &str, options: &[&str]) -> Result<LogOptions> {
        let options: Vec<String> = options.iter().map(|&o| o.to_owned()).collect();
        LogOptions::parse(Some(driver), &options, Path::new("/cwd"))
    }

    #[test]
    fn options_become_a_record() {
        let record = parse("json-file", &["max-size=10m", "max-file=3", "tag=t", "path=x.log"]).unwrap();
        let record = record.to_record(Path::new("/c"));
        assert_eq!(record.driver, "json-file");
        assert_eq!(record.path, Some(PathBuf::from("/cwd/x.log")));
        assert_eq!((record.max_size, record.max_files, record.tag.as_str()), (10_000_000, 2, "t"));
        let record = parse("", &[]).unwrap().to_record(Path::new("/c"));
        assert_eq!((record.driver.as_str(), record.path), ("k8s-file", Some(PathBuf::from("/c/ctr.log"))));
        assert_eq!(parse("none", &[]).unwrap().to_record(Path::new("/c")).path, None);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (driver, options) in [
            ("journald", &[][..]),
            ("fluentd", &[]),
            ("k8s-file", &["max-size"]),
            ("k8s-file", &["max-size="]),
            ("k8s-file", &["max-size=abc"]),
            ("k8s-file", &["max-file=0"]),
            ("k8s-file", &["colour=red"]),
            ("none", &["max-size=1k"]),
        ] {
            assert!(parse(driver, options).is_err(), "{driver} {options:?}");
        }
    }
}
