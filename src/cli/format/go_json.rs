//! JSON in the indentation of the reference engine.
//!
//! Podman writes JSON with two libraries. The inspecting commands use Go's own encoder with five spaces; the listings use
//! a faster one with two or four spaces, which writes an empty object on three lines. Scripts that compare text see the
//! difference, so both shapes are written here.

use serde_json::Value;

use crate::error::Result;

/// The shape of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `inspect`: five spaces.
    Inspect,
    /// `ps`, `info`: two spaces.
    Listing,
    /// `images`: four spaces.
    Images,
    /// `secret inspect`: four spaces, by Go's own encoder.
    Four,
}

impl Shape {
    fn indent(self) -> usize {
        match self {
            Shape::Inspect => 5,
            Shape::Listing => 2,
            Shape::Images | Shape::Four => 4,
        }
    }

    fn opens_empty_objects(self) -> bool {
        !matches!(self, Shape::Inspect | Shape::Four)
    }
}

/// Writes a value in one of the shapes, with a newline at the end.
pub fn pretty(value: &Value, shape: Shape) -> Result<String> {
    let mut out = String::new();
    write(value, shape, 0, &mut out)?;
    out.push('\n');
    Ok(out)
}

/// Writes a value on one line, without a newline.
pub fn compact(value: &Value) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

fn new_line(shape: Shape, depth: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', shape.indent() * depth));
}

fn write(value: &Value, shape: Shape, depth: usize, out: &mut String) -> Result<()> {
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                out.push(if i == 0 { '[' } else { ',' });
                new_line(shape, depth + 1, out);
                write(item, shape, depth + 1, out)?;
            }
            new_line(shape, depth, out);
            out.push(']');
        }
        Value::Object(fields) if fields.is_empty() && shape.opens_empty_objects() => {
            out.push('{');
            new_line(shape, depth + 1, out);
            new_line(shape, depth, out);
            out.push('}');
        }
        Value::Object(fields) if !fields.is_empty() => {
            for (i, (key, field)) in fields.iter().enumerate() {
                out.push(if i == 0 { '{' } else { ',' });
                new_line(shape, depth + 1, out);
                out.push_str(&quoted(key, shape)?);
                out.push_str(": ");
                write(field, shape, depth + 1, out)?;
            }
            new_line(shape, depth, out);
            out.push('}');
        }
        Value::String(text) => out.push_str(&quoted(text, shape)?),
        other => out.push_str(&serde_json::to_string(other)?),
    }
    Ok(())
}

/// A string in quotes. The listings escape what HTML gives a meaning to, as Go does unless told otherwise.
fn quoted(text: &str, shape: Shape) -> Result<String> {
    let quoted = serde_json::to_string(text)?;
    if shape == Shape::Inspect || !quoted.contains(['<', '>', '&']) {
        return Ok(quoted);
    }
    Ok(quoted.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_come_out_byte_for_byte() {
        let samples = [
            (include_str!("../../../tests/data/samples/ps.json"), Shape::Listing),
            (include_str!("../../../tests/data/samples/images.json"), Shape::Images),
            (include_str!("../../../tests/data/samples/container-inspect.json"), Shape::Inspect),
            (include_str!("../../../tests/data/samples/image-inspect.json"), Shape::Inspect),
        ];
        for (sample, shape) in samples {
            let value: Value = serde_json::from_str(sample).unwrap();
            assert_eq!(pretty(&value, shape).unwrap().trim_end(), sample.trim_end());
        }
    }

    #[test]
    fn listings_escape_for_html() {
        let value = serde_json::json!({"<a>": "x && \"y\""});
        assert_eq!(
            pretty(&value, Shape::Listing).unwrap(),
            "{\n  \"\\u003ca\\u003e\": \"x \\u0026\\u0026 \\\"y\\\"\"\n}\n"
        );
        assert_eq!(pretty(&value, Shape::Inspect).unwrap(), "{\n     \"<a>\": \"x && \\\"y\\\"\"\n}\n");
        let back: Value = serde_json::from_str(&pretty(&value, Shape::Images).unwrap()).unwrap();
        assert_eq!(back, value);
    }

    #[test]
    fn empty_things_stay_on_one_line_when_inspected() {
        let value = serde_json::json!({"a": {}, "b": []});
        assert_eq!(pretty(&value, Shape::Inspect).unwrap(), "{\n     \"a\": {},\n     \"b\": []\n}\n");
        assert_eq!(compact(&value).unwrap(), r#"{"a":{},"b":[]}"#);
    }
}
