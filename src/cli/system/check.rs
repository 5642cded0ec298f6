//! `coracle system check`

use std::time::Duration;

use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::env;
use crate::cli::format::time::parse_duration;
use crate::engine;
use crate::error::{Error, Kind, Result};
use crate::image::check::CheckOptions;
use crate::image::registry::Access;
use crate::image::store::ImageStore;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// With --repair: also take images off the list that cannot be read or fetched again
    #[arg(short, long)]
    force: GoBool,
    /// How old data must be that no image needs to count as damage [default: 24h]
    #[arg(short, long, value_name = "duration")]
    max: Option<String>,
    /// Only what is quickly done: do not read the contents of layers
    #[arg(short, long)]
    quick: GoBool,
    /// Repair what is damaged: fetch blobs and unpack layers again
    #[arg(short, long)]
    repair: GoBool,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let max_age = match &args.max {
        None => ImageStore::MAX_AGE,
        Some(text) => parse_duration(text).and_then(|age| Duration::try_from(age).ok()).ok_or_else(|| {
            Error::new(format!("invalid value `{text}` for `--max`")).hint("write a duration such as 24h or 30m")
        })?,
    };
    let options = CheckOptions { quick: *args.quick, max_age };
    let access = Access::read(&env::places(), None)?;
    let outcomes = engine::system::check::check(&cx.engine()?, &options, args.repair.then_some(&access), *args.force)?;
    let mut left = 0;
    for outcome in &outcomes {
        match &outcome.repaired {
            None => cx.printer.line(&outcome.damage),
            Some(Ok(())) => {
                cx.printer.line(format_args!("{}: {}; repaired", outcome.damage.object, outcome.damage.what));
                continue;
            }
            Some(Err(error)) => {
                let hint = error.hint_text().map(|hint| format!("; {hint}")).unwrap_or_default();
                let damage = &outcome.damage;
                cx.printer.line(format_args!("{}: {}; not repaired: {error}{hint}", damage.object, damage.what));
            }
        }
        left += 1;
    }
    if left == 0 {
        return Ok(0);
    }
    let error = Error::of(Kind::Exit(1), "damage detected in local storage");
    Err(if *args.repair { error } else { error.hint("repair it with `coracle system check --repair`") })
}
