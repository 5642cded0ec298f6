//! The format of authentication files: containers-auth.json(5), which is Docker's config.json too. Pure.
//!
//! ```text
//! {"auths": {"quay.io": {"auth": "base64(name:password)", "identitytoken": "..."}, "quay.io/ns/repo": {...}},
//!  "credHelpers": {"registry.example.com": "secretservice"},
//!  "credsStore": "pass"}
//! ```
//!
//! The old ~/.dockercfg is the table of `auths` alone. Whatever else stands in a file is kept as it is. Nothing is parsed
//! into types of Rust, because the errors of that would show what they met, and it may be a password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::credentials::Credentials;
use crate::error::{Error, Result};

/// What Docker calls docker.io in its files.
pub const DOCKER_KEY: &str = "https://index.docker.io/v1/";

/// One file.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthFile {
    root: Map<String, Value>,
}

/// Where a file says that a login is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    Here(Credentials),
    /// By a credential helper for this registry.
    Helper {
        name: String,
        server: String,
    },
    /// By the helper for all registries; should that have nothing, the file itself may.
    Store {
        name: String,
        server: String,
        here: Option<Credentials>,
    },
}

impl AuthFile {
    pub fn empty() -> Self {
        AuthFile { root: Map::new() }
    }

    /// Parses a file; nothing at all is an empty one. `legacy` is the format of ~/.dockercfg.
    pub fn parse(bytes: &[u8], legacy: bool) -> Result<Self> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::empty());
        }
        let malformed = |what: &str| Error::new(format!("authentication file is malformed: {what}"));
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|e| malformed(&format!("no JSON at line {} column {}", e.line(), e.column())))?;
        let Value::Object(root) = value else { return Err(malformed("it is no JSON object")) };
        let root = if legacy { Map::from_iter([("auths".to_owned(), Value::Object(root))]) } else { root };
        for key in ["auths", "credHelpers"] {
            if !matches!(root.get(key), None | Some(Value::Null | Value::Object(_))) {
                return Err(malformed(&format!("`{key}` is no JSON object")));
            }
        }
        Ok(AuthFile { root })
    }

    /// The login for a registry, or for a repository in it: the most specific one.
    ///
    /// # Errors
    /// What stands there for it is no login.
    pub fn find(&self, key: &str) -> Result<Option<Kept>> {
        let registry = key.split('/').next().unwrap_or(key);
        for name in levels(key) {
            if let Some(helper) = self.helper(name) {
                return Ok(Some(Kept::Helper { name: helper.to_owned(), server: name.to_owned() }));
            }
            if name != registry
                && let Some(credentials) = self.credentials(name)?
            {
                return Ok(Some(Kept::Here(credentials)));
            }
        }
        let mut here = self.credentials(registry)?;
        if here.is_none() {
            // Older files have addresses as keys, and docker.io has several names.
            let odd = self.auths().and_then(|auths| auths.keys().find(|key| plain(key) == plain(registry)));
            here = odd.map(|key| self.credentials(key)).transpose()?.flatten();
        }
        Ok(match self.store_helper() {
            Some(name) => Some(Kept::Store { name: name.to_owned(), server: docker_key(registry), here }),
            None => here.map(Kept::Here),
        })
    }

    /// The helper that keeps the login for exactly this key.
    pub fn helper(&self, key: &str) -> Option<&str> {
        let name = self.root.get("credHelpers")?.get(key)?.as_str()?;
        (!name.is_empty()).then_some(name)
    }

    /// The helpers of all registries that have one of their own.
    pub fn helpers(&self) -> Vec<(String, String)> {
        let all = self.root.get("credHelpers").and_then(Value::as_object);
        let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        all.into_iter().flatten().filter_map(text).collect()
    }

    /// `credsStore`.
    pub fn store_helper(&self) -> Option<&str> {
        self.root.get("credsStore").and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// Sets the login for a key.
    pub fn set(&mut self, key: &str, credentials: &Credentials) {
        self.auths_mut().insert(key.to_owned(), json!({"auth": credentials.encoded()}));
    }

    /// Takes the login for a key out; false when there is none.
    pub fn remove(&mut self, key: &str) -> bool {
        let auths = self.auths_mut();
        // `shift`, not `swap`: people read these files, too.
        if auths.shift_remove(key).is_some() {
            return true;
        }
        let odd = auths.keys().find(|other| !key.contains('/') && plain(other) == plain(key) && !is_namespaced(other));
        odd.cloned().is_some_and(|odd| auths.shift_remove(&odd).is_some())
    }

    /// Takes all logins out, and the helpers of single registries.
    pub fn clear(&mut self) {
        self.auths_mut().clear();
        self.root.shift_remove("credHelpers");
    }

    /// The file as text, indented as others do it.
    pub fn to_text(&self) -> String {
        use serde::Serialize as _;
        let mut bytes = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"\t");
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        // Writing a value into memory cannot fail.
        let _ = self.root.serialize(&mut serializer);
        bytes.push(b'\n');
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn auths(&self) -> Option<&Map<String, Value>> {
        self.root.get("auths")?.as_object()
    }

    /// What the entry of exactly this key says.
    fn credentials(&self, key: &str) -> Result<Option<Credentials>> {
        let Some(entry) = self.auths().and_then(|auths| auths.get(key)) else { return Ok(None) };
        credentials(entry).ok_or_else(|| {
            Error::new(format!("the login for `{}` cannot be decoded", key.escape_debug()))
                .hint("log in again, or log out: the field `auth` is NAME:PASSWORD in base64")
        })
    }

    fn auths_mut(&mut self) -> &mut Map<String, Value> {
        let auths = self.root.entry("auths").or_insert_with(|| json!({}));
        if !auths.is_object() {
            *auths = json!({});
        }
        match auths {
            Value::Object(auths) => auths,
            _ => unreachable!("it was made an object"),
        }
    }
}

impl std::fmt::Debug for AuthFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthFile(..)")
    }
}

/// `a/b/c`, `a/b`, `a`.
fn levels(key: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(key), |key| key.rsplit_once('/').map(|(upper, _)| upper))
}

/// What Docker's files and helpers call a registry.
pub fn docker_key(registry: &str) -> String {
    if plain(registry) == "docker.io" { DOCKER_KEY.to_owned() } else { registry.to_owned() }
}

/// Whether a key is for a part of a registry and not for all of it.
fn is_namespaced(key: &str) -> bool {
    !key.contains("://") && key.contains('/')
}

/// The host in a key, which may be an address; a namespaced key stays as it is.
fn plain(key: &str) -> &str {
    let stripped = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let host = stripped.map_or(key, |rest| rest.split('/').next().unwrap_or(rest));
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

/// The login of an entry, if it has one; nothing when what it has cannot be decoded.
fn credentials(entry: &Value) -> Option<Option<Credentials>> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let decoded = String::from_utf8(STANDARD.decode(text("auth").trim()).ok()?).ok()?;
    let (username, password) = match decoded.split_once(':') {
        Some((username, password)) => (username, password.trim_matches('\0')),
        // As Kubernetes writes them.
        None => (text("username"), text("password")),
    };
    Some(match text("identitytoken") {
        "" if username.is_empty() || password.is_empty() => None,
        "" => Some(Credentials::new(username, password)),
        token => Some(Credentials::with_identity_token(username, token)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> AuthFile {
        AuthFile::parse(text.as_bytes(), false).unwrap()
    }

    fn auth(user: &str) -> String {
        Credentials::new(user, "p").encoded()
    }

    #[test]
    fn the_most_specific_login_counts() {
        let text = format!(
            r#"{{"auths": {{"r.io/ns/repo": {{"auth": "{}"}}, "r.io/ns": {{"auth": "{}"}}, "r.io": {{"auth": "{}"}},
                "https://old.io/v1/": {{"auth": "{}"}}, "{DOCKER_KEY}": {{"auth": "{}"}}, "empty.io": {{}}, "bad.io": {{"auth": "!"}}}},
                "credHelpers": {{"h.io": "pass"}}}}"#,
            auth("repo"),
            auth("ns"),
            auth("all"),
            auth("old"),
            auth("hub")
        );
        let file = file(&text);
        let table = [
            ("r.io/ns/repo", Some("repo")),
            ("r.io/ns/repo/deeper", Some("repo")),
            ("r.io/ns/other", Some("ns")),
            ("r.io/nsx/other", Some("all")),
            ("r.io", Some("all")),
            ("old.io/x", Some("old")),
            ("docker.io/library/busybox", Some("hub")),
            ("empty.io/x", None),
            ("other.io", None),
        ];
        for (key, user) in table {
            let found = match file.find(key).unwrap() {
                Some(Kept::Here(credentials)) => Some(credentials.username().to_owned()),
                None => None,
                other => panic!("{key}: {other:?}"),
            };
            assert_eq!(found.as_deref(), user, "{key}");
        }
        let error = file.find("bad.io/x").unwrap_err();
        assert!(error.to_string().contains("the login for `bad.io` cannot be decoded"), "{error}");
        assert_eq!(file.find("h.io/x").unwrap(), Some(Kept::Helper { name: "pass".into(), server: "h.io".into() }));
    }

    #[test]
    fn tokens_stores_and_other_forms() {
        let token = file(&format!(r#"{{"auths": {{"a.io": {{"auth": "{}", "identitytoken": "t"}}}}}}"#, auth("u")));
        assert_eq!(token.find("a.io").unwrap(), Some(Kept::Here(Credentials::with_identity_token("u", "t"))));
        let plain = file(r#"{"auths": {"a.io": {"username": "u", "password": "p"}}}"#);
        assert_eq!(plain.find("a.io/x").unwrap(), Some(Kept::Here(Credentials::new("u", "p"))));
        let store = file(r#"{"credsStore": "pass"}"#);
        let kept = Kept::Store { name: "pass".into(), server: DOCKER_KEY.into(), here: None };
        assert_eq!(store.find("docker.io/library/x").unwrap(), Some(kept));
        let old = AuthFile::parse(format!(r#"{{"a.io": {{"auth": "{}"}}}}"#, auth("u")).as_bytes(), true).unwrap();
        assert_eq!(old.find("a.io").unwrap(), Some(Kept::Here(Credentials::new("u", "p"))));
        assert_eq!(AuthFile::parse(b" \n", false).unwrap().find("a").unwrap(), None);
    }

    #[test]
    fn what_else_stands_there_is_kept() {
        let mut file =
            file(r#"{"HttpHeaders": {"X": "y"}, "auths": {"a.io": {"auth": "eDp5", "email": "e"}}, "n": 1.50}"#);
        file.set("b.io/ns", &Credentials::new("u", "p"));
        assert!(file.remove("a.io") && !file.remove("a.io"));
        assert_eq!(
            file.to_text(),
            "{\n\t\"HttpHeaders\": {\n\t\t\"X\": \"y\"\n\t},\n\t\"auths\": {\n\t\t\"b.io/ns\": {\n\t\t\t\"auth\": \"dTpw\"\n\t\t}\n\t},\n\t\"n\": 1.5\n}\n"
        );
        file.set(DOCKER_KEY, &Credentials::new("u", "p"));
        assert!(file.remove("docker.io") && file.find("docker.io").unwrap().is_none());
        assert!(!file.remove("b.io"), "a login for a part is not that for all");
        file.clear();
        assert_eq!(file.find("b.io/ns").unwrap(), None);
    }

    #[test]
    fn errors_show_no_secrets() {
        for text in [r#"{"auths": "hunter2"}"#, r#"["hunter2"]"#, r#"{"auths": {"a": "hunter2""#, r#""hunter2""#] {
            let error = AuthFile::parse(text.as_bytes(), false).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert_eq!(file(r#"{"auths": {"a.io": "hunter2", "b.io": {"auth": 7}}}"#).find("a.io").unwrap(), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|([{}\\[\\]\":, a]|auths|auth|credHelpers|a.io){0,30}", key in "[a-z./:]{0,12}") {
            if let Ok(mut file) = AuthFile::parse(text.as_bytes(), false) {
                let _ = file.find(&key);
                let _ = file.remove(&key);
                proptest::prop_assert!(AuthFile::parse(file.to_text().as_bytes(), false).is_ok());
            }
        }
    }
}
