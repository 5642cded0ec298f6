//! The functions that templates have besides those of Go's own: `json`, `join`, `split`, `lower`, `upper`, `title`, `pad`,
//! `truncate`, `label`, and an `index` that finds an empty string where a map of strings lacks the key.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gotmpl::{FuncMap, TemplateError, Value, ValueFunc};
use serde_json::Value as Json;

/// The names of all functions, Go's own included: what a template may call.
pub const NAMES: &[&str] = &[
    "and", "call", "eq", "ge", "gt", "html", "index", "join", "js", "json", "label", "le", "len", "lower", "lt", "ne",
    "not", "or", "pad", "print", "printf", "println", "slice", "split", "title", "truncate", "upper", "urlquery",
];

/// Which JSON a list or map of the template engine was made from, so that `json` gives it back with its fields in order
/// and without the other names. Keys are the addresses of the shared values, which live as long as the root value.
#[derive(Debug, Default)]
pub struct Registry(HashMap<usize, Json>);

impl Registry {
    pub(super) fn remember_list(&mut self, list: &Arc<[Value]>, json: &Json) {
        self.0.insert(list_key(list), json.clone());
    }

    pub(super) fn remember_map(&mut self, map: &Arc<BTreeMap<Arc<str>, Value>>, json: &Json) {
        self.0.insert(Arc::as_ptr(map) as usize, json.clone());
    }

    fn json(&self, value: &Value) -> Json {
        match value {
            Value::List(list) => match self.0.get(&list_key(list)) {
                Some(json) => json.clone(),
                None => Json::Array(list.iter().map(|item| self.json(item)).collect()),
            },
            Value::Map(map) => match self.0.get(&(Arc::as_ptr(map) as usize)) {
                Some(json) => json.clone(),
                None => Json::Object(map.iter().map(|(key, item)| (key.to_string(), self.json(item))).collect()),
            },
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(n) => Json::from(*n),
            Value::Uint(n) => Json::from(*n),
            Value::Float(n) => Json::from(*n),
            Value::String(s) => Json::String(s.to_string()),
            Value::Nil | Value::Function(_) => Json::Null,
        }
    }
}

fn list_key(list: &Arc<[Value]>) -> usize {
    Arc::as_ptr(list).cast::<u8>() as usize
}

type FuncResult = Result<Value, TemplateError>;
type PlainFunc = fn(&[Value]) -> FuncResult;

/// All functions besides Go's own.
pub fn all(registry: Registry) -> FuncMap {
    let json: ValueFunc = Arc::new(move |args: &[Value]| {
        let [value] = arguments("json", args)?;
        serde_json::to_string(&registry.json(value)).map(text).map_err(|e| TemplateError::Exec(e.to_string()))
    });
    let mut functions = FuncMap::new();
    functions.insert("json".to_owned(), json);
    let plain: [(&str, PlainFunc); 9] = [
        ("join", join),
        ("split", split),
        ("lower", |args| Ok(text(string("lower", args)?.to_lowercase()))),
        ("upper", |args| Ok(text(string("upper", args)?.to_uppercase()))),
        ("title", |args| Ok(text(title(&string("title", args)?)))),
        ("pad", pad),
        ("truncate", truncate),
        ("label", label),
        ("index", index),
    ];
    for (name, function) in plain {
        functions.insert(name.to_owned(), Arc::new(function));
    }
    functions
}

fn text(value: impl AsRef<str>) -> Value {
    Value::String(value.as_ref().into())
}

fn arguments<'a, const N: usize>(name: &str, args: &'a [Value]) -> Result<&'a [Value; N], TemplateError> {
    args.try_into().map_err(|_| TemplateError::ArgCount { name: name.to_owned(), expected: N, got: args.len() })
}

fn string(name: &str, args: &[Value]) -> Result<String, TemplateError> {
    let [value] = arguments(name, args)?;
    Ok(value.to_string())
}

fn integer(value: &Value) -> Result<usize, TemplateError> {
    let wrong = || TemplateError::TypeMismatch { expected: "int", got: value.type_name() };
    value.as_int().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= 1 << 20).ok_or_else(wrong)
}

/// `join LIST SEPARATOR`. What is no list is joined already: so headings pass through.
fn join(args: &[Value]) -> FuncResult {
    let [list, separator] = arguments("join", args)?;
    let Value::List(items) = list else { return Ok(text(list.to_string())) };
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    Ok(text(items.join(&separator.to_string())))
}

fn split(args: &[Value]) -> FuncResult {
    let [value, separator] = arguments("split", args)?;
    let (value, separator) = (value.to_string(), separator.to_string());
    let parts: Vec<Value> = if separator.is_empty() {
        value.chars().map(|c| text(c.to_string())).collect()
    } else {
        value.split(&separator).map(text).collect()
    };
    Ok(Value::List(parts.into()))
}

fn title(value: &str) -> String {
    let mut begins = true;
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if begins {
            out.extend(c.to_uppercase())
        } else {
            out.push(c)
        }
        begins = !(c.is_alphanumeric() || c == '_' || c == '\'');
    }
    out
}

/// `pad TEXT BEFORE AFTER`: spaces around a text that is not empty.
fn pad(args: &[Value]) -> FuncResult {
    let [value, before, after] = arguments("pad", args)?;
    let value = value.to_string();
    if value.is_empty() {
        return Ok(text(value));
    }
    Ok(text(format!("{}{value}{}", " ".repeat(integer(before)?), " ".repeat(integer(after)?))))
}

fn truncate(args: &[Value]) -> FuncResult {
    let [value, length] = arguments("truncate", args)?;
    Ok(text(value.to_string().chars().take(integer(length)?).collect::<String>()))
}

/// The method call `.Label KEY`, as `label . KEY`.
fn label(args: &[Value]) -> FuncResult {
    let [object, key] = arguments("label", args)?;
    match object.field("Labels") {
        Some(Value::Map(labels)) => Ok(labels.get(key.to_string().as_str()).cloned().unwrap_or_else(|| text(""))),
        Some(_) => Ok(text("")),
        None => Ok(text("LABEL")),
    }
}

fn index(args: &[Value]) -> FuncResult {
    let Some((first, keys)) = args.split_first() else {
        return Err(TemplateError::ArgCount { name: "index".to_owned(), expected: 1, got: 0 });
    };
    let mut value = first.clone();
    for key in keys {
        let found = value.index(key)?;
        let holds_strings = |map: &BTreeMap<Arc<str>, Value>| map.values().all(|v| matches!(v, Value::String(_)));
        value = match (&value, found) {
            (Value::Map(map), Value::Nil) if holds_strings(map) => text(""),
            (_, found) => found,
        };
    }
    Ok(value)
}
