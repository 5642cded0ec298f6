//! `coracle image scp`, which is refused: there is no remote engine to copy to.

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Say nothing
    #[arg(short, long)]
    quiet: GoBool,
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
}

pub fn run(_: &Cx<'_>, args: Args) -> Result<u8> {
    let Args { images, quiet: _ } = args;
    let image = images.first().map(String::as_str).unwrap_or_default();
    Err(Error::new("image scp is not supported: coracle has no remote mode")
        .hint(format!("use a registry (push, then pull there), or: coracle save {image} | ssh HOST coracle load")))
}
