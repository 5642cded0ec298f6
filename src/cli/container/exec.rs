//! `coracle exec`

use std::path::PathBuf;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::preserved;
use crate::cli::select::one;
use crate::engine::{self, ExecOptions};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Run the process in the background and print its session's ID
    #[arg(short, long)]
    detach: GoBool,
    /// Key sequence for detaching from the process [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "string")]
    detach_keys: Option<String>,
    /// Set an environment variable
    #[arg(short, long, value_name = "stringArray")]
    env: Vec<String>,
    /// Read environment variables from a file
    #[arg(long, value_name = "stringArray")]
    env_file: Vec<PathBuf>,
    /// Connect stdin to the process
    #[arg(short, long)]
    interactive: GoBool,
    /// Act on the latest container
    #[arg(short, long)]
    latest: GoBool,
    /// Pass a list of additional descriptors to the process
    #[arg(long, value_name = "uints", value_delimiter = ',')]
    preserve_fd: Vec<i32>,
    /// Pass this number of additional descriptors to the process, from 3 on
    #[arg(long, value_name = "uint", default_value_t = 0, hide_default_value = true)]
    preserve_fds: u32,
    /// Give the process extended Linux capabilities
    #[arg(long)]
    privileged: GoBool,
    /// Allocate a terminal for the process
    #[arg(short, long)]
    tty: GoBool,
    /// User name or UID, and group name or GID, as user[:group]
    #[arg(short, long, value_name = "string")]
    user: Option<String>,
    /// Working directory inside the container
    #[arg(short, long, value_name = "string")]
    workdir: Option<String>,
    #[arg(value_name = "CONTAINER COMMAND", trailing_var_arg = true)]
    words: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    // First of all: see there.
    let given = preserved::take(args.preserve_fds, &args.preserve_fd)?;
    let (container, command) = match args.words.split_first() {
        _ if *args.latest => (None, args.words.as_slice()),
        Some((container, command)) => (Some(container.as_str()), command),
        None => bail!("exec requires the name or ID of a container or the --latest flag"),
    };
    if command.is_empty() {
        bail!("must provide a non-empty command to start an exec session");
    }
    let (engine, store) = cx.containers()?;
    let id = one(&store, container, *args.latest)?;
    let options = ExecOptions {
        command: command.to_vec(),
        env: args.env,
        user: args.user,
        workdir: args.workdir,
        tty: *args.tty,
        interactive: *args.interactive,
        detach: *args.detach,
        privileged: *args.privileged,
        detach_keys: args.detach_keys,
        env_files: args.env_file,
        given,
    };
    let end = engine::exec(&engine, &id, options)?;
    if let Some(session) = end.session {
        cx.printer.line(session);
    }
    Ok(end.code)
}
