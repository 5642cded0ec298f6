//! `secret ls` and `secret inspect`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pattern;
use crate::bail;
use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::table::Table;
use crate::cli::format::template::{self, Empty, Schema};
use crate::cli::format::{Format, time, units};
use crate::error::{Error, Result};
use crate::secret::{Plain, Secret};

const LIST: Schema = Schema {
    command: "ls",
    type_name: "*types.SecretListReport",
    free_maps: &[],
    aliases: &[],
    omitted: &[],
    headings: &[("CreatedAt", "CREATED"), ("UpdatedAt", "UPDATED")],
};

const INSPECT: Schema = Schema {
    command: "inspect",
    type_name: "*types.SecretInfoReport",
    free_maps: &["Labels", "Options"],
    aliases: &[],
    omitted: &[("", "SecretData", Empty::Text)],
    headings: &[],
};

/// What `secret ls` is to show, and how.
#[derive(Debug, Default)]
pub struct Listing {
    /// `name=REGEX`, `id=ID`.
    pub filters: Vec<String>,
    pub format: Option<String>,
    pub no_heading: bool,
    pub quiet: bool,
}

/// The list of secrets.
///
/// # Errors
/// A filter or the template is wrong.
pub fn list(secrets: &[Secret], listing: &Listing, now: Timestamp) -> Result<String> {
    let mut names = Vec::new();
    let mut ids = Vec::new();
    for filter in &listing.filters {
        match filter.split_once('=') {
            Some(("name", value)) => names.push(value),
            Some(("id", value)) => ids.push(value),
            Some((key, _)) => bail!("invalid filter \"{key}\""),
            None => bail!("filter input must be in the form of filter=value: {filter} is invalid"),
        }
    }
    let mut shown = Vec::new();
    for secret in secrets {
        let mut by_name = names.is_empty();
        for expression in &names {
            let matches = pattern::regex(expression, &secret.name);
            by_name |= matches.ok_or_else(|| Error::new(format!("invalid regular expression \"{expression}\"")))?;
        }
        if by_name && (ids.is_empty() || ids.iter().any(|id| secret.id.starts_with(id))) {
            shown.push(secret);
        }
    }
    let created = |secret: &Secret| [units::ago(secret.created, now), units::ago(secret.updated, now)];
    match listing.format.as_deref().map(Format::parse).transpose()?.flatten() {
        Some(format) => {
            let row = |secret: &&Secret| {
                let [created, updated] = created(secret);
                json!({"ID": secret.id, "Name": secret.name, "Driver": secret.driver, "CreatedAt": created, "UpdatedAt": updated})
            };
            let rows: Vec<Value> = shown.iter().map(row).collect();
            template::render_list(format, &rows, &LIST, listing.no_heading)
        }
        None if listing.quiet => Ok(shown.iter().map(|secret| format!("{}\n", secret.id)).collect()),
        None => {
            let mut table = Table::new();
            if !listing.no_heading {
                table.row(["ID", "NAME", "DRIVER", "CREATED", "UPDATED"]);
            }
            for secret in shown {
                let [created, updated] = created(secret);
                table.row([secret.id.clone(), secret.name.clone(), secret.driver.clone(), created, updated]);
            }
            table.render()
        }
    }
}

/// Secrets and, where they are to be shown, their values: as JSON or by a template.
///
/// # Errors
/// The template is wrong.
pub fn inspect(secrets: &[(Secret, Option<Plain>)], format: Option<&str>) -> Result<String> {
    let object = |(secret, value): &(Secret, Option<Plain>)| {
        let mut object = json!({
            "ID": secret.id,
            "CreatedAt": secret.created.to_string(),
            "UpdatedAt": secret.updated.to_string(),
            "Spec": {
                "Name": secret.name,
                "Driver": {"Name": secret.driver, "Options": secret.driver_options},
                "Labels": secret.labels,
            },
        });
        if let (Some(value), Some(object)) = (value, object.as_object_mut()) {
            object.insert("SecretData".to_owned(), String::from_utf8_lossy(value.bytes()).into());
        }
        object
    };
    let mut objects: Vec<Value> = secrets.iter().map(object).collect();
    let format = format.map(Format::parse).transpose()?.flatten();
    match format {
        None | Some(Format::Json) => go_json::pretty(&Value::Array(objects), Shape::Four),
        Some(format) if objects.is_empty() => {
            // Still to be checked.
            template::render_list(format, &[], &INSPECT, true)
        }
        Some(format) => {
            for (object, (secret, _)) in objects.iter_mut().zip(secrets) {
                // As Go shows an instant.
                for (key, when) in [("CreatedAt", secret.created), ("UpdatedAt", secret.updated)] {
                    if let Some(field) = object.get_mut(key) {
                        *field = time::go_string_utc(when).into();
                    }
                }
            }
            template::render_list(format, &objects, &INSPECT, false)
        }
    }
}

/// The value that is all there is to show, where it is no text.
pub fn only_value<'a>(secrets: &'a [(Secret, Option<Plain>)], format: Option<&str>) -> Option<&'a Plain> {
    let inner = format?.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    match secrets {
        [(_, Some(value))] if inner.trim() == ".SecretData" && str::from_utf8(value.bytes()).is_err() => Some(value),
        _ => None,
    }
}

/// Secrets in a form for people, without their values.
pub fn pretty(secrets: &[(Secret, Option<Plain>)]) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: &str| text.push_str(&format!("{key:<19}{value}\n"));
    for (secret, _) in secrets {
        line("ID:", &secret.id);
        line("Name:", &secret.name);
        if !secret.labels.is_empty() {
            line("Labels:", "");
        }
        for (key, value) in &secret.labels {
            let separator = if value.is_empty() { "" } else { "=" };
            line(&format!(" - {key}{separator}{value}"), "");
        }
        line("Driver:", &secret.driver);
        line("Created at:", &time::go_string_utc(secret.created));
        line("Updated at:", &time::go_string_utc(secret.updated));
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Vec<Secret> {
        let when: Timestamp = "2026-11-22T01:13:19.504889698Z".parse().unwrap();
        let secret = |id: &str, name: &str| Secret {
            id: id.to_owned(),
            name: name.to_owned(),
            created: when,
            updated: when,
            driver: "file".to_owned(),
            driver_options: [(
                "path".to_owned(),
                "/home/dev/.local/share/containers/storage/secrets/filedriver".to_owned(),
            )]
            .into(),
            ..Secret::default()
        };
        let mut labelled = secret("ab4c057623385a950b13c7958", "other");
        labelled.labels = [("a".to_owned(), "b".to_owned()), ("c".to_owned(), String::new())].into();
        vec![secret("434c057623385a950b13c7958", "mysec"), labelled]
    }

    fn listed(listing: &Listing) -> Result<String> {
        let now = "2026-11-22T01:13:21.6Z".parse().unwrap();
        list(&secrets(), listing, now)
    }

    #[test]
    fn lists_in_the_shape_of_the_sample() {
        let sample = include_str!("../../../tests/data/samples/secret-ls.txt");
        let one = Listing { filters: vec!["name=^my".to_owned()], ..Listing::default() };
        assert_eq!(listed(&one).unwrap(), sample);
        let filtered = |filters: &[&str]| {
            let filters = filters.iter().map(|f| (*f).to_owned()).collect();
            listed(&Listing { filters, quiet: true, ..Listing::default() })
                .map(|text| text.lines().count())
                .map_err(|e| e.to_string())
        };
        for (filters, want) in [
            (&[][..], Ok(2)),
            (&["name=e"], Ok(2)),
            (&["name=x", "name=other"], Ok(1)),
            (&["id=43"], Ok(1)),
            (&["id=43", "name=other"], Ok(0)),
            (&["name"], Err("filter input must be in the form of filter=value: name is invalid".to_owned())),
            (&["foo=x"], Err("invalid filter \"foo\"".to_owned())),
        ] {
            assert_eq!(filtered(filters), want, "{filters:?}");
        }
        assert!(filtered(&["name=("]).is_err());
        let format =
            |format: &str, no_heading| listed(&Listing { format: Some(format.to_owned()), no_heading, ..one_only() });
        assert_eq!(format("{{.Name}} {{.Driver}} {{.CreatedAt}}", false).unwrap(), "mysec file 2 seconds ago\n");
        assert_eq!(format("table {{.Name}}", true).unwrap(), "mysec\n");
        assert_eq!(
            format("table {{.Name}}\t{{.UpdatedAt}}", false).unwrap().lines().next().unwrap().trim_end(),
            "NAME        UPDATED"
        );
        assert!(format("{{.Spec.Name}}", false).unwrap_err().to_string().contains("can't evaluate field Spec"));
        assert_eq!(serde_json::from_str::<Value>(&format("json", false).unwrap()).unwrap()[0]["Name"], "mysec");
    }

    fn one_only() -> Listing {
        Listing { filters: vec!["id=43".to_owned()], ..Listing::default() }
    }

    #[test]
    fn inspects_in_the_shape_of_the_sample() {
        let all: Vec<_> = secrets().into_iter().map(|secret| (secret, None)).collect();
        let sample = include_str!("../../../tests/data/samples/secret-inspect.json");
        assert_eq!(inspect(&all[..1], None).unwrap(), sample);
        assert_eq!(inspect(&[], None).unwrap(), "[]\n");
        let shown = [(secrets().remove(0), Some(Plain::new(b"hunter2".to_vec())))];
        assert!(inspect(&shown, None).unwrap().contains(r#""SecretData": "hunter2""#));
        let format = "{{.Spec.Name}} {{.SecretData}}|{{.CreatedAt}}|{{.Spec.Labels.a}}";
        let want = "mysec |2026-11-22 01:13:19.504889698 +0000 UTC|<no value>\nother |2026-11-22 01:13:19.504889698 +0000 UTC|b\n";
        assert_eq!(inspect(&all, Some(format)).unwrap(), want);
        assert_eq!(inspect(&shown, Some("{{.SecretData}}")).unwrap(), "hunter2\n");
        assert!(!pretty(&shown).contains("hunter2"));
        let lines = pretty(&all[1..]);
        assert!(lines.starts_with("ID:                ab4c057623385a950b13c7958\nName:              other\nLabels:\n - a=b\n - c\nDriver:            file\n"), "{lines}");
    }
}
