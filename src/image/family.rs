//! Which image of the store was made from which other one.
//!
//! Nothing says so, as images that come from elsewhere have no parents. As in the reference, an image is the parent of
//! another when its layers and its history are how those of the other begin.

use std::collections::HashMap;

use super::summary::Summary;

/// Parents by ID of the image, the nearest each. Images without one are not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Family {
    parents: HashMap<String, String>,
}

impl Family {
    /// Finds out about these images.
    pub fn of<'a>(summaries: impl Iterator<Item = &'a Summary>) -> Self {
        let all: Vec<&Summary> = summaries.collect();
        // By the hash of a whole history: those that another's may begin with.
        let mut by_last: HashMap<u64, Vec<&Summary>> = HashMap::new();
        for one in &all {
            if let Some(last) = one.steps.last() {
                by_last.entry(*last).or_default().push(one);
            }
        }
        let mut parents = HashMap::new();
        for child in &all {
            let earlier = child.steps.len().saturating_sub(1);
            let candidates = child.steps.iter().take(earlier).rev().filter_map(|step| by_last.get(step)).flatten();
            let mut nearest = candidates.filter(|parent| {
                parent.image.id != child.image.id
                    // Hashes can be forged: without this, an image could be made its own ancestor.
                    && parent.steps.len() < child.steps.len()
                    && !parent.image.layers.is_empty()
                    && child.image.layers.starts_with(&parent.image.layers)
            });
            if let Some(parent) = nearest.next() {
                parents.insert(child.image.id.clone(), parent.image.id.clone());
            }
        }
        Family { parents }
    }

    /// The ID of an image's parent.
    pub fn parent(&self, id: &str) -> Option<&str> {
        self.parents.get(id).map(String::as_str)
    }

    /// Whether an image is the parent of another.
    pub fn has_children(&self, id: &str) -> bool {
        self.parents.values().any(|parent| parent == id)
    }

    /// IDs of the images made directly from this one, sorted.
    pub fn children(&self, id: &str) -> Vec<&str> {
        let mut found: Vec<&str> =
            self.parents.iter().filter(|(_, parent)| *parent == id).map(|(child, _)| child.as_str()).collect();
        found.sort_unstable();
        found
    }

    /// Forgets an image that is gone; its children have no parent any more.
    pub fn forget(&mut self, id: &str) {
        self.parents.remove(id);
        self.parents.retain(|_, parent| parent != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;

    fn summary(id: &str, layers: &[&str], steps: &[u64]) -> Summary {
        let layers = layers.iter().map(|layer| (*layer).to_owned()).collect();
        let image = Image { id: id.to_owned(), layers, ..Image::default() };
        Summary { image, blobs: Vec::new(), steps: steps.to_vec() }
    }

    #[test]
    fn the_nearest_earlier_stage_is_the_parent() {
        let all = [
            summary("base", &["a"], &[1]),
            summary("middle", &["a", "b"], &[1, 2]),
            // Only its configuration differs.
            summary("labelled", &["a", "b"], &[1, 2, 3]),
            summary("top", &["a", "b", "c"], &[1, 2, 3, 4]),
            summary("same-history-other-layers", &["x", "y"], &[1, 5]),
            summary("no-history", &["a"], &[]),
        ];
        let mut family = Family::of(all.iter());
        assert_eq!(family.parent("base"), None);
        assert_eq!(family.parent("middle"), Some("base"));
        assert_eq!(family.parent("labelled"), Some("middle"));
        assert_eq!(family.parent("top"), Some("labelled"));
        assert_eq!(family.parent("same-history-other-layers"), None);
        assert_eq!(family.parent("no-history"), None);
        assert_eq!(family.children("base"), ["middle"]);
        assert!(family.has_children("labelled") && !family.has_children("top"));
        family.forget("labelled");
        assert_eq!((family.parent("top"), family.has_children("middle")), (None, false));
    }
}
