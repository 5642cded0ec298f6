//! `system check`: images, layers and containers looked through for damage, and repaired where that is wanted.

use serde::de::IgnoredAny;

use crate::container::store::Store;
use crate::container::usage;
use crate::engine::{Engine, containers, enter_userns, images};
use crate::error::{Error, Result};
use crate::image::check::{CheckOptions, Damage, Object};
use crate::image::mounts;
use crate::image::registry::Access;
use crate::image::repair::{Repair, objects};
use crate::image::store::ImageStore;
use crate::storage::fs;

/// A damage, and what became of it: repaired, not, or not tried.
#[derive(Debug)]
pub struct Outcome {
    pub damage: Damage,
    pub repaired: Option<Result<()>>,
}

/// One repair may show the next damage: a manifest, its configuration, the layers.
const ROUNDS: usize = 5;

/// Looks at everything; with `repair`, repairs what can be repaired. With `force`, images that cannot be read and cannot
/// be fetched again are taken off the list.
pub fn check(engine: &Engine, options: &CheckOptions, repair: Option<&Access>, force: bool) -> Result<Vec<Outcome>> {
    // From within the namespace nobody can tell whether those of mounts still live.
    mounts::live(&engine.roots)?;
    enter_userns(engine)?;
    let images = images(engine)?;
    let store = containers(engine);
    let mut outcomes: Vec<Outcome> = Vec::new();
    for round in 0..ROUNDS {
        let mut found = images.check(options)?;
        found.extend(check_containers(&images, &store)?);
        let Some(access) = repair else {
            return Ok(found.into_iter().map(|damage| Outcome { damage, repaired: None }).collect());
        };
        let known: Vec<Damage> = outcomes.iter().map(|outcome| outcome.damage.clone()).collect();
        if round > 0 && objects(&found).is_subset(&objects(&known)) {
            break;
        }
        let how = Repair {
            access,
            force,
            in_use: &|| usage::users(&store),
            running_on: &|diff_id| standing_on(engine, &store, diff_id),
        };
        // Blobs before the layers that are in them.
        found.sort_by(|a, b| a.object.cmp(&b.object));
        for damage in found {
            let repaired = match &damage.object {
                Object::Container(id) => repair_container(engine, &store, id),
                _ => images.repair(&damage, &how),
            };
            outcomes.retain(|outcome| outcome.damage.object != damage.object);
            outcomes.push(Outcome { damage, repaired: Some(repaired) });
        }
        if outcomes.is_empty() {
            break;
        }
    }
    Ok(outcomes)
}

/// What stands on a layer now.
fn standing_on(engine: &Engine, store: &Store, diff_id: &str) -> Result<Vec<String>> {
    let stands = |layers: &[String]| layers.iter().any(|layer| layer == diff_id);
    let mut found = Vec::new();
    for container in store.list()? {
        let id = &container.record.id;
        if stands(&container.record.layers) && (container.state.status.is_alive() || store.monitor_is_alive(id)) {
            found.push(format!("container {}", container.record.name));
        }
    }
    for mount in mounts::recorded(&engine.roots)? {
        if stands(&mount.layers) {
            found.push(format!("a mount at `{}`", mount.point(&engine.roots).display()));
        }
    }
    Ok(found)
}

/// Records, states, specifications, and the layers that containers stand on.
fn check_containers(images: &ImageStore, store: &Store) -> Result<Vec<Damage>> {
    let mut found = Vec::new();
    let unreadable = store.unreadable()?;
    for id in store.ids()? {
        let mut add = |what: String, way_out: &str| {
            let way_out = way_out.replace("ID", id.get(..12).unwrap_or(&id));
            found.push(Damage { object: Object::Container(id.clone()), what, way_out });
        };
        if unreadable.contains(&id) {
            add(
                "has no record: it is the rest of one half made or half removed".into(),
                "the next `coracle rm` or `--repair` removes it",
            );
            continue;
        }
        let container = match store.load(&id) {
            Ok(container) => container,
            // Removed meanwhile.
            Err(_) if !store.roots().container(&id).exists() => continue,
            Err(error) => {
                add(error.to_string(), "its files are below `upper` there; `coracle rm -f ID` removes it");
                continue;
            }
        };
        for name in ["config.json", "launch.json"] {
            let path = store.roots().container(&id).join(name);
            let bytes = fs::read(&path);
            let parsed = bytes.and_then(|bytes| Ok(serde_json::from_slice::<IgnoredAny>(&bytes)?));
            if let Err(error) = parsed
                && path.parent().is_some_and(std::path::Path::exists)
            {
                add(format!("{name}: {error}"), "`coracle export ID` saves its files; `coracle rm -f ID` removes it");
            }
        }
        for image in &container.record.mounted_images {
            let missing = images.missing_layers(&image.layers);
            if !missing.is_empty() && !images.exists(&image.id).unwrap_or(true) {
                let what = format!("{} layers of image {} that is mounted in it are missing", missing.len(), image.id);
                add(what, "get that image again, or `coracle rm ID`");
            }
        }
        let missing = images.missing_layers(&container.record.layers);
        // Where its image is here, the image's layers are told and repaired.
        if !missing.is_empty() && !images.exists(&container.record.image_id).unwrap_or(true) {
            let record = &container.record;
            let repository = record.image_name.split(['@']).next().unwrap_or_default();
            let way_out = format!("get its image again: coracle pull {repository} ({})", record.image_digest);
            add(format!("{} layers that it stands on are missing", missing.len()), &way_out);
        }
    }
    Ok(found)
}

/// Only what is no container any more may go.
fn repair_container(engine: &Engine, store: &Store, id: &str) -> Result<()> {
    if !store.unreadable()?.iter().any(|rubbish| rubbish == id) {
        return Err(Error::new("what a user made is not changed"));
    }
    if let Some(trash) = store.detach_unreadable(id)? {
        trash.delete()?;
    }
    crate::engine::sweep(engine)
}
