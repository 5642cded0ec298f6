//! Changing policy.json, for `image trust set`.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{Policy, Trust, sigstore};
use crate::error::{Context, Error, Result};
use crate::image::reference::Typed;
use crate::storage::atomic::{self, Durability};
use crate::storage::fs;

/// What images of a scope must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    Accept,
    Reject,
    /// Signed with each of these GPG keys.
    SignedBy(Vec<PathBuf>),
    /// Signed with each of these sigstore keys.
    SigstoreSigned(Vec<PathBuf>),
}

impl Trust {
    /// Sets what holds for a registry, namespace, repository or image, or for everything (`default`), and returns the
    /// file that says it now. Everything else in it stays. A user without a policy gets one that begins as the system's.
    pub fn set(&self, scope: &str, rule: &Rule) -> Result<PathBuf> {
        if scope != "default" {
            check_scope(scope)?;
        }
        let requirements = requirements(rule)?;
        let _lock = self.lock_policy()?;
        let found = self.policy_text()?;
        // Of what is there, nothing may be lost, and what cannot be read cannot be kept.
        let mut policy: Map<String, Value> = match &found {
            Some((path, text)) => {
                Policy::parse(text).with_context(|| format!("invalid policy in `{}`", path.display()))?;
                serde_json::from_slice(text)?
            }
            None => Map::from_iter([("default".to_owned(), json!([{ "type": "insecureAcceptAnything" }]))]),
        };
        change(&mut policy, scope, requirements)?;
        let mut text = serde_json::to_vec_pretty(&policy)?;
        text.push(b'\n');
        Policy::parse(&text).context("making the new policy")?;
        let target = self.target(found.map(|(path, _)| path))?;
        write(&target, &text)?;
        Ok(target)
    }

    /// Keeps others that set something from writing meanwhile. Nothing is written for it: the directory is locked.
    fn lock_policy(&self) -> Result<Option<File>> {
        let target = self.target(self.policy_path()?)?;
        let Some(dir) = target.parent() else { return Ok(None) };
        create_dir(dir)?;
        let locked = File::open(dir).and_then(|file| file.lock().map(|()| file));
        locked.with_context(|| format!("locking `{}`", dir.display())).map(Some)
    }

    /// The file to write: the one that holds, unless it is the system's and the user is not root.
    fn target(&self, found: Option<PathBuf>) -> Result<PathBuf> {
        let user = self.user_policy();
        let system = Path::new(super::SYSTEM).join("policy.json");
        match (found, user) {
            (Some(path), Some(user)) if path == user => Ok(user),
            (found, _) if self.is_root => Ok(found.unwrap_or(system)),
            (_, Some(user)) => Ok(user),
            (_, None) => Err(Error::new("finding the user's policy.json: HOME is not set").hint("set HOME")),
        }
    }
}

/// Makes the directory of a policy. The system's is for all users, who could accept no image if they could not read it.
fn create_dir(dir: &Path) -> Result<()> {
    if !dir.starts_with(super::SYSTEM) {
        return fs::create_private_dir_all(dir);
    }
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o755).create(dir);
    made.with_context(|| format!("creating directory `{}`", dir.display()))
}

/// Puts requirements into a policy. Pure.
fn change(policy: &mut Map<String, Value>, scope: &str, requirements: Value) -> Result<()> {
    if scope == "default" {
        policy.insert("default".to_owned(), requirements);
        return Ok(());
    }
    let transports = policy.entry("transports").or_insert_with(|| json!({}));
    let docker = transports.as_object_mut().map(|map| map.entry("docker").or_insert_with(|| json!({})));
    match docker.and_then(Value::as_object_mut) {
        Some(docker) => {
            docker.insert(scope.to_owned(), requirements);
            Ok(())
        }
        None => crate::bail!("`transports` of the policy is not as it should be"),
    }
}

fn requirements(rule: &Rule) -> Result<Value> {
    let keyed = |paths: &[PathBuf], of: &dyn Fn(&str) -> Value| -> Result<Value> {
        let mut list = Vec::new();
        for path in paths {
            let full = std::path::absolute(path).with_context(|| format!("finding `{}`", path.display()))?;
            let key = super::check::read_key(&full)?;
            if matches!(rule, Rule::SigstoreSigned(_)) {
                sigstore::PublicKey::from_pem(&key).with_context(|| format!("reading key `{}`", full.display()))?;
            }
            match full.to_str() {
                Some(text) => list.push(of(text)),
                None => crate::bail!("the path `{}` is not UTF-8", full.display()),
            }
        }
        Ok(Value::Array(list))
    };
    match rule {
        Rule::Accept => Ok(json!([{ "type": "insecureAcceptAnything" }])),
        Rule::Reject => Ok(json!([{ "type": "reject" }])),
        Rule::SignedBy(keys) | Rule::SigstoreSigned(keys) if keys.is_empty() => {
            let kind = if matches!(rule, Rule::SignedBy(_)) { "signedBy" } else { "sigstoreSigned" };
            Err(Error::new(format!("at least one public key must be defined for type '{kind}'"))
                .hint("name a file with it by --pubkeysfile"))
        }
        Rule::SignedBy(keys) => {
            keyed(keys, &|path| json!({ "type": "signedBy", "keyType": "GPGKeys", "keyPath": path }))
        }
        Rule::SigstoreSigned(keys) => keyed(keys, &|path| json!({ "type": "sigstoreSigned", "keyPath": path })),
    }
}

/// A scope that no image could ever have would leave its writer with wrong hopes.
fn check_scope(scope: &str) -> Result<()> {
    let probe = match scope.strip_prefix("*.") {
        Some(domain) if !domain.contains(['/', ':', '*']) => format!("x.{domain}/x"),
        None if !scope.contains('/') => format!("{scope}/x"),
        _ => scope.to_owned(),
    };
    let typed = Typed::parse(&probe).map_err(|_| malformed(scope))?;
    let complete = typed.complete().ok_or_else(|| malformed(scope))?;
    // `docker.io/busybox` may be a namespace, `docker.io/busybox:1` is only a short form, by which nothing is looked up.
    let is_image = typed.tag.is_some() || typed.digest.is_some();
    if is_image && !probe.starts_with(&complete.name()) { Err(malformed(scope)) } else { Ok(()) }
}

fn malformed(scope: &str) -> Error {
    Error::new(format!(
        "invalid image uri: `{}` is no registry, namespace or full name of an image",
        scope.escape_debug()
    ))
    .hint(
        "write it in full, for example `docker.io`, `quay.io/libpod`, `docker.io/library/busybox:latest` or `default`",
    )
}

fn write(path: &Path, text: &[u8]) -> Result<()> {
    // A link to the policy is followed: what it leads to is the policy.
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = std::fs::metadata(&real).map_or(0o644, |meta| meta.permissions().mode() & 0o777);
    atomic::write_with_mode(&real, text, mode, Durability::Power)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Trust, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let trust = Trust { home: Some(home.path().to_owned()), is_root: false };
        let path = trust.user_policy().unwrap();
        (home, trust, path)
    }

    #[test]
    fn everything_else_stays() {
        let (_home, trust, path) = home();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(
            &path,
            r#"{"default":[{"type":"reject"}],"transports":{"dir":{"":[{"type":"insecureAcceptAnything"}]},
               "docker":{"quay.io":[{"type":"sigstoreSigned","fulcio":{"x":1}}]}}}"#,
        )
        .unwrap();
        assert_eq!(trust.set("docker.io/library", &Rule::Accept).unwrap(), path);
        trust.set("quay.io/x", &Rule::Reject).unwrap();
        trust.set("default", &Rule::Accept).unwrap();
        let text: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            text,
            json!({"default":[{"type":"insecureAcceptAnything"}],"transports":{
                "dir":{"":[{"type":"insecureAcceptAnything"}]},
                "docker":{"quay.io":[{"type":"sigstoreSigned","fulcio":{"x":1}}],
                    "docker.io/library":[{"type":"insecureAcceptAnything"}],"quay.io/x":[{"type":"reject"}]}}})
        );
    }

    #[test]
    fn what_could_not_be_kept_is_not_touched() {
        let (_home, trust, path) = home();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, r#"{"default":[{"type":"reject"}],"x":1}"#).unwrap();
        assert!(trust.set("quay.io", &Rule::Accept).is_err());
        assert!(std::fs::read_to_string(&path).unwrap().contains("\"x\""));
        for rule in [
            Rule::SignedBy(vec![]),
            Rule::SignedBy(vec!["/nosuch".into()]),
            Rule::SigstoreSigned(vec!["/dev/null".into()]),
        ] {
            assert!(trust.set("quay.io", &rule).is_err(), "{rule:?}");
        }
    }

    #[test]
    fn scopes() {
        for good in [
            "docker.io",
            "localhost:5000",
            "quay.io/libpod",
            "docker.io/library/busybox",
            "quay.io/x/y:1",
            "*.example.com",
            "localhost",
            "quay.io/x@sha256:6ada4d435fabc799687f8bf284078c07e137ba1e52e9dc73f04ce7b19bb0fbc0",
        ] {
            assert!(check_scope(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "busybox",
            "library/busybox",
            "https://quay.io/x",
            "quay.io/",
            "*.a.b/c",
            "*.*.b",
            "A B",
            "docker.io/busybox:1",
        ] {
            assert!(check_scope(bad).is_err(), "{bad}");
        }
    }
}
