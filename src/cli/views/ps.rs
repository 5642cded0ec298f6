//! `ps`: which containers, in which order, and as what: a table, IDs, JSON or a template.

use jiff::Timestamp;

use super::container_filter::Filters;
use super::ps_row::{Namespaces, Row, Size};
use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::table::Table;
use crate::cli::format::template::{self, Schema};
use crate::cli::format::{Format, is_json};
use crate::container::Status;
use crate::container::store::Container;
use crate::error::{Error, Result};

/// What templates of `ps` know.
pub const SCHEMA: Schema = Schema {
    command: "ps",
    type_name: "containers.psReporter",
    free_maps: &["Labels", "ExposedPorts"],
    aliases: &[],
    omitted: &[],
    headings: &[
        ("Cgroup", "CGROUPNS"),
        ("CreatedHuman", "CREATED"),
        ("ID", "CONTAINER ID"),
        ("PIDNS", "PIDNS"),
        ("Pod", "POD ID"),
        ("PodName", "PODNAME"),
        ("User", "USERNS"),
    ],
};

/// Which containers `ps` shows.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `--all`: not only running ones.
    pub all: bool,
    /// `--last N`: the N containers created last, in any state.
    pub last: Option<i64>,
    /// `--latest`: the same as `--last 1`.
    pub latest: bool,
    /// `--filter`, each `key=value`.
    pub filters: Vec<String>,
}

/// How `ps` shows them.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub no_trunc: bool,
    pub quiet: bool,
    pub size: bool,
    /// `--ns`.
    pub namespaces: bool,
    pub pod: bool,
    pub no_heading: bool,
    /// `--sort`.
    pub sort: Option<String>,
    /// `--format`.
    pub format: Option<String>,
}

/// The values of `--sort`.
pub const SORT_KEYS: &[&str] = &["command", "created", "id", "image", "names", "runningfor", "size", "status"];

/// Refuses options that contradict each other.
///
/// # Errors
/// Worded as the reference words them.
pub fn check(selection: &Selection, options: &Options) -> Result<()> {
    let complain = |message: &str| Err(Error::new(message));
    if selection.last.is_some_and(|n| n >= 0) && selection.latest {
        return complain("last and latest are mutually exclusive");
    }
    if options.quiet && (options.size || options.namespaces) {
        return complain("quiet conflicts with size and namespace");
    }
    if options.size && options.namespaces {
        return complain("size and namespace options conflict");
    }
    match &options.sort {
        Some(key) if !SORT_KEYS.contains(&key.as_str()) => {
            Err(Error::new(format!("\"{key}\" is not a valid value. Choose from: {}", quoted(SORT_KEYS))))
        }
        _ => Ok(()),
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")
}

/// The containers that are meant, out of all (oldest first).
///
/// # Errors
/// When a filter is malformed or unknown.
pub fn select(all: Vec<Container>, selection: &Selection, now: Timestamp) -> Result<Vec<Container>> {
    let filters = Filters::parse(&selection.filters, &all, now)?;
    let last = if selection.latest { Some(1) } else { selection.last.filter(|n| *n > 0) };
    let any_state = selection.all || last.is_some() || filters.names_a_state();
    let mut chosen = with_shared_ports(all);
    chosen.retain(|c| (any_state || c.state.status == Status::Running) && filters.matches(c));
    if let Some(last) = last {
        let last = usize::try_from(last).unwrap_or(usize::MAX);
        chosen.drain(..chosen.len().saturating_sub(last));
    }
    Ok(chosen)
}

/// A container that shares the network of another is reached by that one's ports.
fn with_shared_ports(mut all: Vec<Container>) -> Vec<Container> {
    for i in 0..all.len() {
        let owner = |of: &Container| of.record.network.strip_prefix("container:").map(str::to_owned);
        let Some(id) = all.get(i).and_then(owner) else { continue };
        let ports = all.iter().find(|other| other.record.id == id).map(|other| other.record.ports.clone());
        if let (Some(ports), Some(guest)) = (ports, all.get_mut(i)) {
            guest.record.ports = ports;
        }
    }
    all
}

/// Shows containers. `size_of` is asked only when sizes are shown.
///
/// # Errors
/// When options contradict each other, the template is wrong, or a size cannot be found.
pub fn render(
    containers: Vec<Container>,
    options: &Options,
    now: Timestamp,
    size_of: &dyn Fn(&Container) -> Result<Size>,
) -> Result<String> {
    let format = options.format.as_deref();
    let needs = |placeholder: &str| format.is_some_and(|f| f.contains(placeholder));
    let with_size = options.size || needs(".Size") || options.sort.as_deref() == Some("size");
    let with_namespaces = options.namespaces
        || [".Namespaces", ".Cgroup", ".IPC", ".MNT", ".NET", ".PIDNS", ".User", ".UTS"].iter().any(|n| needs(n));
    let mut rows = Vec::with_capacity(containers.len());
    for container in containers {
        let size = if with_size { Some(size_of(&container)?) } else { None };
        let namespaces = with_namespaces.then(|| Namespaces::of(container.state.pid));
        rows.push(Row { container, namespaces, size });
    }
    if let Some(key) = &options.sort {
        sort(&mut rows, key);
    }
    match format.map(Format::parse).transpose()?.flatten() {
        Some(Format::Json) => go_json::pretty(&rows.iter().map(|row| row.json(now)).collect(), Shape::Listing),
        Some(format) => {
            let objects: Vec<_> = rows.iter().map(|row| row.template(now, options.no_trunc)).collect();
            template::render_list(format, &objects, &SCHEMA, options.no_heading)
        }
        None if options.quiet && format.is_none() => {
            Ok(rows.iter().map(|row| format!("{}\n", row.id(options.no_trunc))).collect())
        }
        None if options.namespaces => namespace_table(&rows, options),
        None => table(&rows, options, now),
    }
}

/// Whether this format is JSON, which needs no names resolved and no headings.
pub fn wants_json(options: &Options) -> bool {
    options.format.as_deref().is_some_and(is_json)
}

fn table(rows: &[Row], options: &Options, now: Timestamp) -> Result<String> {
    let mut table = Table::new();
    if !options.no_heading {
        let mut heading = vec!["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"];
        heading.extend_from_slice(if options.pod { &["POD ID", "PODNAME"] } else { &[] });
        heading.extend_from_slice(if options.size { &["SIZE"] } else { &[] });
        table.row(heading);
    }
    for row in rows {
        let record = &row.container.record;
        let mut cells = vec![
            row.id(options.no_trunc).to_owned(),
            record.image_name.clone(),
            row.command(options.no_trunc),
            row.created_human(now),
            row.status(now),
            row.ports(),
            record.name.clone(),
        ];
        if options.pod {
            cells.extend([String::new(), String::new()]);
        }
        if options.size {
            cells.push(row.size_words());
        }
        table.row(cells);
    }
    table.render()
}

fn namespace_table(rows: &[Row], options: &Options) -> Result<String> {
    let mut table = Table::new();
    if !options.no_heading {
        table.row(["CONTAINER ID", "NAMES", "PID", "CGROUPNS", "IPC", "MNT", "NET", "PIDNS", "USERNS", "UTS"]);
    }
    for row in rows {
        let ns = row.namespaces.clone().unwrap_or_default();
        let pid = row.container.state.pid.to_string();
        let (id, name) = (row.id(options.no_trunc), row.container.record.name.as_str());
        table.row([id, name, &pid, &ns.cgroup, &ns.ipc, &ns.mnt, &ns.net, &ns.pid, &ns.user, &ns.uts]);
    }
    table.render()
}

fn sort(rows: &mut [Row], key: &str) {
    match key {
        "command" => rows.sort_by_cached_key(|r| r.container.record.cmd.join(" ")),
        "id" => rows.sort_by(|a, b| a.container.record.id.cmp(&b.container.record.id)),
        "image" => rows.sort_by(|a, b| a.container.record.image_name.cmp(&b.container.record.image_name)),
        "names" => rows.sort_by(|a, b| a.container.record.name.cmp(&b.container.record.name)),
        "runningfor" => rows.sort_by_key(|r| r.container.state.started_at),
        "size" => rows.sort_by_key(|r| r.size.map(|s| s.root_fs)),
        "status" => rows.sort_by_key(|r| r.container.state.status.as_str()),
        _ => rows.sort_by_key(|r| r.container.record.created),
    }
}

#[cfg(test)]
mod tests;
