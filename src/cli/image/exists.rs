//! `coracle image exists`

use crate::cli::cx::Cx;
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "IMAGE")]
    image: String,
}

/// 0 when it is there, 1 when it is not, without a word.
pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    Ok(u8::from(!engine::images(&cx.engine()?)?.exists(&args.image)?))
}
