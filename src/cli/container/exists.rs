//! `coracle container exists`

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look for containers of other tools as well; there are none in this store
    #[arg(long)]
    external: GoBool,
    #[arg(value_name = "CONTAINER")]
    container: String,
}

/// 0 when it is there, 1 when it is not, without a word.
pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (_, store) = cx.containers()?;
    match store.resolve(&args.container) {
        Ok(_) => Ok(0),
        Err(error) if error.kind() == Kind::NoSuch => Ok(1),
        Err(error) => Err(error),
    }
}
