//! `coracle port`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::select::one;
use crate::cli::views::port;
use crate::container::Status;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show the ports of all running containers
    #[arg(short, long)]
    all: GoBool,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    #[arg(value_name = "CONTAINER")]
    container: Option<String>,
    #[arg(value_name = "PORT")]
    port: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if *args.all && *args.latest {
        bail!("--all and --latest cannot be used together");
    }
    let (_, store) = cx.containers()?;
    if *args.all {
        if args.container.is_some() {
            bail!("no arguments are needed with --all");
        }
        let mut running = store.list()?;
        running.retain(|container| container.state.status == Status::Running);
        cx.printer.text(&port::render(&running, None, true)?);
        return Ok(0);
    }
    // With --latest the one argument is the port.
    let (name, wanted) = match (args.container, args.port) {
        (Some(_), Some(_)) if *args.latest => bail!("--latest and containers cannot be used together"),
        (port, _) if *args.latest => (None, port),
        (name, port) => (name, port),
    };
    let container = store.load(&one(&store, name.as_deref(), *args.latest)?)?;
    cx.printer.text(&port::render(&[container], wanted.as_deref(), false)?);
    Ok(0)
}
