//! Asking whether to go on, before something is lost.

use std::io::BufRead as _;

use super::cx::Cx;
use crate::error::{Context as _, Result};

/// Prints a warning, asks, and reads the answer from standard input, whatever that is. No answer means no.
pub fn confirm(cx: &Cx<'_>, warning: &str) -> Result<bool> {
    cx.printer.text(&format!("{warning}\nAre you sure you want to continue? [y/N] "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("reading the answer")?;
    let answer = answer.trim();
    Ok(answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes"))
}
