//! `--filter` of `images`: all must match, but several `reference`s are alternatives; `key!=value` turns one around.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::container_filter::label_matches;
use super::{image_names, pattern};
use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::format::time;
use crate::error::{Error, Kind, Result};
use crate::image::Image;

#[derive(Debug, Clone)]
enum Condition {
    Reference(String),
    Dangling(bool),
    Label(String),
    CreatedBefore(Timestamp),
    CreatedAfter(Timestamp),
    Id(String),
    Digest(String),
    Intermediate(bool),
    ReadOnly(bool),
    InUse(bool),
    ManifestList(bool),
}

/// All filters of one command line.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    references: Vec<Condition>,
    /// Condition, and whether it must not match.
    others: Vec<(Condition, bool)>,
}

impl Filters {
    /// Reads filters of the form `key=value` or `key!=value`. `all` is where `before` and `since` look for images.
    ///
    /// # Errors
    /// When a key is unknown or a value makes no sense.
    pub fn parse(texts: &[String], all: &[Image], now: Timestamp) -> Result<Self> {
        let mut filters = Filters::default();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                bail!("invalid image filter \"{text}\": must be in the format \"filter=value or filter!=value\"")
            };
            let negated = key.ends_with('!');
            let condition = condition(key.trim_end_matches('!'), value, all, now)?;
            match condition {
                Condition::Reference(_) if !negated => filters.references.push(condition),
                condition => filters.others.push((condition, negated)),
            }
        }
        Ok(filters)
    }

    /// Adds the image named as an argument.
    pub fn add_reference(&mut self, reference: &str) {
        self.references.push(Condition::Reference(reference.to_owned()));
    }

    /// Whether an image is meant. `containers` counts the containers of each image ID.
    pub fn matches(&self, image: &Image, containers: &BTreeMap<String, usize>) -> bool {
        let in_use = containers.get(&image.id).is_some_and(|count| *count > 0);
        (self.references.is_empty() || self.references.iter().any(|c| c.matches(image, in_use)))
            && self.others.iter().all(|(condition, negated)| condition.matches(image, in_use) != *negated)
    }
}

fn condition(key: &str, value: &str, all: &[Image], now: Timestamp) -> Result<Condition> {
    let truth = || match value.parse() {
        Ok(GoBool(truth)) => Ok(truth),
        Err(_) => Err(Error::new(format!("non-boolean value \"{value}\" for {key} filter"))),
    };
    let created = || match all.iter().find(|image| image_names::means(value, image)) {
        Some(image) => Ok(image.created),
        None => Err(Error::of(
            Kind::NoSuch,
            format!("could not find local image for filter \"{key}={value}\": {value}: image not known"),
        )),
    };
    Ok(match key {
        "reference" => Condition::Reference(value.to_owned()),
        "dangling" => Condition::Dangling(truth()?),
        "label" => Condition::Label(value.to_owned()),
        "before" => Condition::CreatedBefore(created()?),
        "since" | "after" => Condition::CreatedAfter(created()?),
        "until" => Condition::CreatedBefore(time::parse_instant(value, now)?),
        "id" => Condition::Id(value.strip_prefix("sha256:").unwrap_or(value).to_owned()),
        "digest" => Condition::Digest(value.to_owned()),
        "intermediate" => Condition::Intermediate(truth()?),
        "readonly" => Condition::ReadOnly(truth()?),
        "containers" => Condition::InUse(match value {
            "external" => bail!("there are no containers of other tools in this store: containers is true or false"),
            _ => truth()?,
        }),
        "manifest" => Condition::ManifestList(truth()?),
        _ => bail!("unsupported image filter \"{key}\""),
    })
}

impl Condition {
    fn matches(&self, image: &Image, in_use: bool) -> bool {
        match self {
            Condition::Reference(reference) => {
                let by_pattern = |name: &String| image_names::forms(name).iter().any(|f| pattern::glob(reference, f));
                image_names::means(reference, image)
                    || image.names.iter().any(by_pattern)
                    || image.repo_digests.iter().any(by_pattern)
            }
            Condition::Dangling(wanted) => image.is_dangling() == *wanted,
            Condition::Label(label) => label_matches(label, &image.config.labels),
            Condition::CreatedBefore(then) => image.created < *then,
            Condition::CreatedAfter(then) => image.created > *then,
            Condition::Id(id) => !id.is_empty() && image.id.starts_with(id.as_str()),
            Condition::Digest(digest) => !digest.is_empty() && image.digest.starts_with(digest.as_str()),
            Condition::Intermediate(wanted) => image.is_intermediate() == *wanted,
            // Every image of the store may be changed.
            Condition::ReadOnly(wanted) => !*wanted,
            Condition::ManifestList(wanted) => image.is_manifest_list() == *wanted,
            Condition::InUse(wanted) => in_use == *wanted,
        }
    }
}
