//! `coracle network exists`

use crate::cli::cx::Cx;
use crate::engine::network;
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "NETWORK")]
    network: String,
}

/// 0 when it is there, 1 when it is not, without a word.
pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    match network::store(&cx.engine()?)?.get(&args.network) {
        Ok(_) => Ok(0),
        Err(error) if error.kind() == Kind::NoSuch => Ok(1),
        Err(error) => Err(error),
    }
}
