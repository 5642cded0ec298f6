//! Descriptors of what is to be added to a list: images of the store, or what a registry has. Of the latter only the
//! manifests are read, and the configuration of an image that is not in an index; nothing is stored.

use super::instance::Loose;
use super::{is_list, local};
use crate::error::{Context, Error, Result};
use crate::image::index;
use crate::image::ingest::check_digest;
use crate::image::manifest::{self, DOCKER_LIST, Descriptor, Document, Index, OCI_INDEX, OCI_MANIFEST, PlatformJson};
use crate::image::platform::Platform;
use crate::image::reference::{LOCAL, Reference, sha256_hex};
use crate::image::registry::client::RawManifest;
use crate::image::registry::{Access, Client, Purpose};
use crate::image::store::{ImageStore, read_json_blob};
use crate::image::transport::Location;
use crate::storage::unpack::digest::sha256;

/// One instance to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub descriptor: Descriptor,
    /// `quay.io/x/y@sha256:...` where it is in a registry.
    pub source: Option<String>,
    /// The files that it was made of.
    pub files: Vec<String>,
}

impl Found {
    pub(super) fn new(descriptor: Descriptor, source: Option<String>) -> Self {
        Found { descriptor, source, files: Vec::new() }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// All instances of an index instead of the one for `platform`.
    pub all: bool,
    /// `None` means this machine.
    pub platform: Option<Platform>,
    pub access: Access,
}

impl Wanted {
    fn choose<'a>(&self, index: &'a Index) -> Result<Vec<&'a Descriptor>> {
        if self.all {
            return Ok(index.manifests.iter().collect());
        }
        self.platform.clone().unwrap_or_else(Platform::host).choose(index).map(|entry| vec![entry])
    }
}

/// A manifest or index in a registry.
#[derive(Debug)]
pub struct Remote {
    /// Where it was found.
    pub reference: Reference,
    pub raw: RawManifest,
    client: Client,
}

impl ImageStore {
    /// What a name means: an image or list of the store, or else one in a registry; in a registry anyway with `docker://`.
    pub fn find_instances(&self, name: &str, wanted: &Wanted) -> Result<Vec<Found>> {
        no_file(name)?;
        let in_registry = name.starts_with("docker://");
        if !in_registry {
            let index = index::read(&self.images)?;
            let local = name.strip_prefix("containers-storage:").unwrap_or(name);
            if let Some(entry) = self.find_entry(&index, local)? {
                return self.local_instances(entry, wanted);
            }
        }
        remote_instances(name, wanted)
            .map_err(|e| if in_registry { e } else { e.wrap(format!("{name}: image not known")) })
    }

    fn local_instances(&self, entry: &Descriptor, wanted: &Wanted) -> Result<Vec<Found>> {
        if is_list(entry) {
            let list = manifest::parse_index(&read_json_blob(&self.images, entry)?)?;
            let local = local(entry);
            let found = |instance: &Descriptor| Found {
                descriptor: instance.clone(),
                source: local.sources.get(&instance.digest).cloned(),
                files: local.files.get(&instance.digest).cloned().unwrap_or_default(),
            };
            return Ok(wanted.choose(&list)?.into_iter().map(found).collect());
        }
        let registry = index::name_of(entry).filter(|name| name.registry != LOCAL);
        let source = |digest: &str| registry.as_ref().map(|name| format!("{}@{digest}", name.name()));
        // The index that it was pulled from is in the store as well.
        if let Some(digest) = index::index_digest_of(entry).filter(|_| wanted.all && registry.is_some()) {
            let blob = Descriptor { digest: digest.to_owned(), ..Descriptor::default() };
            let list = manifest::parse_index(&read_json_blob(&self.images, &blob)?)?;
            list.manifests.iter().try_for_each(check)?;
            let found = |instance: &Descriptor| Found::new(instance.clone(), source(&instance.digest));
            return Ok(list.manifests.iter().map(found).collect());
        }
        let bytes = read_json_blob(&self.images, entry)?;
        let manifest = manifest::parse_manifest(&bytes, &entry.media_type)?;
        let config = read_json_blob(&self.images, &manifest.config)?;
        let descriptor = descriptor(&manifest.media_type, &bytes, Some(platform_of(&config)?));
        Ok(vec![Found::new(descriptor, source(&entry.digest))])
    }

    /// The descriptor of one image, artifact or index as a whole, to refer to it.
    pub fn find_subject(&self, name: &str, access: &Access) -> Result<Descriptor> {
        let index = index::read(&self.images)?;
        if let Some(entry) = self.find_entry(&index, name)? {
            let Descriptor { media_type, digest, size, .. } = entry.clone();
            return Ok(Descriptor { media_type, digest, size, ..Descriptor::default() });
        }
        let remote = remote(name, access)?;
        Ok(descriptor(&remote.media_type(), &remote.raw.bytes, None))
    }

    /// The digest of the instance of a list that a user means: a digest, the file of an artifact, an image.
    pub fn find_instance(&self, list: &super::ManifestList, name: &str, access: &Access) -> Result<String> {
        if sha256_hex(name).is_some() {
            return Ok(name.to_owned());
        }
        if let Some(digest) = list.artifact_of(name) {
            return Ok(digest.to_owned());
        }
        let has = |digest: &str| list.index.manifests.iter().any(|entry| entry.digest == digest);
        let wanted = Wanted { access: access.clone(), ..Wanted::default() };
        let found = self.find_instances(name, &wanted).with_context(|| format!("finding instance for \"{name}\""))?;
        match found.iter().map(|one| one.descriptor.digest.as_str()).find(|digest| has(digest)) {
            Some(digest) => Ok(digest.to_owned()),
            None => Err(Error::new(format!("no instance in the manifest list is \"{name}\""))
                .hint("`manifest inspect` shows the digests of a list's instances")),
        }
    }
}

/// Refuses transports that name files: what is in them is not in a place that a list could refer to.
fn no_file(name: &str) -> Result<()> {
    if name.starts_with("containers-storage:") {
        return Ok(());
    }
    match Location::parse(name)? {
        None | Some(Location::Registry(_)) => Ok(()),
        Some(other) => {
            Err(Error::new(format!("`{other}` cannot be in a list: only images of the store and of registries can"))
                .hint(format!("pull it first: coracle pull {other}")))
        }
    }
}

/// What a registry has under a name, which may be a short one.
pub fn remote(name: &str, access: &Access) -> Result<Remote> {
    let bare = name.strip_prefix("docker://").unwrap_or(name);
    let mut failure = Error::new(format!("no registry to look for `{bare}` in"));
    for reference in access.resolve(bare)?.candidates {
        for endpoint in access.sources(&reference)? {
            let attempt = || -> Result<Remote> {
                let client = access.connect(&endpoint, Purpose::Pull)?;
                let raw = fetch(&client, &endpoint.reference)?;
                Ok(Remote { reference: reference.clone(), raw, client })
            };
            match attempt() {
                Ok(remote) => return Ok(remote),
                Err(e) => failure = e.wrap(format!("reading image \"docker://{reference}\"")),
            }
        }
    }
    Err(failure)
}

pub(super) fn fetch(client: &Client, reference: &Reference) -> Result<RawManifest> {
    let wanted = reference.wanted();
    let raw = client.manifest(wanted).with_context(|| format!("reading manifest {wanted} in {}", reference.name()))?;
    if let Some(digest) = &reference.digest {
        let hex = sha256_hex(digest)
            .ok_or_else(|| Error::new(format!("digest `{digest}` is not a SHA-256, the only algorithm supported")))?;
        let actual = sha256(&raw.bytes);
        if actual != hex {
            crate::bail!("manifest has the digest `sha256:{actual}`, but `{digest}` was asked for");
        }
    }
    Ok(raw)
}

/// What an index of somebody else's may bring into a list.
fn check(instance: &Descriptor) -> Result<()> {
    instance.hex()?;
    if matches!(instance.media_type.as_str(), OCI_INDEX | DOCKER_LIST) {
        crate::bail!("an index in an index cannot be added: `{}`", instance.digest);
    }
    Ok(())
}

fn remote_instances(name: &str, wanted: &Wanted) -> Result<Vec<Found>> {
    let Remote { reference, raw, client } = remote(name, &wanted.access)?;
    let source = |digest: &str| Some(format!("{}@{digest}", reference.name()));
    let parsed = manifest::parse_document(&raw.bytes, &raw.media_type);
    let manifest = match parsed {
        Ok(Document::Index(index)) => {
            let chosen = wanted.choose(&index)?;
            chosen.iter().try_for_each(|instance| check(instance))?;
            return Ok(chosen.into_iter().map(|one| Found::new(one.clone(), source(&one.digest))).collect());
        }
        Ok(Document::Manifest(manifest)) => manifest,
        Err(error) => {
            // No image; perhaps an artifact.
            let loose = Loose::parse(&raw.bytes).ok().filter(|m| m.config.is_some() && m.media_type == OCI_MANIFEST);
            let Some(loose) = loose else { return Err(error) };
            let mut descriptor = descriptor(OCI_MANIFEST, &raw.bytes, None);
            descriptor.artifact_type = loose.artifact_type.or(loose.config.map(|config| config.media_type));
            let source = source(&descriptor.digest);
            return Ok(vec![Found::new(descriptor, source)]);
        }
    };
    let config = client.small_blob(&manifest.config.digest).context("reading configuration")?;
    check_digest("configuration", &manifest.config, &config)?;
    let descriptor = descriptor(&manifest.media_type, &raw.bytes, Some(platform_of(&config)?));
    let source = source(&descriptor.digest);
    Ok(vec![Found::new(descriptor, source)])
}

impl Remote {
    /// What the document is: what it says itself goes before what the registry called it.
    pub fn media_type(&self) -> String {
        let said = Loose::parse(&self.raw.bytes).map(|manifest| manifest.media_type).unwrap_or_default();
        if said.is_empty() { self.raw.media_type.split(';').next().unwrap_or_default().trim().to_owned() } else { said }
    }
}

pub(super) fn descriptor(media_type: &str, bytes: &[u8], platform: Option<PlatformJson>) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: format!("sha256:{}", sha256(bytes)),
        size: bytes.len() as u64,
        platform,
        ..Descriptor::default()
    }
}

/// The platform that a configuration says. Its keys are those of the platform in an index.
fn platform_of(config: &[u8]) -> Result<PlatformJson> {
    serde_json::from_slice(config).context("parsing image configuration")
}
