//! `coracle volume unmount`

use crate::cli::cx::Cx;
use crate::engine::volumes;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "NAME")]
    volume: String,
}

/// A volume that is not mounted is no error: most are nothing but a directory.
pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    cx.printer.line(volumes::unmount(&cx.engine()?, &args.volume)?);
    Ok(0)
}
