//! `coracle start`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::select::Wanted;
use crate::engine::{self, StartOptions, secrets};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Start all containers that are not running
    #[arg(long)]
    all: GoBool,
    /// Attach the container's stdout and stderr
    #[arg(short, long)]
    attach: GoBool,
    /// Only containers that match, for example status=exited or label=key=value
    #[arg(short, long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Attach the container's stdin as well
    #[arg(short, long)]
    interactive: GoBool,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Pass received signals to the process (with --attach, which implies it)
    #[arg(long)]
    sig_proxy: Option<GoBool>,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let attach = *args.attach || *args.interactive;
    if attach && (args.containers.len() > 1 || *args.all || !args.filter.is_empty()) {
        bail!("you cannot start and attach multiple containers at once");
    }
    let sig_proxy = args.sig_proxy.map_or(attach, |on| *on);
    if sig_proxy && !attach {
        bail!("you cannot use sig-proxy without --attach");
    }
    let (engine, store) = cx.containers()?;
    let wanted = Wanted {
        names: &args.containers,
        all: *args.all,
        latest: *args.latest,
        filters: &args.filter,
        of_all: |status| !status.is_alive(),
        ..Wanted::default()
    };
    let mut attached_code = 0;
    let targets = wanted.targets(&store)?;
    if targets.len() > 1 {
        secrets::prepare(&engine, targets.iter().flatten().map(|target| &target.id))?;
    }
    let code = cx.each(targets, usual_code, |target| {
        let target = target?;
        let options = StartOptions { attach, interactive: *args.interactive, sig_proxy, detach_keys: None };
        match engine::start(&engine, &target.id, &options)? {
            Some(code) => attached_code = code,
            None if attach => {}
            None => cx.printer.line(target.shown),
        }
        Ok(())
    });
    Ok(if code == 0 { attached_code } else { code })
}
