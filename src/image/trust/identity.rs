//! Of which image a signature may speak (`signedIdentity`), and which scopes an image's name is looked up by.
//! Rules: containers-policy.json(5). Pure.

use super::json::Json;
use crate::error::{Error, Result};
use crate::image::reference::{DEFAULT_REGISTRY, Reference, Typed};

/// `signedIdentity`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Identity {
    MatchExact,
    #[default]
    MatchRepoDigestOrExact,
    MatchRepository,
    ExactReference(Named),
    ExactRepository(Named),
    /// Names below `prefix` are signed as names below `signed_prefix`.
    Remap {
        prefix: String,
        signed_prefix: String,
    },
}

/// A complete name as it stands: a missing tag stays missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `docker.io/library/busybox`.
    pub name: String,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

impl Named {
    /// Parses a name as Docker normalises it.
    pub fn parse(text: &str) -> Result<Self> {
        let typed = Typed::parse(text)?;
        let registry = typed.registry.clone().unwrap_or_else(|| DEFAULT_REGISTRY.to_owned());
        Ok(Named { name: typed.at(&registry).name(), tag: typed.tag, digest: typed.digest })
    }

    /// The image that is meant. A tag beside a digest says nothing, as everywhere.
    fn of(reference: &Reference) -> Self {
        let digest = reference.digest.clone();
        let tag = if digest.is_some() { None } else { Some(reference.wanted().to_owned()) };
        Named { name: reference.name(), tag, digest }
    }

    fn is_name_only(&self) -> bool {
        self.tag.is_none() && self.digest.is_none()
    }
}

impl Identity {
    /// Reads the object in policy.json.
    pub fn from_json(value: Json) -> Result<Self> {
        let mut fields = value.fields("`signedIdentity`")?;
        let kind = fields.need_string("type")?;
        let identity = match kind.as_str() {
            "matchExact" => Identity::MatchExact,
            "matchRepoDigestOrExact" => Identity::MatchRepoDigestOrExact,
            "matchRepository" => Identity::MatchRepository,
            "exactReference" => {
                let named = Named::parse(&fields.need_string("dockerReference")?)?;
                if named.is_name_only() {
                    crate::bail!("`dockerReference` `{}` has neither a tag nor a digest", named.name);
                }
                Identity::ExactReference(named)
            }
            "exactRepository" => Identity::ExactRepository(Named::parse(&fields.need_string("dockerRepository")?)?),
            "remapIdentity" => Identity::Remap {
                prefix: prefix(fields.need_string("prefix")?)?,
                signed_prefix: prefix(fields.need_string("signedPrefix")?)?,
            },
            _ => crate::bail!("unknown type of `signedIdentity` `{}`", kind.escape_debug()),
        };
        fields.end()?;
        Ok(identity)
    }

    /// Whether a signature that speaks of `signed` is about the image that was asked for. `None`: the image came from
    /// where images have no such names.
    pub fn matches(&self, intended: Option<&Reference>, signed: &str) -> bool {
        let Ok(signed) = Named::parse(signed) else { return false };
        match self {
            Identity::ExactReference(exact) => !signed.is_name_only() && signed == *exact,
            Identity::ExactRepository(exact) => signed.name == exact.name,
            Identity::MatchExact | Identity::MatchRepoDigestOrExact | Identity::MatchRepository => {
                intended.is_some_and(|intended| self.matches_named(&Named::of(intended), &signed))
            }
            Identity::Remap { prefix, signed_prefix } => intended.is_some_and(|intended| {
                let mut intended = Named::of(intended);
                if let Some(rest) = below(&intended.name, prefix) {
                    intended.name = format!("{signed_prefix}{rest}");
                }
                Identity::MatchRepoDigestOrExact.matches_named(&intended, &signed)
            }),
        }
    }

    fn matches_named(&self, intended: &Named, signed: &Named) -> bool {
        match self {
            Identity::MatchRepository => signed.name == intended.name,
            // The digest itself was compared when the manifest was fetched, and is compared with what was signed.
            Identity::MatchRepoDigestOrExact if intended.tag.is_none() => {
                !signed.is_name_only() && signed.name == intended.name
            }
            _ => !signed.is_name_only() && signed == intended,
        }
    }
}

/// What follows a prefix that ends with a component of the name.
fn below<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A host, namespace or repository, in full and without tag.
fn prefix(text: String) -> Result<String> {
    let malformed = || Error::new(format!("`{}` is not a host, namespace or repository", text.escape_debug()));
    // A host alone is none of the names that are parsed here.
    let probe = if text.contains('/') { text.clone() } else { format!("{text}/x") };
    let typed = Typed::parse(&probe).map_err(|_| malformed())?;
    let complete = typed.registry.as_ref().map(|registry| format!("{registry}/{}", typed.repository));
    if complete.as_deref() != Some(probe.as_str()) {
        return Err(malformed());
    }
    Ok(text)
}

/// The scopes of an image in a registry, the most precise first: the image, its repository, the namespaces above, the
/// host, and wildcards for the domains above that.
pub fn docker_scopes(reference: &Reference) -> Vec<String> {
    let mut scopes = vec![reference.canonical()];
    let full = reference.name();
    let mut name = full.as_str();
    scopes.push(name.to_owned());
    while let Some((parent, _)) = name.rsplit_once('/') {
        name = parent;
        scopes.push(name.to_owned());
    }
    // The host without its port, as the reference does it.
    let mut domain = name.split(':').next().unwrap_or_default();
    while let Some((_, parent)) = domain.split_once('.') {
        domain = parent;
        scopes.push(format!("*.{domain}"));
    }
    scopes
}

/// The scopes of an image at a path (`dir:`, `oci:`, `oci-archive:`): the path and the directories above it.
pub fn path_scopes(path: &str) -> Vec<String> {
    let mut scopes = Vec::new();
    let mut path = path;
    while !path.is_empty() && path != "/" {
        scopes.push(path.to_owned());
        path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:6ada4d435fabc799687f8bf284078c07e137ba1e52e9dc73f04ce7b19bb0fbc0";

    fn identity(text: &str) -> Result<Identity> {
        Identity::from_json(Json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn identities() {
        let by_digest = format!("quay.io/a/b@{DIGEST}");
        let both = format!("quay.io/a/b:2@{DIGEST}");
        let exact = r#"{"type":"matchExact"}"#;
        let usual = r#"{"type":"matchRepoDigestOrExact"}"#;
        let repository = r#"{"type":"matchRepository"}"#;
        let one = r#"{"type":"exactReference","dockerReference":"quay.io/s/x:1"}"#;
        let one_repository = r#"{"type":"exactRepository","dockerRepository":"quay.io/s/x"}"#;
        let remap = r#"{"type":"remapIdentity","prefix":"mirror:5000/m","signedPrefix":"quay.io"}"#;
        let table: &[(&str, Option<&str>, &str, bool)] = &[
            (exact, Some("quay.io/a/b:1"), "quay.io/a/b:1", true),
            (exact, Some("quay.io/a/b:1"), "quay.io/a/b:2", false),
            (exact, Some("quay.io/a/b"), "quay.io/a/b:latest", true),
            (exact, Some("quay.io/a/b"), "quay.io/a/b", false),
            (exact, Some("busybox"), "docker.io/library/busybox:latest", true),
            (exact, Some("busybox"), "busybox:latest", true),
            (exact, Some(&by_digest), "quay.io/a/b:1", false),
            (exact, Some(&by_digest), &by_digest, true),
            (exact, None, "quay.io/a/b:1", false),
            (usual, Some("quay.io/a/b:1"), "quay.io/a/b:1", true),
            (usual, Some("quay.io/a/b:1"), "quay.io/a/c:1", false),
            (usual, Some("quay.io/a/b:1"), "quay.io/a/b:2", false),
            (usual, Some(&by_digest), "quay.io/a/b:1", true),
            (usual, Some(&both), "quay.io/a/b:1", true),
            (usual, Some(&by_digest), "quay.io/a/b", false),
            (usual, Some(&by_digest), "quay.io/a/c:1", false),
            (usual, None, "quay.io/a/b:1", false),
            (usual, Some("quay.io/a/b:1"), "no such\nname", false),
            (repository, Some("quay.io/a/b:1"), "quay.io/a/b:9", true),
            (repository, Some("quay.io/a/b:1"), "quay.io/a/b", true),
            (repository, Some("quay.io/a/b:1"), "quay.io/a", false),
            (one, None, "quay.io/s/x:1", true),
            (one, Some("other/x"), "quay.io/s/x:2", false),
            (one_repository, None, "quay.io/s/x:2", true),
            (one_repository, Some("quay.io/a/b:1"), "quay.io/a/b:1", false),
            (remap, Some("mirror:5000/m/a/b:1"), "quay.io/a/b:1", true),
            (remap, Some("mirror:5000/m/a/b:1"), "mirror:5000/m/a/b:1", false),
            (remap, Some("mirror:5000/mm/b:1"), "mirror:5000/mm/b:1", true),
            (remap, Some("mirror:5000/mm/b:1"), "quay.io/m/b:1", false),
        ];
        for (kind, intended, signed, expected) in table {
            let intended = intended.map(|text| Reference::parse(text).unwrap());
            let found = identity(kind).unwrap().matches(intended.as_ref(), signed);
            assert_eq!(found, *expected, "{kind} {intended:?} {signed}");
        }
    }

    #[test]
    fn malformed_identities() {
        for text in [
            r#"{}"#,
            r#"{"type":"x"}"#,
            r#"{"type":"matchExact","x":1}"#,
            r#"{"type":"exactReference"}"#,
            r#"{"type":"exactReference","dockerReference":"quay.io/a/b"}"#,
            r#"{"type":"exactRepository","dockerRepository":"A B"}"#,
            r#"{"type":"remapIdentity","prefix":"quay.io"}"#,
            r#"{"type":"remapIdentity","prefix":"quay.io/x:1","signedPrefix":"y.z"}"#,
            r#"{"type":"remapIdentity","prefix":"busybox","signedPrefix":"y.z"}"#,
            r#"{"type":"remapIdentity","prefix":"","signedPrefix":"y.z"}"#,
        ] {
            assert!(identity(text).is_err(), "{text}");
        }
        assert!(
            identity(r#"{"type":"remapIdentity","prefix":"host:5000","signedPrefix":"docker.io/library"}"#).is_ok()
        );
    }

    #[test]
    fn scopes() {
        let of = |text: &str| docker_scopes(&Reference::parse(text).unwrap());
        assert_eq!(
            of("busybox"),
            ["docker.io/library/busybox:latest", "docker.io/library/busybox", "docker.io/library", "docker.io", "*.io"]
        );
        assert_eq!(
            of("a.b.example.com:5000/x:1"),
            [
                "a.b.example.com:5000/x:1",
                "a.b.example.com:5000/x",
                "a.b.example.com:5000",
                "*.b.example.com",
                "*.example.com",
                "*.com"
            ]
        );
        assert_eq!(path_scopes("/srv/images/x.tar"), ["/srv/images/x.tar", "/srv/images", "/srv"]);
        assert_eq!(path_scopes("/"), [""; 0]);
    }
}
