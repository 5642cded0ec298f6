//! `coracle volume rm`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::engine::volumes::{self, RemoveOptions};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove all volumes
    #[arg(short, long)]
    all: GoBool,
    /// Remove the containers that use a volume as well, and do not mind a missing one
    #[arg(short, long)]
    force: GoBool,
    /// Seconds to wait before a container is killed (with --force)
    #[arg(short, long, value_name = "int")]
    time: Option<i32>,
    #[arg(value_name = "VOLUME")]
    volumes: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if args.time.is_some() && !*args.force {
        bail!("--force option must be specified to use the --time option");
    }
    if *args.all != args.volumes.is_empty() {
        bail!("choose either one or more volumes or all");
    }
    let engine = cx.engine()?;
    let store = volumes::store(&engine);
    let names = match *args.all {
        true => store.list()?.0.into_iter().map(|volume| volume.record.name).collect(),
        false => args.volumes,
    };
    let options = RemoveOptions { force: *args.force, timeout: crate::cli::container::grace(args.time) };
    // With --all, somebody else may be faster.
    Ok(cx.remove_each(names, *args.force || *args.all, |name| {
        store.find(name).and_then(|volume| volumes::remove(&engine, &volume.record.name, &options))
    }))
}
