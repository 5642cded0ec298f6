//! `coracle volume reload`

use crate::cli::cx::Cx;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {}

/// There are no plugins whose volumes could have changed.
pub fn run(cx: &Cx<'_>, _args: Args) -> Result<u8> {
    cx.engine().map(|_| 0)
}
