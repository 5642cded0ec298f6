//! Names without a registry, and what registries.conf says about where to look.
//!
//! Read: `unqualified-search-registries`, and of each `[[registry]]` its `prefix`, `location`, `insecure` and `blocked`.
//! Format: containers-registries.conf(5). Other keys are passed over.

use std::path::{Path, PathBuf};

use super::reference::{LOCAL, Reference, Typed};
use crate::error::{Error, Result};

/// What the user's or the system's registries.conf says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistriesConf {
    /// The file that was read, or the one that would be.
    pub path: PathBuf,
    pub search: Vec<String>,
    pub registries: Vec<Registry>,
}

/// A `[[registry]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    /// Names that begin with this are meant: `docker.io`, `quay.io/libpod`, `*.example.com`.
    pub prefix: String,
    /// What stands there instead; empty means the prefix itself.
    pub location: String,
    pub insecure: bool,
    pub blocked: bool,
}

impl RegistriesConf {
    /// Reads `$XDG_CONFIG_HOME/containers/registries.conf`, or /etc/containers/registries.conf where that is missing.
    /// `config_home` is the user's configuration directory.
    pub fn read(config_home: Option<&Path>) -> Result<Self> {
        let system = PathBuf::from("/etc/containers/registries.conf");
        let user = config_home.map(|home| home.join("containers/registries.conf"));
        let path = user.clone().filter(|path| path.exists()).unwrap_or_else(|| system.clone());
        let text = match crate::storage::fs::read_optional(&path)? {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            // The user's own file is the one to write.
            None => return Ok(RegistriesConf { path: user.unwrap_or(system), ..RegistriesConf::default() }),
        };
        let mut conf = parse(&text);
        conf.path = path;
        Ok(conf)
    }

    /// Where to look for a name that may lack its registry.
    ///
    /// # Errors
    /// When it does, and no registries to search are configured.
    pub fn candidates(&self, text: &str) -> Result<Vec<Reference>> {
        let text = text.strip_prefix("docker://").unwrap_or(text);
        let typed = Typed::parse(text)?;
        if let Some(reference) = typed.complete() {
            return Ok(vec![reference]);
        }
        if self.search.is_empty() {
            return Err(Error::new(format!(
                "short-name \"{text}\" did not resolve to an alias and no unqualified-search registries are defined in \"{}\"",
                self.path.display()
            ))
            .hint(format!("say the registry as well, for example `docker.io/library/{text}`")));
        }
        Ok(self.search.iter().map(|registry| typed.at(registry)).collect())
    }

    /// The entry for a reference: the one with the longest prefix.
    pub fn registry(&self, reference: &Reference) -> Option<&Registry> {
        let name = reference.name();
        let fits = |registry: &&Registry| {
            let prefix = registry.prefix.as_str();
            if let Some(domain) = prefix.strip_prefix('*') {
                return reference.registry.ends_with(domain) && reference.registry.len() > domain.len();
            }
            name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
        };
        self.registries.iter().filter(fits).max_by_key(|registry| registry.prefix.len())
    }

    /// Where a reference really is.
    ///
    /// # Errors
    /// When the registry is blocked, or the location in the file is malformed.
    pub fn locate(&self, reference: &Reference) -> Result<Reference> {
        let Some(registry) = self.registry(reference) else { return Ok(reference.clone()) };
        if registry.blocked {
            return Err(Error::new(format!("registry {} is blocked in {}", registry.prefix, self.path.display())));
        }
        if registry.location.is_empty() || registry.location == registry.prefix {
            return Ok(reference.clone());
        }
        let text = match registry.prefix.strip_prefix('*') {
            // A wildcard stands for a whole host.
            Some(_) => format!("{}/{}", registry.location, reference.repository),
            None => {
                let rest = reference.name().strip_prefix(&registry.prefix).unwrap_or_default().to_owned();
                format!("{}{rest}", registry.location)
            }
        };
        let (host, repository) = text.split_once('/').unwrap_or((LOCAL, text.as_str()));
        Ok(Reference { registry: host.to_owned(), repository: repository.to_owned(), ..reference.clone() })
    }
}

/// Parses registries.conf: enough of TOML for its tables, strings, booleans and lists of strings. What is not understood
/// is passed over. Pure.
pub fn parse(text: &str) -> RegistriesConf {
    let mut conf = RegistriesConf::default();
    let mut table = Table::Top;
    let mut lines = text.lines().map(without_comment);
    while let Some(line) = lines.next() {
        let line = line.trim();
        if line.starts_with('[') {
            table = match line.replace(' ', "").as_str() {
                "[[registry]]" => {
                    conf.registries.push(Registry::default());
                    Table::Registry
                }
                _ => Table::Other,
            };
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let mut value = value.trim().to_owned();
        // A list may go on over several lines.
        while value.starts_with('[') && !value.ends_with(']') {
            let Some(more) = lines.next() else { break };
            value.push_str(more.trim());
        }
        match (&table, key.trim().trim_matches('"')) {
            (Table::Top, "unqualified-search-registries") => conf.search = strings(&value),
            (Table::Registry, key) => {
                let Some(registry) = conf.registries.last_mut() else { continue };
                let first = || strings(&value).into_iter().next().unwrap_or_default();
                match key {
                    "prefix" => registry.prefix = first(),
                    "location" => registry.location = first(),
                    "insecure" => registry.insecure = value == "true",
                    "blocked" => registry.blocked = value == "true",
                    _ => {}
                }
            }
            _ => {}
        }
    }
    for registry in &mut conf.registries {
        if registry.prefix.is_empty() {
            registry.prefix.clone_from(&registry.location);
        }
    }
    conf.registries.retain(|registry| !registry.prefix.is_empty());
    conf
}

enum Table {
    Top,
    Registry,
    Other,
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (position, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return line.get(..position).unwrap_or_default(),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    line
}

/// The quoted strings in a value.
fn strings(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = if rest.get(start..).is_some_and(|r| r.starts_with('"')) { '"' } else { '\'' };
        let Some(body) = rest.get(start + 1..) else { break };
        let Some(end) = body.find(quote) else { break };
        found.push(body.get(..end).unwrap_or_default().to_owned());
        rest = body.get(end + 1..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONF: &str = r#"
# unqualified-search-registries = ["no"]
unqualified-search-registries = ["docker.io", # first
  'quay.io']
short-name-mode = "permissive"
[[registry]]
location = "localhost:5000"
insecure = true
[[registry]]
prefix = "docker.io/library"
location = "mirror.example.com/hub"
[[registry]]
prefix = "*.bad.example.com"
blocked = true
[[registry.mirror]]
location = "elsewhere"
"#;

    #[test]
    fn what_matters_is_read() {
        let conf = parse(CONF);
        assert_eq!(conf.search, ["docker.io", "quay.io"]);
        let names: Vec<_> = conf.candidates("x/y:1").unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["docker.io/x/y:1", "quay.io/x/y:1"]);
        let at = |text: &str| conf.locate(&Reference::parse(text).unwrap()).map(|r| r.to_string());
        assert_eq!(at("busybox").unwrap(), "mirror.example.com/hub/busybox:latest");
        assert_eq!(at("docker.io/libraryx/y").unwrap(), "docker.io/libraryx/y:latest");
        assert!(at("a.bad.example.com/x").unwrap_err().to_string().contains("is blocked"));
        assert!(conf.registry(&Reference::parse("localhost:5000/x").unwrap()).unwrap().insecure);
        assert!(conf.registry(&Reference::parse("quay.io/x").unwrap()).is_none());
    }

    #[test]
    fn without_search_registries_the_reference_engines_words_are_used() {
        let conf = RegistriesConf { path: "/home/dev/.config/containers/registries.conf".into(), ..parse("") };
        assert_eq!(
            conf.candidates("nosuchimage:x").unwrap_err().to_string(),
            "short-name \"nosuchimage:x\" did not resolve to an alias and no unqualified-search registries are defined in \
             \"/home/dev/.config/containers/registries.conf\""
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}|([a-z\\[\\]=\"'#, \n]|registry|location){0,40}") {
            let _ = parse(&text);
        }
    }
}
