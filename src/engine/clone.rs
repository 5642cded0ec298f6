//! Another container like one that is there: `container clone`.
//!
//! What was decided when that one was made is taken over as it was decided (its record, its OCI spec, what the runtime
//! needs); its file system is not: the new one begins as its image is. Paths in the container's own directory follow its
//! ID, which nothing else in these files can contain.

use super::{Engine, RemoveOptions, containers, enter_userns, idmap, images, secrets, settle};
use crate::container::options::Pull;
use crate::container::store::{Store, Wanted};
use crate::container::{Record, State, snapshot};
use crate::error::{Context, Error, Kind, Result};
use crate::image::progress::Progress;
use crate::runtime::launch::Launch;
use crate::storage::atomic::Durability;
use crate::storage::{fs, id};

/// What is wanted of the new one.
#[derive(Debug, Clone, Default)]
pub struct CloneOptions {
    /// Its name; without one it is made up of the other's.
    pub name: Option<String>,
    /// Another image than the other's.
    pub image: Option<String>,
    /// The other one is removed.
    pub destroy: bool,
    /// Even if it runs.
    pub force: bool,
    /// The new one is started.
    pub run: bool,
}

/// Makes a container like the one with this ID. Returns the new one's ID.
pub fn clone(engine: &Engine, from: &str, options: &CloneOptions, progress: &dyn Progress) -> Result<String> {
    let store = containers(engine);
    let container = settle(engine, from)?;
    if options.destroy && !options.force && container.state.status.is_alive() {
        return Err(Error::of(
            Kind::InUse,
            format!("cannot remove container {from} as it is running: container state improper"),
        )
        .hint("stop it, or add --force"));
    }
    let original = container.record;
    let name = match &options.name {
        Some(name) => {
            super::create::check_name(name)?;
            store.check_name_is_free(name)?;
            name.clone()
        }
        None => free_name(&store, &original.name)?,
    };
    let context = || format!("cloning container `{}`", original.name);
    let new_id = id::random_id()?;
    let secrets = secrets::copied(engine, &original, &new_id).with_context(context)?;
    if options.run {
        secrets::prepare(engine, [&original.id])?;
    }
    enter_userns(engine)?;
    let mut record = renewed(&original, &new_id)?;
    record.name = name;
    record.create_command = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let mut kept = None;
    if let Some(image) = &options.image {
        if original.image_id.is_empty() {
            return Err(
                Error::new("the container has no image that another one could take the place of").wrap(context())
            );
        }
        let image = super::image::obtain(engine, image, &Pull::default(), progress, &mut Vec::new())?;
        if let (Some(shift), Some(_), false) = (&record.shift, &record.shown, record.auto_ids) {
            let tree = idmap::shown(engine, &image, shift, progress)?;
            record.shown = Some(tree.key.clone());
            kept = Some(tree);
        }
        record.image_name = image.names.first().unwrap_or(&image.id).clone();
        record.image_digest = image.digest;
        record.image_id = image.id;
        record.layers = image.layers;
    }
    let _wanted = make(engine, &store, &original, &mut record, &secrets).with_context(context)?;
    drop(kept);
    if options.destroy {
        let how = RemoveOptions { force: options.force, ..RemoveOptions::default() };
        super::remove(engine, &original.id, how)?;
    }
    if options.run {
        super::start(engine, &record.id, &super::StartOptions::default())?;
    }
    Ok(record.id)
}

fn make(
    engine: &Engine,
    store: &Store,
    original: &Record,
    record: &mut Record,
    secrets: &secrets::Provided,
) -> Result<Wanted> {
    let draft = store.draft(&record.id)?;
    let from = engine.roots.container(&original.id);
    for name in ["config.json", "launch.json"] {
        let text = fs::read_to_string(&from.join(name))?;
        fs::write_private(&draft.dir().join(name), renamed(&text, original, record).as_bytes())?;
    }
    let filter = from.join("seccomp.bpf");
    if let Some(bytes) = fs::read_optional(&filter)? {
        fs::write_private(&draft.dir().join("seccomp.bpf"), &bytes)?;
    }
    if let Some(mut networks) = super::network::wanted(engine, original)? {
        networks.id.clone_from(&record.id);
        networks.name.clone_from(&record.name);
        networks.hostname.clone_from(&record.hostname);
        for one in &mut networks.networks {
            // Addresses belong to one container only.
            one.addresses.clear();
            one.mac.clear();
        }
        networks.write(draft.dir(), Durability::Power)?;
    }
    secrets.write(draft.dir(), Durability::Power)?;
    let shown = if record.auto_ids { idmap::renew(engine, store, record, draft.dir())? } else { None };
    let record = &*record;
    // What is mounted in its own directory begins empty.
    let launch: Launch = fs::read_json(&draft.dir().join("launch.json"))?;
    let own = record.mounts.iter().map(|mount| &mount.source).chain(launch.overlays.iter().map(|fuse| &fuse.merged));
    for path in own {
        if let Ok(path) = path.strip_prefix(engine.roots.container(&record.id)) {
            fs::create_private_dir_all(&draft.dir().join(path))?;
        }
    }
    super::depend::mark(store, &record.dependencies)?;
    if !record.is_on_directory() {
        snapshot::create(draft.dir(), &record.driver, &snapshot::base(record, &engine.roots), record.shift.as_ref())?;
    }
    let kept = super::volumes::kept(engine, record)?;
    let wanted = store.commit(draft, record, &State::default(), Durability::Power)?;
    drop((kept, shown));
    let own = Some(&record.image_id).filter(|id| !id.is_empty());
    for id in own.into_iter().chain(record.mounted_images.iter().map(|image| &image.id)) {
        if !images(engine)?.is_kept(id)? {
            store.detach(record)?.delete()?;
            return Err(Error::of(Kind::NoSuch, format!("image `{id}` was removed meanwhile")));
        }
    }
    Ok(wanted)
}

/// The record of another container of the same kind.
fn renewed(original: &Record, new_id: &str) -> Result<Record> {
    let ids = Record { id: new_id.to_owned(), ..Record::default() };
    let text = renamed(&serde_json::to_string(original)?, original, &ids);
    let mut record: Record = serde_json::from_str(&text).context("copying the record")?;
    record.created = jiff::Timestamp::now();
    // These name files of the original.
    record.cid_file = None;
    record.pid_file = None;
    record.monitor_pid_file = None;
    Ok(record)
}

/// The text with the new ID where the old one was, and the host name that is made of it.
fn renamed(text: &str, original: &Record, new: &Record) -> String {
    let short = |id: &str| id.get(..12).unwrap_or(id).to_owned();
    let text = text.replace(&original.id, &new.id);
    match original.hostname == short(&original.id) {
        true => text.replace(&short(&original.id), &short(&new.id)),
        false => text,
    }
}

fn free_name(store: &Store, original: &str) -> Result<String> {
    let first = format!("{original}-clone");
    let more = (1..10_000).map(|number| format!("{first}{number}"));
    for name in std::iter::once(first.clone()).chain(more) {
        if store.check_name_is_free(&name).is_ok() {
            return Ok(name);
        }
    }
    Err(Error::new(format!("no name like `{first}` is free")).hint("give it one with `--name`"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn ids_and_what_is_made_of_them_follow() {
        let old = "a1".repeat(32);
        let new = "b2".repeat(32);
        let original = Record {
            id: old.clone(),
            hostname: old[..12].to_owned(),
            cid_file: Some("/x".into()),
            mounts: vec![crate::container::record::MountPoint {
                source: Path::new("/r/containers").join(&old).join("volumes/v"),
                ..Default::default()
            }],
            ..Record::default()
        };
        let record = renewed(&original, &new).unwrap();
        assert_eq!((record.id.as_str(), record.hostname.as_str()), (new.as_str(), &new[..12]));
        assert_eq!(record.mounts[0].source, Path::new("/r/containers").join(&new).join("volumes/v"));
        assert_eq!(record.cid_file, None);
        let named = Record { hostname: "web".to_owned(), ..original };
        assert_eq!(renewed(&named, &new).unwrap().hostname, "web");
    }
}
