//! `coracle network prune`

use jiff::Timestamp;

use crate::cli::args::GoBool;
use crate::cli::confirm::confirm;
use crate::cli::cx::{Cx, removal_code};
use crate::cli::views::network_filter::Filters;
use crate::engine::network::{self, RemoveOptions};
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only networks that match, for example until=24h or label!=KEY
    #[arg(long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let engine = cx.engine()?;
    let filters = Filters::parse(&args.filter, false, Timestamp::now())?;
    let warning = "WARNING! This will remove all networks not used by at least one container.";
    if !*args.force && !confirm(cx, warning)? {
        return Ok(0);
    }
    let mut unused = network::unused(&engine)?;
    unused.retain(|network| filters.matches(network, false));
    Ok(cx.each(unused, removal_code, |one| {
        match network::remove(&engine, &one.name, &RemoveOptions::default()) {
            // Somebody uses it now, or has removed it.
            Err(error) if matches!(error.kind(), Kind::InUse | Kind::NoSuch) => Ok(()),
            removed => removed.map(|()| cx.printer.line(&one.name)),
        }
    }))
}
