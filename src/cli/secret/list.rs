//! `coracle secret ls`

use jiff::Timestamp;

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::views::secret::{self, Listing};
use crate::engine::secrets;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only secrets that match (name=REGEX or id=ID)
    #[arg(short, long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Print as JSON or by a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Do not print column headings
    #[arg(short, long)]
    noheading: GoBool,
    /// Print IDs only
    #[arg(short, long)]
    quiet: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let listing =
        Listing { filters: args.filter, format: args.format, no_heading: *args.noheading, quiet: *args.quiet };
    let secrets = secrets::store(&cx.engine()?).list()?;
    cx.printer.text(&secret::list(&secrets, &listing, Timestamp::now())?);
    Ok(0)
}
