//! Go templates: the one place that knows the template engine.
//!
//! A listing is rendered as Podman does it: the row's template is wrapped in `{{range .}}…{{end -}}` (unless it ranges
//! itself), `\t` and `\n` outside of actions are a tab and a newline, and in a `table` every space is a column's end.
//! Before anything runs, [`super::template_check`] compares the fields that the template names with those that exist,
//! because the engine can only tell that a value is missing, not where.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::parse::{DefineNode, ListNode, Parser};
use gotmpl::{MissingKey, Template, Value};
use serde_json::Value as Json;

use super::headers::{self, Overrides};
use super::template_funcs::{self, Registry};
use super::{Format, table, template_check};
use crate::error::{Error, Result};

/// What templates of one command may ask for, besides the JSON object itself.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The command, for error messages: `ps`.
    pub command: &'static str,
    /// What the object is called in error messages: `containers.psReporter`.
    pub type_name: &'static str,
    /// Fields that hold maps with keys of the user's: a missing key there is `<no value>` and no error.
    pub free_maps: &'static [&'static str],
    /// Other names of fields: (name in JSON, name in templates).
    pub aliases: &'static [(&'static str, &'static str)],
    /// Fields that are left out of the JSON when they are empty, but exist: (object, field, what it is when empty). The
    /// object is the name of the field that holds it, and empty for the outermost.
    pub omitted: &'static [(&'static str, &'static str, Empty)],
    /// Headings that differ from the field's name.
    pub headings: Overrides,
}

/// What a field is when it is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    Text,
    List,
    Map,
    /// `false`.
    No,
    Zero,
    /// A nil pointer.
    Nothing,
}

/// Renders a listing. With [`Format::Table`] there is a line of headings, unless `no_heading`.
///
/// # Errors
/// When the template is malformed, names a field that does not exist, or fails while it runs.
pub fn render_list(format: Format<'_>, rows: &[Json], schema: &Schema, no_heading: bool) -> Result<String> {
    match format {
        Format::Json => super::go_json::pretty(&Json::Array(rows.to_vec()), super::go_json::Shape::Listing),
        Format::Template(text) => {
            let source = with_range(&with_newline(text_parts(text, unescape)));
            run(&source, &Json::Array(rows.to_vec()), schema)
        }
        Format::Table(text) => {
            let cells = |part: &str| unescape(part).replace(' ', "\t");
            let source = with_range(&with_newline(text_parts(text.trim_start(), cells)));
            let mut out = if no_heading { String::new() } else { heading_line(&source, schema)? };
            out.push_str(&run(&source, &Json::Array(rows.to_vec()), schema)?);
            table::align(&out)
        }
    }
}

/// Renders one object (`info`, `version`).
///
/// # Errors
/// As [`render_list`].
pub fn render_one(text: &str, object: &Json, schema: &Schema) -> Result<String> {
    run(&with_newline(text_parts(text, unescape)), object, schema)
}

fn run(source: &str, root: &Json, schema: &Schema) -> Result<String> {
    let source = &label_calls(source);
    let mut registry = Registry::default();
    let root = to_value(root, schema, "", source.contains("json").then_some(&mut registry));
    let (tree, defines) = parse(source, schema)?;
    template_check::check(source, &tree, &defines, &root, schema)?;
    execute(source, &root, registry, schema)
}

/// Parses a template for checking.
fn parse(source: &str, schema: &Schema) -> Result<(ListNode, Vec<DefineNode>)> {
    let broken = |e: gotmpl::TemplateError| Error::new(e.to_string());
    check_blocks(source, schema)?;
    let parser = Parser::with_name(Some(schema.command), source, "{{", "}}").map_err(broken)?;
    parser.parse().map_err(broken)
}

/// Refuses an `{{end}}` too many or missing, which the parser of the template engine takes without a word.
fn check_blocks(source: &str, schema: &Schema) -> Result<()> {
    let complain = |line: usize, what: &str| Err(Error::new(format!("template: {}:{line}: {what}", schema.command)));
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(start) = source.get(at..).and_then(|rest| rest.find("{{")) {
        let action = source.get(at + start..).unwrap_or_default();
        let end = action_end(action);
        let line = source.get(..at + start).unwrap_or_default().matches('\n').count() + 1;
        let inner = action.get(2..end).unwrap_or_default().trim_start_matches('-').trim_start();
        let keyword: String = inner.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
        match keyword.as_str() {
            "if" | "range" | "with" | "block" | "define" => depth += 1,
            "else" if depth == 0 => return complain(line, "unexpected {{else}}"),
            "end" if depth == 0 => return complain(line, "unexpected {{end}}"),
            "end" => depth -= 1,
            _ => {}
        }
        at += start + end;
    }
    if depth > 0 {
        return complain(source.matches('\n').count() + 1, "unexpected EOF: a block lacks its {{end}}");
    }
    Ok(())
}

fn execute(source: &str, root: &Value, registry: Registry, schema: &Schema) -> Result<String> {
    Template::new(schema.command)
        .missing_key(MissingKey::Invalid)
        .funcs(template_funcs::all(registry))
        .parse(source)
        .and_then(|template| template.execute_to_string(root))
        .map_err(|e| match e {
            gotmpl::TemplateError::Parse { .. } | gotmpl::TemplateError::Lex { .. } => Error::new(e.to_string()),
            e => Error::new(format!("template: {0}: executing \"{0}\": {e}", schema.command)),
        })
}

/// The template run on the headings of the fields that it names.
fn heading_line(source: &str, schema: &Schema) -> Result<String> {
    let source = &label_calls(source);
    let (tree, _) = parse(source, schema)?;
    let mut fields = Json::Object(serde_json::Map::new());
    for chain in template_check::field_chains(&tree) {
        insert_heading(&mut fields, &chain, schema);
    }
    let headings = Schema { aliases: &[], omitted: &[], ..*schema };
    let root = to_value(&Json::Array(vec![fields]), &headings, "", None);
    execute(source, &root, Registry::default(), schema)
}

fn insert_heading(fields: &mut Json, chain: &[String], schema: &Schema) {
    let (Json::Object(map), Some((name, rest))) = (fields, chain.split_first()) else { return };
    if rest.is_empty() {
        map.insert(name.clone(), Json::String(headers::heading(name, schema.headings)));
    } else {
        let inner = map.entry(name.clone()).or_insert_with(|| Json::Object(serde_json::Map::new()));
        insert_heading(inner, rest, schema);
    }
}

/// Turns JSON into what the template engine works on. Maps get the other names of their fields beside their own.
///
/// `name` is the field that holds it.
fn to_value(json: &Json, schema: &Schema, name: &str, mut registry: Option<&mut Registry>) -> Value {
    match json {
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => Value::Int(n),
            (None, Some(n)) => Value::Uint(n),
            (None, None) => Value::Float(n.as_f64().unwrap_or_default()),
        },
        Json::String(s) => Value::String(s.as_str().into()),
        // Where the reference has a null, it has an empty slice, which prints as `[]`.
        Json::Null => {
            let list: Arc<[Value]> = Vec::new().into();
            if let Some(registry) = registry {
                registry.remember_list(&list, json);
            }
            Value::List(list)
        }
        Json::Array(items) => {
            let list: Arc<[Value]> =
                items.iter().map(|item| to_value(item, schema, name, registry.as_deref_mut())).collect();
            if let Some(registry) = registry {
                registry.remember_list(&list, json);
            }
            Value::List(list)
        }
        Json::Object(fields) => {
            let mut map = BTreeMap::new();
            for (_, key, empty) in schema.omitted.iter().filter(|(object, ..)| *object == name) {
                map.insert(Arc::from(*key), empty_value(*empty));
            }
            let free = schema.free_maps.contains(&name);
            for (key, field) in fields {
                // Keys of the user's do not name objects of ours.
                let inner = if free { "*" } else { key.as_str() };
                let value = to_value(field, schema, inner, registry.as_deref_mut());
                if !free {
                    for (_, alias) in schema.aliases.iter().filter(|(name, _)| name == key) {
                        map.insert(Arc::from(*alias), value.clone());
                    }
                    if let Some(capitalized) = capitalized(key) {
                        map.entry(Arc::from(capitalized)).or_insert_with(|| value.clone());
                    }
                }
                map.insert(Arc::from(key.as_str()), value);
            }
            let map = Arc::new(map);
            if let Some(registry) = registry {
                registry.remember_map(&map, json);
            }
            Value::Map(map)
        }
    }
}

fn empty_value(empty: Empty) -> Value {
    match empty {
        Empty::Text => Value::String("".into()),
        Empty::List => Value::List(Vec::new().into()),
        Empty::Map => Value::Map(Arc::default()),
        Empty::No => Value::Bool(false),
        Empty::Zero => Value::Int(0),
        Empty::Nothing => Value::Nil,
    }
}

/// Go's fields begin with a capital, whatever their JSON name.
fn capitalized(key: &str) -> Option<String> {
    let first = key.chars().next().filter(char::is_ascii_lowercase)?;
    Some(format!("{}{}", first.to_ascii_uppercase(), key.get(1..).unwrap_or_default()))
}

fn with_newline(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Wraps a row's template in a range over all rows, unless it has one.
fn with_range(text: &str) -> String {
    let ranges_itself = text
        .trim_start()
        .strip_prefix("{{")
        .map(|t| t.trim_start_matches(['-', ' ', '\t']))
        .and_then(|t| t.strip_prefix("range"))
        .is_some_and(|t| t.trim_start().starts_with(['.', '$']) && range_is_over_dot(t));
    if ranges_itself { text.to_owned() } else { format!("{{{{range .}}}}{text}{{{{end -}}}}") }
}

/// Whether what follows the word `range` means all rows (`.`, or variables `:= .`), and not a field of one row.
fn range_is_over_dot(after: &str) -> bool {
    let over = after.split("}}").next().unwrap_or_default();
    over.rsplit(":=").next().unwrap_or_default().trim().trim_end_matches('-').trim() == "."
}

fn unescape(text: &str) -> String {
    text.replace("\\t", "\t").replace("\\n", "\n")
}

/// Applies `change` to the text between actions, and leaves the actions alone.
fn text_parts(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, action) = rest.split_at(start);
        out.push_str(&change(before));
        let (action, tail) = action.split_at(action_end(action));
        out.push_str(action);
        rest = tail;
    }
    out.push_str(&change(rest));
    out
}

/// The length of the action at the beginning of `text`, which may hold braces in quotes, and quotes in a comment.
fn action_end(text: &str) -> usize {
    let inner = text.get(2..).unwrap_or_default().trim_start_matches(['-', ' ']);
    if inner.starts_with("/*") {
        let comment = text.find("*/").unwrap_or(text.len());
        return text.get(comment..).and_then(|rest| rest.find("}}")).map_or(text.len(), |end| comment + end + 2);
    }
    let mut quote = None;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"' | '\'') if c == '\\' => escaped = true,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '`' | '\'') => quote = Some(c),
            None if text.get(i..i + 2) == Some("}}") => return i + 2,
            None => {}
        }
    }
    text.len()
}

/// Writes the method call `.Label "key"`, which the template engine does not know, as a call of the function `label`.
fn label_calls(source: &str) -> String {
    if !source.contains(".Label ") {
        return source.to_owned();
    }
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find(".Label ") {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let tail = tail.strip_prefix(".Label ").unwrap_or_default();
        let is_method_of_dot = !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '$' | '_'));
        let has_argument = tail.trim_start().starts_with(['"', '`', '(', '.', '$']);
        out.push_str(if is_method_of_dot && has_argument { "label . " } else { ".Label " });
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
