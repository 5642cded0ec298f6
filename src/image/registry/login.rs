//! What one can log in to, and whether a registry accepts a login.

use super::{Access, Credentials, Source};
use crate::error::{Context, Result};
use crate::image::reference::{Typed, shown};

/// A registry, or a repository or namespace in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginTarget {
    /// `quay.io`, `quay.io/ns/repo`.
    pub key: String,
    /// `quay.io`.
    pub registry: String,
}

impl LoginTarget {
    /// Parses what a user typed. Of a URL, the host counts.
    pub fn parse(text: &str) -> Result<Self> {
        let lower = text.to_ascii_lowercase();
        let address = ["https://", "http://"].iter().find(|scheme| lower.starts_with(*scheme));
        let key = match address.and_then(|scheme| text.get(scheme.len()..)) {
            Some(rest) => rest.split(['/', '?', '#']).next().unwrap_or(rest),
            None => text,
        };
        let registry = key.split('/').next().unwrap_or(key);
        // A registry without dot and port is one when it stands alone: `login myregistry`.
        let probe = if registry == key { format!("{registry}/x") } else { key.to_owned() };
        let typed =
            Typed::parse(&probe).with_context(|| format!("parse reference from \"{}\"", shown(key).escape_debug()))?;
        if typed.tag.is_some() || typed.digest.is_some() {
            crate::bail!("reference \"{key}\" contains tag or digest");
        }
        Ok(LoginTarget { key: key.to_owned(), registry: registry.to_owned() })
    }
}

impl Access {
    /// Whether a registry takes these credentials.
    pub fn accepts(&self, target: &LoginTarget, credentials: &Credentials) -> Result<bool> {
        self.connect_to(&target.registry, Source::Given(credentials.clone()))?.lets_in()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let table = [
            ("quay.io", Some(("quay.io", "quay.io"))),
            ("localhost:5000", Some(("localhost:5000", "localhost:5000"))),
            ("myregistry", Some(("myregistry", "myregistry"))),
            ("https://index.docker.io/v1/", Some(("index.docker.io", "index.docker.io"))),
            ("quay.io/ns/repo", Some(("quay.io/ns/repo", "quay.io"))),
            ("docker.io/ns", Some(("docker.io/ns", "docker.io"))),
            ("quay.io/ns/repo:tag", None),
            ("quay.io/NS", None),
            ("quay.io/", None),
            ("", None),
            ("a b", None),
        ];
        for (text, expected) in table {
            let parsed = LoginTarget::parse(text).ok();
            let parsed = parsed.as_ref().map(|target| (target.key.as_str(), target.registry.as_str()));
            assert_eq!(parsed, expected, "{text}");
        }
    }
}
