//! Commands about manifest lists.

pub mod add;
pub mod annotate;
pub mod create;
pub mod exists;
pub mod inspect;
pub mod push;
pub mod remove;
pub mod rm;

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// `key=value` of each annotation. `said` makes the error of one without a value.
fn annotations(texts: &[String], said: fn(&str) -> String) -> Result<BTreeMap<String, String>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Error::new(said(text))),
    };
    texts.iter().map(pair).collect()
}

fn no_value(text: &str) -> String {
    format!("no value given for annotation \"{}\"", text.escape_debug())
}

/// The words of values that may have several, with commas in between.
fn words(values: &[String]) -> Vec<String> {
    values.iter().flat_map(|value| value.split(',')).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
