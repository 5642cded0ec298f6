//! One file in the format of registries.conf, version 2. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::registry::{Mirror, PullFromMirror, Registry};
use crate::bail;
use crate::error::{Error, Result};
use crate::image::reference::Typed;

/// What one file says. `None` where it says nothing, so that an earlier file's word stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfFile {
    pub search: Option<Vec<String>>,
    pub registries: Vec<Registry>,
    pub mode: Option<ShortNameMode>,
    /// By short name; an empty value takes the alias of an earlier file away.
    pub aliases: BTreeMap<String, String>,
    /// `credential-helpers`.
    pub helpers: Option<Vec<String>>,
    /// `additional-layer-store-auth-helper`, which means nothing here.
    pub layer_store_helper: Option<String>,
}

/// `short-name-mode`: what to do about a short name when there are several registries to search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ShortNameMode {
    /// Ask; an error where nobody can be asked.
    Enforcing,
    /// Ask; all in turn where nobody can be asked.
    #[default]
    Permissive,
    /// All in turn.
    Disabled,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Raw {
    unqualified_search_registries: Option<Vec<String>>,
    #[serde(default)]
    registry: Vec<RawRegistry>,
    #[serde(default)]
    short_name_mode: String,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    credential_helpers: Option<Vec<String>>,
    additional_layer_store_auth_helper: Option<String>,
    /// Version 1.
    registries: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[derive(Default)]
struct RawRegistry {
    prefix: String,
    location: String,
    insecure: bool,
    blocked: bool,
    mirror_by_digest_only: bool,
    mirror: Vec<RawMirror>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", default)]
#[derive(Default)]
struct RawMirror {
    location: String,
    insecure: bool,
    pull_from_mirror: String,
}

/// Parses a file. Keys that are not known are passed over; what is malformed is an error that names the line.
pub fn parse(text: &str) -> Result<ConfFile> {
    let raw: Raw = toml::from_str(text).map_err(|e| malformed(text, &e))?;
    if raw.registries.is_some() {
        return Err(Error::new("it is in the format of version 1, which is not supported").hint(
            "write `unqualified-search-registries = [...]` and [[registry]] tables, see containers-registries.conf(5)",
        ));
    }
    let mut file = ConfFile {
        helpers: raw.credential_helpers,
        layer_store_helper: raw.additional_layer_store_auth_helper,
        mode: mode(&raw.short_name_mode)?,
        ..ConfFile::default()
    };
    file.search = match raw.unqualified_search_registries {
        Some(search) => Some(search.iter().map(|host| search_registry(host)).collect::<Result<_>>()?),
        None => None,
    };
    for helper in file.helpers.iter().flatten() {
        if helper.is_empty() || helper.contains('/') {
            bail!("credential helper `{}` is not the name of a program", helper.escape_debug());
        }
    }
    file.registries = raw.registry.into_iter().map(registry).collect::<Result<_>>()?;
    conflicts(&file.registries)?;
    for (name, value) in raw.aliases {
        alias(&name, &value)?;
        file.aliases.insert(name, value);
    }
    Ok(file)
}

fn mode(text: &str) -> Result<Option<ShortNameMode>> {
    Ok(Some(match text {
        "" => return Ok(None),
        "enforcing" => ShortNameMode::Enforcing,
        "permissive" => ShortNameMode::Permissive,
        "disabled" => ShortNameMode::Disabled,
        _ => {
            return Err(Error::new(format!("invalid short-name mode: \"{}\"", text.escape_debug()))
                .hint("write enforcing, permissive or disabled"));
        }
    }))
}

fn registry(raw: RawRegistry) -> Result<Registry> {
    let wildcard = raw.prefix.starts_with("*.");
    if raw.prefix.contains('*') && (!wildcard || raw.prefix.get(1..).is_some_and(|rest| rest.contains(['*', '/', '@'])))
    {
        bail!(
            "invalid prefix '{}': a wildcard stands for subdomains only, as in *.example.com",
            raw.prefix.escape_debug()
        );
    }
    if raw.location.is_empty() && !wildcard {
        bail!(
            "invalid condition: location of [[registry]] `{}` is unset and prefix is not in the format: *.example.com",
            raw.prefix.escape_debug()
        );
    }
    let location = if raw.location.is_empty() { String::new() } else { location(&raw.location)? };
    let prefix = if raw.prefix.is_empty() { location.clone() } else { self::location(&raw.prefix)? };
    let mut mirrors = Vec::new();
    for mirror in raw.mirror {
        let pull_from = match mirror.pull_from_mirror.as_str() {
            "" | "all" => PullFromMirror::All,
            "digest-only" => PullFromMirror::DigestOnly,
            "tag-only" => PullFromMirror::TagOnly,
            other => {
                bail!("unsupported pull-from-mirror value \"{}\" for mirror {}", other.escape_debug(), mirror.location)
            }
        };
        if raw.mirror_by_digest_only && !mirror.pull_from_mirror.is_empty() {
            bail!(
                "cannot set mirror-by-digest-only for registry {prefix} and pull-from-mirror for its mirror {}",
                mirror.location
            );
        }
        mirrors.push(Mirror { location: self::location(&mirror.location)?, insecure: mirror.insecure, pull_from });
    }
    Ok(Registry {
        prefix,
        location,
        insecure: raw.insecure,
        blocked: raw.blocked,
        mirror_by_digest_only: raw.mirror_by_digest_only,
        mirrors,
    })
}

/// A host with anything behind it; no URL.
fn location(text: &str) -> Result<String> {
    let trimmed = text.trim_end_matches('/');
    if trimmed.is_empty() {
        bail!("invalid location: cannot be empty");
    }
    if trimmed.contains("://") {
        bail!("invalid location '{}': URI schemes are not supported", text.escape_debug());
    }
    if trimmed.chars().any(|c| c.is_whitespace() || c.is_control()) {
        bail!("invalid location '{}'", text.escape_debug());
    }
    Ok(trimmed.to_owned())
}

fn search_registry(text: &str) -> Result<String> {
    let host = location(text)?;
    // Whatever makes a reference with a name behind it.
    let valid = !host.contains('/') && Typed::parse(&format!("{host}/x")).is_ok_and(|typed| typed.tag.is_none());
    if valid { Ok(host) } else { Err(Error::new(format!("invalid unqualified-search-registries entry \"{host}\""))) }
}

/// A registry may stand there several times, but not once to be trusted and once not.
fn conflicts(registries: &[Registry]) -> Result<()> {
    for (position, one) in registries.iter().enumerate().filter(|(_, one)| !one.location.is_empty()) {
        for other in registries.iter().skip(position + 1).filter(|other| other.location == one.location) {
            for (key, differs) in
                [("insecure", one.insecure != other.insecure), ("blocked", one.blocked != other.blocked)]
            {
                if differs {
                    bail!("registry '{}' is defined multiple times with conflicting '{key}' setting", one.location);
                }
            }
        }
    }
    Ok(())
}

/// `"name" = "registry/repository"`.
fn alias(name: &str, value: &str) -> Result<()> {
    let short = Typed::parse(name).is_ok_and(|t| t.registry.is_none() && t.tag.is_none() && t.digest.is_none());
    if !short {
        bail!("invalid alias \"{}\": it must be a short name without tag and digest", name.escape_debug());
    }
    let full = Typed::parse(value).is_ok_and(|t| t.registry.is_some() && t.tag.is_none() && t.digest.is_none());
    if !value.is_empty() && !full {
        bail!(
            "invalid value \"{}\" of alias \"{name}\": it must name a registry, without tag and digest",
            value.escape_debug()
        );
    }
    Ok(())
}

fn malformed(text: &str, error: &toml::de::Error) -> Error {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| format!("line {}: ", before.matches('\n').count() + 1)).unwrap_or_default();
    Error::new(format!("{line}{}", error.message().replace('\n', ", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_format() {
        let file = parse(
            r#"
unqualified-search-registries = ["docker.io", # first
  'quay.io/']
short-name-mode = "enforcing"
credential-helpers = ["containers-auth.json", "pass"]
unknown-key = { x = [1] }
[[registry]]
location = "localhost:5000"
insecure = true
[[registry]]
prefix = "docker.io/library"
location = "mirror.example.com/hub"
[[registry.mirror]]
location = "elsewhere.example.com"
insecure = true
pull-from-mirror = "tag-only"
[[registry]]
prefix = "*.bad.example.com"
blocked = true
[aliases]
"deb" = "docker.io/library/debian"
"gone" = ""
"#,
        )
        .unwrap();
        assert_eq!(file.search.unwrap(), ["docker.io", "quay.io"]);
        assert_eq!(file.mode, Some(ShortNameMode::Enforcing));
        assert_eq!(file.helpers.unwrap(), ["containers-auth.json", "pass"]);
        assert_eq!(
            file.registries.iter().map(|r| r.prefix.as_str()).collect::<Vec<_>>(),
            ["localhost:5000", "docker.io/library", "*.bad.example.com"]
        );
        assert_eq!(file.registries[1].mirrors[0].pull_from, PullFromMirror::TagOnly);
        assert_eq!(file.aliases["deb"], "docker.io/library/debian");
        assert_eq!(parse("").unwrap(), ConfFile::default());
        assert_eq!(parse("unqualified-search-registries = []").unwrap().search, Some(Vec::new()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let table = [
            ("\nx = \n", "line 2: "),
            ("[[registry]]\nlocation = \"a\"\ninsecure = \"yes\"\n", "line 3: invalid type"),
            ("[registries.search]\nregistries = ['a']\n", "version 1"),
            ("[[registry]]\nblocked = true\n", "location"),
            ("[[registry]]\nlocation = \"https://a\"\n", "URI schemes are not supported"),
            ("[[registry]]\nprefix = \"a.*.com\"\n", "wildcard"),
            ("[[registry]]\nprefix = \"*.a/x\"\n", "wildcard"),
            ("short-name-mode = \"x\"", "invalid short-name mode"),
            ("unqualified-search-registries = [\"a b\"]", "invalid"),
            ("unqualified-search-registries = [\"a.com/b\"]", "invalid unqualified-search-registries"),
            ("[aliases]\n\"a:1\" = \"b.c/d\"", "without tag"),
            ("[aliases]\n\"b.c/a\" = \"b.c/d\"", "short name"),
            ("[aliases]\na = \"d\"", "must name a registry"),
            ("[aliases]\na = \"b.c/d\"\na = \"b.c/e\"", "line 3: "),
            (
                "[[registry]]\nlocation = \"a.b\"\n[[registry]]\nprefix = \"c.d\"\nlocation = \"a.b\"\ninsecure = true",
                "conflicting 'insecure'",
            ),
            (
                "[[registry]]\nlocation = \"a.b\"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = \"c.d\"\npull-from-mirror = \"all\"",
                "cannot set",
            ),
            ("credential-helpers = [\"../x\"]", "not the name of a program"),
        ];
        for (text, expected) in table {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}|([a-z\\[\\]=\"'#*./, \n]|registry|location|prefix|aliases){0,40}") {
            let _ = parse(&text);
        }
    }
}
