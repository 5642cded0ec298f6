//! `coracle manifest exists`

use crate::cli::cx::Cx;
use crate::engine;
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "MANIFEST")]
    list: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    match engine::images(&cx.engine()?)?.manifest_list(&args.list) {
        Ok(_) => Ok(0),
        Err(error) if error.kind() == Kind::NoSuch => Ok(1),
        Err(error) => Err(error),
    }
}
