//! `system check --repair`: puts right what [`super::check`] found, and nothing else.
//!
//! Blobs come again from where their image came from, by digest. Layers are unpacked again beside the damaged ones and
//! change places with them in one step. Nothing that a user made is touched: no name, no container. What cannot be
//! repaired is told; only the bytes of a damaged blob go, so that pulling or loading the image again brings it back.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read, Write as _};
use std::os::fd::AsFd as _;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags};

use super::archive::Members;
use super::check::{Damage, Object};
use super::embedded;
use super::index;
use super::manifest::{self, Descriptor, Document, Index, MAX_JSON};
use super::reference::{LOCAL, Reference};
use super::registry::blob::BlobReader;
use super::registry::{Access, Client, Purpose};
use super::remove::InUse;
use super::store::{ImageStore, read_image, read_json_blob, read_manifest};
use super::summary;
use crate::error::{Context, Error, Result};
use crate::storage::layers::Claim;
use crate::storage::unpack::digest::{Hasher, HashingReader, hash_through, sha256};
use crate::storage::unpack::pipeline::{self, Sinks};
use crate::storage::{atomic, fs};

/// What repairing needs to know.
pub struct Repair<'a> {
    /// How to reach registries.
    pub access: &'a Access,
    /// Also remove images from the index that cannot be read and cannot be fetched again.
    pub force: bool,
    /// What uses images and layers.
    pub in_use: &'a InUse<'a>,
    /// What stands on a layer at this moment, in words: containers that run, mounts.
    pub running_on: &'a dyn Fn(&str) -> Result<Vec<String>>,
}

impl ImageStore {
    /// Repairs one damage.
    ///
    /// # Errors
    /// It cannot be repaired, with the reason.
    pub fn repair(&self, damage: &Damage, how: &Repair<'_>) -> Result<()> {
        match &damage.object {
            Object::Index => index::restore(&self.images, || self.rebuild_index()),
            Object::Cache => {
                summary::forget(&self.images)?;
                index::update(&self.images, |_| Ok(()))
            }
            Object::Rubbish => self.prune_rubbish(how.in_use).map(drop),
            Object::Blob { hex, of: None } => self.drop_blob(hex),
            Object::Blob { hex, of: Some(_) } => self.refetch(hex, how),
            Object::Layer { diff_id, .. } => self.unpack_again(diff_id, how),
            Object::Entry { digest, .. } if how.force => index::update(&self.images, |index| {
                index.manifests.retain(|entry| entry.digest != *digest);
                Ok(())
            }),
            Object::Entry { .. } => {
                Err(Error::new("the image cannot be read").hint("to remove it from the list of images, add --force"))
            }
            Object::Container(_) => Err(Error::new("containers are not changed")),
        }
    }

    /// An index of all manifests that are there, without names.
    fn rebuild_index(&self) -> Result<Index> {
        let mut index = Index { schema_version: 2, media_type: manifest::OCI_INDEX.to_owned(), ..Index::default() };
        for hex in self.present()?.blobs {
            let path = self.blob_path(&hex);
            let is_small = std::fs::metadata(&path).is_ok_and(|meta| meta.len() <= MAX_JSON);
            // One that cannot be read must not keep the others out.
            let Some(bytes) = is_small.then(|| fs::read(&path).ok()).flatten() else { continue };
            if sha256(&bytes) != hex {
                continue;
            }
            let Ok(Document::Manifest(found)) = manifest::parse_document(&bytes, "") else { continue };
            let mut entry = Descriptor {
                media_type: found.media_type,
                digest: format!("sha256:{hex}"),
                size: bytes.len() as u64,
                ..Descriptor::default()
            };
            entry.annotations.insert(index::IMAGE_ID.to_owned(), found.config.hex()?.to_owned());
            if read_image(&self.images, &entry).is_ok() {
                index.manifests.push(entry);
            }
        }
        Ok(index)
    }

    /// Fetches a blob again from wherever an image that needs it came from.
    fn refetch(&self, hex: &str, how: &Repair<'_>) -> Result<()> {
        let sources = self.sources_of(hex)?;
        let mut failure = Error::new("no image that needs it came from a registry, by its name")
            .hint("load or build the image again; `coracle rmi` removes it");
        for source in sources {
            match self.refetch_from(hex, &source, how.access) {
                Ok(()) => return Ok(()),
                Err(error) => failure = error.wrap(format!("fetching it again as part of `{}`", source.name)),
            }
        }
        // Pulling and loading take for granted what is there, and this is not what its name says. What cannot be read now
        // may be whole all the same.
        if self.is_damaged(hex) {
            self.drop_blob(hex)?;
        }
        Err(failure.hint("pull or load the image again once that is possible; `coracle rmi` removes it"))
    }

    /// Whether a blob can be read and is another one than its name says.
    fn is_damaged(&self, hex: &str) -> bool {
        let copied = File::open(self.blob_path(hex)).and_then(|file| {
            let mut hashing = HashingReader { inner: file, hasher: Hasher::default() };
            std::io::copy(&mut BufReader::with_capacity(1 << 18, &mut hashing), &mut std::io::sink())?;
            Ok(hashing.hasher.finish())
        });
        copied.is_ok_and(|actual| actual != hex)
    }

    fn sources_of(&self, hex: &str) -> Result<Vec<Source>> {
        let index = index::read(&self.images)?;
        let summaries = summary::read(&self.images);
        let mut sources = Vec::new();
        for entry in &index.manifests {
            let mut parts = super::reach::Parts::default();
            // What cannot be found out of a damaged image was there when it was summarised.
            let _ = self.needs_of(entry, &summaries, &mut parts);
            // What is called `localhost` was made or loaded here, but for what is part of this program.
            let name =
                index::name_of(entry).filter(|name| name.registry != LOCAL || name.canonical() == embedded::NAME);
            if let (true, Some(name)) = (parts.blobs.contains(hex), name) {
                sources.push(Source { name, size: self.size_of_blob(entry, hex) });
            }
        }
        Ok(sources)
    }

    /// The size of a configuration or layer of an image; `None` for what registries know as manifests.
    fn size_of_blob(&self, entry: &Descriptor, hex: &str) -> Option<u64> {
        let mut manifests = vec![entry.clone()];
        if manifest::is_index_type(&entry.media_type)
            && let Ok(bytes) = read_json_blob(&self.images, entry)
            && let Ok(Document::Index(list)) = manifest::parse_document(&bytes, &entry.media_type)
        {
            manifests = list.manifests;
        }
        let read = manifests.iter().filter_map(|entry| read_manifest(&self.images, entry).ok());
        let blobs = read.flat_map(|(manifest, ..)| manifest.layers.into_iter().chain([manifest.config]));
        blobs.filter(|blob| blob.hex().is_ok_and(|found| found == hex)).map(|blob| blob.size).next()
    }

    fn refetch_from(&self, hex: &str, source: &Source, access: &Access) -> Result<()> {
        let workspace = self.workspace()?;
        let path = workspace.path(hex);
        if source.name.canonical() == embedded::NAME {
            let archive = embedded::archive()?;
            let members = Members::spool(self, &mut archive.as_slice())?;
            let (_, mut reader) = members.open_member(&Members::blob_name(&format!("sha256:{hex}"))?)?;
            save(&mut reader, &path, hex)?;
            return self.put_blob(&path, hex);
        }
        let mut failure = Error::new("there is no registry to fetch it from");
        for endpoint in access.sources(&source.name)? {
            let attempt = || {
                let client = access.connect(&endpoint, Purpose::Pull)?;
                fetch(&client, hex, source.size, &path)
            };
            match attempt() {
                Ok(()) => return self.put_blob(&path, hex),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn put_blob(&self, path: &Path, hex: &str) -> Result<()> {
        let file = File::open(path).with_context(|| format!("opening `{}`", path.display()))?;
        file.sync_all().with_context(|| format!("flushing `{}`", path.display()))?;
        index::update(&self.images, |_| {
            fs::rename(path, &self.blob_path(hex))?;
            atomic::sync_dir(&self.images.join("blobs/sha256"))
        })
    }

    /// Unpacks a layer once more from its blob, and puts it in the place of what is there.
    fn unpack_again(&self, diff_id: &str, how: &Repair<'_>) -> Result<()> {
        self.refuse_in_use(diff_id, how)?;
        let blob = self.blob_of(diff_id)?;
        // A missing layer may be at work elsewhere.
        let draft = match self.layers.wait(diff_id)? {
            Claim::Mine(draft) => draft,
            _ => self.layers.draft()?.named(diff_id)?,
        };
        let path = self.blob_path(&blob);
        let mut source = File::open(&path)
            .with_context(|| format!("opening `{}`", path.display()))
            .map_err(|e| e.hint("its blob must be repaired first"))?;
        let root = draft.open_root()?;
        let size = source.metadata().with_context(|| format!("reading `{}`", path.display()))?.len();
        let limit = self.limit(size);
        let flow = pipeline::run(&mut source, Sinks { blob: None, root: Some(root.as_fd()), limit, behind: None })?;
        if flow.digest != blob || flow.diff_id != diff_id {
            crate::bail!("its blob sha256:{blob} is damaged as well");
        }
        draft.note_archive_size(flow.diff_size);
        self.layers.flush()?;
        index::update(&self.images, |_| {
            if !self.layers.exists(diff_id) {
                return self.layers.commit(vec![draft]);
            }
            self.refuse_in_use(diff_id, how)?;
            let place = self.layers.path(diff_id);
            rustix::fs::renameat_with(CWD, draft.root(), CWD, &place, RenameFlags::EXCHANGE)
                .with_context(|| format!("replacing `{}`", place.display()))?;
            atomic::sync_dir(&self.roots.layers())
            // The damaged one goes with the draft.
        })
    }

    fn refuse_in_use(&self, diff_id: &str, how: &Repair<'_>) -> Result<()> {
        if let Some(user) = (how.running_on)(diff_id)?.first() {
            return Err(Error::new(format!("{user} stands on it")).hint("stop that, and repair again"));
        }
        Ok(())
    }

    /// The blob of a layer, by the first image that has it.
    fn blob_of(&self, diff_id: &str) -> Result<String> {
        for entry in &index::read(&self.images)?.manifests {
            let (Ok(image), Ok((manifest, ..))) = (read_image(&self.images, entry), read_manifest(&self.images, entry))
            else {
                continue;
            };
            let mut pairs = image.layers.iter().zip(&manifest.layers);
            if let Some((_, layer)) = pairs.find(|(id, _)| *id == diff_id) {
                return layer.hex().map(str::to_owned);
            }
        }
        crate::bail!("no image says which blob it is")
    }
}

/// Where a blob may be fetched from.
struct Source {
    name: Reference,
    /// Its size, unless it is a manifest or an index.
    size: Option<u64>,
}

fn fetch(client: &Client, hex: &str, size: Option<u64>, path: &Path) -> Result<()> {
    let digest = format!("sha256:{hex}");
    match size {
        Some(size) => save(&mut BlobReader::open(client, &digest, size)?.take(size), path, hex),
        None => save(&mut client.manifest(&digest)?.bytes.as_slice(), path, hex),
    }
}

/// Writes a blob and checks it.
fn save(source: &mut dyn Read, path: &Path, hex: &str) -> Result<()> {
    let mut file = File::create(path).with_context(|| format!("creating `{}`", path.display()))?;
    let unreadable = |e| Error::from(e).wrap("reading it");
    let hasher = hash_through(source, &unreadable, &mut |bytes| {
        file.write_all(bytes).with_context(|| format!("writing `{}`", path.display()))
    })?;
    let actual = hasher.finish();
    if actual != hex {
        crate::bail!("what came has the digest sha256:{actual}");
    }
    Ok(())
}

/// The objects of damages, to see whether a round of repairs changed anything.
pub fn objects(damages: &[Damage]) -> BTreeSet<Object> {
    damages.iter().map(|damage| damage.object.clone()).collect()
}
