//! `search`: images that registries have, or the tags of one, as a table, JSON or a template.

use serde_json::{Value, json};

use crate::cli::format::Format;
use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::table::Table;
use crate::cli::format::template::{self, Schema};
use crate::error::Result;
use crate::image::registry::search::Found;

/// What templates of `search` know.
pub const SCHEMA: Schema = Schema {
    command: "search",
    type_name: "entities.ImageSearchReport",
    free_maps: &[],
    aliases: &[],
    omitted: &[],
    headings: &[],
};

/// How many characters of a description there are without `--no-trunc`.
const DESCRIPTION: usize = 44;

/// How results are shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    pub format: Option<&'a str>,
    pub no_trunc: bool,
    /// The columns that Docker has.
    pub compatible: bool,
}

/// Shows images. Nothing found is shown as nothing.
pub fn images(found: &[Found], options: Options<'_>) -> Result<String> {
    let rows: Vec<Value> = found.iter().map(|one| row(one, options.no_trunc)).collect();
    let columns: &[&str] = if options.compatible {
        &["Name", "Description", "Stars", "Official", "Automated"]
    } else {
        &["Name", "Description"]
    };
    match options.format.map(Format::parse).transpose()?.flatten() {
        Some(Format::Json) => go_json::pretty(&Value::Array(rows), Shape::Images),
        _ if rows.is_empty() => Ok(String::new()),
        Some(format) => template::render_list(format, &rows, &SCHEMA, false),
        None => table(columns, &rows),
    }
}

/// Shows tags.
pub fn tags(name: &str, tags: &[String], options: Options<'_>) -> Result<String> {
    let row = |tag: &String| json!({"Index": "", "Name": name, "Description": "", "Stars": 0, "Official": "", "Automated": "", "Tag": tag});
    let rows: Vec<Value> = tags.iter().map(row).collect();
    match options.format.map(Format::parse).transpose()?.flatten() {
        Some(Format::Json) if rows.is_empty() => go_json::pretty(&json!([]), Shape::Images),
        Some(Format::Json) => go_json::pretty(&json!([{"Name": name, "Tags": tags}]), Shape::Images),
        _ if rows.is_empty() => Ok(String::new()),
        Some(format) => template::render_list(format, &rows, &SCHEMA, false),
        None => table(&["Name", "Tag"], &rows),
    }
}

fn table(columns: &[&str], rows: &[Value]) -> Result<String> {
    let mut table = Table::new();
    table.row(columns.iter().map(|column| column.to_uppercase()));
    for row in rows {
        table.row(columns.iter().map(|column| match row.get(column) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }));
    }
    table.render()
}

fn row(found: &Found, no_trunc: bool) -> Value {
    let mut description = found.description.replace('\n', " ");
    if !no_trunc && let Some((end, _)) = description.char_indices().nth(DESCRIPTION) {
        description.truncate(end);
        description.push_str("...");
    }
    let ok = |is: bool| if is { "[OK]" } else { "" };
    json!({
        "Index": found.index,
        "Name": found.name,
        "Description": description,
        "Stars": found.stars,
        "Official": ok(found.official),
        "Automated": ok(found.automated),
        "Tag": "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Vec<Found> {
        vec![
            Found {
                index: "docker.io".into(),
                name: "docker.io/library/alpine".into(),
                description: "A minimal Docker image based on Alpine Linux with a\ncomplete package index".into(),
                stars: 11000,
                official: true,
                automated: false,
            },
            Found { index: "r.io".into(), name: "r.io/a/b".into(), ..Found::default() },
        ]
    }

    #[test]
    fn tables() {
        assert_eq!(
            images(&found(), Options::default()).unwrap(),
            "NAME                      DESCRIPTION\n\
             docker.io/library/alpine  A minimal Docker image based on Alpine Linux...\n\
             r.io/a/b                  \n"
        );
        let all = images(&found(), Options { compatible: true, no_trunc: true, format: None }).unwrap();
        assert!(all.starts_with("NAME ") && all.contains("STARS  ") && all.contains("11000"), "{all}");
        assert!(all.contains("with a complete package index"), "{all}");
        assert_eq!(images(&[], Options::default()).unwrap(), "");
        let format = Some("{{.Index}}|{{.Stars}}|{{.Official}}");
        assert_eq!(
            images(&found(), Options { format, ..Options::default() }).unwrap(),
            "docker.io|11000|[OK]\nr.io|0|\n"
        );
    }

    #[test]
    fn lists_of_tags() {
        let both = ["1".to_owned(), "2".to_owned()];
        assert_eq!(
            tags("r.io/a", &both, Options::default()).unwrap(),
            "NAME        TAG\nr.io/a      1\nr.io/a      2\n"
        );
        let text = tags("r.io/a", &both, Options { format: Some("json"), ..Options::default() }).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, json!([{"Name": "r.io/a", "Tags": ["1", "2"]}]));
    }
}
