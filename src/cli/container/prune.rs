//! `coracle container prune`

use jiff::Timestamp;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::confirm::confirm;
use crate::cli::cx::Cx;
use crate::cli::views::container_filter::Filters;
use crate::engine::{self, prune};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only containers that match: until=TIME, label=KEY[=VALUE] or label!=KEY[=VALUE]
    #[arg(long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    check_filters(&args.filter)?;
    let engine = cx.engine()?;
    let filters = Filters::parse(&args.filter, &[], Timestamp::now())?;
    if !*args.force && !confirm(cx, "WARNING! This will remove all non running containers.")? {
        return Ok(0);
    }
    let pruned = prune::containers_that_rest(&engine, &|container| filters.matches(container))?;
    cx.printer.text(&pruned.names.iter().map(|id| format!("{id}\n")).collect::<String>());
    for error in &pruned.errors {
        cx.printer.error(error);
    }
    // What killed commands left half made goes as well.
    engine::sweep(&engine)?;
    Ok(if pruned.errors.is_empty() { 0 } else { 125 })
}

/// The filters of whatever prunes containers.
pub fn check_filters(filters: &[String]) -> Result<()> {
    for filter in filters {
        let key = filter.split('=').next().unwrap_or_default();
        if !matches!(key, "until" | "label" | "label!") {
            bail!("{} is an invalid filter", key.trim_end_matches('!'));
        }
    }
    Ok(())
}
