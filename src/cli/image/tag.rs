//! `coracle tag`

use crate::cli::cx::Cx;
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "IMAGE")]
    image: String,
    #[arg(value_name = "TARGET_NAME", required = true)]
    names: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    engine::images(&cx.engine()?)?.tag(&args.image, &args.names)?;
    Ok(0)
}
