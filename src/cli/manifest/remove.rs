//! `coracle manifest remove`

use crate::cli::cx::Cx;
use crate::engine;
use crate::error::{Context, Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "LIST")]
    list: String,
    #[arg(value_name = "DIGEST")]
    digest: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let images = engine::images(&cx.engine()?)?;
    let removed = images.change_manifest_list(&args.list, None, |list| list.remove(&args.digest));
    let id = removed.with_context(|| format!("removing from manifest list {}", args.list));
    cx.printer.line(id.map_err(|e| e.with_kind(Kind::Engine))?);
    Ok(0)
}
