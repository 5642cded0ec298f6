//! What registries have: by a term where a registry can search (the Hub's `/v1/search`), else by its whole catalog.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::client::read_limited;
use super::{Access, Client, Purpose, Request, Source, url};
use crate::error::{Context, Error, Result};
use crate::image::reference::{DEFAULT_REGISTRY, Reference, Typed};

/// How many results there are without `--limit`.
pub const DEFAULT_LIMIT: usize = 25;
/// How many registries are asked at a time.
const PARALLEL: usize = 6;
/// How long a catalog is read for a term that hardly anything in it matches.
const PATIENCE: Duration = Duration::from_secs(60);

/// An image that a registry has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The registry that was asked.
    pub index: String,
    /// `docker.io/library/alpine`.
    pub name: String,
    pub description: String,
    pub stars: u64,
    pub official: bool,
    pub automated: bool,
}

/// Which images are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// At least so many.
    pub stars: u64,
    pub official: Option<bool>,
    pub automated: Option<bool>,
}

impl Filters {
    /// Reads `stars=3`, `is-official`, `is-automated=false`; the last of a kind counts.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut filters = Filters::default();
        for text in texts {
            let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value)));
            match (key, value) {
                ("stars", Some(number)) => {
                    filters.stars = number
                        .parse()
                        .map_err(|_| Error::new(format!("incorrect value type for stars filter: \"{number}\"")))?;
                }
                ("stars", None) => crate::bail!("invalid filter \"{text}\", should be stars=<value>"),
                ("is-official", value) => filters.official = Some(value != Some("false")),
                ("is-automated", value) => filters.automated = Some(value != Some("false")),
                _ => {
                    return Err(Error::new(format!("invalid filter type \"{}\"", text.escape_debug()))
                        .hint("there are stars=NUMBER, is-official and is-automated"));
                }
            }
        }
        Ok(filters)
    }

    fn matches(&self, found: &Found) -> bool {
        found.stars >= self.stars
            && self.official.is_none_or(|official| official == found.official)
            && self.automated.is_none_or(|automated| automated == found.automated)
    }
}

/// What was found, and what went wrong with registries that gave nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchResult {
    pub found: Vec<Found>,
    pub failures: Vec<Error>,
}

impl Access {
    /// Searches one registry, `registry/term`, or all that are configured for a term alone. At most `limit` of each.
    ///
    /// # Errors
    /// When no registry is named or configured, or none answers.
    pub fn search(&self, text: &str, filters: &Filters, limit: usize) -> Result<SearchResult> {
        let (registries, term) = match text.split_once('/') {
            Some((registry, term)) => (vec![registry.to_owned()], term),
            None => (self.registries.search.clone(), text),
        };
        if registries.is_empty() {
            return Err(Error::new(format!(
                "no unqualified-search registries are defined in \"{}\"",
                self.registries.search_path.display()
            ))
            .hint(format!("say the registry as well, for example `docker.io/{text}`")));
        }
        let mut result = SearchResult::default();
        for group in registries.chunks(PARALLEL) {
            let answers: Vec<Result<Vec<Found>>> = std::thread::scope(|scope| {
                let threads: Vec<_> =
                    group.iter().map(|registry| scope.spawn(move || self.search_one(registry, term, limit))).collect();
                let broken = |_| Err(Error::new("searching was broken off"));
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(broken)).collect()
            });
            for (registry, answer) in group.iter().zip(answers) {
                match answer {
                    Ok(found) => result.found.extend(found.into_iter().filter(|one| filters.matches(one))),
                    Err(e) => result.failures.push(e.wrap(format!("couldn't search registry \"{registry}\""))),
                }
            }
        }
        match (result.found.is_empty(), result.failures.len()) {
            (true, 1) => Err(result.failures.remove(0)),
            (true, 2..) => {
                let all: Vec<String> = result.failures.iter().map(ToString::to_string).collect();
                Err(Error::new(format!("{} errors occurred while searching: {}", all.len(), all.join("; "))))
            }
            _ => Ok(result),
        }
    }

    /// The tags of a repository and its full name; at most `limit` tags.
    pub fn tags_of(&self, text: &str, limit: usize) -> Result<(String, Vec<String>)> {
        let text = text.strip_prefix("docker://").unwrap_or(text);
        let typed = Typed::parse(text)
            .with_context(|| format!("reference \"{}\" must be a docker reference", text.escape_debug()))?;
        let mut candidates: Vec<Reference> = match typed.complete() {
            Some(reference) => vec![reference],
            None => self.registries.candidates(text)?,
        };
        candidates.iter_mut().for_each(|reference| (reference.tag, reference.digest) = (None, None));
        let mut failure = Error::new("no registry to ask");
        for reference in candidates {
            let attempt = || -> Result<Vec<String>> {
                let endpoint = self.sources(&reference)?.pop();
                let endpoint = endpoint.ok_or_else(|| Error::new("no registry to ask"))?;
                self.connect(&endpoint, Purpose::Pull)?.tags()
            };
            match attempt() {
                Ok(mut tags) => {
                    tags.truncate(limit);
                    return Ok((reference.name(), tags));
                }
                Err(e) => failure = e.wrap("getting repository tags"),
            }
        }
        Err(failure)
    }

    fn search_one(&self, registry: &str, term: &str, limit: usize) -> Result<Vec<Found>> {
        let host = if registry == DEFAULT_REGISTRY { "index.docker.io" } else { registry };
        if Typed::parse(&format!("{registry}/x")).is_err() {
            crate::bail!("`{}` is not a registry", registry.escape_debug());
        }
        let source = match &self.credentials {
            Some(given) => Source::Given(given.clone()),
            None => Source::Logins { logins: self.logins.clone(), key: registry.to_owned() },
        };
        let client = self.connect_to_as(host, registry, source)?;
        let by_term = if term.is_empty() { None } else { by_term(&client, registry, term, limit)? };
        match by_term {
            Some(found) => Ok(found),
            None => by_catalog(&client, registry, term, limit),
        }
    }
}

/// Asks a registry that can search; `None` where it cannot.
fn by_term(client: &Client, registry: &str, term: &str, limit: usize) -> Result<Option<Vec<Found>>> {
    #[derive(Deserialize)]
    struct Answer {
        results: Vec<Item>,
    }
    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Item {
        name: String,
        description: Option<String>,
        star_count: u64,
        is_official: bool,
        is_automated: bool,
    }
    let address = format!("{}/v1/search?q={}&n={limit}", client.base(), url::encode(term));
    let request = Request::get(address).header("accept", "application/json");
    let Ok(mut answer) = client.request(request) else { return Ok(None) };
    let Ok(answer) = serde_json::from_slice::<Answer>(&read_limited(&mut answer, "results")?) else { return Ok(None) };
    let one = |item: Item| {
        let official_path = registry == DEFAULT_REGISTRY && !item.name.contains('/');
        let name = if official_path {
            format!("{registry}/library/{}", item.name)
        } else {
            format!("{registry}/{}", item.name)
        };
        Found {
            index: registry.to_owned(),
            name,
            description: item.description.unwrap_or_default(),
            stars: item.star_count,
            official: item.is_official,
            automated: item.is_automated,
        }
    };
    Ok(Some(answer.results.into_iter().take(limit).map(one).collect()))
}

/// Goes through all repositories of a registry.
fn by_catalog(client: &Client, registry: &str, term: &str, limit: usize) -> Result<Vec<Found>> {
    #[derive(Deserialize)]
    struct Page {
        repositories: Option<Vec<String>>,
    }
    let began = Instant::now();
    let mut found = Vec::new();
    client.pages(format!("{}/v2/_catalog?n=1000", client.base()), |bytes| {
        let page: Page = serde_json::from_slice(bytes)?;
        let fitting = page.repositories.unwrap_or_default().into_iter().filter(|name| name.contains(term));
        let one =
            |name: String| Found { index: registry.to_owned(), name: format!("{registry}/{name}"), ..Found::default() };
        found.extend(fitting.map(one));
        Ok(found.len() < limit && began.elapsed() < PATIENCE)
    })?;
    found.truncate(limit);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let parse = |texts: &[&str]| Filters::parse(texts.iter().copied());
        let wanted = parse(&["stars=3", "is-official", "is-automated=false"]).unwrap();
        assert_eq!(wanted, Filters { stars: 3, official: Some(true), automated: Some(false) });
        let found = |stars, official| Found { stars, official, ..Found::default() };
        assert!(wanted.matches(&found(3, true)));
        assert!(!wanted.matches(&found(2, true)) && !wanted.matches(&found(9, false)));
        for wrong in ["stars", "stars=x", "stars=-1", "name=x", ""] {
            assert!(parse(&[wrong]).is_err(), "{wrong}");
        }
    }
}
