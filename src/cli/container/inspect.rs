//! `coracle container inspect`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::inspect::{Kind, Wanted, show};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON or by a Go template
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Show the size of the container
    #[arg(short, long)]
    size: GoBool,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if args.containers.is_empty() && !*args.latest {
        bail!("no containers specified");
    }
    let wanted = Wanted {
        kind: Kind::Container,
        names: &args.containers,
        latest: *args.latest,
        size: *args.size,
        format: args.format.as_deref(),
    };
    show(cx, &wanted)
}
