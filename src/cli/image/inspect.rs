//! `coracle image inspect`

use crate::cli::cx::Cx;
use crate::cli::inspect::{Kind, Wanted, show};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON or by a Go template
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let wanted =
        Wanted { kind: Kind::Image, names: &args.images, latest: false, size: false, format: args.format.as_deref() };
    show(cx, &wanted)
}
