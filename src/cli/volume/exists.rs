//! `coracle volume exists`

use crate::cli::cx::Cx;
use crate::engine::volumes;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "VOLUME")]
    volume: String,
}

/// 0 when it is there, 1 when it is not, without a word.
pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    Ok(u8::from(volumes::store(&cx.engine()?).load(&args.volume)?.is_none()))
}
