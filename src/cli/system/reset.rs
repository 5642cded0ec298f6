//! `coracle system reset`

use crate::cli::args::GoBool;
use crate::cli::confirm::confirm;
use crate::cli::cx::Cx;
use crate::engine;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do not ask
    #[arg(short, long)]
    force: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let engine = cx.engine()?;
    let warning = format!(
        "WARNING! This will remove:\n        - all containers\n        - all images\n        - all build cache\n        \
         - all volumes\n        - the graphRoot directory: \"{}\"\n        - the runRoot directory: \"{}\"",
        engine.roots.data().display(),
        engine.roots.run().display()
    );
    if *args.force || confirm(cx, &warning)? {
        engine::system::reset::reset(&engine)?;
    }
    Ok(0)
}
