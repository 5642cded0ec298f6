//! `coracle volume import`

use std::fs::File;
use std::io::{IsTerminal as _, Read};

use crate::bail;
use crate::cli::cx::Cx;
use crate::engine::volumes;
use crate::error::{Context as _, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_name = "VOLUME")]
    volume: String,
    #[arg(value_name = "SOURCE")]
    source: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let engine = cx.engine()?;
    let mut input: Box<dyn Read + Send> = match args.source.as_deref() {
        None => bail!("give the archive to import: a file, or `-` for standard input"),
        Some("-") if std::io::stdin().is_terminal() => {
            bail!("cannot read from terminal, use command-line redirection")
        }
        Some("-") => Box::new(std::io::stdin()),
        Some(path) => Box::new(File::open(path).with_context(|| format!("opening `{path}`"))?),
    };
    let warnings = volumes::import(&engine, &args.volume, &mut *input)?;
    cx.warnings(&warnings.messages());
    Ok(0)
}
