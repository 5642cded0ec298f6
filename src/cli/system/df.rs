//! `coracle system df`

use jiff::Timestamp;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::views::system_df;
use crate::engine::system::disk;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON or by a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Show every image, container and volume
    #[arg(short, long)]
    verbose: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if *args.verbose && args.format.is_some() {
        bail!("cannot combine --format and --verbose flags");
    }
    let disk = disk::disk(&cx.engine()?)?;
    let text = match *args.verbose {
        true => system_df::verbose(&disk, Timestamp::now())?,
        false => system_df::summary(&disk, args.format.as_deref())?,
    };
    cx.printer.text(&text);
    Ok(0)
}
