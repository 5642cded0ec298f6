//! Flags of commands that talk to a registry. `--cert-dir` and `--creds` are not here, as not all of them have these.

use std::path::PathBuf;

use crate::cli::args::GoBool;
use crate::cli::env;
use crate::error::{Error, Result};
use crate::image::registry::{Access, Credentials};
use crate::image::shortnames::RegistriesConf;

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
            registries: RegistriesConf::read(env::config_home().as_deref())?,
            authfile: self.authfile.clone(),
            tls_verify: self.tls_verify.map(|verify| *verify),
            config_home: env::config_home(),
            ..Access::default()
        })
    }
}

/// The value of `--creds`.
pub fn credentials(text: &str) -> Result<Credentials> {
    match Credentials::split(text) {
        (user, Some(password)) => Ok(Credentials::new(user, password)),
        (_, None) => Err(Error::new("`--creds` has no password").hint("write it as USERNAME:PASSWORD")),
    }
}
