//! Where the instances of a list are when it is pushed: in the store, or still in the registry that they came from.

use std::io::Read as _;
use std::sync::Arc;

use super::ManifestList;
use super::find::fetch;
use super::instance::Loose;
use crate::error::{Context, Error, Result};
use crate::image::content::{Content, Growing, Known};
use crate::image::manifest::{Descriptor, parse_manifest};
use crate::image::push::hints::Hints;
use crate::image::reference::Reference;
use crate::image::registry::blob::BlobReader;
use crate::image::registry::{Access, Client, Purpose};
use crate::image::store::{ImageStore, read_json_blob};
use crate::storage::unpack::digest::hash_through;

/// An instance that can be read.
pub(super) struct Instance {
    /// As it stands in the list.
    pub entry: Descriptor,
    pub manifest: Vec<u8>,
    /// An image, and nothing else that has a manifest.
    pub is_image: bool,
    /// Where its blobs are, if not in the store.
    pub remote: Option<Arc<Client>>,
}

/// Connections to where instances are.
pub(super) struct Sources<'a> {
    store: &'a ImageStore,
    list: &'a ManifestList,
    access: &'a Access,
    clients: Vec<(String, Arc<Client>)>,
    /// Repository and blobs, for mounting them where they go to.
    seen: Vec<(String, Vec<String>)>,
}

impl<'a> Sources<'a> {
    pub fn new(store: &'a ImageStore, list: &'a ManifestList, access: &'a Access) -> Self {
        Sources { store, list, access, clients: Vec::new(), seen: Vec::new() }
    }

    /// Finds an instance and reads its manifest.
    pub fn open(&mut self, entry: &Descriptor) -> Result<Instance> {
        if let Some(manifest) = self.local(entry)? {
            return Instance::new(entry, manifest, None);
        }
        let Some(source) = self.list.local.sources.get(&entry.digest) else {
            return Err(Error::new("it is not in local storage, and no registry is known that has it")
                .hint("take it out of the list with `manifest remove`, or add it again"));
        };
        let reference = Reference::parse(source)?;
        let mut failure = Error::new(format!("no place to read {reference} from"));
        for endpoint in self.access.sources(&reference)? {
            let mut attempt = || -> Result<Instance> {
                let client =
                    self.connect(&endpoint.reference.name(), || self.access.connect(&endpoint, Purpose::Pull))?;
                let raw = fetch(
                    &client,
                    &Reference { tag: None, digest: Some(entry.digest.clone()), ..endpoint.reference.clone() },
                )?;
                Instance::new(entry, raw.bytes, Some(client))
            };
            match attempt() {
                Ok(instance) => {
                    let blobs = Loose::parse(&instance.manifest)?.blobs().map(|blob| blob.digest.clone()).collect();
                    self.seen.push((endpoint.reference.name(), blobs));
                    return Ok(instance);
                }
                Err(e) => failure = e.wrap(format!("initializing source docker://{reference}")),
            }
        }
        Err(failure)
    }

    /// The manifest, if it and all its blobs are in the store.
    fn local(&self, entry: &Descriptor) -> Result<Option<Vec<u8>>> {
        if !self.store.has_blob(entry.hex()?) {
            return Ok(None);
        }
        let manifest = read_json_blob(&self.store.images, entry)?;
        let loose = Loose::parse(&manifest)?;
        for blob in loose.blobs() {
            if !self.store.has_blob(blob.hex()?) {
                return Ok(None);
            }
        }
        Ok(Some(manifest))
    }

    fn connect(&mut self, name: &str, connect: impl FnOnce() -> Result<Client>) -> Result<Arc<Client>> {
        if let Some((_, client)) = self.clients.iter().find(|(known, _)| known == name) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(connect()?);
        self.clients.push((name.to_owned(), Arc::clone(&client)));
        Ok(client)
    }

    /// Notes where blobs are: a registry can link them from one of its repositories to another.
    pub fn remember(self) {
        if !self.seen.is_empty() {
            Hints::update(&self.store.images, |hints| {
                for (name, blobs) in self.seen {
                    hints.seen_at(&name, blobs);
                }
            });
        }
    }
}

impl Instance {
    fn new(entry: &Descriptor, manifest: Vec<u8>, remote: Option<Arc<Client>>) -> Result<Self> {
        if manifest.len() as u64 != entry.size {
            crate::bail!("the list says {} bytes, but its manifest has {}", entry.size, manifest.len());
        }
        let is_image = parse_manifest(&manifest, &entry.media_type).is_ok();
        Ok(Instance { entry: entry.clone(), manifest, is_image, remote })
    }

    /// Hands a blob to `put`; one from a registry while it still comes.
    pub fn send(&self, store: &ImageStore, blob: &Descriptor, put: &dyn Fn(&Content) -> Result<()>) -> Result<()> {
        let Some(client) = &self.remote else {
            let path = store.blob_path(blob.hex()?);
            let file = std::fs::File::open(&path).with_context(|| format!("opening `{}`", path.display()))?;
            return put(&Content::complete(file, &blob.digest, blob.size));
        };
        let tmp = store.roots.tmp();
        // Without a name: nothing is left of it whatever happens.
        let file =
            tempfile::tempfile_in(&tmp).with_context(|| format!("creating temporary file in `{}`", tmp.display()))?;
        let (content, mut growing) = Content::growing(file);
        let (got, sent) = std::thread::scope(|scope| {
            let getting = scope.spawn(move || {
                let end = download(client, blob, &mut growing);
                growing.finish(end.clone());
                end
            });
            let sent = put(&content);
            let refused = sent.is_err() && !matches!(content.known(), Some(Err(_)));
            if refused {
                // The rest need not come.
                content.abandon();
            }
            let got = getting.join().unwrap_or_else(|_| Err(Error::new("a thread that downloads panicked")));
            (if refused { None } else { Some(got) }, sent)
        });
        // What went wrong with the download is the cause of what the reader saw.
        got.transpose()?;
        sent
    }
}

fn download(client: &Client, blob: &Descriptor, into: &mut Growing) -> Result<Known> {
    let mut reader = BlobReader::open(client, &blob.digest, blob.size)?.take(blob.size.saturating_add(1));
    let unreadable = |e| Error::from(e).wrap("reading blob");
    let hasher = hash_through(&mut reader, &unreadable, &mut |bytes| into.write(bytes))?;
    let size = hasher.bytes();
    let digest = format!("sha256:{}", hasher.finish());
    if size != blob.size || digest != blob.digest {
        crate::bail!("the registry sent {size} bytes with the digest `{digest}`, but promised {}", blob.size);
    }
    Ok(Known { digest, size })
}
