//! `diff`: changes as lines or JSON.

use serde_json::{Map, Value, json};

use crate::bail;
use crate::cli::format::go_json::{self, Shape};
use crate::error::Result;
use crate::image::diff::{Change, Changes};

/// Shows changes in the order of their paths.
///
/// # Errors
/// A format other than `json`.
pub fn render(changes: &Changes, format: Option<&str>) -> Result<String> {
    let text = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    match format {
        None | Some("") => {
            let line = |(path, change): (&Vec<u8>, &Change)| {
                let letter = match change {
                    Change::Added => 'A',
                    Change::Changed => 'C',
                    Change::Deleted => 'D',
                };
                // A line for each, whatever the name is.
                format!("{letter} {}\n", text(path).replace('\n', "\\n"))
            };
            Ok(changes.iter().map(line).collect())
        }
        Some("json") => {
            let mut object = Map::new();
            for (key, wanted) in [("changed", Change::Changed), ("added", Change::Added), ("deleted", Change::Deleted)]
            {
                let paths: Vec<String> =
                    changes.iter().filter(|(_, change)| **change == wanted).map(|(path, _)| text(path)).collect();
                if !paths.is_empty() {
                    object.insert(key.to_owned(), json!(paths));
                }
            }
            go_json::pretty(&Value::Object(object), Shape::Inspect)
        }
        Some(_) => bail!("only supported value for '--format' is 'json'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_samples() {
        let changes: Changes = [("/scratch", Change::Added), ("/etc", Change::Changed), ("/data", Change::Added)]
            .map(|(path, change)| (path.as_bytes().to_vec(), change))
            .into();
        assert_eq!(render(&changes, None).unwrap(), include_str!("../../../tests/data/samples/diff.txt"));
        assert_eq!(render(&changes, Some("json")).unwrap(), include_str!("../../../tests/data/samples/diff.json"));
        assert!(render(&changes, Some("{{.}}")).is_err());
    }
}
