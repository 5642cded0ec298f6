//! `coracle volume snapshot`

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::engine::volumes::{self, CopyOptions};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Set a label (KEY=VALUE), besides those of the original and io.coracle.snapshot.of and .time
    #[arg(short, long, value_name = "stringArray")]
    label: Vec<String>,
    /// Let containers that write to the volume stand still meanwhile, so that the snapshot is of one moment
    /// (crash-consistent: as a disk is after a power cut); without it, every file is as it was when it was copied
    /// [default: true]
    #[arg(long, default_value = "true")]
    pause: GoBool,
    #[arg(value_name = "VOLUME")]
    volume: String,
    #[arg(value_name = "NEW")]
    new: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let options = CopyOptions { name: args.new, labels: super::labels(&args.label)?, pause: *args.pause };
    cx.printer.line(volumes::snapshot(&cx.engine()?, &args.volume, options)?.name);
    Ok(0)
}
