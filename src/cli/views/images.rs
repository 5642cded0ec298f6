//! `images`: one line for each name of each image, as a table, IDs, JSON or a template.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::image_filter::Filters;
use super::image_names::{self, NONE};
use crate::bail;
use crate::cli::format::go_json::{self, Shape};
use crate::cli::format::table::Table;
use crate::cli::format::template::{self, Schema};
use crate::cli::format::{Format, short_id, time, units};
use crate::error::Result;
use crate::image::Image;

/// What templates of `images` know.
pub const SCHEMA: Schema = Schema {
    command: "images",
    type_name: "images.imageReporter",
    free_maps: &["Labels"],
    aliases: &[],
    omitted: &[],
    headings: &[("ID", "IMAGE ID"), ("ReadOnly", "R/O")],
};

/// The values of `--sort`.
pub const SORT_KEYS: &[&str] = &["created", "id", "repository", "size", "tag"];

/// Which images are shown, and how.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The image named as an argument, or a pattern of names.
    pub reference: Option<String>,
    /// `--all`: with images that have no name and are there only because others were made from them.
    pub all: bool,
    pub digests: bool,
    /// `--filter`, each `key=value`.
    pub filters: Vec<String>,
    pub format: Option<String>,
    pub history: bool,
    pub no_trunc: bool,
    pub no_heading: bool,
    pub quiet: bool,
    /// `--sort`; by time of creation, newest first, when none is given.
    pub sort: Option<String>,
}

/// An image under one of its names.
struct Row<'a> {
    image: &'a Image,
    repository: &'a str,
    tag: &'a str,
}

/// Shows images. `containers` counts the containers of each image ID.
///
/// # Errors
/// When an option makes no sense or the template is wrong.
pub fn render(
    images: &[Image],
    containers: &BTreeMap<String, usize>,
    options: &Options,
    now: Timestamp,
) -> Result<String> {
    if options.reference.is_some() && !options.filters.is_empty() {
        bail!("cannot specify an image and a filter(s)");
    }
    if let Some(key) = options.sort.as_deref().filter(|key| !SORT_KEYS.contains(key)) {
        bail!("\"{key}\" is not a valid field for sorting. Choose from: {}", SORT_KEYS.join(", "));
    }
    let mut filters = Filters::parse(&options.filters, images, now)?;
    if let Some(reference) = &options.reference {
        filters.add_reference(reference);
    }
    let asks_for_stages = options.filters.iter().any(|filter| filter.starts_with("intermediate"));
    let shown = |image: &Image| options.all || asks_for_stages || !image.is_intermediate();
    let mut rows: Vec<Row<'_>> =
        images.iter().filter(|image| shown(image) && filters.matches(image, containers)).flat_map(rows_of).collect();
    sort(&mut rows, options.sort.as_deref().unwrap_or("created"));

    let count = |row: &Row<'_>| containers.get(&row.image.id).copied().unwrap_or_default();
    match options.format.as_deref().map(Format::parse).transpose()?.flatten() {
        Some(Format::Json) => go_json::pretty(&rows.iter().map(|row| row.json(count(row))).collect(), Shape::Images),
        _ if options.quiet => Ok(ids(&rows, options)),
        Some(format) => {
            let objects: Vec<_> = rows.iter().map(|row| row.template(count(row), options, now)).collect();
            template::render_list(format, &objects, &SCHEMA, options.no_heading)
        }
        None => table(&rows, options, now),
    }
}

/// The lines of an image: one for each name; one without a tag when only its digest is known; else one without a name.
fn rows_of(image: &Image) -> Vec<Row<'_>> {
    fn row<'a>(image: &'a Image, name: &'a str) -> Row<'a> {
        let (repository, tag) = image_names::split(name);
        Row { image, repository, tag: tag.unwrap_or(NONE) }
    }
    if !image.names.is_empty() {
        return image.names.iter().map(|name| row(image, name)).collect();
    }
    match image.repo_digests.first() {
        Some(digest) => vec![row(image, digest)],
        None => vec![Row { image, repository: NONE, tag: NONE }],
    }
}

fn sort(rows: &mut [Row<'_>], key: &str) {
    match key {
        "id" => rows.sort_by(|a, b| a.image.id.cmp(&b.image.id)),
        "repository" => rows.sort_by(|a, b| (a.repository, a.tag).cmp(&(b.repository, b.tag))),
        "size" => rows.sort_by_key(|row| row.image.size),
        "tag" => rows.sort_by(|a, b| a.tag.cmp(b.tag)),
        _ => rows.sort_by_key(|row| std::cmp::Reverse(row.image.created)),
    }
}

/// Each ID once.
fn ids(rows: &[Row<'_>], options: &Options) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let fresh = rows.iter().filter(|row| seen.insert(row.image.id.as_str()));
    fresh.map(|row| format!("{}\n", row.id(options.no_trunc))).collect()
}

fn table(rows: &[Row<'_>], options: &Options, now: Timestamp) -> Result<String> {
    let mut table = Table::new();
    if !options.no_heading {
        let mut heading = vec!["REPOSITORY", "TAG"];
        heading.extend_from_slice(if options.digests { &["DIGEST"] } else { &[] });
        heading.extend_from_slice(&["IMAGE ID", "CREATED", "SIZE"]);
        heading.extend_from_slice(if options.history { &["HISTORY"] } else { &[] });
        table.row(heading);
    }
    for row in rows {
        let mut cells = vec![row.repository.to_owned(), row.tag.to_owned()];
        if options.digests {
            cells.push(row.image.digest.clone());
        }
        cells.push(row.id(options.no_trunc));
        cells.push(units::ago(row.image.created, now));
        cells.push(units::human_size_spaced(row.image.size));
        if options.history {
            cells.push(if row.image.names.is_empty() { NONE.to_owned() } else { row.image.names.join(", ") });
        }
        table.row(cells);
    }
    table.render()
}

impl Row<'_> {
    fn id(&self, no_trunc: bool) -> String {
        if no_trunc { format!("sha256:{}", self.image.id) } else { short_id(&self.image.id).to_owned() }
    }

    fn json(&self, containers: usize) -> Value {
        let Image { id, digest, names, repo_digests, created, size, config, parent, .. } = self.image;
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("Id", json!(id));
        put("ParentId", json!(parent));
        put("RepoTags", Value::Null);
        put("RepoDigests", json!(repo_digests));
        put("Size", json!(size));
        put("SharedSize", json!(0));
        put("VirtualSize", json!(size));
        put("Labels", if config.labels.is_empty() { Value::Null } else { json!(config.labels) });
        put("Containers", json!(containers));
        // Go leaves out what is false or empty.
        if self.image.is_dangling() {
            put("Dangling", json!(true));
        }
        put("Digest", json!(digest));
        if !names.is_empty() {
            put("History", json!(names));
            put("Names", json!(names));
        }
        put("Created", json!(created.as_second()));
        put("CreatedAt", json!(whole_seconds(*created).to_string()));
        Value::Object(object)
    }

    fn template(&self, containers: usize, options: &Options, now: Timestamp) -> Value {
        let Image { id, digest, names, repo_digests, created, size, config, parent, .. } = self.image;
        let created_at = time::go_string_utc(whole_seconds(*created));
        let since = units::ago(*created, now);
        let dangling = self.image.is_dangling();
        json!({
            "Containers": containers,
            "Created": since,
            "CreatedAt": created_at,
            "CreatedSince": since,
            "CreatedTime": created_at,
            "Dangling": dangling,
            "Digest": digest,
            "History": names.join(", "),
            "ID": self.id(options.no_trunc),
            "Id": id,
            "IsDangling": dangling,
            "IsReadOnly": false,
            "Labels": config.labels,
            "Names": names,
            "ParentId": parent,
            "ReadOnly": false,
            "RepoDigests": repo_digests,
            "Repository": self.repository,
            "RepoTags": names,
            "SharedSize": 0,
            "Size": units::human_size_spaced(*size),
            "Tag": self.tag,
            "VirtualSize": size,
        })
    }
}

/// The listing knows the time of creation in whole seconds only.
fn whole_seconds(then: Timestamp) -> Timestamp {
    Timestamp::from_second(then.as_second()).unwrap_or(then)
}

#[cfg(test)]
mod tests;
