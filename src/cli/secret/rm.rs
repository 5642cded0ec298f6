//! `coracle secret rm`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::engine::secrets;
use crate::error::{Kind, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Remove all secrets
    #[arg(short, long)]
    all: GoBool,
    /// Ignore secrets that are not there
    #[arg(short, long)]
    ignore: GoBool,
    #[arg(value_name = "SECRET")]
    secrets: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if args.secrets.is_empty() != *args.all {
        bail!("`coracle secret rm` requires one argument, or the --all flag");
    }
    let store = secrets::store(&cx.engine()?);
    let names = if *args.all { store.list()?.into_iter().map(|secret| secret.id).collect() } else { args.secrets };
    let code = cx.each(names, usual_code, |name| match store.remove(&name) {
        Err(error) if error.kind() == Kind::NoSuch && (*args.ignore || *args.all) => Ok(()),
        removed => removed.map(|id| cx.printer.line(id)),
    });
    Ok(code)
}
