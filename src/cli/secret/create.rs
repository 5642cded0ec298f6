//! `coracle secret create`

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::engine::secrets::{self, Undumpable};
use crate::error::{Context, Result};
use crate::secret::{Create, Plain, parse_options};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the value is kept: file, pass or shell [default: file]
    #[arg(short, long, value_name = "string")]
    driver: Option<String>,
    /// Set an option of the driver (KEY=VALUE)
    #[arg(long, value_name = "stringToString", value_parser = parse_options)]
    driver_opts: Vec<Vec<(String, String)>>,
    /// Take the value from an environment variable, whose name is given instead of a file
    #[arg(long)]
    env: GoBool,
    /// Set a label (KEY=VALUE)
    #[arg(short, long, value_name = "stringArray")]
    label: Vec<String>,
    /// Give a secret that is there already a new value
    #[arg(long)]
    replace: GoBool,
    #[arg(value_name = "NAME", required = true)]
    name: String,
    #[arg(value_name = "FILE", required = true)]
    source: String,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let labels = labels(&args.label).context("unable to process labels")?;
    let engine = cx.engine()?;
    let _undumpable = Undumpable::begin();
    let value = value(&args)?;
    let how = Create {
        replace: *args.replace,
        driver: args.driver.unwrap_or_default(),
        driver_options: args.driver_opts.into_iter().flatten().collect(),
        labels,
    };
    let secret = secrets::store(&engine).create(&args.name, &value, how)?;
    cx.printer.line(secret.id);
    Ok(0)
}

fn value(args: &Args) -> Result<Plain> {
    if *args.env {
        return match std::env::var_os(&args.source) {
            Some(value) => Plain::new(value.into_vec()).checked(),
            None => bail!("cannot create store secret data: environment variable {} is not set", args.source),
        };
    }
    if args.source == "-" {
        return Plain::read_from(std::io::stdin().lock(), "the secret from stdin");
    }
    let path = Path::new(&args.source);
    let file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
    Plain::read_from(file, &format!("`{}`", path.display()))
}

fn labels(given: &[String]) -> Result<BTreeMap<String, String>> {
    let one = |text: &String| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() {
            bail!("invalid label format: \"{text}\"");
        }
        Ok((key.to_owned(), value.to_owned()))
    };
    given.iter().map(one).collect()
}
