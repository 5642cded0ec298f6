//! `coracle unshare`

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::env;
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Join the network namespace of bridge networks
    #[arg(long)]
    rootless_netns: GoBool,
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    command: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let command = if args.command.is_empty() { vec![shell()] } else { args.command };
    engine::unshare(&cx.engine()?, &command, *args.rootless_netns)
}

/// The user's shell.
fn shell() -> String {
    env::get(env::SHELL).and_then(|shell| shell.into_string().ok()).unwrap_or_else(|| "/bin/sh".to_owned())
}
