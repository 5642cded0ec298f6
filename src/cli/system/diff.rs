//! `coracle diff`

use crate::cli::container::diff;
use crate::cli::cx::Cx;
use crate::engine::diff::Of;
use crate::error::Result;

pub use diff::Args;

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    diff::show(cx, args, Of::Both)
}
