//! One `[[registry]]`: which names it is for, and where it sends them. Pure.

use crate::error::{Context, Error, Result};
use crate::image::reference::{Reference, Typed};

/// A `[[registry]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    /// Names that begin with this are meant: `docker.io`, `quay.io/libpod`, `quay.io/x/y:tag`, `*.example.com`.
    pub prefix: String,
    /// What stands there instead; empty, with a `*.` prefix, means the name itself.
    pub location: String,
    pub insecure: bool,
    pub blocked: bool,
    pub mirror_by_digest_only: bool,
    pub mirrors: Vec<Mirror>,
}

/// A `[[registry.mirror]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirror {
    pub location: String,
    pub insecure: bool,
    pub pull_from: PullFromMirror,
}

/// `pull-from-mirror`: which references a mirror is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PullFromMirror {
    #[default]
    All,
    DigestOnly,
    TagOnly,
}

impl Registry {
    /// How many bytes of a full name (with tag and digest, or of a registry alone) the prefix covers; `None` when the name
    /// is none of this table's.
    pub fn covers(&self, name: &str) -> Option<usize> {
        let end = match self.prefix.strip_prefix('*') {
            Some(domain) => {
                let host = name.split('/').next().unwrap_or(name);
                let bare = host.split(':').next().unwrap_or(host);
                let fitting = [host, bare].into_iter().find(|host| host.ends_with(domain) && host.len() > domain.len());
                fitting?.len()
            }
            None => name.starts_with(&self.prefix).then_some(self.prefix.len())?,
        };
        let rest = name.get(end..)?;
        (rest.is_empty() || rest.starts_with(['/', ':', '@'])).then_some(end)
    }

    /// Where a reference really is.
    pub fn locate(&self, reference: &Reference) -> Result<Reference> {
        if self.location.is_empty() || self.location == self.prefix {
            return Ok(reference.clone());
        }
        self.rewritten(reference, &self.location)
    }

    /// The mirrors to ask for a reference, in order, with where it is there.
    pub fn mirrors_for(&self, reference: &Reference) -> Result<Vec<(Reference, &Mirror)>> {
        let digest = reference.digest.is_some();
        let wanted = |mirror: &&Mirror| match mirror.pull_from {
            PullFromMirror::DigestOnly => digest,
            PullFromMirror::TagOnly => !digest,
            PullFromMirror::All => digest || !self.mirror_by_digest_only,
        };
        let mut found = Vec::new();
        for mirror in self.mirrors.iter().filter(wanted) {
            found.push((self.rewritten(reference, &mirror.location)?, mirror));
        }
        Ok(found)
    }

    fn rewritten(&self, reference: &Reference, location: &str) -> Result<Reference> {
        let name = reference.to_string();
        let rest = self.covers(&name).and_then(|end| name.get(end..)).unwrap_or_default();
        let text = format!("{location}{rest}");
        let typed = Typed::parse(&text).with_context(|| format!("rewriting `{name}` by registries.conf"))?;
        let complete = typed.complete().ok_or_else(|| Error::new(format!("location `{location}` names no registry")));
        let there = complete.with_context(|| format!("rewriting `{name}` by registries.conf"))?;
        // What follows asks for the tag or digest that the user named, so this would be another image than the user's.
        if (&there.tag, &there.digest) != (&reference.tag, &reference.digest) {
            crate::bail!(
                "location `{location}` in registries.conf changes tag or digest of `{name}`, which is not supported"
            );
        }
        Ok(there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_cover_whole_components() {
        let table = [
            ("docker.io", "docker.io/library/x:1", true),
            ("docker.io/library", "docker.io/library/x:1", true),
            ("docker.io/lib", "docker.io/library/x:1", false),
            ("docker.io/library/x", "docker.io/library/x:1", true),
            ("docker.io/library/x:1", "docker.io/library/x:1", true),
            ("docker.io/library/x:1", "docker.io/library/x:12", false),
            ("r", "r:5000/x", true),
            ("*.example.com", "a.example.com/x", true),
            ("*.example.com", "a.b.example.com:5000/x", true),
            ("*.example.com", "example.com/x", false),
            ("*.example.com", "a.example.com.evil/x", false),
            ("*.example.com", "evil/a.example.com/x", false),
            ("*.io", "a.io.io/x", true),
        ];
        for (prefix, name, expected) in table {
            let registry = Registry { prefix: prefix.into(), ..Registry::default() };
            assert_eq!(registry.covers(name).is_some(), expected, "{prefix} {name}");
        }
    }

    #[test]
    fn names_are_rewritten() {
        let sha = format!("sha256:{}", "a".repeat(64));
        let digested = format!("docker.io/library/x@{sha}");
        let digested_there = format!("m.example/hub/x@{sha}");
        let table = [
            ("docker.io/library", "m.example/hub", "docker.io/library/x:1", "m.example/hub/x:1"),
            ("docker.io/library", "m.example/hub", digested.as_str(), digested_there.as_str()),
            ("q.io/a/b:1", "m.example/c:1", "q.io/a/b:1", "m.example/c:1"),
            ("*.example.com", "m.example", "a.example.com/x/y:1", "m.example/x/y:1"),
            ("*.example.com", "", "a.example.com/x/y:1", "a.example.com/x/y:1"),
            ("q.io", "m.example:5000", "q.io/x:1", "m.example:5000/x:1"),
        ];
        for (prefix, location, name, expected) in table {
            let registry = Registry { prefix: prefix.into(), location: location.into(), ..Registry::default() };
            let there = registry.locate(&Reference::parse(name).unwrap()).unwrap();
            assert_eq!(there.to_string(), expected, "{prefix}");
        }
        let odd = Registry { prefix: "q.io".into(), location: "nohost".into(), ..Registry::default() };
        assert!(odd.locate(&Reference::parse("q.io/x").unwrap()).is_err());
        let other = Registry { prefix: "q.io/a:1".into(), location: "q.io/a:2".into(), ..Registry::default() };
        assert!(other.locate(&Reference::parse("q.io/a:1").unwrap()).is_err());
    }

    #[test]
    fn mirrors_are_chosen_by_what_is_asked_for() {
        let mirror = |location: &str, pull_from| Mirror { location: location.into(), insecure: false, pull_from };
        let mut registry = Registry {
            prefix: "q.io".into(),
            location: "q.io".into(),
            mirrors: vec![
                mirror("all.x", PullFromMirror::All),
                mirror("digest.x", PullFromMirror::DigestOnly),
                mirror("tag.x", PullFromMirror::TagOnly),
            ],
            ..Registry::default()
        };
        let tag = Reference::parse("q.io/a:1").unwrap();
        let digest = Reference::parse(&format!("q.io/a@sha256:{}", "0".repeat(64))).unwrap();
        let hosts = |registry: &Registry, reference: &Reference| -> Vec<String> {
            registry.mirrors_for(reference).unwrap().into_iter().map(|(there, _)| there.registry).collect()
        };
        assert_eq!(hosts(&registry, &tag), ["all.x", "tag.x"]);
        assert_eq!(hosts(&registry, &digest), ["all.x", "digest.x"]);
        registry.mirrors.truncate(1);
        registry.mirror_by_digest_only = true;
        assert!(hosts(&registry, &tag).is_empty());
        assert_eq!(hosts(&registry, &digest), ["all.x"]);
    }
}
