//! `coracle kill`

use std::path::PathBuf;

use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::select::Wanted;
use crate::container::{Status, signal};
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Signal all running containers
    #[arg(short, long)]
    all: GoBool,
    /// Read the container ID from the file
    #[arg(long, value_name = "stringArray")]
    cidfile: Vec<PathBuf>,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Signal to send to the container, by name or number
    #[arg(short, long, value_name = "string", default_value = "KILL")]
    signal: String,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let signal = signal::parse(&args.signal)?;
    let (engine, store) = cx.containers()?;
    let wanted = Wanted {
        names: &args.containers,
        all: *args.all,
        latest: *args.latest,
        cidfiles: &args.cidfile,
        of_all: |status| status == Status::Running,
        ..Wanted::default()
    };
    Ok(cx.each(wanted.targets(&store)?, usual_code, |target| {
        let target = target?;
        engine::kill(&engine, &target.id, signal)?;
        cx.printer.line(target.shown);
        Ok(())
    }))
}
