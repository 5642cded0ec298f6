//! `coracle untag`

use crate::cli::cx::Cx;
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The names to take away; all when none is given.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    engine::images(&cx.engine()?)?.untag(&args.image, &args.names)?;
    Ok(0)
}
