//! `coracle restart`

use std::path::PathBuf;

use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::select::Wanted;
use crate::container::Status;
use crate::engine::{self, secrets};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Restart all containers, whatever their state
    #[arg(short, long)]
    all: GoBool,
    /// Read the container ID from the file
    #[arg(long, value_name = "stringArray")]
    cidfile: Vec<PathBuf>,
    /// Only containers that match, for example status=exited or label=key=value
    #[arg(short, long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Restart only running containers
    #[arg(long)]
    running: GoBool,
    /// Seconds to wait before the container is killed [default: the container's own, usually 10]
    #[arg(short, long, value_name = "int")]
    time: Option<i32>,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (engine, store) = cx.containers()?;
    let wanted = Wanted {
        names: &args.containers,
        all: *args.all || (*args.running && args.containers.is_empty()),
        latest: *args.latest,
        cidfiles: &args.cidfile,
        filters: &args.filter,
        of_all: if *args.running { |status| status == Status::Running } else { |_| true },
        ..Wanted::default()
    };
    let targets = wanted.targets(&store)?;
    secrets::prepare(&engine, targets.iter().flatten().map(|target| &target.id))?;
    Ok(cx.each(targets, usual_code, |target| {
        let target = target?;
        engine::restart(&engine, &target.id, super::grace(args.time))?;
        cx.printer.line(target.shown);
        Ok(())
    }))
}
