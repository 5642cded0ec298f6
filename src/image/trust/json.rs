//! JSON that is read strictly, as what decides about trust must be: a key twice or a key that nobody knows is an error,
//! for two readers could otherwise understand two things. Pure.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, SeqAccess, Visitor};

use crate::error::{Context, Error, Result};

/// Any JSON value; objects keep their order and have no key twice.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses one value and nothing behind it.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Ok(serde_json::from_slice(bytes)?)
    }

    /// The fields of an object. `what` is for messages.
    pub fn fields(self, what: &str) -> Result<Fields> {
        match self {
            Json::Object(fields) => Ok(Fields { what: what.to_owned(), fields }),
            other => crate::bail!("{what} is {}, not an object", other.kind()),
        }
    }

    pub fn into_string(self, what: &str) -> Result<String> {
        match self {
            Json::String(text) => Ok(text),
            other => crate::bail!("`{what}` is {}, not a string", other.kind()),
        }
    }

    pub fn into_array(self, what: &str) -> Result<Vec<Json>> {
        match self {
            Json::Array(items) => Ok(items),
            other => crate::bail!("`{what}` is {}, not a list", other.kind()),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "a list",
            Json::Object(_) => "an object",
        }
    }
}

/// The fields of an object, taken out one by one, until none may be left.
#[derive(Debug)]
pub struct Fields {
    what: String,
    fields: Vec<(String, Json)>,
}

impl Fields {
    pub fn take(&mut self, key: &str) -> Option<Json> {
        let position = self.fields.iter().position(|(name, _)| name == key)?;
        Some(self.fields.remove(position).1)
    }

    pub fn need(&mut self, key: &str) -> Result<Json> {
        self.take(key).ok_or_else(|| Error::new(format!("{} has no `{key}`", self.what)))
    }

    pub fn string(&mut self, key: &str) -> Result<Option<String>> {
        self.take(key).map(|value| value.into_string(key)).transpose()
    }

    pub fn need_string(&mut self, key: &str) -> Result<String> {
        self.need(key)?.into_string(key)
    }

    /// A list of strings, which must not be empty.
    pub fn strings(&mut self, key: &str) -> Result<Option<Vec<String>>> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let items: Vec<String> =
            value.into_array(key)?.into_iter().map(|item| item.into_string(key)).collect::<Result<_>>()?;
        if items.is_empty() {
            crate::bail!("`{key}` of {} is empty", self.what);
        }
        Ok(Some(items))
    }

    /// All that is left, in order.
    pub fn rest(self) -> Vec<(String, Json)> {
        self.fields
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<()> {
        match self.fields.first() {
            None => Ok(()),
            Some((key, _)) => crate::bail!("{} has an unknown key `{}`", self.what, key.escape_debug()),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Strict)
    }
}

struct Strict;

impl<'de> Visitor<'de> for Strict {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> std::result::Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> std::result::Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> std::result::Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> std::result::Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Json, E> {
        serde_json::Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("number is not finite"))
    }
    fn visit_str<E>(self, value: &str) -> std::result::Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> std::result::Result<Json, E> {
        Ok(Json::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> std::result::Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Json, A::Error> {
        let mut fields: Vec<(String, Json)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(de::Error::custom(format!("duplicate key `{}`", key.escape_debug())));
            }
            fields.push((key, map.next_value()?));
        }
        Ok(Json::Object(fields))
    }
}

/// Decodes base64 as Go writes it (RFC 4648, section 4).
pub fn base64(text: &str, what: &str) -> Result<Vec<u8>> {
    use base64::Engine as _;
    let decoded = base64::engine::general_purpose::STANDARD.decode(text);
    decoded.map_err(|e| Error::new(e.to_string())).with_context(|| format!("decoding {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_and_unknown_keys_are_errors() {
        let parse = |text: &str| Json::parse(text.as_bytes());
        assert!(parse(r#"{"a":1,"b":[{"c":null}]}"#).is_ok());
        for text in [r#"{"a":1,"a":1}"#, r#"{"b":[{"c":1,"c":2}]}"#, "{} {}", "", "{\"a\":1,}"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let mut fields = parse(r#"{"a":"1","b":2}"#).unwrap().fields("x").unwrap();
        assert_eq!(fields.need_string("a").unwrap(), "1");
        assert_eq!(fields.end().unwrap_err().to_string(), "x has an unknown key `b`");
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
