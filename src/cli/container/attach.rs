//! `coracle attach`

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::select::one;
use crate::engine::{self, AttachOptions};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Key sequence for detaching from the container [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "string")]
    detach_keys: Option<String>,
    /// Do not attach stdin
    #[arg(long)]
    no_stdin: GoBool,
    /// Pass received signals to the process
    #[arg(long, default_value = "true")]
    sig_proxy: GoBool,
    #[arg(value_name = "CONTAINER")]
    container: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (engine, store) = cx.containers()?;
    let id = one(&store, args.container.as_deref(), *args.latest)?;
    let options = AttachOptions { stdin: !*args.no_stdin, sig_proxy: *args.sig_proxy, detach_keys: args.detach_keys };
    engine::attach(&engine, &id, &options)
}
