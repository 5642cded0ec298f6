//! `coracle volume create`

use std::collections::BTreeMap;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::engine::volumes;
use crate::error::{Error, Kind, Result};
use crate::volume::New;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Driver of the volume: there is only local
    #[arg(short, long, value_name = "string", default_value = "local")]
    driver: String,
    /// Do not fail when there is a volume of this name
    #[arg(long)]
    ignore: GoBool,
    /// Set a label (KEY=VALUE)
    #[arg(short, long, value_name = "stringArray")]
    label: Vec<String>,
    /// Set an option of the driver (type=tmpfs, device=/a/b, o=bind,uid=1000, copy, nocopy)
    #[arg(short, long, value_name = "stringArray")]
    opt: Vec<String>,
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let name = args.name.unwrap_or_default();
    match args.driver.as_str() {
        "" | "local" => {}
        "image" => bail!("volumes of the driver `image` are not supported: mount an image with `--mount type=image`"),
        other => {
            let text = format!(
                "volume {name} uses volume plugin {other} but it could not be retrieved: volume plugins are not supported"
            );
            return Err(Error::new(text).hint(
                "the only driver is local; what a plugin would mount can be mounted on the host and used with `-o o=bind -o device=DIRECTORY`",
            ));
        }
    }
    if *args.ignore && name.is_empty() {
        bail!("`--ignore` needs the name of a volume");
    }
    let options: BTreeMap<String, String> = args
        .opt
        .iter()
        .map(|text| {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            (key.to_owned(), value.to_owned())
        })
        .collect();
    let new = New { name: name.clone(), labels: super::labels(&args.label)?, options, anonymous: false };
    match volumes::create(&cx.engine()?, new) {
        Ok(record) => cx.printer.line(record.name),
        Err(error) if error.kind() == Kind::InUse && *args.ignore => cx.printer.line(name),
        Err(error) => return Err(error),
    }
    Ok(0)
}
