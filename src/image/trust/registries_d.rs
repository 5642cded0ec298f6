//! registries.d: where the signatures of images in registries are kept. Format: containers-registries.d(5).
//!
//! ```text
//! $HOME/.config/containers/registries.d/*.yaml    where that directory exists, else
//! /etc/containers/registries.d/*.yaml
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::identity::docker_scopes;
use crate::error::{Context, Error, Result};
use crate::image::reference::Reference;
use crate::storage::fs;

/// No file of this kind is larger.
const MAX_FILE: u64 = 1 << 20;

/// One section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Section {
    /// URL where signatures are read.
    pub lookaside: Option<String>,
    /// URL where signatures are written.
    pub lookaside_staging: Option<String>,
    /// The old name of `lookaside`.
    pub sigstore: Option<String>,
    /// The old name of `lookaside-staging`.
    pub sigstore_staging: Option<String>,
    /// Whether sigstore signatures are kept in the registry beside the image.
    pub use_sigstore_attachments: Option<bool>,
}

/// All files together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistriesD {
    default: Option<(Section, String)>,
    /// By scope; with the file that says it.
    docker: BTreeMap<String, (Section, String)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct File {
    default_docker: Option<Section>,
    docker: Option<BTreeMap<String, Option<Section>>>,
}

impl Section {
    fn url(&self, write: bool) -> Option<&str> {
        let staging = [&self.lookaside_staging, &self.sigstore_staging];
        let plain = [&self.lookaside, &self.sigstore];
        let wanted = if write { staging.iter().chain(&plain) } else { plain.iter().chain(&[]) };
        wanted.filter_map(|url| url.as_deref()).find(|url| !url.is_empty())
    }
}

impl RegistriesD {
    /// Reads all files of a directory; a missing directory says nothing.
    pub fn read(dir: &Path) -> Result<Self> {
        let mut config = RegistriesD::default();
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(config),
            Err(e) => return Err(Error::from(e).wrap(format!("reading `{}`", dir.display()))),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("reading `{}`", dir.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                paths.push(path);
            }
        }
        paths.sort();
        for path in paths {
            let shown = path.display().to_string();
            let size = std::fs::metadata(&path).with_context(|| format!("reading `{shown}`"))?.len();
            if size > MAX_FILE {
                crate::bail!("`{shown}` is larger than {MAX_FILE} bytes");
            }
            config.add(&fs::read_to_string(&path)?, &shown)?;
        }
        Ok(config)
    }

    /// Adds one file. Pure.
    pub fn add(&mut self, text: &str, file: &str) -> Result<()> {
        let empty = text.lines().all(|line| matches!(line.trim(), "" | "---") || line.trim_start().starts_with('#'));
        let parsed: File = match empty {
            true => File::default(),
            false => serde_saphyr::from_str(text)
                .map_err(|e| Error::new(e.to_string().lines().next().unwrap_or_default().to_owned()))
                .with_context(|| format!("parsing `{file}`"))?,
        };
        if let Some(section) = parsed.default_docker {
            if let Some((_, other)) = &self.default {
                crate::bail!("`default-docker` is defined both in `{other}` and in `{file}`");
            }
            self.default = Some((section, file.to_owned()));
        }
        for (scope, section) in parsed.docker.unwrap_or_default() {
            if let Some((_, other)) = self.docker.get(&scope) {
                crate::bail!(
                    "`docker` namespace `{}` is defined both in `{other}` and in `{file}`",
                    scope.escape_debug()
                );
            }
            self.docker.insert(scope, (section.unwrap_or_default(), file.to_owned()));
        }
        Ok(())
    }

    /// The sections for an image, the most precise first.
    fn sections(&self, reference: &Reference) -> impl Iterator<Item = &Section> {
        let scopes = docker_scopes(reference);
        let found: Vec<&Section> =
            scopes.iter().filter_map(|scope| self.docker.get(scope)).chain(&self.default).map(|(s, _)| s).collect();
        found.into_iter()
    }

    /// The URL below which GPG signatures of an image are; `write`: where new ones go.
    pub fn lookaside(&self, reference: &Reference, write: bool) -> Option<&str> {
        self.sections(reference).find_map(|section| section.url(write))
    }

    /// Whether sigstore signatures are looked for in, and written to, the registry itself.
    pub fn uses_attachments(&self, reference: &Reference) -> bool {
        self.sections(reference).find_map(|section| section.use_sigstore_attachments).unwrap_or(false)
    }

    /// Where signatures for a scope of policy.json are read, for lists of what is trusted.
    pub fn lookaside_of_scope(&self, scope: &str) -> Option<&str> {
        let mut names = vec![scope];
        let mut name = scope;
        while let Some((parent, _)) = name.rsplit_once('/') {
            name = parent;
            names.push(name);
        }
        let found = names.iter().filter(|name| !name.is_empty()).find_map(|name| self.docker.get(*name));
        found.or(self.default.as_ref()).and_then(|(section, _)| section.url(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
default-docker:
  sigstore-staging: file:///staging
  lookaside: https://default.example.com
docker:
  quay.io:
    sigstore: https://old.example.com
    use-sigstore-attachments: true
  quay.io/a/b:
    lookaside-staging: file:///b
  quay.io/a/b:1:
    use-sigstore-attachments: false
  empty.example.com:
";

    #[test]
    fn the_most_precise_section_that_says_it_is_used() {
        let mut config = RegistriesD::default();
        config.add(TEXT, "a.yaml").unwrap();
        config.add("# nothing\n", "b.yaml").unwrap();
        config.add("docker:\n", "c.yaml").unwrap();
        let of = |text: &str| Reference::parse(text).unwrap();
        let table = [
            ("quay.io/a/b:1", Some("https://old.example.com"), Some("file:///b"), false),
            ("quay.io/a/b:2", Some("https://old.example.com"), Some("file:///b"), true),
            ("quay.io/x", Some("https://old.example.com"), Some("https://old.example.com"), true),
            ("docker.io/x/y", Some("https://default.example.com"), Some("file:///staging"), false),
        ];
        for (name, read, write, attachments) in table {
            assert_eq!(config.lookaside(&of(name), false), read, "{name}");
            assert_eq!(config.lookaside(&of(name), true), write, "{name}");
            assert_eq!(config.uses_attachments(&of(name)), attachments, "{name}");
        }
        assert_eq!(config.lookaside_of_scope("quay.io/z"), Some("https://old.example.com"));
    }

    #[test]
    fn conflicts_and_nonsense_are_errors() {
        let mut config = RegistriesD::default();
        config.add(TEXT, "a.yaml").unwrap();
        for (text, expected) in [
            ("default-docker: {}\n", "both in `a.yaml` and in `b.yaml`"),
            ("docker: {quay.io: {}}\n", "`quay.io` is defined both"),
            ("docker: [1]\n", "parsing `b.yaml`"),
            ("docker: {x.y: {lookaside: [1]}}\n", "parsing `b.yaml`"),
            ("docker: {x.y: {}, x.y: {}}\n", "parsing `b.yaml`"),
        ] {
            let message = config.clone().add(text, "b.yaml").unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|([a-z:{}\\[\\]\n &*#-]|docker|default-docker){0,40}") {
            let _ = RegistriesD::default().add(&text, "x");
        }
    }
}
