//! A docker-archive: what `docker save` writes and `docker load`, podman and skopeo read.
//!
//! ```text
//! <diff ID>.tar         each layer, without compression
//! <image ID>.json       each configuration
//! manifest.json         [{"Config": "<image ID>.json", "RepoTags": ["name:tag", ...], "Layers": ["<diff ID>.tar", ...]}]
//! repositories          {"name": {"tag": "<layer>"}}        for readers from before 2016, as are
//! <layer>/layer.tar -> ../<diff ID>.tar   <layer>/VERSION   <layer>/json
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::Output;
use super::tar::Tar;
use crate::error::{Error, Result};
use crate::image::content::{Content, Known};
use crate::image::manifest::Descriptor;
use crate::image::push::sink::{Answer, Finished, Sink, Want, What};
use crate::image::reference::Reference;
use crate::storage::unpack::digest::sha256;

/// An archive.
pub struct DockerArchive<'a> {
    state: Mutex<State<'a>>,
}

struct State<'a> {
    tar: Tar<'a>,
    written: BTreeSet<String>,
    images: Vec<Saved>,
    repositories: BTreeMap<String, BTreeMap<String, String>>,
    /// Names of the image that is being written.
    names: Vec<Reference>,
}

/// An image that is in the archive.
struct Saved {
    config: String,
    tags: Vec<String>,
    layers: Vec<String>,
}

impl<'a> DockerArchive<'a> {
    /// Begins an archive, in a new file.
    pub fn create(output: Output<'a>) -> Result<Self> {
        let refusal = Error::new("docker-archive doesn't support modifying existing images")
            .hint("name a file that does not exist yet");
        let tar = Tar::create(output, Some(refusal))?;
        let state = State {
            tar,
            written: BTreeSet::new(),
            images: Vec::new(),
            repositories: BTreeMap::new(),
            names: Vec::new(),
        };
        Ok(DockerArchive { state: Mutex::new(state) })
    }

    /// The next image has these names, none of them with a digest.
    pub fn next(&self, names: &[Reference]) {
        names.clone_into(&mut self.state().names);
    }

    /// Writes the lists and puts the archive in place.
    pub fn finish(self) -> Result<()> {
        let State { mut tar, images, repositories, .. } =
            self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let one = |image: Saved| json!({"Config": image.config, "RepoTags": image.tags, "Layers": image.layers});
        let manifest: Vec<Value> = images.into_iter().map(one).collect();
        tar.bytes("manifest.json", &serde_json::to_vec(&manifest)?)?;
        tar.bytes("repositories", &serde_json::to_vec(&repositories)?)?;
        tar.finish()
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for DockerArchive<'_> {
    fn want(&self) -> Want {
        Want::Plain
    }

    fn has(&self, blob: &Known, _what: What) -> Result<bool> {
        Ok(self.state().written.contains(&blob.digest))
    }

    fn put(&self, content: &Content, what: What, advanced: &(dyn Fn(u64) + Sync)) -> Result<()> {
        // Without holding up the others.
        let digest = content.wait()?.digest;
        let name = member(&digest, what);
        let mut state = self.state();
        if state.written.insert(digest) {
            state.tar.content(&name, content, advanced)?;
        }
        Ok(())
    }

    fn put_manifest(&self, manifest: &Finished) -> Result<Answer> {
        self.state().list(&manifest.manifest.config, &manifest.manifest.layers)?;
        Ok(Answer::Taken)
    }
}

impl State<'_> {
    fn list(&mut self, config: &Descriptor, layers: &[Descriptor]) -> Result<()> {
        let top = self.legacy(config, layers)?;
        let names = std::mem::take(&mut self.names);
        for name in &names {
            let tag = name.tag.clone().unwrap_or_else(|| "latest".to_owned());
            self.repositories.entry(name.name()).or_default().insert(tag, top.clone());
        }
        let tags: Vec<String> = names.iter().map(Reference::canonical).collect();
        let config = member(&config.digest, What::Config);
        match self.images.iter_mut().find(|image| image.config == config) {
            Some(image) => {
                let new: Vec<String> = tags.into_iter().filter(|tag| !image.tags.contains(tag)).collect();
                image.tags.extend(new);
            }
            None => {
                let layers = layers.iter().map(|layer| member(&layer.digest, What::Layer)).collect();
                self.images.push(Saved { config, tags, layers });
            }
        }
        Ok(())
    }

    /// The directories of the old format; the name of the uppermost.
    fn legacy(&mut self, config: &Descriptor, layers: &[Descriptor]) -> Result<String> {
        let mut parent = String::new();
        for (position, layer) in layers.iter().enumerate() {
            let of = if position + 1 == layers.len() { config.digest.as_str() } else { "" };
            let id = sha256(format!("{parent} {} {of}", layer.digest).as_bytes());
            let mut about = json!({"id": id, "created": "1970-01-01T00:00:00Z", "os": "linux"});
            if let Some(about) = about.as_object_mut().filter(|_| !parent.is_empty()) {
                about.insert("parent".to_owned(), json!(parent));
            }
            if self.written.insert(format!("{id}/")) {
                self.tar.link(&format!("{id}/layer.tar"), &format!("../{}", member(&layer.digest, What::Layer)))?;
                self.tar.bytes(&format!("{id}/VERSION"), b"1.0")?;
                self.tar.bytes(&format!("{id}/json"), &serde_json::to_vec(&about)?)?;
            }
            parent = id;
        }
        Ok(parent)
    }
}

fn member(digest: &str, what: What) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    match what {
        What::Layer => format!("{hex}.tar"),
        What::Config => format!("{hex}.json"),
    }
}
