//! A command in the user's user namespace, without a container.

use std::process::Command;

use super::{Engine, enter_userns, network};
use crate::error::{Error, Kind, Result};

/// Runs a command (the user's shell, if none is given) as root of the user namespace, with `bridges` in the network
/// namespace that has the bridges of all networks. Its exit code.
pub fn unshare(engine: &Engine, command: &[String], bridges: bool) -> Result<u8> {
    use std::os::unix::process::CommandExt as _;
    if bridges {
        network::anchor::enter_network(engine)?;
    } else {
        enter_userns(engine)?;
    }
    let shell = std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned());
    let (program, arguments) = command.split_first().map_or((&shell, &[][..]), |(p, a)| (p, a));
    let error = Command::new(program).args(arguments).exec();
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => Kind::CommandNotFound,
        _ => Kind::CannotInvoke,
    };
    Err(Error::from(error).wrap(format!("executing `{program}`")).with_kind(kind))
}
