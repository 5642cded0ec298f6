//! `coracle image diff`

use crate::cli::cx::Cx;
use crate::cli::views::diff;
use crate::engine::diff::{self as changes, Of};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON (`json`)
    #[arg(long, value_name = "string")]
    format: Option<String>,
    #[arg(value_name = "IMAGE")]
    image: String,
    #[arg(value_name = "IMAGE")]
    other: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let engine = cx.engine()?;
    let changes = changes::diff(&engine, Of::Images, &args.image, args.other.as_deref())?;
    cx.printer.text(&diff::render(&changes, args.format.as_deref())?);
    Ok(0)
}
