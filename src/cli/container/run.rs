//! `coracle run`

use crate::cli::create_options::{CreateArgs, Foreground, Invocation, RunOnly, resolve};
use crate::cli::cx::Cx;
use crate::cli::preserved;
use crate::cli::progress::Shown;
use crate::engine::{self, RunOptions};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    create: CreateArgs,
    #[command(flatten)]
    only: RunOnly,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    // First of all: see there.
    let given = preserved::take(args.only.preserve_fds, &args.only.preserve_fd)?;
    let mut options = resolve(&args.create, &Invocation::current()?)?;
    let foreground = args.only.resolve(&mut options)?;
    let detach = foreground.is_none();
    let Foreground { streams, detach_keys, sig_proxy } = foreground.unwrap_or_default();
    if !detach {
        options.attach = Some(streams);
    }
    let run = RunOptions { detach, detach_keys, sig_proxy, given };
    let progress = Shown::new(cx.printer, options.pull.quiet);
    let mut warn = |warning: &str| {
        progress.finish();
        cx.printer.warning(warning);
    };
    let end = engine::run(&cx.engine()?, &options, run, &progress, &mut warn)?;
    if let Some(id) = end.detached_id {
        cx.printer.line(id);
    }
    Ok(end.code)
}
