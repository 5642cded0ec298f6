//! `coracle create`

use crate::cli::create_options::{CreateArgs, CreateOnly, Invocation, resolve};
use crate::cli::cx::Cx;
use crate::cli::progress::Shown;
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    create: CreateArgs,
    #[command(flatten)]
    only: CreateOnly,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    // Nothing in `only` is there yet: it exists to be refused.
    let Args { create, only: CreateOnly { init_ctr: None } } = args;
    let options = resolve(&create, &Invocation::current()?)?;
    let progress = Shown::new(cx.printer, options.pull.quiet);
    let created = engine::create(&cx.engine()?, &options, &progress)?;
    progress.finish();
    cx.warnings(&created.warnings);
    cx.printer.line(created.id);
    Ok(0)
}
