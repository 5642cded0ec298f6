//! `coracle secret inspect`

use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::views::secret;
use crate::engine::secrets::{self, Undumpable};
use crate::error::{Context, Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON or by a Go template
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    /// Print in a form for people
    #[arg(long)]
    pretty: GoBool,
    /// Show the value too
    #[arg(long)]
    showsecret: GoBool,
    #[arg(value_name = "SECRET", required = true)]
    secrets: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let store = secrets::store(&cx.engine()?);
    let _undumpable = Undumpable::begin();
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for name in &args.secrets {
        let one = store.find(name).and_then(|secret| {
            let value = if *args.showsecret { Some(store.read(&secret)?) } else { None };
            Ok((secret, value))
        });
        match one.context("inspecting secret") {
            Ok(one) => found.push(one),
            Err(error) => errors.push(error),
        }
    }
    if let Some(value) = secret::only_value(&found, args.format.as_deref()).filter(|_| !*args.pretty) {
        // Byte for byte, which a template cannot.
        cx.printer.data(value.bytes());
        cx.printer.data(b"\n");
        return Ok(cx.each(errors, usual_code, Err));
    }
    let text = if *args.pretty { Ok(secret::pretty(&found)) } else { secret::inspect(&found, args.format.as_deref()) };
    cx.printer.text(&text?);
    Ok(cx.each(errors, usual_code, Err))
}
