//! `coracle rename`

use crate::cli::cx::Cx;
use crate::container::store::is_valid_name;
use crate::engine;
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "CONTAINER")]
    container: String,
    #[arg(value_name = "NAME")]
    name: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if !is_valid_name(&args.name) {
        return Err(Error::new(format!("renaming container `{}` to `{}`: invalid name", args.container, args.name))
            .hint("names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*"));
    }
    let (engine, store) = cx.containers()?;
    engine::rename(&engine, &store.resolve(&args.container)?, &args.name)?;
    Ok(0)
}
