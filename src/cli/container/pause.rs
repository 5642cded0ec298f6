//! `coracle pause`

use std::path::PathBuf;

use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::select::Wanted;
use crate::container::Status;
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Pause all running containers
    #[arg(short, long)]
    all: GoBool,
    /// Read the container ID from the file
    #[arg(long, value_name = "stringArray")]
    cidfile: Vec<PathBuf>,
    /// Only containers that match, for example name=web or label=key=value
    #[arg(short, long, value_name = "stringArray")]
    filter: Vec<String>,
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
        cidfiles: &args.cidfile,
        filters: &args.filter,
        of_all: |status| status == Status::Running,
        ..Wanted::default()
    };
    Ok(cx.each(wanted.targets(&store)?, usual_code, |target| {
        let target = target?;
        engine::pause(&engine, &target.id)?;
        cx.printer.line(target.shown);
        Ok(())
    }))
}
