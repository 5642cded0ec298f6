//! `coracle logout`

use std::path::PathBuf;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::image::login::{access, target};
use crate::error::{Context, Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove all logins
    #[arg(short, long)]
    all: GoBool,
    /// Path of the authentication file
    #[arg(long, value_name = "string")]
    authfile: Option<PathBuf>,
    /// Path of a Docker configuration file that the login is kept in
    #[arg(long, value_name = "string", conflicts_with = "authfile")]
    compat_auth_file: Option<PathBuf>,
    #[arg(value_name = "REGISTRY")]
    registry: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if let Some(path) = args.authfile.iter().chain(&args.compat_auth_file).find(|path| !path.exists()) {
        bail!("checking authfile: stat `{}`: no such file or directory", path.display());
    }
    let (access, logins) = access(args.authfile.clone(), args.compat_auth_file.clone())?;
    if *args.all {
        if !args.registry.is_empty() {
            bail!("--all takes no arguments");
        }
        logins.remove_all().context("removing all logins")?;
        cx.printer.line("Removed login credentials for all registries");
        return Ok(0);
    }
    let target = target(&access, &args.registry, args.compat_auth_file.is_some())?;
    let key = &target.key;
    if logins.remove(key).with_context(|| format!("logging out of \"{key}\""))? {
        cx.printer.line(format!("Removed login credentials for {key}"));
        return Ok(0);
    }
    let error = Error::new(format!("not logged into {key}"));
    Err(match logins.find(key)? {
        Some(_) => error
            .hint("another tool's file has a login for it: log out with that tool, or name its file with --authfile"),
        None => error,
    })
}
