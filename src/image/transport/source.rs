//! Images from layouts, archives and directories into the store: `pull oci:...`, and what `load` knows only by looking.

use std::path::Path;

use crate::error::{Context, Error, Result};
use crate::image::archive::Members;
use crate::image::index::REF_NAME;
use crate::image::ingest::{Parts, check_digest};
use crate::image::load::{self, DockerEntry, Loaded, Origin};
use crate::image::manifest::{self, Descriptor, Document, Index};
use crate::image::platform::Platform;
use crate::image::progress::{Event, Progress};
use crate::image::pull::Pulled;
use crate::image::reference::{LOCAL, Reference, Typed, sha256_hex};
use crate::image::store::ImageStore;
use crate::image::trust::Local;
use crate::storage::unpack::Warnings;

use super::name::{Location, Pick};

impl ImageStore {
    /// Stores the image at a place that is no registry; of a docker-archive without a name, all of them.
    pub fn pull_from(
        &self,
        from: &Location,
        platform: Option<&Platform>,
        progress: &dyn Progress,
    ) -> Result<Vec<Pulled>> {
        let host = Platform::host();
        let platform = platform.unwrap_or(&host);
        let attempt = || match from {
            Location::Registry(_) => Err(Error::new("a registry is not read like a file")),
            Location::Oci { path, pick } => {
                // The policy has rules of its own for each transport.
                check_is_dir(path, true)?;
                let members = Members::open(self, path)?;
                let (entry, _) = choose(&members, pick)?;
                // As the reference: a name without a registry is one of docker.io's.
                let names = pick.name().map(Reference::parse).transpose()?.into_iter().collect();
                let from = Local::Oci { path, tag: entry.annotations.get(REF_NAME).map(String::as_str) };
                self.pull_entry(&members, &entry, names, platform, from, progress)
            }
            Location::OciArchive { path, pick } => {
                check_is_dir(path, false)?;
                let members = Members::open(self, path)?;
                let (entry, name) = choose(&members, pick)?;
                let names = name.as_deref().map(local).transpose()?.into_iter().collect();
                let from = Local::OciArchive { path: Some(path) };
                self.pull_entry(&members, &entry, names, platform, from, progress)
            }
            Location::DockerArchive { path, pick } => {
                check_is_dir(path, false)?;
                let members = Members::open(self, path)?;
                let entries = docker_entries(&members, pick)?;
                let loaded = self.load_docker_entries(&members, entries, Origin::Path(path), progress)?;
                Ok(pulled(loaded))
            }
            Location::Dir { path } => {
                check_is_dir(path, true)?;
                let members = Members::open(self, path)?;
                Ok(pulled(self.load_dir(
                    &members,
                    Vec::new(),
                    platform,
                    Some(Local::Dir { path: Some(path) }),
                    progress,
                )?))
            }
        };
        attempt().with_context(|| format!("initializing source {from}"))
    }

    fn pull_entry(
        &self,
        members: &Members,
        entry: &Descriptor,
        names: Vec<Reference>,
        platform: &Platform,
        from: Local<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<Pulled>> {
        let parts = load::oci_parts(members, entry, names, platform)?;
        let fetch = |layer: &Descriptor| {
            let (_, reader) = members.open_member(&Members::blob_name(&layer.digest)?)?;
            Ok(reader)
        };
        let mut loaded = Loaded::default();
        self.keep_told(&mut loaded, &parts, Some(from), &fetch, progress)?;
        Ok(pulled(loaded))
    }

    /// Stores the image of a directory in the form of `dir:`.
    pub(in crate::image) fn load_dir(
        &self,
        members: &Members,
        names: Vec<Reference>,
        platform: &Platform,
        from: Option<Local<'_>>,
        progress: &dyn Progress,
    ) -> Result<Loaded> {
        let bytes = members.read("manifest.json")?;
        let (bytes, manifest, index) = match manifest::parse_document(&bytes, "").context("reading `manifest.json`")? {
            Document::Manifest(manifest) => (bytes, *manifest, None),
            Document::Index(list) => {
                let chosen = platform.choose(&list)?;
                let instance = members.read(&format!("{}.manifest.json", hex(&chosen.digest)?))?;
                check_digest("manifest", chosen, &instance)?;
                let manifest = manifest::parse_manifest(&instance, &chosen.media_type)?;
                (instance, manifest, Some(bytes))
            }
        };
        let config = members.read(manifest.config.hex()?)?;
        let parts = Parts { manifest: bytes, media_type: manifest.media_type.clone(), config, index, names };
        let fetch = |layer: &Descriptor| members.open_member(hex(&layer.digest)?).map(|(_, reader)| reader);
        let mut loaded = Loaded::default();
        self.keep_told(&mut loaded, &parts, from, &fetch, progress)?;
        Ok(loaded)
    }

    fn keep_told(
        &self,
        loaded: &mut Loaded,
        parts: &Parts,
        from: Option<Local<'_>>,
        fetch: &crate::image::ingest::Fetch<'_>,
        progress: &dyn Progress,
    ) -> Result<()> {
        progress.event(Event::Line("Getting image source signatures".to_owned()));
        self.keep(loaded, parts, from, fetch, progress)?;
        progress.event(Event::Line("Writing manifest to image destination".to_owned()));
        Ok(())
    }
}

/// Refuses a file where a directory is meant, and the other way round. What is not there is told when it is opened.
fn check_is_dir(path: &Path, wanted: bool) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() != wanted && wanted => {
            Err(Error::new(format!("`{}` is not a directory", path.display()))
                .hint("archives are read with oci-archive: or docker-archive:"))
        }
        Ok(meta) if meta.is_dir() != wanted => {
            Err(Error::new(format!("`{}` is a directory", path.display()))
                .hint("directories are read with oci: or dir:"))
        }
        _ => Ok(()),
    }
}

/// Whether these are the files of a `dir:` directory.
pub(in crate::image) fn is_dir(members: &Members) -> bool {
    members.has("version") && members.has("manifest.json")
}

fn pulled(loaded: Loaded) -> Vec<Pulled> {
    let mut warnings = Some(loaded.warnings);
    let one = |image: crate::image::LoadedImage| Pulled {
        image: image.image,
        // All of them with the first.
        warnings: warnings.take().map(|warnings: Warnings| warnings.messages()).unwrap_or_default(),
    };
    loaded.images.into_iter().map(one).collect()
}

fn hex(digest: &str) -> Result<&str> {
    match sha256_hex(digest) {
        Some(hex) => Ok(hex),
        None => Err(Error::new(format!("digest `{}` is malformed or not a SHA-256", digest.escape_debug()))),
    }
}

/// A name without a registry is a local one.
fn local(name: &str) -> Result<Reference> {
    let typed = Typed::parse(name)?;
    Ok(typed.complete().unwrap_or_else(|| typed.at(LOCAL)))
}

/// The entry of a layout that is meant, and its name.
fn choose(members: &Members, pick: &Pick) -> Result<(Descriptor, Option<String>)> {
    let index = manifest::parse_index(&members.read("index.json")?).context("reading `index.json`")?;
    choose_in(&index, pick)
}

fn choose_in(index: &Index, pick: &Pick) -> Result<(Descriptor, Option<String>)> {
    let name_of = |entry: &Descriptor| entry.annotations.get(REF_NAME).cloned();
    let entry = match pick {
        Pick::Name(name) => match index.manifests.iter().find(|entry| name_of(entry).as_ref() == Some(name)) {
            Some(entry) => entry,
            None => {
                let names: Vec<String> = index.manifests.iter().filter_map(name_of).take(10).collect();
                let error = Error::new(format!("no descriptor found for reference \"{name}\""));
                let hint = format!("names in it: {}", names.join(", "));
                return Err(if names.is_empty() { error } else { error.hint(hint) });
            }
        },
        Pick::Index(position) => match index.manifests.get(*position) {
            Some(entry) => entry,
            None => crate::bail!("there are only {} images, so none at @{position}", index.manifests.len()),
        },
        Pick::Any => match index.manifests.as_slice() {
            [entry] => entry,
            [] => crate::bail!("there is no image in it"),
            // One image under several names is one image.
            [first, rest @ ..] if rest.iter().all(|entry| entry.digest == first.digest) => first,
            several => {
                let names: Vec<String> = several.iter().filter_map(name_of).take(10).collect();
                return Err(Error::new("more than one image in oci, choose an image")
                    .hint(format!("add `:NAME` or `:@NUMBER` to the path; names in it: {}", names.join(", "))));
            }
        },
    };
    Ok((entry.clone(), name_of(entry)))
}

/// The images of a docker-archive that are meant, with the names that are meant.
fn docker_entries(members: &Members, pick: &Pick) -> Result<Vec<DockerEntry>> {
    let mut entries = load::read_docker_entries(members)?;
    match pick {
        Pick::Any => Ok(entries),
        Pick::Index(position) if *position < entries.len() => Ok(vec![entries.swap_remove(*position)]),
        Pick::Index(position) => {
            crate::bail!("there are only {} images, so none at @{position}", entries.len())
        }
        Pick::Name(name) => {
            let same = |tag: &String| Reference::parse(tag).is_ok_and(|tag| tag.canonical() == *name);
            let found = entries.into_iter().find(|entry| entry.repo_tags.iter().flatten().any(same));
            match found {
                Some(mut entry) => {
                    entry.repo_tags = Some(vec![name.clone()]);
                    Ok(vec![entry])
                }
                None => crate::bail!("Tag \"{name}\" not found"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_chosen() {
        let entry = |digit: char, name: Option<&str>| Descriptor {
            digest: format!("sha256:{}", digit.to_string().repeat(64)),
            annotations: name.map(|name| (REF_NAME.to_owned(), name.to_owned())).into_iter().collect(),
            ..Descriptor::default()
        };
        let index = |manifests: Vec<Descriptor>| Index { manifests, ..Index::default() };
        let two = index(vec![entry('a', Some("x")), entry('b', None)]);
        let last = |found: (Descriptor, Option<String>)| (found.0.digest.chars().last().unwrap(), found.1);
        assert_eq!(last(choose_in(&two, &Pick::Name("x".into())).unwrap()), ('a', Some("x".into())));
        assert_eq!(last(choose_in(&two, &Pick::Index(1)).unwrap()), ('b', None));
        let same = index(vec![entry('a', Some("x")), entry('a', Some("y"))]);
        assert_eq!(last(choose_in(&same, &Pick::Any).unwrap()), ('a', Some("x".into())));
        for (pick, expected) in [
            (Pick::Any, "more than one"),
            (Pick::Name("z".into()), "no descriptor found for reference \"z\""),
            (Pick::Index(2), "only 2"),
        ] {
            let said = choose_in(&two, &pick).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
        assert!(choose_in(&index(vec![]), &Pick::Any).is_err());
        assert_eq!(local("v2").unwrap().canonical(), "localhost/v2:latest");
    }
}
