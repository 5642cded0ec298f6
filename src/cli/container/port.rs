//! `coracle port`; with three words and more also `port add` and `port rm`, which the reference does not have. Its own form
//! has two words at most (CONTAINER PORT), so that a container called `add` is meant by these as ever.

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::select::one;
use crate::cli::views::port;
use crate::container::Status;
use crate::engine;
use crate::error::Result;
use crate::network::ports;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Changing the ports of a container on a bridge network, whether it runs or not:
  coracle port add CONTAINER [[IP:][HOSTPORT]:]PORT[/PROTOCOL] [...]
  coracle port rm CONTAINER HOSTPORT[-HOSTPORT][/PROTOCOL] [...]")]
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
    /// Only after `add` and `rm`
    #[arg(value_name = "PORT")]
    more: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if !args.more.is_empty() {
        return change(cx, &args);
    }
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
    let id = one(&store, name.as_deref(), *args.latest).map_err(|error| match name.as_deref() {
        Some(verb @ ("add" | "rm")) => {
            error.hint(format!("to change ports: coracle port {verb} CONTAINER PORT [PORT...]"))
        }
        _ => error,
    })?;
    let container = store.load(&id)?;
    cx.printer.text(&port::render(&[container], wanted.as_deref(), false)?);
    Ok(0)
}

/// `port add CONTAINER PORT...`, `port rm CONTAINER PORT...`
fn change(cx: &Cx<'_>, args: &Args) -> Result<u8> {
    let (Some(verb @ ("add" | "rm")), Some(container)) = (args.container.as_deref(), &args.port) else {
        bail!("accepts at most 2 arg(s), received {}", 2 + args.more.len());
    };
    if *args.all || *args.latest {
        bail!("--all and --latest cannot be used with `port {verb}`");
    }
    let (engine, _) = cx.containers()?;
    if verb == "rm" {
        let gone = args.more.iter().map(|text| ports::parse_unpublish(text)).collect::<Result<Vec<_>>>()?;
        engine::ports::remove(&engine, container, &gone)?;
        return Ok(0);
    }
    let mut requests = Vec::new();
    for text in &args.more {
        requests.extend(ports::parse(text)?);
    }
    let added = engine::ports::add(&engine, container, requests)?;
    cx.printer.text(&port::lines(&added));
    Ok(0)
}
