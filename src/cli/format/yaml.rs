//! JSON values as block-style YAML, with the keys of every object in order, as `info` shows them.

use serde_json::Value;

/// Writes an object or list as YAML.
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', depth * 2));
}

fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(fields) => {
            // Go's YAML writer goes through a map, so that keys come sorted.
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            for (key, field) in sorted {
                indent(depth, out);
                out.push_str(&scalar(&Value::String(key.clone())));
                out.push(':');
                field_value(field, depth, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                indent(depth, out);
                list_item(item, depth, out);
            }
        }
        other => {
            indent(depth, out);
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

fn field_value(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            out.push('\n');
            block(value, depth + 1, out);
        }
        // A list stands as far left as its key.
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(value, depth, out);
        }
        Value::String(text) if text.contains('\n') && is_plain_block(text) => {
            out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in text.trim_end_matches('\n').split('\n') {
                if !line.is_empty() {
                    indent(depth + 1, out);
                    out.push_str(line);
                }
                out.push('\n');
            }
        }
        other => {
            out.push(' ');
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

fn list_item(item: &Value, depth: usize, out: &mut String) {
    out.push_str("- ");
    match item {
        Value::Object(fields) if !fields.is_empty() => {
            let mut nested = String::new();
            block(item, depth + 1, &mut nested);
            out.push_str(nested.trim_start_matches(' '));
        }
        Value::Array(items) if !items.is_empty() => {
            let mut nested = String::new();
            block(item, depth + 1, &mut nested);
            out.push_str(nested.trim_start_matches(' '));
        }
        other => {
            out.push_str(&scalar(other));
            out.push('\n');
        }
    }
}

/// Whether a text of several lines can stand as a literal block.
fn is_plain_block(text: &str) -> bool {
    !text.starts_with([' ', '\n', '\t'])
        && !text.ends_with("\n\n")
        && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        Value::Array(_) => "[]".to_owned(),
        Value::String(text) if needs_quotes(text) => {
            // JSON's quoting is valid YAML.
            serde_json::to_string(text).unwrap_or_default()
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a text would be read as something else than a string, or end early, without quotes.
fn needs_quotes(text: &str) -> bool {
    const WORDS: [&str; 11] = ["null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan"];
    text.is_empty()
        || text.trim() != text
        || text.chars().any(char::is_control)
        || text.contains(": ")
        || text.contains(" #")
        || text.ends_with(':')
        || text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`=".contains(c))
        || WORDS.contains(&text.to_ascii_lowercase().as_str())
        || text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+')) && looks_like_a_number(text)
}

fn looks_like_a_number(text: &str) -> bool {
    let plain = text.replace('_', "");
    plain.parse::<f64>().is_ok()
        || plain.starts_with("0x")
        || plain.starts_with("0o")
        || plain.starts_with("0b")
        // Dates, and numbers to the base of 60.
        || plain.contains(['-', ':']) && plain.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_become_blocks_with_sorted_keys() {
        let value = json!({
            "version": {"Version": "5.4.2", "Built": 1, "n": "13", "empty": "", "yes": "no", "date": "2026-01-02"},
            "host": {
                "list": ["a", "- b", {"z": 1, "a": [1, 2]}],
                "none": [], "map": {}, "nil": null, "float": 22.5,
                "text": "crun version 1\ncommit: x",
                "colon": "a: b", "path": "/usr/bin/x", "time": "0h 43m 45.00s"
            }
        });
        let want = "host:\n  colon: \"a: b\"\n  float: 22.5\n  list:\n  - a\n  - \"- b\"\n  - a:\n    - 1\n    - 2\n    z: 1\n  \
                    map: {}\n  nil: null\n  none: []\n  path: /usr/bin/x\n  text: |-\n    crun version 1\n    commit: x\n  \
                    time: 0h 43m 45.00s\nversion:\n  Built: 1\n  Version: 5.4.2\n  date: \"2026-01-02\"\n  empty: \"\"\n  \
                    \"n\": \"13\"\n  \"yes\": \"no\"\n";
        assert_eq!(to_yaml(&value), want);
    }
}
