//! `coracle network rm`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, removal_code};
use crate::engine::network::{self, RemoveOptions};
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove the containers on a network as well, and do not mind a missing one
    #[arg(short, long)]
    force: GoBool,
    /// Seconds to wait before a container is killed (with --force)
    #[arg(short, long, value_name = "int")]
    time: Option<i32>,
    #[arg(required = true, value_name = "NETWORK")]
    networks: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if args.time.is_some() && !*args.force {
        bail!("--force option must be specified to use the --time option");
    }
    let engine = cx.engine()?;
    let options = RemoveOptions { force: *args.force, timeout: crate::cli::container::grace(args.time) };
    let mut worst = 0;
    let last = cx.each(&args.networks, removal_code, |name| {
        match network::remove(&engine, name, &options) {
            Err(error) if error.kind() == Kind::NoSuch && *args.force => return Ok(()),
            Err(error) if matches!(error.kind(), Kind::NoSuch | Kind::InUse) => {
                worst = worst.max(removal_code(error.kind()));
                return Err(error);
            }
            removed => removed?,
        }
        cx.printer.line(name);
        Ok(())
    });
    // One in use counts more than one that is missing, whichever came last.
    Ok(if matches!(last, 1 | 2) { worst } else { last })
}
