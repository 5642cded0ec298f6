//! `coracle network inspect`

use crate::cli::cx::Cx;
use crate::cli::inspect::{Kind, Wanted, show};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON or by a Go template
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    #[arg(required = true, value_name = "NETWORK")]
    networks: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let format = args.format.as_deref();
    show(cx, &Wanted { kind: Kind::Network, names: &args.networks, latest: false, size: false, format })
}
