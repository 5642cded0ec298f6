//! Names without a registry: where they may be, and who decides when there are several places.

use std::fmt;

use super::aliases;
use super::conf::RegistriesConf;
use super::file::ShortNameMode;
use crate::error::{Context, Error, Result};
use crate::image::reference::{Reference, Typed};

/// Asks the user which of several references a short name means; the position of the one chosen.
#[derive(Clone, Copy)]
pub struct Choose(pub fn(&[Reference]) -> Result<usize>);

impl fmt::Debug for Choose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choose(..)")
    }
}

/// Where to look for what a user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// In order; never empty.
    pub candidates: Vec<Reference>,
    /// How they were found, to tell the user; `None` for a full name, or when the user chose.
    pub how: Option<String>,
    /// The short name to remember the user's choice by, once it has been pulled.
    record: Option<String>,
}

impl RegistriesConf {
    /// Where to look for a name that may lack its registry. `choose` is there when there is somebody to ask.
    ///
    /// # Errors
    /// When there is neither an alias nor a registry to search, or the choice is not ours and nobody can be asked.
    pub fn resolve(&self, text: &str, choose: Option<Choose>) -> Result<Resolved> {
        let text = text.strip_prefix("docker://").unwrap_or(text);
        let typed = Typed::parse(text)?;
        if let Some(reference) = typed.complete() {
            return Ok(Resolved { candidates: vec![reference], how: None, record: None });
        }
        let short = &typed.repository;
        if let Some((reference, path)) = self.alias(&typed)? {
            let how = Some(format!("Resolved \"{short}\" as an alias ({})", path.display()));
            return Ok(Resolved { candidates: vec![reference], how, record: None });
        }
        if self.search.is_empty() {
            return Err(Error::new(format!(
                "short-name \"{text}\" did not resolve to an alias and no unqualified-search registries are defined in \"{}\"",
                self.search_path.display()
            ))
            .hint(format!("say the registry as well, for example `docker.io/library/{text}`")));
        }
        let candidates: Vec<Reference> = self.search.iter().map(|registry| typed.at(registry)).collect();
        let how = format!("Resolving \"{short}\" using unqualified-search registries ({})", self.search_path.display());
        let all = Resolved { candidates, how: Some(how), record: None };
        if self.mode == ShortNameMode::Disabled || all.candidates.len() == 1 {
            return Ok(all);
        }
        match (choose, self.mode) {
            (Some(Choose(choose)), _) => {
                let position = choose(&all.candidates)?;
                let chosen = all.candidates.into_iter().nth(position);
                let chosen = chosen.ok_or_else(|| Error::new("none of the images was selected"))?;
                Ok(Resolved { candidates: vec![chosen], how: None, record: Some(short.clone()) })
            }
            (None, ShortNameMode::Enforcing) => {
                Err(Error::new("short-name resolution enforced but cannot prompt without a TTY").hint(format!(
                    "say the registry as well, for example `{}`",
                    all.candidates.first().unwrap_or(&typed.at("docker.io"))
                )))
            }
            (None, _) => Ok(all),
        }
    }

    /// The same without asking anybody.
    pub fn candidates(&self, text: &str) -> Result<Vec<Reference>> {
        Ok(self.resolve(text, None)?.candidates)
    }

    /// What an alias makes of a short name, with tag and digest as they were typed.
    pub fn aliased(&self, text: &str) -> Option<Reference> {
        let typed = Typed::parse(text).ok().filter(|typed| typed.registry.is_none())?;
        self.alias(&typed).ok().flatten().map(|(reference, _)| reference)
    }

    fn alias(&self, typed: &Typed) -> Result<Option<(Reference, &std::path::Path)>> {
        let Some((value, path)) = self.aliases.get(&typed.repository) else { return Ok(None) };
        let target = Typed::parse(value).with_context(|| format!("alias \"{}\"", typed.repository))?;
        let full = Typed { tag: typed.tag.clone(), digest: typed.digest.clone(), ..target };
        Ok(full.complete().map(|reference| (reference, path.as_path())))
    }

    /// Remembers what the user chose, once it is pulled.
    pub fn record(&self, resolved: &Resolved) -> Result<()> {
        let (Some(short), Some(path), [chosen]) = (&resolved.record, &self.alias_file, resolved.candidates.as_slice())
        else {
            return Ok(());
        };
        aliases::record(path, short, &chosen.name()).with_context(|| format!("recording short-name alias \"{short}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn conf(search: &[&str], mode: ShortNameMode) -> RegistriesConf {
        RegistriesConf {
            search: search.iter().map(|s| (*s).to_owned()).collect(),
            search_path: "/home/dev/.config/containers/registries.conf".into(),
            mode,
            aliases: [("deb".to_owned(), ("docker.io/library/debian".to_owned(), PathBuf::from("/a")))].into(),
            ..RegistriesConf::default()
        }
    }

    fn names(resolved: &Resolved) -> Vec<String> {
        resolved.candidates.iter().map(ToString::to_string).collect()
    }

    const SECOND: Option<Choose> = Some(Choose(|_| Ok(1)));

    #[test]
    fn aliases_and_searching() {
        let two = conf(&["docker.io", "quay.io"], ShortNameMode::Permissive);
        let table: [(&str, Option<Choose>, &[&str]); 6] = [
            ("q.io/x", None, &["q.io/x:latest"]),
            ("docker://q.io/x", None, &["q.io/x:latest"]),
            ("x/y:1", None, &["docker.io/x/y:1", "quay.io/x/y:1"]),
            ("x", SECOND, &["quay.io/x:latest"]),
            ("deb:12", SECOND, &["docker.io/library/debian:12"]),
            ("deb", None, &["docker.io/library/debian:latest"]),
        ];
        for (name, choose, expected) in table {
            assert_eq!(names(&two.resolve(name, choose).unwrap()), expected, "{name}");
        }
        assert_eq!(two.resolve("x", SECOND).unwrap().how, None);
        assert_eq!(two.resolve("deb:1", None).unwrap().how.unwrap(), "Resolved \"deb\" as an alias (/a)");
        assert_eq!(two.aliased("deb:1").unwrap().to_string(), "docker.io/library/debian:1");
        assert_eq!(two.aliased("x"), None);
    }

    #[test]
    fn modes() {
        let no_choice = Some(Choose(|_| Err(Error::new("asked"))));
        let asked = |conf: &RegistriesConf| conf.resolve("x", no_choice).is_err_and(|e| e.to_string() == "asked");
        assert!(asked(&conf(&["a.io", "b.io"], ShortNameMode::Enforcing)));
        assert!(asked(&conf(&["a.io", "b.io"], ShortNameMode::Permissive)));
        assert!(!asked(&conf(&["a.io", "b.io"], ShortNameMode::Disabled)));
        assert!(!asked(&conf(&["a.io"], ShortNameMode::Enforcing)));
        let error = conf(&["a.io", "b.io"], ShortNameMode::Enforcing).resolve("x", None).unwrap_err();
        assert_eq!(error.to_string(), "short-name resolution enforced but cannot prompt without a TTY");
        assert!(conf(&["a.io"], ShortNameMode::Enforcing).resolve("x", None).is_ok());
    }

    #[test]
    fn without_search_registries_the_reference_engines_words_are_used() {
        assert_eq!(
            conf(&[], ShortNameMode::Permissive).candidates("nosuchimage:x").unwrap_err().to_string(),
            "short-name \"nosuchimage:x\" did not resolve to an alias and no unqualified-search registries are defined in \
             \"/home/dev/.config/containers/registries.conf\""
        );
    }

    #[test]
    fn a_choice_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let mut two = conf(&["docker.io", "quay.io"], ShortNameMode::Enforcing);
        two.alias_file = Some(dir.path().join("aliases.conf"));
        let chosen = two.resolve("x/y:1", SECOND).unwrap();
        two.record(&chosen).unwrap();
        two.record(&two.resolve("deb", None).unwrap()).unwrap();
        let known = aliases::read(&dir.path().join("aliases.conf")).unwrap();
        assert_eq!(known.into_iter().collect::<Vec<_>>(), [("x/y".to_owned(), "quay.io/x/y".to_owned())]);
    }
}
