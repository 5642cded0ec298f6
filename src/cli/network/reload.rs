//! `coracle network reload`

use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::select::Wanted;
use crate::engine::network;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// All running containers with bridge networks
    #[arg(short, long)]
    all: GoBool,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (engine, store) = cx.containers()?;
    let wanted = Wanted {
        names: &args.containers,
        all: *args.all,
        latest: *args.latest,
        of_all: |status| status.is_alive(),
        ..Wanted::default()
    };
    Ok(cx.each(wanted.targets(&store)?, usual_code, |target| {
        let target = target?;
        if *args.all && !store.load(&target.id)?.record.is_on_bridge() {
            return Ok(());
        }
        network::reload(&engine, &target.id)?;
        cx.printer.line(&target.id);
        Ok(())
    }))
}
