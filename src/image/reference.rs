//! References to images: `[registry/]name[:tag][@digest]`. Parsing and normalising, pure.
//!
//! Grammar and limits: distribution/reference (the grammar in its documentation). Normalising: `docker.io` has a
//! namespace `library` for names without one, and a reference with neither tag nor digest means `latest`.

use std::fmt;

use crate::error::{Error, Result};

/// The registry of names that say none, when a name is meant literally.
pub const DEFAULT_REGISTRY: &str = "docker.io";
/// The registry of images that were never in one.
pub const LOCAL: &str = "localhost";

/// The namespace of docker.io's names that have none.
const OFFICIAL: &str = "library/";
/// How long a name may be, without tag and digest.
const LONGEST: usize = 255;

/// A complete reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// `docker.io`, `localhost:5000`.
    pub registry: String,
    /// `library/busybox`.
    pub repository: String,
    pub tag: Option<String>,
    /// `sha256:...`.
    pub digest: Option<String>,
}

/// A reference as typed, which may lack the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    pub registry: Option<String>,
    pub repository: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl Reference {
    /// Parses a reference; one without a registry is of docker.io, one without tag and digest means `latest`.
    pub fn parse(text: &str) -> Result<Self> {
        let typed = Typed::parse(text)?;
        let registry = typed.registry.clone().unwrap_or_else(|| DEFAULT_REGISTRY.to_owned());
        Ok(typed.at(&registry))
    }

    /// `registry/repository`, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// `registry/repository:tag`, or `@digest` when there is one (then the tag says nothing).
    pub fn canonical(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => format!("{}@{digest}", self.name()),
            (None, Some(tag)) => format!("{}:{tag}", self.name()),
            (None, None) => format!("{}:latest", self.name()),
        }
    }

    /// What a registry is asked for: the digest, else the tag.
    pub fn wanted(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl Typed {
    /// Parses what a user typed.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(shown) = without_password(text) {
            return Err(Error::new(format!(
                "parsing reference \"{}\": invalid reference format: it holds a user and a password",
                shown.escape_debug()
            ))
            .hint("log in with `coracle login REGISTRY` or pass --creds USER:PASSWORD"));
        }
        let invalid = |why: &str| Error::new(format!("parsing reference \"{}\": {why}", text.escape_debug()));
        if text.is_empty() {
            return Err(invalid("invalid reference format: it is empty"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        if let Some(digest) = digest
            && !is_digest(digest)
        {
            return Err(invalid("invalid reference format: the digest is malformed"));
        }
        // A colon behind the last slash begins a tag; one before it belongs to a port.
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest.get(last..).and_then(|component| component.find(':')) {
            Some(colon) => rest.split_at(last + colon),
            None => (rest, ""),
        };
        let tag = tag.strip_prefix(':');
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(invalid("invalid reference format: the tag is malformed"));
        }
        let (registry, repository) = match name.split_once('/') {
            Some((first, rest)) if looks_like_registry(first) => (Some(first), rest),
            _ => (None, name),
        };
        if let Some(registry) = registry
            && !is_registry(registry)
        {
            return Err(invalid("invalid reference format: the registry is malformed"));
        }
        if repository.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(invalid("invalid reference format: repository name must be lowercase"));
        }
        if !repository.split('/').all(is_component) {
            return Err(invalid("invalid reference format"));
        }
        if registry.is_none() && repository.len() == 64 && crate::storage::id::is_hex(repository) {
            return Err(invalid("invalid repository name, cannot specify 64-byte hexadecimal strings"));
        }
        // The full form counts, so that whatever is accepted is also accepted as it is written into the store.
        let added = match (registry, repository.contains('/')) {
            (Some("index.docker.io" | DEFAULT_REGISTRY), false) => OFFICIAL.len(),
            (Some(_), _) => 0,
            (None, false) => DEFAULT_REGISTRY.len() + 1 + OFFICIAL.len(),
            (None, true) => DEFAULT_REGISTRY.len() + 1,
        };
        if name.len() + added > LONGEST {
            return Err(invalid("repository name must not be more than 255 characters"));
        }
        Ok(Typed {
            registry: registry.map(str::to_owned),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// This name in that registry.
    pub fn at(&self, registry: &str) -> Reference {
        let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
        let repository = if registry == DEFAULT_REGISTRY && !self.repository.contains('/') {
            format!("{OFFICIAL}{}", self.repository)
        } else {
            self.repository.clone()
        };
        let tag = match (&self.tag, &self.digest) {
            (None, None) => Some("latest".to_owned()),
            (tag, _) => tag.clone(),
        };
        Reference { registry: registry.to_owned(), repository, tag, digest: self.digest.clone() }
    }

    /// The reference that the name is by itself, if it says its registry.
    pub fn complete(&self) -> Option<Reference> {
        self.registry.as_deref().map(|registry| self.at(registry))
    }
}

/// `user:***@registry/name` for what is meant as `user:password@registry/name`, of which a password must not be shown.
pub fn without_password(text: &str) -> Option<String> {
    // A password may have anything in it; what follows the last sign is a host, unless it is, or tries to be, a digest.
    let is_host = |after: &str| !is_digest(after) && !after.starts_with("sha");
    let (before, after) = text.rsplit_once('@').filter(|(_, after)| is_host(after))?;
    let start = before.find("://").map_or(0, |scheme| scheme + 3);
    let (user, _) = before.get(start..)?.split_once(':')?;
    Some(format!("{}{user}:***@{after}", before.get(..start)?))
}

/// The text of a reference for messages: without the password that may have been typed into it.
pub fn shown(text: &str) -> std::borrow::Cow<'_, str> {
    without_password(text).map_or(text.into(), Into::into)
}

/// Whether this is `algorithm:hex`; of SHA-256 with exactly 64 lower-case digits.
pub fn is_digest(text: &str) -> bool {
    let Some((algorithm, hex)) = text.split_once(':') else { return false };
    let starts_with_letter = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if !algorithm.split(['-', '_', '+', '.']).all(starts_with_letter) {
        return false;
    }
    let lower = hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    match algorithm {
        "sha256" => lower && hex.len() == 64,
        "sha384" => lower && hex.len() == 96,
        "sha512" => lower && hex.len() == 128,
        _ => hex.len() >= 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
    }
}

/// Hexadecimal digits of a SHA-256 digest with its prefix; `None` for anything else.
pub fn sha256_hex(digest: &str) -> Option<&str> {
    digest.strip_prefix("sha256:").filter(|_| is_digest(digest))
}

/// Whether this may be a tag.
pub fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || b == b'.' || b == b'-')
}

fn looks_like_registry(component: &str) -> bool {
    component.contains(['.', ':'])
        || component == LOCAL
        || component.starts_with('[')
        || component.bytes().any(|b| b.is_ascii_uppercase())
}

fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => {
                let valid = !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
                if !valid || !(port.is_empty() || port.starts_with(':')) {
                    return false;
                }
                (None, port.strip_prefix(':'))
            }
            None => return false,
        },
        None => match text.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(text), None),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.is_none_or(|host| host.split('.').all(label))
        && port.is_none_or(|port| !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()))
}

/// Runs of lower-case letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let bytes = text.as_bytes();
    let word = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return false };
    word(first)
        && word(last)
        && bytes
            .split(|&b| word(b))
            .all(|joint| matches!(joint, b"" | b"." | b"_" | b"__") || joint.iter().all(|&b| b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:6ada4d435fabc799687f8bf284078c07e137ba1e52e9dc73f04ce7b19bb0fbc0";

    #[test]
    fn references_are_normalised() {
        let table = [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:1.36", "docker.io/library/busybox:1.36"),
            ("library/busybox", "docker.io/library/busybox:latest"),
            ("index.docker.io/busybox", "docker.io/library/busybox:latest"),
            ("user/app", "docker.io/user/app:latest"),
            ("localhost/x", "localhost/x:latest"),
            ("localhost:5000/x", "localhost:5000/x:latest"),
            ("localhost:5000/x:y", "localhost:5000/x:y"),
            ("127.0.0.1:5000/a/b/c:1", "127.0.0.1:5000/a/b/c:1"),
            ("[::1]:5000/x", "[::1]:5000/x:latest"),
            ("quay.io/libpod/testimage:20241011", "quay.io/libpod/testimage:20241011"),
            ("Registry/x", "Registry/x:latest"),
            ("a__b/c--d.e_f", "docker.io/a__b/c--d.e_f:latest"),
        ];
        for (typed, full) in table {
            let reference = Reference::parse(typed).unwrap();
            assert_eq!(reference.to_string(), full, "{typed}");
            assert_eq!(Reference::parse(full).unwrap(), reference, "{full}");
        }
        let both = Reference::parse(&format!("x:tag@{SHA}")).unwrap();
        assert_eq!(both.to_string(), format!("docker.io/library/x:tag@{SHA}"));
        assert_eq!(both.canonical(), format!("docker.io/library/x@{SHA}"));
        assert_eq!(both.wanted(), SHA);
    }

    #[test]
    fn malformed_references_are_refused() {
        let long = "a".repeat(256);
        let long_tag = format!("x:{}", "t".repeat(129));
        let hex = "a".repeat(64);
        let table = [
            "",
            ":",
            "@",
            "x:",
            "x@",
            "/x",
            "x/",
            "a//b",
            "X",
            "a/B",
            "x:a:b",
            "x y",
            "x:-t",
            "-x",
            "x-",
            "x_",
            "a___b",
            "a..b",
            "x@sha256:12",
            "x@md5",
            "host:port/x",
            "localhost:123456/x",
            "[::1/x",
            "-a.b/x",
            "é",
            "x\0",
            &long,
            &long_tag,
            &hex,
        ];
        for text in table {
            assert!(Reference::parse(text).is_err(), "{text:?}");
        }
        for text in
            ["me:secret@quay.io/x", "https://me:secret@quay.io", "me:se/cr@et@127.0.0.1:5000", "me:secret@x:5000/y"]
        {
            let message = Reference::parse(text).unwrap_err().to_string();
            assert!(message.contains("me:***@") && !message.contains("cr"), "{message}");
        }
        let message = Reference::parse("x:1@sha256:12").unwrap_err().to_string();
        assert!(message.contains("\"x:1@sha256:12\"") && message.contains("digest"), "{message}");
        let message = Reference::parse("docker.io/Foo").unwrap_err().to_string();
        assert!(message.contains("repository name must be lowercase"), "{message}");
    }

    #[test]
    fn whatever_is_accepted_is_accepted_in_full() {
        let prefixes = ["", "a/", "docker.io/", "docker.io/a/", "index.docker.io/", "index.docker.io/a/", "quay.io/"];
        for prefix in prefixes {
            let mut accepted = 0;
            for length in 200..=256_usize {
                let name = format!("{prefix}{}", "x".repeat(length - prefix.len()));
                let Ok(reference) = Reference::parse(&name) else { continue };
                accepted = length;
                assert_eq!(Reference::parse(&reference.to_string()).unwrap(), reference, "{prefix} {length}");
            }
            assert!(accepted >= 237, "{prefix}: {accepted}");
        }
        assert!(Reference::parse(&format!("quay.io/{}", "x".repeat(247))).is_ok());
        assert!(Reference::parse(&format!("quay.io/{}", "x".repeat(248))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_either_refused_or_survives_a_round_trip(text in "\\PC{0,40}|[a-zA-Z0-9:/@._-]{0,60}") {
            if let Ok(reference) = Reference::parse(&text) {
                proptest::prop_assert_eq!(Reference::parse(&reference.to_string()).unwrap(), reference);
            }
        }
    }
}
