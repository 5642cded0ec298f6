//! `coracle network disconnect`

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::engine::network;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Also from a network that is not there any more
    #[arg(short, long)]
    force: GoBool,
    #[arg(value_name = "NETWORK")]
    network: String,
    #[arg(value_name = "CONTAINER")]
    container: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    network::disconnect(&cx.engine()?, &args.network, &args.container, *args.force).map(|()| 0)
}
