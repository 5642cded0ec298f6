//! `coracle search`

use std::path::PathBuf;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::image::registry_flags::{RegistryFlags, credentials};
use crate::cli::views::search::{self, Options};
use crate::error::Result;
use crate::image::registry::Access;
use crate::image::registry::search::{DEFAULT_LIMIT, Filters};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory with certificates for the registry
    #[arg(long, value_name = "Pathname")]
    cert_dir: Option<PathBuf>,
    /// Show the columns that Docker shows, with stars
    #[arg(long)]
    compatible: GoBool,
    /// Credentials for the registry, as USERNAME:PASSWORD
    #[arg(long, value_name = "Credentials")]
    creds: Option<String>,
    /// Only images that match: stars=NUMBER, is-official, is-automated
    #[arg(short, long, value_name = "stringArray")]
    filter: Vec<String>,
    /// Print as JSON or by a Go template
    #[arg(long, value_name = "string")]
    format: Option<String>,
    /// At most this many results of each registry [default: 25]
    #[arg(long, value_name = "int")]
    limit: Option<i64>,
    /// List the tags of a repository
    #[arg(long)]
    list_tags: GoBool,
    /// Do not shorten descriptions
    #[arg(long)]
    no_trunc: GoBool,
    #[command(flatten)]
    registry: RegistryFlags,
    #[arg(value_name = "TERM", required = true)]
    term: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let [term] = args.term.as_slice() else { bail!("search requires exactly one argument") };
    if *args.list_tags && !args.filter.is_empty() {
        bail!("filters are not applicable to list tags result");
    }
    let limit = match args.limit.unwrap_or(0) {
        0 => DEFAULT_LIMIT,
        limit => match usize::try_from(limit) {
            Ok(limit) => limit,
            Err(_) => bail!("invalid value `{limit}` for `--limit`: a number from 1 on is needed"),
        },
    };
    let filters = Filters::parse(args.filter.iter().flat_map(|filter| filter.split(',')))?;
    let access = Access {
        cert_dir: args.cert_dir.clone(),
        credentials: args.creds.as_deref().map(credentials).transpose()?,
        ..args.registry.access()?
    };
    let options = Options { format: args.format.as_deref(), no_trunc: *args.no_trunc, compatible: *args.compatible };
    if *args.list_tags {
        let (name, tags) = access.tags_of(term, limit)?;
        cx.printer.text(&search::tags(&name, &tags, options)?);
        return Ok(0);
    }
    let result = access.search(term, &filters, limit)?;
    cx.warnings(&result.failures);
    cx.printer.text(&search::images(&result.found, options)?);
    Ok(0)
}
