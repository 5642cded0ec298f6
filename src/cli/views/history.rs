//! `history`: the steps of an image as a table, IDs, JSON or a template.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::cli::format::table::Table;
use crate::cli::format::template::{self, Schema};
use crate::cli::format::{Format, go_json, short_id, time, units};
use crate::error::Result;
use crate::image::history::Step;

const SCHEMA: Schema = Schema {
    command: "history",
    type_name: "images.historyReporter",
    free_maps: &[],
    aliases: &[],
    omitted: &[],
    headings: &[("CreatedSince", "CREATED"), ("CreatedBy", "CREATED BY")],
};

/// What the ID is called of a step whose image is not here.
const MISSING: &str = "<missing>";

/// How to show it.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub format: Option<String>,
    /// `--human`: sizes with units and times in words.
    pub human: bool,
    pub no_trunc: bool,
    pub quiet: bool,
}

/// Shows the steps, the latest first.
///
/// # Errors
/// When the template is wrong.
pub fn render(steps: &[Step], options: &Options, now: Timestamp) -> Result<String> {
    if options.quiet {
        return Ok(steps.iter().map(|step| format!("{}\n", id(step, options.no_trunc))).collect());
    }
    match options.format.as_deref().map(Format::parse).transpose()?.flatten() {
        Some(Format::Json) => Ok(format!("{}\n", go_json::compact(&steps.iter().map(json_of).collect())?)),
        Some(format) => {
            let rows: Vec<Value> = steps.iter().map(|step| row(step, options, now)).collect();
            template::render_list(format, &rows, &SCHEMA, false)
        }
        None => {
            let mut table = Table::new();
            table.row(["ID", "CREATED", "CREATED BY", "SIZE", "COMMENT"]);
            for step in steps {
                table.row([
                    id(step, options.no_trunc),
                    created(step, options, now),
                    created_by(step, options),
                    size(step, options),
                    step.comment.clone(),
                ]);
            }
            table.render()
        }
    }
}

fn id(step: &Step, no_trunc: bool) -> String {
    match &step.id {
        None => MISSING.to_owned(),
        Some(id) if no_trunc => id.clone(),
        Some(id) => short_id(id).to_owned(),
    }
}

fn created(step: &Step, options: &Options, now: Timestamp) -> String {
    match step.created {
        Some(then) if options.human => units::ago(then, now),
        then => time::rfc3339(then),
    }
}

/// The command, shortened to 45 characters.
fn created_by(step: &Step, options: &Options) -> String {
    let text = &step.created_by;
    if options.no_trunc || text.chars().count() <= 45 {
        return text.clone();
    }
    format!("{}...", text.chars().take(42).collect::<String>())
}

fn size(step: &Step, options: &Options) -> String {
    if options.human { units::human_size(step.size) } else { step.size.to_string() }
}

fn json_of(step: &Step) -> Value {
    let created = time::rfc3339(step.created);
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("id", json!(id(step, true)));
    put("created", json!(created));
    put("CreatedBy", json!(step.created_by));
    // Go leaves out what is empty.
    if !step.tags.is_empty() {
        put("tags", json!(step.tags));
    }
    put("size", json!(step.size));
    if !step.comment.is_empty() {
        put("comment", json!(step.comment));
    }
    put("Created", json!(created));
    Value::Object(object)
}

fn row(step: &Step, options: &Options, now: Timestamp) -> Value {
    let since = step.created.map_or_else(String::new, |then| units::ago(then, now));
    json!({
        "ID": id(step, options.no_trunc),
        "Created": created(step, options, now),
        "CreatedAt": time::rfc3339(step.created),
        "CreatedSince": since,
        "CreatedBy": created_by(step, options),
        "Size": size(step, options),
        "Comment": step.comment,
        "Tags": step.tags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The steps of the sample, read back from it.
    fn sample() -> Vec<Step> {
        let text = include_str!("../../../tests/data/samples/history.json");
        let steps: Vec<Value> = serde_json::from_str(text).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        steps
            .iter()
            .map(|step| Step {
                id: Some(text(&step["id"])).filter(|id| id != MISSING),
                created: Some(text(&step["created"]).parse().unwrap()),
                created_by: text(&step["CreatedBy"]),
                size: step["size"].as_u64().unwrap(),
                tags: step
                    .get("tags")
                    .map(|tags| tags.as_array().unwrap().iter().map(text).collect())
                    .unwrap_or_default(),
                ..Step::default()
            })
            .collect()
    }

    #[test]
    fn as_the_samples() {
        let now = "2026-11-22T01:13:20Z".parse().unwrap();
        let human = Options { human: true, ..Options::default() };
        let want = include_str!("../../../tests/data/samples/history.txt");
        let trim = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(trim(&render(&sample(), &human, now).unwrap()), trim(want));
        let json = Options { format: Some("json".into()), ..human.clone() };
        let want: Value = serde_json::from_str(include_str!("../../../tests/data/samples/history.json")).unwrap();
        let got = render(&sample(), &json, now).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&got).unwrap(), want);
    }

    #[test]
    fn options_of_history() {
        let now = "2026-11-22T01:13:20Z".parse().unwrap();
        let steps = &sample()[..1];
        let show = |options: Options| render(steps, &options, now).unwrap();
        assert_eq!(show(Options { quiet: true, ..Options::default() }), "6ada4d435fab\n");
        let raw = show(Options::default());
        assert!(raw.contains("2024-10-10T22:40:00Z") && raw.contains("13516800"), "{raw}");
        let format = Some("{{.ID}} {{.CreatedSince}} {{.Size}} {{.CreatedBy}}".to_owned());
        let whole = show(Options { format, human: true, no_trunc: true, ..Options::default() });
        assert!(
            whole.starts_with(
                "6ada4d435fabc799687f8bf284078c07e137ba1e52e9dc73f04ce7b19bb0fbc0 2 years ago 13.5MB /bin"
            )
        );
        assert!(whole.trim_end().ends_with("CI testing\"]"), "{whole}");
    }
}
