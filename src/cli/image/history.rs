//! `coracle history`

use jiff::Timestamp;

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::views::history::{self, Options};
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON or by a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Show sizes with units and times in words
    #[arg(short = 'H', long, default_value = "true")]
    human: GoBool,
    /// Do not shorten anything
    #[arg(long)]
    no_trunc: GoBool,
    /// Print the IDs only
    #[arg(short, long)]
    quiet: GoBool,
    #[arg(value_name = "IMAGE")]
    image: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let steps = engine::images(&cx.engine()?)?.history(&args.image)?;
    let options = Options { format: args.format, human: *args.human, no_trunc: *args.no_trunc, quiet: *args.quiet };
    cx.printer.text(&history::render(&steps, &options, Timestamp::now())?);
    Ok(0)
}
