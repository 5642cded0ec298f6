//! `coracle volume inspect`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::inspect::{Kind, Wanted, show};
use crate::engine::volumes;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Inspect all volumes
    #[arg(short, long)]
    all: GoBool,
    /// Print as JSON or by a Go template
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    #[arg(value_name = "VOLUME")]
    volumes: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if *args.all != args.volumes.is_empty() {
        bail!("provide one or more volume names or use --all");
    }
    let names = match *args.all {
        true => volumes::store(&cx.engine()?).list()?.0.into_iter().map(|volume| volume.record.name).collect(),
        false => args.volumes,
    };
    let wanted =
        Wanted { kind: Kind::Volume, names: &names, latest: false, size: false, format: args.format.as_deref() };
    show(cx, &wanted)
}
