//! Flags of commands that talk to a registry. `--cert-dir` and `--creds` are not here, as not all of them have these.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::args::GoBool;
use crate::cli::format::time::parse_duration;
use crate::cli::{env, prompt};
use crate::error::{Error, Result};
use crate::image::registry::{Access, Credentials};
use crate::sys::title;

#[derive(Debug, Default, clap::Args)]
pub struct RegistryFlags {
    /// Path of the authentication file
    #[arg(long, value_name = "string")]
    authfile: Option<PathBuf>,
    /// Demand HTTPS and verify certificates [default: as registries.conf says, else true]
    #[arg(long)]
    tls_verify: Option<GoBool>,
}

impl RegistryFlags {
    /// The configuration files together with these flags.
    pub fn access(&self) -> Result<Access> {
        Ok(Access {
            tls_verify: self.tls_verify.map(|verify| *verify),
            choose: prompt::chooser(),
            ..Access::read(&env::places(), self.authfile.clone())?
        })
    }
}

/// The value of `--retry-delay`.
pub fn retry_delay(text: &str) -> Result<Duration> {
    let duration = parse_duration(text).and_then(|duration| Duration::try_from(duration).ok());
    let invalid = || format!("invalid value `{text}` for `--retry-delay`: a duration like 2s or 1m30s is needed");
    duration.ok_or_else(|| Error::new(invalid()))
}

/// The value of `--creds`; on a terminal, the password is asked for where it is missing. Others on the machine see it no
/// longer in the list of processes.
pub fn credentials(text: &str) -> Result<Credentials> {
    if let (_, Some(password)) = Credentials::split(text) {
        title::hide(password.as_bytes());
    }
    match Credentials::split(text) {
        ("", _) => Err(Error::new("`--creds` has no user name").hint("write it as USERNAME:PASSWORD")),
        (user, Some(password)) => Ok(Credentials::new(user, password)),
        (user, None) if prompt::is_possible() => Ok(Credentials::new(user, prompt::password("Password: ")?)),
        (_, None) => Err(Error::new("`--creds` has no password").hint("write it as USERNAME:PASSWORD")),
    }
}
