//! `coracle image sign`

use std::path::PathBuf;

use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::env;
use crate::engine;
use crate::error::{Error, Result};
use crate::image::registry::Access;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Sign the images for all platforms and the list of them
    #[arg(short, long)]
    all: GoBool,
    /// Path of the authentication file
    #[arg(long, value_name = "string")]
    authfile: Option<PathBuf>,
    /// Directory with certificates for the registry
    #[arg(long, value_name = "Pathname")]
    cert_dir: Option<PathBuf>,
    /// Directory to put signatures into, instead of the one that registries.d names
    #[arg(short, long, value_name = "string")]
    directory: Option<PathBuf>,
    /// Name or fingerprint of the GPG key to sign with
    #[arg(long, value_name = "string")]
    sign_by: Option<String>,
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let Some(key) = args.sign_by.as_deref().filter(|key| !key.is_empty()) else {
        return Err(Error::new("no identity provided").hint("name the key to sign with by --sign-by"));
    };
    let access = Access { cert_dir: args.cert_dir.clone(), ..Access::read(&env::places(), args.authfile.clone())? };
    let trust = env::trust();
    let code = cx.each(&args.images, usual_code, |name| {
        engine::sign(&trust, name, key, args.directory.as_deref(), *args.all, &access)
    });
    Ok(code)
}
