//! One container as a line of `ps`: the words for its state, and its object for JSON and for templates.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::ports;
use crate::cli::format::{short_id, time, units};
use crate::container::store::Container;
use crate::container::{State, Status};

/// Bytes that a container takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// What it has written itself.
    pub rw: u64,
    /// Image and writable layer together.
    pub root_fs: u64,
}

/// The identifiers of a container's namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    pub mnt: String,
    pub cgroup: String,
    pub ipc: String,
    pub net: String,
    pub pid: String,
    pub uts: String,
    pub user: String,
}

impl Namespaces {
    /// Reads them for a process. What cannot be read is empty.
    pub fn of(pid: i32) -> Self {
        let read = |name: &str| {
            let link = std::fs::read_link(format!("/proc/{pid}/ns/{name}")).unwrap_or_default();
            let link = link.to_string_lossy();
            link.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']')).unwrap_or_default().to_owned()
        };
        if pid <= 0 {
            return Self::default();
        }
        Namespaces {
            mnt: read("mnt"),
            cgroup: read("cgroup"),
            ipc: read("ipc"),
            net: read("net"),
            pid: read("pid"),
            uts: read("uts"),
            user: read("user"),
        }
    }

    fn json(&self) -> Value {
        let pairs = [
            ("Mnt", &self.mnt),
            ("Cgroup", &self.cgroup),
            ("Ipc", &self.ipc),
            ("Net", &self.net),
            ("Pidns", &self.pid),
            ("Uts", &self.uts),
            ("User", &self.user),
        ];
        let present = pairs.into_iter().filter(|(_, id)| !id.is_empty());
        Value::Object(present.map(|(name, id)| (name.to_owned(), Value::String(id.clone()))).collect())
    }
}

/// A container with what is needed to show it.
#[derive(Debug, Clone)]
pub struct Row {
    pub container: Container,
    pub namespaces: Option<Namespaces>,
    pub size: Option<Size>,
}

/// The status in words: `Up 2 seconds`, `Exited (0) 3 minutes ago`, `Created`, `Paused`.
pub fn status(state: &State, now: Timestamp) -> String {
    // Where the time of a start or end is not known, there is nothing to say about how long ago it was.
    match (state.status, state.started_at, state.finished_at) {
        (Status::Running, Some(started), _) => format!("Up {}", units::since(started, now)),
        (Status::Running, None, _) => "Up".to_owned(),
        (Status::Exited, _, Some(finished)) => {
            format!("Exited ({}) {}", state.exit_code, units::ago(finished, now))
        }
        (Status::Exited, _, None) => format!("Exited ({})", state.exit_code),
        (other, ..) => {
            let word = other.as_str();
            let (first, rest) = word.split_at(1);
            format!("{}{rest}", first.to_ascii_uppercase())
        }
    }
}

impl Row {
    pub fn id(&self, no_trunc: bool) -> &str {
        let id = &self.container.record.id;
        if no_trunc { id } else { short_id(id) }
    }

    fn image_id(&self, no_trunc: bool) -> &str {
        let id = &self.container.record.image_id;
        if no_trunc { id } else { short_id(id) }
    }

    /// The command without the entrypoint, cut after 17 characters.
    pub fn command(&self, no_trunc: bool) -> String {
        let command = self.container.record.cmd.join(" ");
        match command.char_indices().nth(17) {
            Some((end, _)) if !no_trunc => format!("{}...", command.get(..end).unwrap_or_default()),
            _ => command,
        }
    }

    pub fn created_human(&self, now: Timestamp) -> String {
        units::ago(self.container.record.created, now)
    }

    pub fn status(&self, now: Timestamp) -> String {
        status(&self.container.state, now)
    }

    pub fn ports(&self) -> String {
        ports::summary(&self.container.record.ports, &self.container.record.exposed_ports)
    }

    /// `2.5kB (virtual 13.5MB)`.
    pub fn size_words(&self) -> String {
        self.size.map_or_else(String::new, |size| {
            format!("{} (virtual {})", units::human_size(size.rw), units::human_size(size.root_fs))
        })
    }

    fn mounts(&self) -> Vec<String> {
        let record = &self.container.record;
        let destinations = record.mounts.iter().map(|m| m.destination.to_string_lossy().into_owned());
        record.tmpfs.keys().cloned().chain(destinations).collect()
    }

    fn exposed_ports(&self) -> Value {
        let mut exposed: Map<String, Value> = Map::new();
        for (port, protocol) in self.container.record.exposed_ports.iter().filter_map(|p| ports::parse_exposed(p)) {
            let protocols = exposed.entry(port.to_string()).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(protocols) = protocols {
                protocols.push(Value::String(protocol.to_owned()));
            }
        }
        if exposed.is_empty() { Value::Null } else { Value::Object(exposed) }
    }

    /// The object of `--format json`.
    pub fn json(&self, now: Timestamp) -> Value {
        let Container { record, state, .. } = &self.container;
        let null_if_empty = |value: Value, empty: bool| if empty { Value::Null } else { value };
        let published: Vec<Value> = record
            .ports
            .iter()
            .map(|p| {
                json!({
                    "host_ip": p.host_ip, "container_port": p.container_port, "host_port": p.host_port,
                    "range": p.range.max(1), "protocol": p.protocol,
                })
            })
            .collect();
        json!({
            "AutoRemove": record.auto_remove,
            "Command": null_if_empty(json!(record.cmd), record.cmd.is_empty()),
            "CreatedAt": self.created_human(now),
            "CIDFile": record.cid_file.as_ref().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default(),
            "Exited": state.status == Status::Exited,
            "ExitedAt": time::unix(state.finished_at),
            "ExitCode": state.exit_code,
            "ExposedPorts": self.exposed_ports(),
            "Id": record.id,
            "Image": record.image_name,
            "ImageID": record.image_id,
            "IsInfra": false,
            "Labels": null_if_empty(json!(record.labels), record.labels.is_empty()),
            "Mounts": self.mounts(),
            "Names": [record.name],
            "Namespaces": self.namespaces.as_ref().map_or_else(|| json!({}), Namespaces::json),
            "Networks": record.networks,
            "Pid": state.pid,
            "Pod": "",
            "PodName": "",
            "Ports": null_if_empty(Value::Array(published), record.ports.is_empty()),
            "Restarts": state.restart_count,
            "Size": self.size.map_or(Value::Null, |s| json!({"rootFsSize": s.root_fs, "rwSize": s.rw})),
            "StartedAt": time::unix(state.started_at),
            "State": state.status.as_str(),
            "Status": self.status(now),
            "Created": record.created.as_second(),
        })
    }

    /// The object that templates see: the words of the table under the names of Podman's placeholders.
    pub fn template(&self, now: Timestamp, no_trunc: bool) -> Value {
        let Container { record, state, .. } = &self.container;
        let namespaces = self.namespaces.clone().unwrap_or_default();
        let created = time::go_string(record.created);
        json!({
            "AutoRemove": record.auto_remove,
            "CIDFile": record.cid_file.as_ref().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default(),
            "Command": self.command(no_trunc),
            "Created": created,
            "CreatedAt": created,
            "CreatedHuman": self.created_human(now),
            "ExitCode": state.exit_code,
            "Exited": state.status == Status::Exited,
            "ExitedAt": time::unix(state.finished_at),
            "ExposedPorts": match self.exposed_ports() { Value::Null => json!({}), ports => ports },
            "ID": self.id(no_trunc),
            "Image": record.image_name,
            "ImageID": self.image_id(no_trunc),
            "IsInfra": false,
            "Labels": record.labels,
            "Mounts": self.mounts(),
            "Names": record.name,
            "Networks": record.networks.join(","),
            "Pid": state.pid,
            "Pod": "",
            "PodName": "",
            "Ports": self.ports(),
            "Restarts": state.restart_count.to_string(),
            "RunningFor": self.created_human(now),
            "Size": self.size_words(),
            "StartedAt": time::unix(state.started_at),
            "State": state.status.as_str(),
            "Status": self.status(now),
            "Namespaces": {
                "Cgroup": namespaces.cgroup, "IPC": namespaces.ipc, "MNT": namespaces.mnt, "NET": namespaces.net,
                "PIDNS": namespaces.pid, "User": namespaces.user, "UTS": namespaces.uts,
            },
            "Cgroup": namespaces.cgroup,
            "IPC": namespaces.ipc,
            "MNT": namespaces.mnt,
            "NET": namespaces.net,
            "PIDNS": namespaces.pid,
            "User": namespaces.user,
            "UTS": namespaces.uts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_words() {
        let now: Timestamp = "2026-11-22T01:00:00Z".parse().unwrap();
        let then: Timestamp = "2026-11-22T00:57:00Z".parse().unwrap();
        let cases = [
            (Status::Running, Some(then), None, 0, "Up 3 minutes"),
            (Status::Exited, Some(then), Some(then), 3, "Exited (3) 3 minutes ago"),
            (Status::Exited, Some(then), Some(now), 0, "Exited (0) Less than a second ago"),
            (Status::Exited, None, None, 137, "Exited (137)"),
            (Status::Created, None, None, 0, "Created"),
            (Status::Initialized, None, None, 0, "Initialized"),
            (Status::Paused, Some(then), None, 0, "Paused"),
            (Status::Stopping, Some(then), None, 0, "Stopping"),
            (Status::Removing, Some(then), None, 0, "Removing"),
        ];
        for (word, started_at, finished_at, exit_code, want) in cases {
            let state = State { status: word, started_at, finished_at, exit_code, ..State::default() };
            assert_eq!(status(&state, now), want);
        }
    }

    #[test]
    fn namespaces_of_this_process_are_read() {
        let own = Namespaces::of(std::process::id() as i32);
        assert!(own.mnt.parse::<u64>().is_ok() && own.user.parse::<u64>().is_ok(), "{own:?}");
        assert_eq!(Namespaces::of(0), Namespaces::default());
    }
}
