//! What is signed: a small JSON document that ties the digest of a manifest to a name.
//!
//! ```text
//! {"critical": {"type": "atomic container signature",        (GPG) or "cosign container image signature" (sigstore)
//!               "image": {"docker-manifest-digest": "sha256:..."},
//!               "identity": {"docker-reference": "quay.io/x/y:tag"}},
//!  "optional": {"creator": "...", "timestamp": 1700000000}}
//! ```
//!
//! Formats: containers/image, "atomic container signature"; cosign, "Signature specification" (simple signing). Pure.

use serde_json::json;

use super::json::Json;
use crate::error::{Context, Result};
use crate::image::reference::is_digest;

/// The two forms differ by `critical.type` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Simple,
    Sigstore,
}

impl Form {
    fn kind(self) -> &'static str {
        match self {
            Form::Simple => "atomic container signature",
            Form::Sigstore => "cosign container image signature",
        }
    }
}

/// The claim that was signed. Nothing in it is to be believed before the signature was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// `sha256:...`.
    pub manifest_digest: String,
    pub reference: String,
}

impl Claim {
    /// Parses a signed payload. Strict in all that decides; what is optional is passed over.
    pub fn parse(bytes: &[u8], form: Form) -> Result<Self> {
        let attempt = || {
            let mut all = Json::parse(bytes)?.fields("the payload")?;
            let mut critical = all.need("critical")?.fields("`critical`")?;
            match all.take("optional") {
                Some(Json::Null) | None if form == Form::Sigstore => {}
                Some(optional) => drop(optional.fields("`optional`")?),
                None => crate::bail!("the payload has no `optional`"),
            }
            all.end()?;
            let kind = critical.need_string("type")?;
            if kind != form.kind() {
                crate::bail!("unrecognized signature type `{}`", kind.escape_debug());
            }
            let mut image = critical.need("image")?.fields("`image`")?;
            let mut identity = critical.need("identity")?.fields("`identity`")?;
            critical.end()?;
            let manifest_digest = image.need_string("docker-manifest-digest")?;
            image.end()?;
            let reference = identity.need_string("docker-reference")?;
            identity.end()?;
            if !is_digest(&manifest_digest) {
                crate::bail!("digest `{}` is malformed", manifest_digest.escape_debug());
            }
            Ok(Claim { manifest_digest, reference })
        };
        attempt().context("parsing what was signed")
    }

    /// The document to sign. `timestamp` in seconds since 1970.
    pub fn to_bytes(&self, form: Form, timestamp: i64) -> Vec<u8> {
        json!({
            "critical": {
                "identity": { "docker-reference": self.reference },
                "image": { "docker-manifest-digest": self.manifest_digest },
                "type": form.kind(),
            },
            "optional": {
                "creator": concat!("coracle ", env!("CARGO_PKG_VERSION")),
                "timestamp": timestamp,
            },
        })
        .to_string()
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "sha256:6ada4d435fabc799687f8bf284078c07e137ba1e52e9dc73f04ce7b19bb0fbc0";

    #[test]
    fn what_is_written_is_read() {
        let claim = Claim { manifest_digest: SHA.into(), reference: "quay.io/x/y:1".into() };
        for (form, other) in [(Form::Simple, Form::Sigstore), (Form::Sigstore, Form::Simple)] {
            let bytes = claim.to_bytes(form, 1_700_000_000);
            assert_eq!(Claim::parse(&bytes, form).unwrap(), claim);
            assert!(Claim::parse(&bytes, other).unwrap_err().to_string().contains("unrecognized signature type"));
        }
    }

    #[test]
    fn what_decides_is_read_strictly() {
        let good =
            String::from_utf8(Claim { manifest_digest: SHA.into(), reference: "r".into() }.to_bytes(Form::Sigstore, 1))
                .unwrap();
        let cosign = format!(
            r#"{{"critical":{{"identity":{{"docker-reference":"r"}},"image":{{"docker-manifest-digest":"{SHA}"}},"type":"cosign container image signature"}},"optional":null}}"#
        );
        assert!(Claim::parse(cosign.as_bytes(), Form::Sigstore).is_ok());
        let table = [
            good.replace("\"optional\"", "\"other\""),
            good.replace("\"type\"", "\"x\":1,\"type\""),
            good.replace("\"docker-reference\":", "\"docker-reference\":\"a\",\"docker-reference\":"),
            good.replace("\"docker-reference\":", "\"b\":\"a\",\"docker-reference\":"),
            good.replace("\"docker-manifest-digest\":", "\"b\":\"a\",\"docker-manifest-digest\":"),
            good.replace(SHA, "sha256:short"),
            good.replace("\"r\"", "7"),
            good.replace("cosign", "atomic"),
            format!("{good}x"),
            cosign.replace("null", "[]"),
            String::new(),
        ];
        for text in table {
            assert!(Claim::parse(text.as_bytes(), Form::Sigstore).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            let _ = Claim::parse(&bytes, Form::Simple);
            let _ = Claim::parse(&bytes, Form::Sigstore);
        }
    }
}
