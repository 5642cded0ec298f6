//! Tokens: what the answer of a token server holds, how long it is good, and the scopes that it is asked for. Pure.
//!
//! Formats: the distribution project's "Token Authentication Specification" and "Token Scope Documentation".

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;

/// How long a token is good when its server does not say (the specification's number).
const DEFAULT_LIFE: Duration = Duration::from_secs(60);

/// A bearer token.
#[derive(Clone)]
pub(super) struct Token {
    value: String,
    until: Instant,
}

impl Token {
    /// Reads `{"token": "...", "access_token": "...", "expires_in": 300}`; `None` when there is no usable token in it.
    pub fn parse(bytes: &[u8], now: Instant) -> Option<Self> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
            expires_in: Option<f64>,
        }
        let answer: Answer = serde_json::from_slice(bytes).ok()?;
        let value = answer.token.filter(|t| !t.is_empty()).or(answer.access_token).unwrap_or_default();
        // It goes into a header.
        if value.is_empty() || !value.bytes().all(|b| b.is_ascii_graphic()) {
            return None;
        }
        let life = answer.expires_in.filter(|seconds| *seconds >= 1.0 && *seconds < 1e7);
        let life = life.map_or(DEFAULT_LIFE, Duration::from_secs_f64);
        // A little less, for the way that a request takes.
        Some(Token { value, until: now + life.mul_f64(0.9) })
    }

    /// The value of an `Authorization` header.
    pub fn header(&self) -> String {
        format!("Bearer {}", self.value)
    }

    pub fn is_good(&self, now: Instant) -> bool {
        now < self.until
    }
}

/// Brings scopes together, so that each resource is named once with all that is wanted of it: `repository:a:pull` and
/// `repository:a:pull,push` become `repository:a:pull,push`. Separated by spaces, sorted.
pub(super) fn merged<'a>(scopes: impl IntoIterator<Item = &'a str>) -> String {
    let mut resources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for scope in scopes.into_iter().flat_map(str::split_ascii_whitespace) {
        let (resource, actions) = scope.rsplit_once(':').unwrap_or((scope, ""));
        let known = resources.entry(resource).or_default();
        for action in actions.split(',').filter(|action| !action.is_empty()) {
            if !known.contains(&action) {
                known.push(action);
            }
        }
    }
    let one = |(resource, actions): (&&str, &Vec<&str>)| match actions.is_empty() {
        true => (*resource).to_owned(),
        false => format!("{resource}:{}", actions.join(",")),
    };
    resources.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_token_servers() {
        let now = Instant::now();
        let table = [
            (r#"{"token":"a"}"#, Some(("Bearer a", 54))),
            (r#"{"access_token":"b","expires_in":300}"#, Some(("Bearer b", 270))),
            (r#"{"token":"","access_token":"b","expires_in":1e300}"#, Some(("Bearer b", 54))),
            (r#"{"token":"a","expires_in":-5}"#, Some(("Bearer a", 54))),
            (r#"{"token":"a\r\nx: y"}"#, None),
            (r#"{}"#, None),
            ("<html>", None),
        ];
        for (text, expected) in table {
            let token = Token::parse(text.as_bytes(), now);
            assert_eq!(token.as_ref().map(Token::header).as_deref(), expected.map(|(value, _)| value), "{text}");
            if let (Some(token), Some((_, seconds))) = (token, expected) {
                assert!(token.is_good(now + Duration::from_secs(seconds - 1)), "{text}");
                assert!(!token.is_good(now + Duration::from_secs(seconds + 1)), "{text}");
            }
        }
    }

    #[test]
    fn scopes_are_merged() {
        let table: &[(&[&str], &str)] = &[
            (&["repository:a/b:pull"], "repository:a/b:pull"),
            (&["repository:a:pull,push", "repository:a:pull"], "repository:a:pull,push"),
            (
                &["repository:b:pull", "repository:a:pull registry:catalog:*"],
                "registry:catalog:* repository:a:pull repository:b:pull",
            ),
            (&["", "odd"], "odd"),
            (&[], ""),
        ];
        for (scopes, expected) in table {
            assert_eq!(merged(scopes.iter().copied()), *expected, "{scopes:?}");
        }
    }
}
