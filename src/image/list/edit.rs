//! Changes to a manifest list. Pure.

use std::collections::BTreeMap;

use super::ManifestList;
use super::find::Found;
use crate::error::{Error, Result};
use crate::image::manifest::{Descriptor, PlatformJson};
use crate::image::reference::is_digest;

/// What is to be said of an instance in a list. What is `None` or empty stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InstanceEdit {
    pub annotations: BTreeMap<String, String>,
    pub architecture: Option<String>,
    pub os: Option<String>,
    pub os_version: Option<String>,
    pub variant: Option<String>,
    pub features: Vec<String>,
    pub os_features: Vec<String>,
}

impl InstanceEdit {
    /// Whether it says anything of the platform.
    pub fn is_of_platform(&self) -> bool {
        InstanceEdit { annotations: BTreeMap::new(), ..self.clone() } != InstanceEdit::default()
    }

    fn apply(&self, entry: &mut Descriptor) {
        entry.annotations.extend(self.annotations.clone());
        if !self.is_of_platform() {
            return;
        }
        let platform = entry.platform.get_or_insert_with(PlatformJson::default);
        let fields = [
            (&mut platform.architecture, &self.architecture),
            (&mut platform.os, &self.os),
            (&mut platform.os_version, &self.os_version),
            (&mut platform.variant, &self.variant),
        ];
        for (field, value) in fields {
            if let Some(value) = value {
                field.clone_from(value);
            }
        }
        for (field, values) in
            [(&mut platform.features, &self.features), (&mut platform.os_features, &self.os_features)]
        {
            if !values.is_empty() {
                field.clone_from(values);
            }
        }
    }
}

impl ManifestList {
    /// Adds instances; one that is in the list already is replaced.
    ///
    /// # Errors
    /// When `edit` says something of the platform and there are several instances: they would be of one platform then.
    pub fn add(&mut self, found: Vec<Found>, edit: &InstanceEdit) -> Result<()> {
        if found.len() > 1 && edit.is_of_platform() {
            return Err(Error::new(format!("the platform of {} instances cannot be set at once", found.len()))
                .hint("add them without these flags and use `manifest annotate` on each"));
        }
        for Found { mut descriptor, source, files } in found {
            edit.apply(&mut descriptor);
            self.forget(&descriptor.digest);
            if let Some(source) = source {
                self.local.sources.insert(descriptor.digest.clone(), source);
            }
            if !files.is_empty() {
                self.local.files.insert(descriptor.digest.clone(), files);
            }
            self.index.manifests.push(descriptor);
        }
        Ok(())
    }

    /// Changes what is said of an instance.
    pub fn annotate(&mut self, digest: &str, edit: &InstanceEdit) -> Result<()> {
        match self.index.manifests.iter_mut().find(|entry| entry.digest == digest) {
            Some(entry) => edit.apply(entry),
            None => return Err(no_instance(digest)),
        }
        Ok(())
    }

    /// Takes an instance out of the list.
    pub fn remove(&mut self, digest: &str) -> Result<()> {
        if !is_digest(digest) {
            crate::bail!("invalid image digest \"{}\": invalid checksum digest format", digest.escape_debug());
        }
        if !self.index.manifests.iter().any(|entry| entry.digest == digest) {
            return Err(no_instance(digest));
        }
        self.forget(digest);
        Ok(())
    }

    /// The instance that an artifact's file is in: its path, or its name alone.
    pub fn artifact_of(&self, file: &str) -> Option<&str> {
        let named = |path: &String| path == file || path.rsplit('/').next() == Some(file);
        self.local.files.iter().find(|(_, files)| files.iter().any(named)).map(|(digest, _)| digest.as_str())
    }

    fn forget(&mut self, digest: &str) {
        self.index.manifests.retain(|entry| entry.digest != digest);
        self.local.sources.remove(digest);
        self.local.files.remove(digest);
    }
}

fn no_instance(digest: &str) -> Error {
    Error::new(format!("no instance matching digest \"{}\" found in manifest list", digest.escape_debug()))
        .hint("`manifest inspect` shows the digests of a list's instances")
}
