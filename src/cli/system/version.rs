//! `coracle version`

use crate::cli::cx::Cx;
use crate::cli::views::version::{Build, render};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON or by a Go template
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    cx.printer.text(&render(&Build::of_this(), args.format.as_deref())?);
    Ok(0)
}
