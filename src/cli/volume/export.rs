//! `coracle volume export`

use std::path::PathBuf;

use crate::cli::container::export::write_to;
use crate::cli::cx::Cx;
use crate::engine::volumes;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write to a file instead of stdout
    #[arg(short, long, value_name = "string")]
    output: Option<PathBuf>,
    #[arg(value_name = "VOLUME")]
    volume: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let engine = cx.engine()?;
    // Nothing is written for a volume that is not there.
    volumes::store(&engine).load(&args.volume)?.ok_or_else(|| crate::volume::store::no_such(&args.volume))?;
    write_to(cx, args.output.as_deref(), |output| volumes::export(&engine, &args.volume, output))
}
