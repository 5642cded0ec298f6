//! Names of images: giving and taking them.

use super::manifest::{Descriptor, Index};
use super::reference::{LOCAL, Reference, Typed};
use super::store::{ImageStore, not_known};
use super::{index, list};
use crate::error::{Context, Result};

impl ImageStore {
    /// Gives an image more names. A name that another image had moves. Short names are of `localhost`.
    pub fn tag(&self, image: &str, names: &[String]) -> Result<()> {
        let mut wanted = Vec::new();
        for name in names {
            let name = local_name(name)?;
            if name.digest.is_some() {
                crate::bail!("`{name}`: tag by digest not supported");
            }
            wanted.push(name);
        }
        index::update(&self.images, |index| {
            let Some(entry) = self.find_entry(index, image)?.cloned() else { return Err(not_known(image)) };
            for name in &wanted {
                index::set_name(index, &entry, Some(name));
            }
            Ok(())
        })
    }

    /// Takes names from an image, all of them when none is said. The image stays.
    pub fn untag(&self, image: &str, names: &[String]) -> Result<()> {
        index::update(&self.images, |index| {
            let Some(entry) = self.find_entry(index, image)?.cloned() else { return Err(not_known(image)) };
            if names.is_empty() {
                let old: Vec<Descriptor> = self.entries_of(index, &entry);
                index.manifests.retain(|e| !old.contains(e));
                old.iter().for_each(|e| index::keep_nameless(index, e));
                return Ok(());
            }
            for name in names {
                let found = self.find_entry(index, name)?.cloned();
                let same = found.filter(|found| self.entries_of(index, &entry).contains(found));
                let Some(found) = same.filter(|found| index::name_of(found).is_some()) else {
                    crate::bail!("{name}: tag not known");
                };
                self.drop_name(index, &found);
            }
            Ok(())
        })
    }

    /// Removes one entry with a name; the image stays listed.
    pub(super) fn drop_name(&self, index: &mut Index, entry: &Descriptor) {
        if let Some(position) = index.manifests.iter().position(|e| e == entry) {
            let removed = index.manifests.remove(position);
            if self.entries_of(index, &removed).is_empty() {
                index::keep_nameless(index, &removed);
            }
        }
    }

    /// All entries of the image that this entry is of.
    pub(super) fn entries_of(&self, index: &Index, entry: &Descriptor) -> Vec<Descriptor> {
        let same = |other: &&Descriptor| {
            list::is_same(other, entry) || (index::id_of(other).is_some() && index::id_of(other) == index::id_of(entry))
        };
        index.manifests.iter().filter(same).cloned().collect()
    }
}

/// The name that a user gives an image: without a registry it is of `localhost`.
pub fn local_name(text: &str) -> Result<Reference> {
    let typed = Typed::parse(text).with_context(|| format!("normalizing name \"{}\"", text.escape_debug()))?;
    Ok(typed.complete().unwrap_or_else(|| typed.at(LOCAL)))
}
