//! `--filter` for containers: pure conditions on a record and its state.
//!
//! Different keys must all match. Of several values of one key any one may match, but all labels must.

use jiff::Timestamp;

use super::format::time::parse_instant;
use super::pattern::Pattern;
use crate::bail;
use crate::container::Status;
use crate::container::store::Container;
use crate::error::{Context as _, Error, Result};

/// Parsed filters.
#[derive(Debug, Default)]
pub struct Filters {
    /// One group per key; a container must match every group.
    groups: Vec<(String, Vec<Condition>)>,
}

#[derive(Debug)]
enum Condition {
    Id(Pattern),
    Name(Pattern),
    Command(Pattern),
    Status(Status),
    Label {
        key: String,
        value: Option<String>,
        negated: bool,
    },
    Ancestor {
        text: String,
        name: Pattern,
    },
    Exited(i32),
    CreatedBefore(Timestamp),
    CreatedAfter(Timestamp),
    Network(String),
    RestartPolicy(String),
    Volume {
        path: String,
    },
    /// Pods and the like, of which no container has any.
    Nothing,
}

impl Filters {
    /// Reads `KEY=VALUE` texts. `find` looks up the container that `before` and `since` name.
    pub fn parse(texts: &[String], now: Timestamp, find: impl Fn(&str) -> Result<Container>) -> Result<Self> {
        let mut groups: Vec<(String, Vec<Condition>)> = Vec::new();
        for text in texts {
            let Some((key, value)) = split(text) else {
                return Err(Error::new(format!("invalid filter \"{text}\"")).hint("write it as KEY=VALUE"));
            };
            let condition = condition(key, value, now, &find).with_context(|| format!("reading filter `{text}`"))?;
            match groups.iter_mut().find(|(known, _)| known == key) {
                Some((_, conditions)) => conditions.push(condition),
                None => groups.push((key.to_owned(), vec![condition])),
            }
        }
        Ok(Filters { groups })
    }

    /// Whether no filter was given.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether some filter asks for states, so that `ps` must not hide the containers that do not run.
    pub fn wants_states(&self) -> bool {
        self.groups.iter().any(|(key, _)| key == "status" || key == "exited")
    }

    /// Whether a container matches all filters.
    pub fn match_all(&self, container: &Container) -> bool {
        self.groups.iter().all(|(key, conditions)| {
            let mut each = conditions.iter().map(|condition| condition.matches(container));
            if key.starts_with("label") { each.all(|matches| matches) } else { each.any(|matches| matches) }
        })
    }
}

/// Key and value. `label!=x` negates.
fn split(text: &str) -> Option<(&str, &str)> {
    text.split_once('=')
}

fn condition(key: &str, value: &str, now: Timestamp, find: impl Fn(&str) -> Result<Container>) -> Result<Condition> {
    Ok(match key {
        "id" => Condition::Id(Pattern::parse(value)?),
        "name" => Condition::Name(Pattern::parse(value)?),
        "command" => Condition::Command(Pattern::parse(value)?),
        "status" => Condition::Status(status(value)?),
        "label" | "label!" => {
            let (key_of, value_of) = match value.split_once('=') {
                Some((key, value)) => (key, Some(value.to_owned())),
                None => (value, None),
            };
            Condition::Label { key: key_of.to_owned(), value: value_of, negated: key == "label!" }
        }
        "ancestor" => Condition::Ancestor { text: value.to_owned(), name: Pattern::parse(value)? },
        "exited" => Condition::Exited(
            value.parse().map_err(|_| Error::new(format!("exited code out of range or not a number: {value}")))?,
        ),
        "before" => Condition::CreatedBefore(find(value)?.record.created),
        "since" => Condition::CreatedAfter(find(value)?.record.created),
        "until" => Condition::CreatedBefore(parse_instant(value, now)?),
        "network" => Condition::Network(value.to_owned()),
        "restart-policy" => Condition::RestartPolicy(restart_policy(value)?),
        "volume" => Condition::Volume { path: value.to_owned() },
        "pod" => Condition::Nothing,
        "health" => bail!("health checks are not there yet"),
        "should-start-on-boot" => Condition::RestartPolicy(start_on_boot(value)?),
        _ => bail!("{key} is an invalid filter"),
    })
}

fn status(word: &str) -> Result<Status> {
    Ok(match word {
        "created" | "configured" => Status::Created,
        "initialized" => Status::Initialized,
        "running" => Status::Running,
        "paused" => Status::Paused,
        "stopping" => Status::Stopping,
        "exited" | "stopped" => Status::Exited,
        "removing" => Status::Removing,
        _ => bail!("{word} is not a valid status"),
    })
}

fn restart_policy(word: &str) -> Result<String> {
    match word {
        "none" | "no" => Ok("no".to_owned()),
        "on-failure" | "always" | "unless-stopped" => Ok(word.to_owned()),
        _ => bail!("{word} is not a valid restart policy"),
    }
}

/// Containers that start again after a reboot are those of policy `always`.
fn start_on_boot(word: &str) -> Result<String> {
    match word {
        "true" => Ok("always".to_owned()),
        _ => bail!("only should-start-on-boot=true is supported"),
    }
}

impl Condition {
    fn matches(&self, container: &Container) -> bool {
        let (record, state) = (&container.record, &container.state);
        match self {
            Condition::Id(pattern) => pattern.matches(&record.id),
            Condition::Name(pattern) => pattern.matches(&record.name),
            Condition::Command(pattern) => pattern.matches(&record.command.join(" ")),
            Condition::Status(status) => state.status == *status,
            Condition::Label { key, value, negated } => {
                let there = record.labels.get(key).is_some_and(|has| value.as_ref().is_none_or(|want| want == has));
                there != *negated
            }
            Condition::Ancestor { text, name } => is_ancestor(text, name, &record.image_id, &record.image_name),
            Condition::Exited(code) => state.status == Status::Exited && state.exit_code == *code,
            Condition::CreatedBefore(then) => record.created < *then,
            Condition::CreatedAfter(then) => record.created > *then,
            Condition::Network(mode) => record.network.split(':').next() == Some(mode),
            Condition::RestartPolicy(name) => {
                let has = if record.restart.name.is_empty() { "no" } else { &record.restart.name };
                has == name
            }
            Condition::Volume { path } => record.mounts.iter().any(|mount| {
                mount.name == *path || mount.source.to_str() == Some(path) || mount.destination.to_str() == Some(path)
            }),
            Condition::Nothing => false,
        }
    }
}

/// By ID (or its beginning), by name with tag, or by name without tag where the tag is `latest`.
fn is_ancestor(text: &str, pattern: &Pattern, id: &str, name: &str) -> bool {
    let id_typed = text.strip_prefix("sha256:").unwrap_or(text);
    if crate::storage::id::is_hex(id_typed) && id_typed.len() >= 3 && id.starts_with(id_typed) {
        return true;
    }
    let without_tag = name.strip_suffix(":latest").unwrap_or(name);
    pattern.matches(name) || pattern.matches(without_tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::record::{MountPoint, RestartPolicy};
    use crate::container::{Record, State};

    fn container() -> Container {
        let record = Record {
            id: "ab".repeat(32),
            name: "web-1".to_owned(),
            created: Timestamp::from_second(2000).unwrap(),
            image_name: "localhost/busybox:latest".to_owned(),
            image_id: "cd".repeat(32),
            command: vec!["sleep".to_owned(), "100".to_owned()],
            labels: [("app".to_owned(), "shop".to_owned()), ("tier".to_owned(), String::new())].into(),
            network: "slirp4netns:mtu=1500".to_owned(),
            restart: RestartPolicy { name: "always".to_owned(), max_retries: 0 },
            mounts: vec![MountPoint { source: "/srv".into(), destination: "/data".into(), ..MountPoint::default() }],
            ..Record::default()
        };
        Container { record, state: State { status: Status::Exited, exit_code: 3, ..State::default() } }
    }

    fn other(name: &str) -> Result<Container> {
        let seconds = match name {
            "older" => 1000,
            "newer" => 3000,
            _ => bail!("no such container"),
        };
        let record = Record { created: Timestamp::from_second(seconds).unwrap(), ..Record::default() };
        Ok(Container { record, state: State::default() })
    }

    #[test]
    fn filters() {
        let cases: &[(&[&str], bool)] = &[
            (&[], true),
            (&["id=abab"], true),
            (&["id=cdcd"], false),
            (&["name=web"], true),
            (&["name=^web$"], false),
            (&["name=^web-.$"], true),
            (&["name=nosuch", "name=web"], true),
            (&["name=web", "status=running"], false),
            (&["status=exited"], true),
            (&["status=stopped", "status=running"], true),
            (&["label=app"], true),
            (&["label=app=shop"], true),
            (&["label=app=other"], false),
            (&["label=app", "label=nosuch"], false),
            (&["label!=app"], false),
            (&["label!=nosuch"], true),
            (&["ancestor=busybox"], true),
            (&["ancestor=localhost/busybox:latest"], true),
            (&["ancestor=cdcdcd"], true),
            (&["ancestor=alpine"], false),
            (&["exited=3"], true),
            (&["exited=0"], false),
            (&["before=newer"], true),
            (&["before=older"], false),
            (&["since=older"], true),
            (&["since=newer"], false),
            (&["until=1h"], true),
            (&["until=1500"], false),
            (&["network=slirp4netns"], true),
            (&["network=none"], false),
            (&["restart-policy=always"], true),
            (&["restart-policy=none"], false),
            (&["volume=/data"], true),
            (&["volume=/srv"], true),
            (&["volume=/dat"], false),
            (&["command=sleep"], true),
            (&["pod=x"], false),
        ];
        for (texts, want) in cases {
            let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
            let filters = Filters::parse(&texts, Timestamp::now(), other).unwrap();
            assert_eq!(filters.match_all(&container()), *want, "{texts:?}");
        }
    }

    #[test]
    fn bad_filters_are_refused() {
        for text in
            ["name", "nosuch=x", "status=asleep", "exited=x", "before=nosuch", "until=never", "restart-policy=x"]
        {
            assert!(Filters::parse(&[text.to_owned()], Timestamp::now(), other).is_err(), "{text}");
        }
    }
}
