//! `coracle load`

use std::io::IsTerminal as _;
use std::path::PathBuf;

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::progress::Shown;
use crate::engine;
use crate::error::{Error, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read the archive, or the OCI directory, at this path instead of standard input
    #[arg(short, long, value_name = "string")]
    input: Option<PathBuf>,
    /// Do not show progress
    #[arg(short, long)]
    quiet: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if args.input.is_none() && std::io::stdin().is_terminal() {
        return Err(Error::new("cannot read from terminal, use command-line redirection or the --input flag"));
    }
    let engine = cx.engine()?;
    engine::enter_userns(&engine)?;
    let images = engine::images(&engine)?;
    let progress = Shown::new(cx.printer, *args.quiet);
    let loaded = engine::interrupt::guarded(&progress, "loading interrupted", || match &args.input {
        Some(path) => images.load(path, &progress),
        None => images.load_stream(&mut std::io::stdin(), &progress),
    })?;
    progress.finish();
    cx.warnings(&loaded.warnings.messages());
    for image in &loaded.images {
        if image.names.is_empty() {
            cx.printer.line(format_args!("Loaded image: sha256:{}", image.image.id));
        }
        for name in &image.names {
            cx.printer.line(format_args!("Loaded image: {name}"));
        }
    }
    Ok(0)
}
