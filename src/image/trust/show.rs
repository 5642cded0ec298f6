//! The policy as a list, for `image trust show`.

use serde::Serialize;

use super::check::read_key;
use super::identity::docker_scopes;
use super::policy::{Keys, Requirement};
use super::{Policy, RegistriesD, gpg};
use crate::image::reference::Reference;

/// One requirement. The names of the fields are the reference's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `repository` for registries, `all` for the default.
    pub transport: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repo_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sigstore: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gpg_id: String,
}

/// All requirements, in the order of transports and scopes, and what could not be found out about their keys.
pub fn rows(policy: &Policy, registries: &RegistriesD) -> (Vec<Row>, Vec<String>) {
    let mut rows = Vec::new();
    let mut warnings = Vec::new();
    let mut add = |template: Row, scope: &str, requirements: &[Requirement]| {
        let sigstore = registries.lookaside_of_scope(scope).unwrap_or_default().to_owned();
        for requirement in requirements {
            let gpg_id = match requirement {
                Requirement::SignedBy(signed) => owners(&signed.keys, &mut warnings),
                Requirement::SigstoreSigned(_) => "N/A".to_owned(),
                _ => String::new(),
            };
            rows.push(Row {
                kind: word(requirement).to_owned(),
                sigstore: sigstore.clone(),
                gpg_id,
                ..template.clone()
            });
        }
    };
    let default = Row {
        transport: "all".to_owned(),
        name: "* (default)".to_owned(),
        repo_name: "default".to_owned(),
        ..Row::default()
    };
    add(default, "", &policy.default);
    for (transport, scopes) in &policy.transports {
        let transport = if transport == "docker" { "repository" } else { transport };
        for (scope, requirements) in scopes {
            let template = Row {
                transport: transport.to_owned(),
                name: scope.clone(),
                repo_name: scope.clone(),
                ..Row::default()
            };
            add(template, scope, requirements);
        }
    }
    (rows, warnings)
}

/// Only the rows that decide about images of a registry, namespace or repository: what applies to it, and what is said of
/// parts of it.
pub fn about(rows: Vec<Row>, policy: &Policy, registry: &str) -> Vec<Row> {
    let known = policy.transports.get("docker");
    let has = |scope: &str| known.is_some_and(|scopes| scopes.contains_key(scope));
    let mut scopes = match Reference::parse(registry) {
        Ok(reference) if registry.contains('/') => docker_scopes(&reference),
        // A host alone, as the part of an image's scopes that does not speak of the image.
        _ => Reference::parse(&format!("{registry}/x")).map(|r| docker_scopes(&r).split_off(2)).unwrap_or_default(),
    };
    scopes.insert(0, registry.to_owned());
    scopes.push(String::new());
    let applies = scopes.into_iter().find(|scope| has(scope));
    let part = |row: &Row| row.name.strip_prefix(registry).is_some_and(|rest| rest.starts_with(['/', ':', '@']));
    let wanted = |row: &Row| match &applies {
        Some(scope) => row.transport == "repository" && (row.name == *scope || part(row)),
        None => row.transport == "all" || row.transport == "repository" && part(row),
    };
    rows.into_iter().filter(wanted).collect()
}

fn word(requirement: &Requirement) -> &'static str {
    match requirement {
        Requirement::AcceptAnything => "accept",
        Requirement::Reject => "reject",
        Requirement::SignedBy(_) => "signed",
        Requirement::SigstoreSigned(_) => "sigstoreSigned",
        Requirement::Unsupported(_) => "unknown",
    }
}

fn owners(keys: &Keys, warnings: &mut Vec<String>) -> String {
    let mut found = Vec::new();
    let mut add = |key: crate::error::Result<Vec<u8>>| match key.and_then(|key| gpg::owners(&key)) {
        Ok(owners) => found.extend(owners),
        Err(e) => warnings.push(e.to_string()),
    };
    match keys {
        Keys::Data(data) => data.iter().for_each(|key| add(Ok(key.clone()))),
        Keys::Paths(paths) => paths.iter().for_each(|path| add(read_key(std::path::Path::new(path)))),
    }
    found.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_applies_to_a_registry() {
        let policy = Policy::parse(
            br#"{"default":[{"type":"reject"}],"transports":{
                "docker":{"quay.io":[{"type":"reject"}],"quay.io/a":[{"type":"insecureAcceptAnything"}],
                    "*.example.com":[{"type":"insecureAcceptAnything"}]},
                "dir":{"":[{"type":"insecureAcceptAnything"}]}}}"#,
        )
        .unwrap();
        let (rows, warnings) = rows(&policy, &RegistriesD::default());
        assert!(warnings.is_empty());
        assert_eq!(rows.len(), 5);
        let names = |registry: &str| -> Vec<String> {
            about(rows.clone(), &policy, registry).into_iter().map(|row| row.name).collect()
        };
        assert_eq!(names("quay.io"), ["quay.io", "quay.io/a"]);
        assert_eq!(names("quay.io/a"), ["quay.io/a"]);
        assert_eq!(names("quay.io/a/b:1"), ["quay.io/a"]);
        assert_eq!(names("r.example.com"), ["*.example.com"]);
        assert_eq!(names("docker.io"), ["* (default)"]);
    }
}
