//! `--filter` of `network ls` and `network prune`.

use jiff::Timestamp;

use super::container_filter::label_matches;
use super::filters::Groups;
use super::pattern;
use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::format::time;
use crate::error::Result;
use crate::network::config::Network;

#[derive(Debug, Clone)]
enum Condition {
    Dangling(bool),
    Driver(String),
    Id(String),
    Label(String),
    Name(String),
    CreatedBefore(Timestamp),
}

/// All filters of one command line.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    groups: Groups<Condition>,
}

impl Filters {
    /// Reads filters of the form `key=value`; without `all` only those of `prune`.
    ///
    /// # Errors
    /// When a key is unknown or a value makes no sense.
    pub fn parse(texts: &[String], all: bool, now: Timestamp) -> Result<Self> {
        Ok(Filters { groups: Groups::parse(texts, |key, value| condition(key, value, all, now))? })
    }

    /// Whether it matters which networks are used.
    pub fn ask_for_users(&self) -> bool {
        self.groups.has("dangling")
    }

    /// Whether a network is meant. The default network counts as used.
    pub fn matches(&self, network: &Network, in_use: bool) -> bool {
        self.groups.matches(|condition| condition.matches(network, in_use))
    }
}

fn condition(key: &str, value: &str, all: bool, now: Timestamp) -> Result<Condition> {
    let owned = value.to_owned();
    let expression = || match pattern::regex(value, "") {
        Some(_) => Ok(value.to_owned()),
        None => bail!("reading filter `{key}={value}`: malformed regular expression"),
    };
    Ok(match key {
        "label" | "label!" => Condition::Label(owned),
        "until" => Condition::CreatedBefore(time::parse_instant(value, now)?),
        _ if !all => bail!("invalid filter {key:?}"),
        "dangling" => match value.parse() {
            Ok(GoBool(wanted)) => Condition::Dangling(wanted),
            Err(_) => bail!("invalid dangling filter value \"{value}\""),
        },
        "driver" => Condition::Driver(owned),
        "id" => Condition::Id(expression()?),
        "name" => Condition::Name(expression()?),
        _ => bail!("invalid filter {key:?}"),
    })
}

impl Condition {
    fn matches(&self, network: &Network, in_use: bool) -> bool {
        match self {
            Condition::Dangling(wanted) => in_use != *wanted,
            Condition::Driver(driver) => network.driver == *driver,
            Condition::Id(id) => network.id == *id || pattern::regex(&format!("^{id}"), &network.id).unwrap_or(false),
            Condition::Label(label) => label_matches(label, &network.labels),
            Condition::Name(name) => pattern::regex(name, &network.name).unwrap_or(false),
            Condition::CreatedBefore(then) => network.created < *then,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::config::DEFAULT_SUBNET;

    #[test]
    fn what_filters_choose() {
        let one = |name: &str, second, label: Option<&str>| Network {
            id: format!("{name}0").repeat(8),
            created: Timestamp::from_second(second).unwrap(),
            labels: label.iter().map(|label| ((*label).to_owned(), "x".to_owned())).collect(),
            ..Network::default_network(name, DEFAULT_SUBNET)
        };
        let all = [one("db", 1000, Some("tier")), one("cafe", 2000, None), one("abc", 3000, Some("tier"))];
        let now = Timestamp::from_second(4000).unwrap();
        for (filters, want) in [
            (&["dangling=true"][..], "cafe abc"),
            (&["dangling=false"], "db"),
            (&["name=^c"], "cafe"),
            (&["name=db", "name=abc"], "db abc"),
            (&["id=db0db"], "db"),
            (&["id=b0"], ""),
            (&["label=tier", "dangling=1"], "abc"),
            (&["label=tier=x", "label=tier=y"], ""),
            (&["label!=tier"], "cafe"),
            (&["driver=bridge"], "db cafe abc"),
            (&["driver=other"], ""),
            (&["until=1500"], "db"),
        ] {
            let texts: Vec<String> = filters.iter().map(|text| (*text).to_owned()).collect();
            let parsed = Filters::parse(&texts, true, now).unwrap();
            let found: Vec<&str> =
                all.iter().filter(|n| parsed.matches(n, n.name == "db")).map(|n| n.name.as_str()).collect();
            assert_eq!(found.join(" "), want, "{filters:?}");
        }
        for (text, all, part) in [
            ("nosuch=1", true, "invalid filter \"nosuch\""),
            ("name=x", false, "invalid filter \"name\""),
            ("dangling=x", true, "invalid dangling filter value \"x\""),
            ("label", true, "filter input must be in the form of filter=value: label is invalid"),
            ("until=soon", true, "soon"),
        ] {
            let error = Filters::parse(&[text.to_owned()], all, now).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
