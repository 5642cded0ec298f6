//! `--filter` of commands that choose containers.

use jiff::Timestamp;

use super::filters::Groups;
use super::pattern;
use crate::bail;
use crate::cli::format::time;
use crate::container::Status;
use crate::container::store::Container;
use crate::error::{Error, Result};
use crate::storage::id::is_hex;

/// One condition, its value understood.
#[derive(Debug, Clone)]
enum Condition {
    Id(String),
    Name(String),
    Label(String),
    ExitCode(i32),
    Status(&'static str),
    Ancestor(String),
    CreatedBefore(Timestamp),
    CreatedAfter(Timestamp),
    Volume(String),
    Health(String),
    Network(String),
    RestartPolicy(String),
    Command(String),
    StartsOnBoot(bool),
}

/// All filters of one command line.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    groups: Groups<Condition>,
}

impl Filters {
    /// Reads filters of the form `key=value` or `key!=value`. `all` is where `before` and `since` look for containers.
    ///
    /// # Errors
    /// When a key is unknown or a value makes no sense.
    pub fn parse(texts: &[String], all: &[Container], now: Timestamp) -> Result<Self> {
        let mut groups = Groups::default();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else { bail!("invalid filter \"{text}\": write key=value") };
            groups.add(key, condition(key.trim_end_matches('!'), value, all, now)?);
        }
        Ok(Filters { groups })
    }

    /// Whether a state is asked for, so that not only running containers are meant.
    pub fn names_a_state(&self) -> bool {
        self.groups.has("status")
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether a container is meant.
    pub fn matches(&self, container: &Container) -> bool {
        self.groups.matches(|condition| condition.matches(container))
    }
}

fn condition(key: &str, value: &str, all: &[Container], now: Timestamp) -> Result<Condition> {
    let owned = value.to_owned();
    Ok(match key {
        "id" => Condition::Id(owned),
        "name" => Condition::Name(checked_regex(key, value)?),
        "label" => Condition::Label(owned),
        "exited" => match value.parse() {
            Ok(code) => Condition::ExitCode(code),
            Err(_) => bail!("exited code out of range \"{value}\": it is not a number"),
        },
        "status" => Condition::Status(status(value)?),
        "ancestor" => Condition::Ancestor(owned),
        "before" => Condition::CreatedBefore(find(value, all)?.record.created),
        "since" => Condition::CreatedAfter(find(value, all)?.record.created),
        "until" => Condition::CreatedBefore(time::parse_instant(value, now)?),
        "volume" => Condition::Volume(owned),
        "health" if ["starting", "healthy", "unhealthy", "none"].contains(&value) => Condition::Health(owned),
        "health" => bail!("\"{value}\" is not a health status: starting, healthy, unhealthy or none"),
        "network" => Condition::Network(owned),
        "restart-policy" => Condition::RestartPolicy(owned),
        "command" => Condition::Command(owned),
        "should-start-on-boot" => match value {
            "true" | "1" => Condition::StartsOnBoot(true),
            "false" | "0" => Condition::StartsOnBoot(false),
            _ => bail!("should-start-on-boot is true or false, not \"{value}\""),
        },
        "pod" => bail!("pods are not supported yet, so that nothing can be filtered by `pod`"),
        _ => bail!("{key} is an invalid filter"),
    })
}

fn checked_regex(key: &str, value: &str) -> Result<String> {
    match pattern::regex(value, "") {
        Some(_) => Ok(value.to_owned()),
        None => Err(Error::new(format!("reading filter `{key}={value}`: malformed regular expression"))),
    }
}

fn status(value: &str) -> Result<&'static str> {
    const STATES: [&str; 8] =
        ["created", "initialized", "running", "paused", "stopping", "exited", "removing", "restarting"];
    match STATES.into_iter().find(|state| *state == value) {
        Some(state) => Ok(state),
        None if value == "stopped" => Ok("exited"),
        None if value == "configured" => Ok("created"),
        None => Err(Error::new(format!("\"{value}\" is not a valid container state"))
            .hint(format!("choose from: {}", STATES.join(", ")))),
    }
}

fn find<'a>(name_or_id: &str, all: &'a [Container]) -> Result<&'a Container> {
    let by_name = all.iter().find(|c| c.record.name == name_or_id);
    let by_id = || all.iter().find(|c| !name_or_id.is_empty() && c.record.id.starts_with(name_or_id));
    by_name.or_else(by_id).ok_or_else(|| {
        Error::of(
            crate::error::Kind::NoSuch,
            format!("no container with name or ID \"{name_or_id}\" found: no such container"),
        )
    })
}

impl Condition {
    fn matches(&self, container: &Container) -> bool {
        let Container { record, state, .. } = container;
        match self {
            Condition::Id(id) if is_hex(id) => record.id.starts_with(id.as_str()),
            Condition::Id(id) => pattern::regex(id, &record.id).unwrap_or(false),
            Condition::Name(expression) => pattern::regex(expression, &record.name).unwrap_or(false),
            Condition::Label(label) => label_matches(label, &record.labels),
            Condition::ExitCode(code) => state.status == Status::Exited && state.exit_code == *code,
            Condition::Status(status) => state.status.as_str() == *status,
            Condition::Ancestor(image) => is_ancestor(image, &record.image_name, &record.image_id),
            Condition::CreatedBefore(then) => record.created < *then,
            Condition::CreatedAfter(then) => record.created > *then,
            Condition::Volume(volume) => record.mounts.iter().any(|mount| {
                let (source, destination) = volume.split_once(':').unwrap_or((volume, ""));
                let is = |path: &std::path::Path, text: &str| path == std::path::Path::new(text);
                let source_matches = mount.name == source || is(&mount.source, source);
                if destination.is_empty() {
                    source_matches || is(&mount.destination, source)
                } else {
                    source_matches && is(&mount.destination, destination)
                }
            }),
            // No health check has ever run.
            Condition::Health(health) => health == "none",
            Condition::Network(network) => {
                record.networks.contains(network)
                    || (record.networks.is_empty() && record.network.split(':').next() == Some(network))
            }
            Condition::RestartPolicy(policy) => *policy == policy_name(&record.restart.name),
            Condition::Command(command) => record.cmd.first() == Some(command),
            Condition::StartsOnBoot(wanted) => {
                let policy = policy_name(&record.restart.name);
                (policy == "always" || (policy == "unless-stopped" && !state.stopped_by_user)) == *wanted
            }
        }
    }
}

fn policy_name(name: &str) -> &str {
    if name.is_empty() { "no" } else { name }
}

/// Whether `labels` have this label: `key` with any value, or `key=value`; both may be globs.
pub fn label_matches(label: &str, labels: &std::collections::BTreeMap<String, String>) -> bool {
    let (key, value) = match label.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (label, None),
    };
    let same = |wanted: &str, found: &str| wanted == found || pattern::glob(wanted, found);
    labels.iter().any(|(k, v)| same(key, k) && value.is_none_or(|value| same(value, v)))
}

/// Whether an image is meant by its ID, its full name, or the end of its name; without a tag `latest` is meant.
fn is_ancestor(wanted: &str, name: &str, id: &str) -> bool {
    if wanted.is_empty() {
        return false;
    }
    let wanted_id = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    if is_hex(wanted_id) && id.starts_with(wanted_id) {
        return true;
    }
    let ends_with =
        |name: &str| name == wanted || name.strip_suffix(wanted).is_some_and(|before| before.ends_with('/'));
    ends_with(name) || name.strip_suffix(":latest").is_some_and(ends_with)
}
