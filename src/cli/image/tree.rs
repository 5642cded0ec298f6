//! `coracle image tree`

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::views::image_tree;
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show the layers of other images that stand on this one
    #[arg(long)]
    whatrequires: GoBool,
    #[arg(value_name = "IMAGE")]
    image: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let tree = engine::images(&cx.engine()?)?.layer_tree(&args.image, *args.whatrequires)?;
    cx.printer.text(&image_tree::render(&tree));
    Ok(0)
}
