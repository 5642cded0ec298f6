//! `coracle volume ls`

use jiff::Timestamp;

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::views::volume::{self, Options};
use crate::cli::views::volume_filter::Filters;
use crate::container::volumes::users;
use crate::engine::volumes;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only volumes that match, for example dangling=true or label=KEY=VALUE
    #[arg(short, long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Print as JSON or by a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// Do not print headings
    #[arg(short, long)]
    noheading: GoBool,
    /// Print the names only
    #[arg(short, long)]
    quiet: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (engine, store) = cx.containers()?;
    let (mut list, damaged) = volumes::store(&engine).list()?;
    cx.warnings(&damaged);
    let filters = Filters::parse(&args.filter, &list, Timestamp::now())?;
    let users = users(&store)?;
    list.retain(|volume| filters.matches(volume, &users));
    let counts = volumes::mount_counts(&engine)?;
    let options = Options { format: args.format.as_deref(), quiet: *args.quiet, no_heading: *args.noheading };
    cx.printer.text(&volume::render(&list, &counts, &options)?);
    Ok(0)
}
