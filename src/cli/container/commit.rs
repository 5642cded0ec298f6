//! `coracle commit`

use std::path::PathBuf;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::progress::Shown;
use crate::engine::commit::{self, CommitOptions};
use crate::error::{Error, Result};
use crate::image::tags::local_name;
use crate::storage::fs;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Author of the image
    #[arg(short, long, value_name = "string")]
    author: Option<String>,
    /// Set the configuration, as a line of a Containerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER,
    /// VOLUME, WORKDIR
    #[arg(short, long, value_name = "stringArray")]
    change: Vec<String>,
    /// Merge the configuration in this file (JSON) into that of the container
    #[arg(long, value_name = "file")]
    config: Option<PathBuf>,
    /// Format of manifest and configuration (oci, docker)
    #[arg(short, long, value_name = "Format")]
    format: Option<String>,
    /// Write the image's ID to this file
    #[arg(long, value_name = "file")]
    iidfile: Option<PathBuf>,
    /// Declare the container's volumes as volumes of the image
    #[arg(long)]
    include_volumes: GoBool,
    /// Comment of the image (with --format docker)
    #[arg(short, long, value_name = "string")]
    message: Option<String>,
    /// Pause the container while the image is made
    #[arg(short, long)]
    pause: GoBool,
    /// Do not show progress
    #[arg(short, long)]
    quiet: GoBool,
    /// Make one layer of the whole file system
    #[arg(short, long)]
    squash: GoBool,
    #[arg(value_name = "CONTAINER")]
    container: String,
    #[arg(value_name = "IMAGE")]
    image: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let docker = match args.format.as_deref() {
        None | Some("" | "oci") => false,
        Some("docker") => true,
        Some(other) => bail!("unrecognized image format \"{other}\""),
    };
    let message = args.message.unwrap_or_default();
    if !message.is_empty() && !docker {
        return Err(Error::new("messages are only compatible with the docker image format (-f docker)"));
    }
    let options = CommitOptions {
        name: args.image.as_deref().filter(|name| !name.is_empty()).map(local_name).transpose()?,
        author: args.author.unwrap_or_default(),
        message,
        changes: args.change,
        config: args.config,
        docker,
        include_volumes: *args.include_volumes,
        pause: *args.pause,
        squash: *args.squash,
    };
    let engine = cx.engine()?;
    let id = commit::resolve(&engine, &args.container)?;
    let progress = Shown::new(cx.printer, *args.quiet);
    let stored = commit::commit(&engine, &id, &options, &progress)?;
    progress.finish();
    cx.warnings(&stored.warnings.messages());
    if let Some(path) = &args.iidfile {
        fs::write(path, stored.image.id.as_bytes())?;
    }
    cx.printer.line(&stored.image.id);
    Ok(0)
}
