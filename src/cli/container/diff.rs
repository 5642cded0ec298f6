//! `coracle container diff`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::select;
use crate::cli::views::diff;
use crate::engine::diff::{self as changes, Of};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON (`json`)
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    #[arg(value_name = "CONTAINER")]
    names: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    show(cx, args, Of::Containers)
}

/// `diff` of containers, of images, or of either.
pub fn show(cx: &Cx<'_>, args: Args, of: Of) -> Result<u8> {
    // Checked before much is read.
    diff::render(&Default::default(), args.format.as_deref())?;
    let (engine, store) = cx.containers()?;
    let (name, other) = match (args.names.as_slice(), *args.latest) {
        ([], false) => bail!("\"{}\" requires a name, id, or the \"--latest\" flag", cx.path),
        ([], true) => (select::one(&store, None, true)?, None),
        ([_, ..], true) => bail!("--latest and containers cannot be used together"),
        ([name], _) => (name.clone(), None),
        ([name, other], _) => (name.clone(), Some(other.as_str())),
        (names, _) => bail!("accepts at most 2 arg(s), received {}", names.len()),
    };
    let changes = changes::diff(&engine, of, &name, other)?;
    cx.printer.text(&diff::render(&changes, args.format.as_deref())?);
    Ok(0)
}
