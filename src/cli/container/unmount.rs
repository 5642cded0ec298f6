//! `coracle unmount`

use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::select::{self, Wanted};
use crate::engine::{container_mount, image_mount};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Unmount all containers
    #[arg(short, long)]
    all: GoBool,
    /// Unmount even if something uses a file in it
    #[arg(short, long)]
    force: GoBool,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let flags = Wanted { names: &args.containers, all: *args.all, latest: *args.latest, ..Wanted::default() };
    flags.check()?;
    image_mount::check_may_mount(&cx.path)?;
    let (engine, store) = cx.containers()?;
    let wanted: Vec<Result<(String, String)>> = match (*args.all, *args.latest) {
        (true, _) => {
            container_mount::list(&engine)?.into_iter().map(|(record, _)| Ok((record.id.clone(), record.id))).collect()
        }
        (_, true) => vec![select::one(&store, None, true).map(|id| (id.clone(), id))],
        _ => args.containers.iter().map(|name| Ok((store.resolve(name)?, name.clone()))).collect(),
    };
    Ok(cx.each(wanted, usual_code, |wanted| {
        let (id, shown) = wanted?;
        container_mount::unmount(&engine, &id, *args.force)?;
        cx.printer.line(shown);
        Ok(())
    }))
}
