//! Commands about volumes.

pub mod clone;
pub mod create;
pub mod exists;
pub mod export;
pub mod import;
pub mod inspect;
pub mod list;
pub mod mount;
pub mod prune;
pub mod reload;
pub mod rm;
pub mod snapshot;
pub mod unmount;

use std::collections::BTreeMap;

use crate::bail;
use crate::error::Result;

/// Labels as they are given, `KEY=VALUE` or `KEY`.
fn labels(given: &[String]) -> Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    for text in given {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() {
            bail!("unable to process labels: invalid label format: \"{text}\"");
        }
        labels.insert(key.to_owned(), value.to_owned());
    }
    Ok(labels)
}
