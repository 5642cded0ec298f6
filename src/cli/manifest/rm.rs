//! `coracle manifest rm`

use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, removal_code};
use crate::container::usage;
use crate::engine;
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ignore errors when a specified list is missing
    #[arg(short, long)]
    ignore: GoBool,
    #[arg(value_name = "LIST", required = true)]
    lists: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let (engine, store) = cx.containers()?;
    engine::enter_userns(&engine)?;
    let images = engine::images(&engine)?;
    let (mut untagged, mut deleted, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for name in &args.lists {
        let removed = images.manifest_list(name).and_then(|_| usage::remove_image(&store, &images, name, true));
        match removed {
            Ok(removed) => {
                untagged.extend(removed.untagged);
                deleted.extend(removed.deleted);
            }
            Err(error) if error.kind() == Kind::NoSuch && *args.ignore => {}
            Err(error) => errors.push(error),
        }
    }
    untagged.iter().for_each(|name| cx.printer.line(format_args!("Untagged: {name}")));
    deleted.iter().for_each(|id| cx.printer.line(format_args!("Deleted: {id}")));
    Ok(cx.each(errors, removal_code, Err))
}
