//! `volume ls` and `volume inspect`: the keys of the reference in their order.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::table::Table;
use crate::cli::format::template::{self, Empty, Schema};
use crate::cli::format::{Format, time};
use crate::error::Result;
use crate::volume::{Options as Driver, Volume};

/// Fields that exist although they are not there when they are empty.
const OMITTED: &[(&str, &str, Empty)] = &[
    ("", "Status", Empty::Map),
    ("", "UID", Empty::Zero),
    ("", "GID", Empty::Zero),
    ("", "Anonymous", Empty::No),
    ("", "NeedsCopyUp", Empty::No),
    ("", "NeedsChown", Empty::No),
    ("", "Timeout", Empty::Zero),
    ("", "StorageID", Empty::Text),
];

/// What templates of `volume inspect` know.
pub const INSPECT: Schema = Schema {
    command: "inspect",
    type_name: "*entities.VolumeInspectReport",
    free_maps: &["Labels", "Options", "Status"],
    aliases: &[],
    omitted: OMITTED,
    headings: &[],
};

const LIST: Schema = Schema {
    command: "ls",
    type_name: "*types.VolumeListReport",
    free_maps: &["Labels", "Options", "Status"],
    aliases: &[],
    omitted: OMITTED,
    headings: &[("Name", "VOLUME NAME")],
};

/// How volumes are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    pub format: Option<&'a str>,
    pub quiet: bool,
    pub no_heading: bool,
}

/// Lists volumes. `counts` is how many running containers have each mounted.
///
/// # Errors
/// When the template is wrong.
pub fn render(volumes: &[Volume], counts: &BTreeMap<String, usize>, options: &Options<'_>) -> Result<String> {
    let count = |volume: &Volume| counts.get(&volume.record.name).copied().unwrap_or_default();
    if options.quiet {
        return Ok(volumes.iter().map(|volume| format!("{}\n", volume.record.name)).collect());
    }
    match options.format.map(Format::parse).transpose()?.flatten() {
        Some(Format::Json) => {
            go_json::pretty(&volumes.iter().map(|volume| object(volume, count(volume))).collect(), Shape::Listing)
        }
        Some(format) => {
            let rows: Vec<Value> = volumes.iter().map(|volume| row(volume, count(volume))).collect();
            template::render_list(format, &rows, &LIST, options.no_heading)
        }
        None => {
            let mut table = Table::new();
            if !options.no_heading {
                table.row(["DRIVER", "VOLUME NAME"]);
            }
            volumes.iter().for_each(|volume| table.row(["local", &volume.record.name]));
            table.render()
        }
    }
}

/// What templates see: everything, and the time as Go prints it.
fn row(volume: &Volume, mounted: usize) -> Value {
    let mut row = object(volume, mounted);
    if let Some(created) = row.get_mut("CreatedAt") {
        *created = json!(time::go_string_utc(volume.record.created));
    }
    row
}

/// The object of a volume. Go leaves out what is false or 0.
pub fn object(volume: &Volume, mounted: usize) -> Value {
    let record = &volume.record;
    let driver = record.parsed().unwrap_or_default();
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("Name", json!(record.name));
    put("Driver", json!("local"));
    put("Mountpoint", json!(volume.data().to_string_lossy()));
    put("CreatedAt", json!(time::rfc3339(Some(record.created))));
    put("Labels", json!(record.labels));
    put("Scope", json!("local"));
    put("Options", json!(Driver::shown(&record.options)));
    for (key, id) in [("UID", driver.uid), ("GID", driver.gid)] {
        if let Some(id) = id.filter(|id| *id != 0) {
            put(key, json!(id));
        }
    }
    for (key, is) in [("Anonymous", record.anonymous)] {
        if is {
            put(key, json!(true));
        }
    }
    put("MountCount", json!(mounted));
    for (key, is) in [("NeedsCopyUp", record.needs_copy_up), ("NeedsChown", record.needs_chown)] {
        if is {
            put(key, json!(true));
        }
    }
    put("LockNumber", json!(0));
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Record;

    #[test]
    fn in_the_shape_of_the_samples() {
        let record = Record {
            name: "myvol".to_owned(),
            created: "2026-11-22T01:13:19.469731924Z".parse().unwrap(),
            labels: BTreeMap::from([("x".to_owned(), "y".to_owned())]),
            needs_copy_up: true,
            needs_chown: true,
            ..Record::default()
        };
        let dir = "/home/dev/.local/share/containers/storage/volumes/myvol".into();
        let volume = Volume { record, dir };
        let list = |options: Options<'_>| render(std::slice::from_ref(&volume), &BTreeMap::new(), &options).unwrap();
        let sample = include_str!("../../../tests/data/samples/volume-ls.json")
            .replace("\"LockNumber\": 6", "\"LockNumber\": 0");
        assert_eq!(list(Options { format: Some("json"), ..Options::default() }), sample);
        assert_eq!(list(Options::default()), include_str!("../../../tests/data/samples/volume-ls.txt"));
        assert_eq!(list(Options { quiet: true, ..Options::default() }), "myvol\n");
        assert_eq!(list(Options { no_heading: true, ..Options::default() }), "local       myvol\n");
        let text = |format| list(Options { format: Some(format), ..Options::default() });
        assert_eq!(
            text("{{.Name}} {{.Options}} {{.Labels}} {{.CreatedAt}} {{.Anonymous}} {{.UID}}"),
            "myvol map[] map[x:y] 2026-11-22 01:13:19.469731924 +0000 UTC false 0\n"
        );
        assert_eq!(text("table {{.Name}}\t{{.Scope}}"), "VOLUME NAME  SCOPE\nmyvol        local\n");
        let objects = [(object(&volume, 0), &INSPECT)];
        let sample = include_str!("../../../tests/data/samples/volume-inspect.json")
            .replace("\"LockNumber\": 6", "\"LockNumber\": 0");
        assert_eq!(super::super::inspect::render(&objects, None).unwrap(), sample);
    }
}
