//! `coracle container clone`

use crate::bail;
use crate::cli::args::{GoBool, Refused, refuse};
use crate::cli::cx::Cx;
use crate::cli::progress::Shown;
use crate::engine::clone::{self, CloneOptions};
use crate::error::Result;

const RESOURCES: &str = "resource limits are the matter of a later release";

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Weight of block IO
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    blkio_weight: Option<Refused>,
    /// Period of the CPU scheduler
    #[arg(long, value_name = "uint", value_parser = refuse(RESOURCES))]
    cpu_period: Option<Refused>,
    /// Quota of the CPU scheduler
    #[arg(long, value_name = "int", value_parser = refuse(RESOURCES))]
    cpu_quota: Option<Refused>,
    /// Period of the real-time scheduler
    #[arg(long, value_name = "uint", value_parser = refuse(RESOURCES))]
    cpu_rt_period: Option<Refused>,
    /// Runtime of the real-time scheduler
    #[arg(long, value_name = "int", value_parser = refuse(RESOURCES))]
    cpu_rt_runtime: Option<Refused>,
    /// Relative weight of CPU time
    #[arg(short = 'c', long, value_name = "uint", value_parser = refuse(RESOURCES))]
    cpu_shares: Option<Refused>,
    /// Number of CPUs
    #[arg(long, value_name = "float", value_parser = refuse(RESOURCES))]
    cpus: Option<Refused>,
    /// CPUs that may be used
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    cpuset_cpus: Option<Refused>,
    /// Memory nodes that may be used
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    cpuset_mems: Option<Refused>,
    /// Remove the original container
    #[arg(long)]
    destroy: GoBool,
    /// Limit the bytes read from a device
    #[arg(long, value_name = "stringArray", value_parser = refuse(RESOURCES))]
    device_read_bps: Option<Refused>,
    /// Limit the bytes written to a device
    #[arg(long, value_name = "stringArray", value_parser = refuse(RESOURCES))]
    device_write_bps: Option<Refused>,
    /// Remove the original container even if it runs (with --destroy)
    #[arg(short, long)]
    force: GoBool,
    /// Limit of memory and swap together
    #[arg(long, value_name = "string", value_parser = refuse(RESOURCES))]
    memory_swap: Option<Refused>,
    /// How much is swapped
    #[arg(long, value_name = "int", value_parser = refuse(RESOURCES))]
    memory_swappiness: Option<Refused>,
    /// Name of the new container
    #[arg(long, value_name = "string")]
    name: Option<String>,
    /// Join a pod
    #[arg(long, value_name = "string", value_parser = refuse("pods are the matter of a later release"))]
    pod: Option<Refused>,
    /// Start the new container
    #[arg(long)]
    run: GoBool,
    #[arg(value_name = "CONTAINER")]
    words: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if *args.force && !*args.destroy {
        bail!("cannot set --force without --destroy: invalid argument");
    }
    let (container, second, image) = match args.words.as_slice() {
        [] => bail!("must specify at least 1 argument: invalid argument"),
        [container] => (container, None, None),
        [container, name] => (container, Some(name), None),
        [container, name, image] => (container, Some(name), Some(image)),
        _ => bail!("accepts between 1 and 3 arg(s), received {}", args.words.len()),
    };
    let name = match (args.name, second) {
        (Some(_), Some(_)) if image.is_none() => {
            bail!("must specify only one of --name and the argument NAME: invalid argument")
        }
        (name, second) => name.or(second.cloned()),
    };
    let (engine, store) = cx.containers()?;
    let options = CloneOptions {
        name: name.filter(|name| !name.is_empty()),
        image: image.cloned(),
        destroy: *args.destroy,
        force: *args.force,
        run: *args.run,
    };
    let progress = Shown::new(cx.printer, false);
    let id = clone::clone(&engine, &store.resolve(container)?, &options, &progress)?;
    progress.finish();
    cx.printer.line(id);
    Ok(0)
}
