//! `coracle inspect`

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::inspect::{Kind, Wanted, show};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print as JSON or by a Go template
    #[arg(short, long, value_name = "string")]
    format: Option<String>,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Show the size of containers
    #[arg(short, long)]
    size: GoBool,
    /// Kind of the objects: container, image, volume, network or all
    #[arg(short = 't', long = "type", value_name = "string", default_value = "all")]
    kind: String,
    #[arg(value_name = "OBJECT")]
    objects: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    let kind = match args.kind.as_str() {
        "all" => Kind::Any,
        "container" => Kind::Container,
        "image" => Kind::Image,
        "volume" => Kind::Volume,
        "network" => Kind::Network,
        "pod" => bail!("--type pod is not supported: there are no pods yet"),
        other => bail!("the only recognized types are container, image, network, pod, volume and all, not \"{other}\""),
    };
    if args.objects.is_empty() && !*args.latest {
        bail!("no names or ids specified");
    }
    let kind = if *args.latest && kind == Kind::Any { Kind::Container } else { kind };
    let wanted =
        Wanted { kind, names: &args.objects, latest: *args.latest, size: *args.size, format: args.format.as_deref() };
    show(cx, &wanted)
}
