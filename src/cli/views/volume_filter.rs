//! `--filter` of `volume ls` and `volume prune`.

use jiff::Timestamp;

use super::container_filter::label_matches;
use super::filters::Groups;
use super::pattern;
use crate::bail;
use crate::cli::format::time;
use crate::error::{Error, Result};
use crate::volume::store::no_such;
use crate::volume::{Options, Users, Volume};

#[derive(Debug, Clone)]
enum Condition {
    Anonymous(bool),
    Dangling(bool),
    Driver(String),
    Label(String),
    Name(String),
    Opt(String),
    Scope(String),
    CreatedBefore(Timestamp),
    CreatedAfter(Timestamp),
}

/// All filters of one command line.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    groups: Groups<Condition>,
}

impl Filters {
    /// Reads filters of the form `key=value`. `all` is where `since` looks for volumes.
    ///
    /// # Errors
    /// When a key is unknown or a value makes no sense.
    pub fn parse(texts: &[String], all: &[Volume], now: Timestamp) -> Result<Self> {
        Ok(Filters { groups: Groups::parse(texts, |key, value| condition(key, value, all, now))? })
    }

    /// Whether a volume is meant. `users` are the containers that use volumes.
    pub fn matches(&self, volume: &Volume, users: &Users) -> bool {
        self.groups.matches(|condition| condition.matches(volume, users))
    }
}

fn condition(key: &str, value: &str, all: &[Volume], now: Timestamp) -> Result<Condition> {
    let owned = value.to_owned();
    let truth = || match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::new(format!(
            "\"{value}\" is not a valid value for the \"{key}\" filter - must be true or false"
        ))),
    };
    Ok(match key {
        "anonymous" => Condition::Anonymous(truth()?),
        "dangling" => Condition::Dangling(truth()?),
        "driver" => Condition::Driver(owned),
        "label" | "label!" => Condition::Label(owned),
        "name" => {
            if pattern::regex(value, "").is_none() {
                bail!("reading filter `{key}={value}`: malformed regular expression");
            }
            Condition::Name(owned)
        }
        "opt" => Condition::Opt(owned),
        "scope" => Condition::Scope(owned),
        "until" => Condition::CreatedBefore(time::parse_instant(value, now)?),
        "since" | "after" => match all.iter().find(|volume| volume.record.name == value) {
            Some(volume) => Condition::CreatedAfter(volume.record.created),
            None => return Err(no_such(value)),
        },
        _ => bail!("\"{key}\" is an invalid volume filter"),
    })
}

impl Condition {
    fn matches(&self, volume: &Volume, users: &Users) -> bool {
        let record = &volume.record;
        match self {
            Condition::Anonymous(wanted) => record.anonymous == *wanted,
            Condition::Dangling(wanted) => users.contains_key(&record.name) != *wanted,
            Condition::Driver(driver) => driver == "local",
            Condition::Label(label) => label_matches(label, &record.labels),
            Condition::Name(name) => pattern::regex(name, &record.name).unwrap_or(false),
            Condition::Opt(opt) => {
                let (key, value) = opt.split_once('=').map_or((opt.as_str(), None), |(k, v)| (k, Some(v)));
                let shown = Options::shown(&record.options);
                shown.get(key).is_some_and(|found| value.is_none_or(|value| value == found))
            }
            Condition::Scope(scope) => scope == "local",
            Condition::CreatedBefore(then) => record.created < *then,
            Condition::CreatedAfter(then) => record.created > *then,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Record;

    fn volumes() -> Vec<Volume> {
        let one = |name: &str, second, label: Option<&str>, options: &[(&str, &str)]| {
            let pair = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
            let record = Record {
                name: name.to_owned(),
                created: Timestamp::from_second(second).unwrap(),
                labels: label.iter().map(|label| ((*label).to_owned(), "x".to_owned())).collect(),
                options: options.iter().map(pair).collect(),
                anonymous: name == "anon",
                ..Record::default()
            };
            Volume { record, dir: name.into() }
        };
        vec![
            one("db", 1000, Some("tier"), &[]),
            one("cache", 2000, None, &[("type", "tmpfs"), ("o", "size=1m")]),
            one("anon", 3000, Some("tier"), &[]),
        ]
    }

    #[test]
    fn what_filters_choose() {
        let all = volumes();
        let users = Users::from([("db".to_owned(), vec!["c".to_owned()])]);
        let now = Timestamp::from_second(4000).unwrap();
        for (filters, want) in [
            (&["dangling=true"][..], "cache anon"),
            (&["dangling=false"], "db"),
            (&["name=^c"], "cache"),
            (&["name=db", "name=anon"], "db anon"),
            (&["label=tier", "dangling=1"], "anon"),
            (&["label=tier=x", "label=tier=y"], ""),
            (&["label!=tier"], "cache"),
            (&["opt=type"], "cache"),
            (&["opt=SIZE=1m"], "cache"),
            (&["opt=type=none"], ""),
            (&["driver=local", "scope=local"], "db cache anon"),
            (&["driver=other"], ""),
            (&["since=db"], "cache anon"),
            (&["after=cache"], "anon"),
            (&["until=1500"], "db"),
            (&["anonymous=true"], "anon"),
        ] {
            let texts: Vec<String> = filters.iter().map(|text| (*text).to_owned()).collect();
            let parsed = Filters::parse(&texts, &all, now).unwrap();
            let found: Vec<&str> =
                all.iter().filter(|v| parsed.matches(v, &users)).map(|v| v.record.name.as_str()).collect();
            assert_eq!(found.join(" "), want, "{filters:?}");
        }
        for (text, part) in [
            ("nosuch=1", "\"nosuch\" is an invalid volume filter"),
            ("dangling=x", "\"x\" is not a valid value for the \"dangling\" filter - must be true or false"),
            ("label", "filter input must be in the form of filter=value: label is invalid"),
            ("since=nosuch", "no volume with name \"nosuch\" found"),
            ("until=soon", "soon"),
        ] {
            let error = Filters::parse(&[text.to_owned()], &all, now).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
