//! `coracle logs`

use jiff::Timestamp;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::format::short_id;
use crate::cli::format::time::parse_instant;
use crate::cli::select::one;
use crate::engine::logs::{self, Options, Source};
use crate::error::{Context as _, Result};

/// How many colours there are to tell containers apart.
const COLORS: u8 = 6;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show the output of each container in its own colour
    #[arg(long)]
    color: GoBool,
    /// Go on with what the container writes until it ends
    #[arg(short, long)]
    follow: GoBool,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Put the name of the container before each line
    #[arg(short, long)]
    names: GoBool,
    /// Only what was written since this time (a date, Unix seconds, or a duration before now)
    #[arg(long, value_name = "string")]
    since: Option<String>,
    /// Only this many lines from the end; all when negative
    #[arg(long, value_name = "int", default_value = "-1", hide_default_value = true)]
    tail: i64,
    /// Put the time before each line
    #[arg(short, long)]
    timestamps: GoBool,
    /// Only what was written until this time
    #[arg(long, value_name = "string")]
    until: Option<String>,
    #[arg(value_name = "CONTAINER")]
    containers: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if *args.latest && !args.containers.is_empty() {
        bail!("--latest and containers cannot be used together");
    }
    if !*args.latest && args.containers.is_empty() {
        bail!("specify at least one container name or ID to log");
    }
    let now = Timestamp::now();
    let instant = |text: &Option<String>, flag: &str| -> Result<Option<Timestamp>> {
        text.as_deref().map(|text| parse_instant(text, now)).transpose().with_context(|| format!("reading `--{flag}`"))
    };
    let options = Options {
        tail: u64::try_from(args.tail).ok(),
        since: instant(&args.since, "since")?,
        until: instant(&args.until, "until")?,
        timestamps: *args.timestamps,
        follow: *args.follow,
    };
    let (_, store) = cx.containers()?;
    let mut names: Vec<Option<&str>> = args.containers.iter().map(|name| Some(name.as_str())).collect();
    if *args.latest {
        names.push(None);
    }
    let several = names.len() > 1;
    let mut sources = Vec::new();
    for (color, name) in (1..=COLORS).cycle().zip(names) {
        let container = store.load(&one(&store, name, name.is_none())?)?;
        let id = container.record.id.clone();
        let watched = store.clone();
        let mut source = Source::new(&container, move || watched.monitor_is_alive(&id))?;
        if *args.names {
            source.prefix = Some(container.record.name);
        } else if several {
            source.prefix = Some(short_id(&container.record.id).to_owned());
        }
        source.color = args.color.then_some(color);
        sources.push(source);
    }
    logs::show(sources, &options, &mut &*cx.printer, &mut cx.printer.errors())?;
    Ok(0)
}
