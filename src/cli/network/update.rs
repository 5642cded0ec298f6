//! `coracle network update`

use crate::cli::cx::Cx;
use crate::engine::network;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Resolver to add
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    dns_add: Vec<String>,
    /// Resolver to drop
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    dns_drop: Vec<String>,
    #[arg(value_name = "NETWORK")]
    network: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let add = super::servers(&args.dns_add, "AddDNSServer")?;
    let drop = super::servers(&args.dns_drop, "RemoveDNSServer")?;
    network::update(&cx.engine()?, &args.network, &add, &drop)?;
    cx.printer.line(&args.network);
    Ok(0)
}
