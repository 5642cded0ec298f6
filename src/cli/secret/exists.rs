//! `coracle secret exists`

use crate::cli::cx::Cx;
use crate::engine::secrets;
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "SECRET", required = true)]
    secret: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    match secrets::store(&cx.engine()?).find(&args.secret) {
        Ok(_) => Ok(0),
        Err(error) if error.kind() == Kind::NoSuch => Ok(1),
        Err(error) => Err(error),
    }
}
