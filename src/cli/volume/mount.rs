//! `coracle volume mount`

use crate::cli::cx::Cx;
use crate::engine::{image_mount, volumes};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "NAME")]
    volume: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    image_mount::check_may_mount(&cx.path)?;
    cx.printer.line(volumes::mount(&cx.engine()?, &args.volume)?.display());
    Ok(0)
}
