//! policy.json: which images may be used. Strictly parsed: what is not understood makes the whole file an error, and with
//! such a file nothing is accepted. Format: containers-policy.json(5). Pure.

use std::collections::BTreeMap;

use super::identity::Identity;
use super::json::{Fields, Json, base64};
use crate::error::{Context, Error, Result};

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub default: Vec<Requirement>,
    /// By transport (`docker`), then by scope (`quay.io/libpod`; empty is the transport's default).
    pub transports: BTreeMap<String, BTreeMap<String, Vec<Requirement>>>,
}

/// One requirement. All of a list must be satisfied.
#[derive(Debug, Clone, PartialEq)]
pub enum Requirement {
    AcceptAnything,
    Reject,
    SignedBy(SignedBy),
    SigstoreSigned(SigstoreSigned),
    /// Known to the format, but never satisfied here: what it is, in words.
    Unsupported(&'static str),
}

/// Simple signing with GPG keys.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedBy {
    pub keys: Keys,
    pub identity: Identity,
}

/// Sigstore signatures made with a private key.
#[derive(Debug, Clone, PartialEq)]
pub struct SigstoreSigned {
    /// `None` when the signers are those of a Fulcio server or a PKI.
    pub keys: Option<Keys>,
    pub identity: Identity,
    /// What of this requirement is not there; it is then never satisfied.
    pub unsupported: Option<&'static str>,
}

/// Public keys, any of which will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keys {
    Paths(Vec<String>),
    Data(Vec<Vec<u8>>),
}

impl Requirement {
    /// `type` in the file.
    pub fn kind(&self) -> &'static str {
        match self {
            Requirement::AcceptAnything => "insecureAcceptAnything",
            Requirement::Reject => "reject",
            Requirement::SignedBy(_) => "signedBy",
            Requirement::SigstoreSigned(_) => "sigstoreSigned",
            Requirement::Unsupported(kind) => kind,
        }
    }
}

impl Policy {
    /// What holds where there is no policy.json: everything is accepted.
    pub fn built_in() -> Self {
        Policy { default: vec![Requirement::AcceptAnything], transports: BTreeMap::new() }
    }

    /// Parses a whole file.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut fields = Json::parse(bytes)?.fields("the policy")?;
        let default = requirements(fields.need("default")?, "default")?;
        let mut transports = BTreeMap::new();
        if let Some(value) = fields.take("transports") {
            for (transport, scopes) in value.fields("`transports`")?.rest() {
                let mut map = BTreeMap::new();
                for (scope, list) in scopes.fields(&format!("`{}`", transport.escape_debug()))?.rest() {
                    check_scope(&transport, &scope)?;
                    let list =
                        requirements(list, &scope).with_context(|| format!("scope `{}`", scope.escape_debug()))?;
                    map.insert(scope, list);
                }
                transports.insert(transport, map);
            }
        }
        fields.end()?;
        Ok(Policy { default, transports })
    }

    /// What is required of an image: the list of the first of these scopes that the file has, else of the transport, else
    /// the default.
    pub fn requirements(&self, transport: &str, scopes: &[String]) -> &[Requirement] {
        let Some(map) = self.transports.get(transport) else { return &self.default };
        let found = scopes.iter().filter(|scope| !scope.is_empty()).find_map(|scope| map.get(scope));
        found.or_else(|| map.get("")).unwrap_or(&self.default)
    }
}

/// Scopes of transports that are paths must be ones that could ever match.
fn check_scope(transport: &str, scope: &str) -> Result<()> {
    let is_path = matches!(transport, "dir" | "oci" | "oci-archive");
    if !is_path || scope.is_empty() {
        return Ok(());
    }
    let path = match transport {
        "oci" => scope.split(':').next().unwrap_or_default(),
        _ => scope,
    };
    if !path.starts_with('/') {
        crate::bail!("scope `{}` of `{transport}` is not an absolute path", scope.escape_debug());
    }
    if scope == "/" {
        crate::bail!("scope `/` of `{transport}` is not allowed, the empty scope says the same");
    }
    if path.split('/').skip(1).any(|part| part.is_empty() || part == "." || part == "..") {
        crate::bail!("scope `{}` of `{transport}` is not a clean path", scope.escape_debug());
    }
    Ok(())
}

fn requirements(value: Json, what: &str) -> Result<Vec<Requirement>> {
    let items = value.into_array(what)?;
    if items.is_empty() {
        // Nothing required would be satisfied by anything.
        crate::bail!("list of verification policy requirements must not be empty");
    }
    items.into_iter().map(requirement).collect()
}

fn requirement(value: Json) -> Result<Requirement> {
    let mut fields = value.fields("a requirement")?;
    let kind = fields.need_string("type")?;
    let requirement = match kind.as_str() {
        "insecureAcceptAnything" => Requirement::AcceptAnything,
        "reject" => Requirement::Reject,
        "signedBy" => Requirement::SignedBy(signed_by(&mut fields)?),
        "sigstoreSigned" => Requirement::SigstoreSigned(sigstore_signed(&mut fields)?),
        "signedBaseLayer" => {
            Identity::from_json(fields.need("baseLayerIdentity")?)?;
            Requirement::Unsupported("signedBaseLayer")
        }
        _ => crate::bail!("unknown policy requirement type `{}`", kind.escape_debug()),
    };
    fields.end().with_context(|| format!("requirement `{kind}`"))?;
    Ok(requirement)
}

fn identity(fields: &mut Fields) -> Result<Identity> {
    fields.take("signedIdentity").map_or(Ok(Identity::default()), Identity::from_json)
}

fn signed_by(fields: &mut Fields) -> Result<SignedBy> {
    let key_type = fields.need_string("keyType")?;
    if key_type != "GPGKeys" {
        crate::bail!("`keyType` of `signedBy` is `{}`, and only GPGKeys is supported", key_type.escape_debug());
    }
    let mut found = Vec::new();
    found.extend(fields.string("keyPath")?.map(|path| Keys::Paths(vec![path])));
    found.extend(fields.strings("keyPaths")?.map(Keys::Paths));
    if let Some(text) = fields.string("keyData")? {
        found.push(Keys::Data(vec![base64(&text, "`keyData`")?]));
    }
    let keys = only(found, "`signedBy` must have exactly one of `keyPath`, `keyPaths` and `keyData`")?;
    Ok(SignedBy { keys, identity: identity(fields)? })
}

fn sigstore_signed(fields: &mut Fields) -> Result<SigstoreSigned> {
    let mut found = Vec::new();
    let mut unsupported = None;
    found.extend(fields.string("keyPath")?.map(|path| Some(Keys::Paths(vec![path]))));
    found.extend(fields.strings("keyPaths")?.map(|paths| Some(Keys::Paths(paths))));
    if let Some(text) = fields.string("keyData")? {
        found.push(Some(Keys::Data(vec![base64(&text, "`keyData`")?])));
    }
    if let Some(texts) = fields.strings("keyDatas")? {
        let data = texts.iter().map(|text| base64(text, "`keyDatas`")).collect::<Result<_>>()?;
        found.push(Some(Keys::Data(data)));
    }
    for name in ["fulcio", "pki"] {
        if let Some(value) = fields.take(name) {
            value.fields(&format!("`{name}`"))?;
            unsupported =
                Some(if name == "fulcio" { "Fulcio certificates (`fulcio`)" } else { "certificates (`pki`)" });
            found.push(None);
        }
    }
    for name in ["rekorPublicKeyPath", "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas"] {
        if fields.take(name).is_some() {
            unsupported = Some("the transparency log Rekor (`rekorPublicKey...`)");
        }
    }
    let why =
        "`sigstoreSigned` must have exactly one of `keyPath`, `keyPaths`, `keyData`, `keyDatas`, `fulcio` and `pki`";
    Ok(SigstoreSigned { keys: only(found, why)?, identity: identity(fields)?, unsupported })
}

fn only<T>(mut found: Vec<T>, why: &str) -> Result<T> {
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(Error::new(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Policy> {
        Policy::parse(text.as_bytes())
    }

    #[test]
    fn a_whole_policy() {
        let policy = parse(
            r#"{"default":[{"type":"reject"}],"transports":{
                "docker":{"":[{"type":"insecureAcceptAnything"}],
                    "docker.io/library":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/k","signedIdentity":{"type":"matchRepository"}}],
                    "*.example.com":[{"type":"sigstoreSigned","keyDatas":["YQ==","Yg=="]},{"type":"insecureAcceptAnything"}],
                    "quay.io":[{"type":"sigstoreSigned","fulcio":{"caPath":"/x","oidcIssuer":"y","subjectEmail":"z"},"rekorPublicKeyPath":"/r"}]},
                "oci":{"/srv/x:latest":[{"type":"reject"}]},
                "containers-storage":{"anything at all":[{"type":"reject"}]}}}"#,
        )
        .unwrap();
        let kinds = |transport: &str, scopes: &[&str]| -> Vec<&str> {
            let scopes: Vec<String> = scopes.iter().map(|s| (*s).to_owned()).collect();
            policy.requirements(transport, &scopes).iter().map(Requirement::kind).collect()
        };
        assert_eq!(
            kinds("docker", &["docker.io/library/x:1", "docker.io/library/x", "docker.io/library"]),
            ["signedBy"]
        );
        assert_eq!(
            kinds("docker", &["a.example.com/x", "*.example.com"]),
            ["sigstoreSigned", "insecureAcceptAnything"]
        );
        assert_eq!(kinds("docker", &["other"]), ["insecureAcceptAnything"]);
        assert_eq!(kinds("docker-archive", &[]), ["reject"]);
        let Requirement::SigstoreSigned(quay) = &policy.requirements("docker", &["quay.io".into()])[0] else {
            panic!()
        };
        assert!(quay.keys.is_none() && quay.unsupported.is_some());
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let accept = r#"[{"type":"insecureAcceptAnything"}]"#;
        let table = [
            ("".to_owned(), "EOF"),
            ("[]".into(), "not an object"),
            ("{}".into(), "no `default`"),
            (r#"{"default":[]}"#.into(), "must not be empty"),
            (r#"{"default":null}"#.into(), "not a list"),
            (format!(r#"{{"default":{accept},"x":1}}"#), "unknown key `x`"),
            (format!(r#"{{"default":{accept},"default":{accept}}}"#), "duplicate key"),
            (format!(r#"{{"default":{accept},"transports":{{"docker":{{"a":{accept},"a":{accept}}}}}}}"#), "duplicate"),
            (format!(r#"{{"default":{accept},"transports":{{"docker":{{"a":[]}}}}}}"#), "must not be empty"),
            (format!(r#"{{"default":{accept},"transports":{{"dir":{{"/":{accept}}}}}}}"#), "not allowed"),
            (format!(r#"{{"default":{accept},"transports":{{"dir":{{"x":{accept}}}}}}}"#), "absolute"),
            (format!(r#"{{"default":{accept},"transports":{{"dir":{{"/x/../y":{accept}}}}}}}"#), "clean"),
            (r#"{"default":[{"type":"accept"}]}"#.into(), "unknown policy requirement"),
            (r#"{"default":[{"type":"insecureAcceptAnything","x":1}]}"#.into(), "unknown key"),
            (r#"{"default":[{}]}"#.into(), "no `type`"),
            (r#"{"default":[{"type":"signedBy","keyPath":"/k"}]}"#.into(), "no `keyType`"),
            (r#"{"default":[{"type":"signedBy","keyType":"X509","keyPath":"/k"}]}"#.into(), "GPGKeys"),
            (r#"{"default":[{"type":"signedBy","keyType":"GPGKeys"}]}"#.into(), "exactly one"),
            (r#"{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/k","keyData":"YQ=="}]}"#.into(), "exactly one"),
            (r#"{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPaths":[]}]}"#.into(), "empty"),
            (r#"{"default":[{"type":"signedBy","keyType":"GPGKeys","keyData":"%"}]}"#.into(), "decoding"),
            (r#"{"default":[{"type":"sigstoreSigned"}]}"#.into(), "exactly one"),
            (r#"{"default":[{"type":"sigstoreSigned","keyPath":"/a","pki":{}}]}"#.into(), "exactly one"),
            (r#"{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/k","signedIdentity":{"type":"any"}}]}"#.into(), "`any`"),
        ];
        for (text, expected) in table {
            let message = parse(&text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|([\\[\\]{}:,\"a]|default|transports|type|reject|docker){0,40}") {
            let _ = parse(&text);
        }
    }
}
