//! `coracle network egress-log`

use crate::cli::cx::Cx;
use crate::engine::network;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "CONTAINER")]
    container: String,
}

/// One JSON document on each line, oldest first.
pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let log = network::egress_log(&cx.engine()?, &args.container)?;
    cx.printer.data(&log);
    Ok(0)
}
