//! `coracle network rm`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::engine::network::{self, RemoveOptions};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove the containers on a network as well, and do not mind a missing one
    #[arg(short, long)]
    force: GoBool,
    /// Seconds to wait before a container is killed (with --force)
    #[arg(short, long, value_name = "int")]
    time: Option<i32>,
    #[arg(required = true, value_name = "NETWORK")]
    networks: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if args.time.is_some() && !*args.force {
        bail!("--force option must be specified to use the --time option");
    }
    let engine = cx.engine()?;
    let options = RemoveOptions { force: *args.force, timeout: crate::cli::container::grace(args.time) };
    Ok(cx.remove_each(args.networks, *args.force, |name| network::remove(&engine, name, &options)))
}
