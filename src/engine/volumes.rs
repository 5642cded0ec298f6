//! Volumes as containers use them.

use super::Engine;
use crate::container::spec::NeededVolume;
use crate::error::{Context, Result};
use crate::storage::atomic::Durability;
use crate::storage::lock::Lock;
use crate::volume::{New, Store};

/// The volumes.
pub fn store(engine: &Engine) -> Store {
    Store::new(&engine.roots)
}

/// Makes the volumes that a container needs where they are missing. As long as the result lives, none of them is removed.
pub fn ensure(engine: &Engine, needed: &[NeededVolume], durability: Durability) -> Result<Option<Lock>> {
    if needed.is_empty() {
        return Ok(None);
    }
    let store = store(engine);
    let kept = store.keep()?;
    for volume in needed {
        let new = New {
            name: volume.name.clone(),
            options: volume.options.clone(),
            anonymous: volume.anonymous,
            ..New::default()
        };
        let made = store.ensure(new, if volume.anonymous { durability } else { Durability::Power });
        made.with_context(|| format!("creating named volume \"{}\"", volume.name))?;
    }
    Ok(Some(kept))
}
