//! `coracle wait`

use std::time::Duration;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::{Cx, usual_code};
use crate::cli::format::time::parse_duration;
use crate::cli::select::Wanted;
use crate::engine;
use crate::error::{Error, Kind, Result};

/// States and events that `--condition` may name.
const CONDITIONS: &[&str] = &[
    "configured",
    "created",
    "exited",
    "healthy",
    "initialized",
    "paused",
    "removing",
    "running",
    "stopped",
    "stopping",
    "unhealthy",
];

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Condition to wait for: created, exited, initialized, paused, removing, running, stopped, stopping
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    condition: Vec<String>,
    /// Ignore errors when a specified container is missing
    #[arg(long)]
    ignore: GoBool,
    /// Time between two looks at the container, where looking is needed (500ms, 2s; a bare number is milliseconds)
    #[arg(short, long, value_name = "string", default_value = "250ms")]
    interval: String,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let interval = interval(&args.interval)?;
    for condition in &args.condition {
        match condition.as_str() {
            "healthy" | "unhealthy" => {
                bail!("condition `{condition}` is not supported: health checks are not there yet")
            }
            known if CONDITIONS.contains(&known) => {}
            _ => bail!("invalid condition `{condition}`"),
        }
    }
    let (engine, store) = cx.containers()?;
    let wanted = Wanted { names: &args.containers, latest: *args.latest, ..Wanted::default() };
    Ok(cx.each(wanted.targets(&store)?, usual_code, |target| {
        let code = match target.and_then(|target| engine::wait(&engine, &target.id, &args.condition, interval)) {
            Err(error) if error.kind() == Kind::NoSuch && *args.ignore => -1,
            result => result?,
        };
        cx.printer.line(code);
        Ok(())
    }))
}

fn interval(text: &str) -> Result<Duration> {
    if let Ok(milliseconds) = text.parse() {
        return Ok(Duration::from_millis(milliseconds));
    }
    let duration = parse_duration(text).and_then(|duration| Duration::try_from(duration).ok());
    duration.ok_or_else(|| Error::new(format!("invalid interval `{text}`")).hint("write 500ms or 2s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        for (text, want) in [("250", Some(250)), ("2s", Some(2000)), ("1.5s", Some(1500)), ("-1s", None), ("x", None)] {
            assert_eq!(interval(text).ok(), want.map(Duration::from_millis), "{text}");
        }
    }
}
