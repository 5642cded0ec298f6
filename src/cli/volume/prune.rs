//! `coracle volume prune`

use jiff::Timestamp;

use crate::cli::args::GoBool;
use crate::cli::confirm::confirm;
use crate::cli::cx::{Cx, removal_code};
use crate::cli::views::volume_filter::Filters;
use crate::engine::volumes::{self, RemoveOptions};
use crate::error::{Kind, Result};
use crate::volume::Users;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only volumes that match, for example until=24h or label!=KEY
    #[arg(long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    force: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let engine = cx.engine()?;
    let all = volumes::store(&engine).list()?.0;
    let filters = Filters::parse(&args.filter, &all, Timestamp::now())?;
    let mut unused = volumes::unused(&engine)?;
    // None of them is used.
    unused.retain(|volume| filters.matches(volume, &Users::new()));
    let names: Vec<String> = unused.into_iter().map(|volume| volume.record.name).collect();
    let mut warning = "WARNING! This will remove all volumes not used by at least one container.".to_owned();
    if !*args.force {
        if names.is_empty() {
            cx.printer.line("No dangling volumes found");
            return Ok(0);
        }
        warning.push_str(" The following volumes will be removed:\n");
        warning.push_str(&names.join("\n"));
        if !confirm(cx, &warning)? {
            return Ok(0);
        }
    }
    Ok(cx.each(names, removal_code, |name| match volumes::remove(&engine, &name, &RemoveOptions::default()) {
        // Somebody uses it now, or has removed it.
        Err(error) if matches!(error.kind(), Kind::InUse | Kind::NoSuch) => Ok(()),
        removed => removed.map(|()| cx.printer.line(name)),
    }))
}
