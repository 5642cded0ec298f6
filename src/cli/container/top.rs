//! `coracle top`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::select::one;
use crate::cli::views::top::render;
use crate::engine::top;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    #[arg(value_name = "CONTAINER", trailing_var_arg = true)]
    words: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (container, descriptors) = match args.words.split_first() {
        _ if *args.latest => (None, args.words.as_slice()),
        Some((container, descriptors)) => (Some(container.as_str()), descriptors),
        None => bail!("you must provide the name or ID of a running container"),
    };
    let columns = top::columns(descriptors)?;
    let (engine, store) = cx.containers()?;
    let container = store.load(&one(&store, container, *args.latest)?)?;
    cx.printer.text(&render(&top::top(&engine.roots, &container, &columns)?)?);
    Ok(0)
}
