//! How values become text: units, tables, Go templates and JSON in the shapes that scripts know from Podman.
//!
//! Everything here is pure: data in, text out. Nothing prints.

pub mod go_json;
pub mod headers;
pub mod table;
pub mod template;
pub mod template_check;
pub mod template_funcs;
pub mod time;
pub mod units;
pub mod yaml;

use crate::error::{Error, Result};

/// What a `--format` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format<'a> {
    /// Everything as JSON (`json` or `{{json .}}`).
    Json,
    /// A table with headings, rows by this template (`table {{.ID}}\t{{.Names}}`).
    Table(&'a str),
    /// One text per object by this template, without headings.
    Template(&'a str),
}

impl<'a> Format<'a> {
    /// Reads the argument of `--format`. The bare word `table` stands for the command's own table, and is `None`.
    ///
    /// # Errors
    /// When the text is empty.
    pub fn parse(text: &'a str) -> Result<Option<Self>> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(Error::new("parsing `--format`: the template is empty")
                .hint("give a Go template such as '{{.ID}}', or json"));
        }
        if trimmed == "table" {
            return Ok(None);
        }
        Ok(Some(if is_json(trimmed) {
            Format::Json
        } else if let Some(rest) = trimmed.strip_prefix("table ") {
            Format::Table(rest)
        } else {
            Format::Template(text)
        }))
    }
}

/// Whether a format means "all of it as JSON": `json`, `{{json .}}` or `{{ json . }}`.
pub fn is_json(format: &str) -> bool {
    let format = format.trim();
    if format == "json" {
        return true;
    }
    let Some(action) = format.strip_prefix("{{").and_then(|f| f.strip_suffix("}}")) else { return false };
    let mut words = action.split_whitespace();
    words.next() == Some("json") && matches!(words.next(), None | Some(".")) && words.next().is_none()
}

/// The first 12 digits of an ID.
pub fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kinds_of_format_are_told_apart() {
        let cases = [
            ("json", Some(Format::Json)),
            ("{{json .}}", Some(Format::Json)),
            ("{{ json . }}", Some(Format::Json)),
            ("{{json}}", Some(Format::Json)),
            ("{{json .Names}}", Some(Format::Template("{{json .Names}}"))),
            ("table", None),
            ("table {{.ID}} {{.Names}}", Some(Format::Table("{{.ID}} {{.Names}}"))),
            ("{{.ID}}", Some(Format::Template("{{.ID}}"))),
            ("tablet", Some(Format::Template("tablet"))),
        ];
        for (text, want) in cases {
            assert_eq!(Format::parse(text).unwrap(), want, "{text}");
        }
        assert!(Format::parse("  ").is_err());
    }
}
