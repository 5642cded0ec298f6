//! `manifest push`: the instances of a list by their digests, then the list under its name.
//!
//! An instance goes out bit for bit unless its layers have to be compressed or its format changed; then the list that
//! goes out has the new digests, and the one in the store stays as it is.

use super::ManifestList;
use super::instance::Loose;
use super::source::{Instance, Sources};
use crate::error::{Context, Error, Result};
use crate::image::content::Known;
use crate::image::manifest::{DOCKER_LIST, DOCKER_MANIFEST, Descriptor, Index, Manifest, OCI_INDEX, OCI_MANIFEST};
use crate::image::progress::{Event, Progress};
use crate::image::push::registry::Repository;
use crate::image::push::sink::{Answer, Finished, Sink, What};
use crate::image::push::{Codec, Format, ManifestFormat, PushOptions, Pushed};
use crate::image::reference::{LOCAL, Reference};
use crate::image::registry::{Access, Purpose};
use crate::image::save::Output;
use crate::image::save::oci::OciArchive;
use crate::image::store::ImageStore;
use crate::image::transport::dir::Dir;
use crate::image::transport::layout::Layout;
use crate::image::transport::name::{Location, Pick};
use crate::storage::unpack::digest::sha256;

/// The annotation of an instance whose layers are compressed with zstd.
const ZSTD: &str = "io.github.containers.compression.zstd";

/// How to push a list.
#[derive(Debug, Clone, Default)]
pub struct PushList {
    /// The instances as well as the list.
    pub all: bool,
    pub options: PushOptions,
    /// Add instances with these compressions for platforms that have none.
    pub replicate: Vec<Codec>,
}

impl ImageStore {
    /// Pushes a list. What it returns is about the list, not its instances.
    pub fn push_manifest_list(
        &self,
        list: &ManifestList,
        to: &Location,
        access: &Access,
        how: &PushList,
        progress: &dyn Progress,
    ) -> Result<Pushed> {
        progress.event(Event::Line("Getting image list signatures".to_owned()));
        // Whatever is missing is known before anything is written.
        let instances = if how.all { self.open_instances(list, access)? } else { Vec::new() };
        let push = Push { store: self, list, instances, how, progress };
        push.check()?;
        let initializing = || format!("initializing destination {to}");
        if !how.options.signing.is_empty() && !matches!(to, Location::Registry(_)) {
            return Err(Error::new(format!("cannot determine canonical Docker reference for destination {to}"))
                .hint("only images that are pushed to a registry can be signed"));
        }
        let unsigned = |_: &[u8]| Ok(());
        match to {
            Location::Registry(name) => {
                let reference = Reference::parse(name).with_context(initializing)?;
                let endpoint = access.destination(&reference)?;
                let client = access.connect(&endpoint, Purpose::Push).with_context(initializing)?;
                // That nobody is there is best told at once. What else a registry has against this question need not matter.
                if let Err(e) = client.lets_in()
                    && e.chain().iter().any(|cause| cause.starts_with("pinging container registry"))
                {
                    let hint = "this name is one of a local list only: say where to push it to, as REGISTRY/NAME:TAG";
                    return Err(if reference.registry == LOCAL { e.hint(hint) } else { e }).with_context(initializing);
                }
                let signing = &how.options.signing;
                self.trust.check_signing(signing, &reference)?;
                let repository = Repository::new(client, endpoint.reference, &self.images);
                let sign = |manifest: &[u8]| {
                    if signing.is_empty() {
                        return Ok(());
                    }
                    progress.event(Event::Line("Creating signature: Signing image".to_owned()));
                    let signed = self.trust.sign(signing, &reference, repository.client(), manifest);
                    signed.with_context(|| format!("creating signature of {reference}"))
                };
                push.run(&repository, &sign)
            }
            Location::Oci { path, pick } => push.run(&Layout::open(path, pick).with_context(initializing)?, &unsigned),
            Location::Dir { path } => push.run(&Dir::open(path).with_context(initializing)?, &unsigned),
            Location::OciArchive { path, pick } => {
                if let Pick::Index(index) = pick {
                    crate::bail!("an image cannot be written to position @{index}");
                }
                let archive = OciArchive::create(Output::Path(path)).with_context(initializing)?;
                archive.next(pick.name().map(str::to_owned).into_iter().collect());
                let pushed = push.run(&archive, &unsigned)?;
                archive.finish()?;
                Ok(pushed)
            }
            Location::DockerArchive { .. } => Err(Error::new(
                "copying multiple images: destination transport \"docker-archive\" does not support copying multiple \
                 images as a group",
            )
            .hint("use oci-archive:, or `save` for one of the images")),
        }
    }

    fn open_instances(&self, list: &ManifestList, access: &Access) -> Result<Vec<Instance>> {
        let mut sources = Sources::new(self, list, access);
        let open = |entry: &Descriptor| {
            sources.open(entry).with_context(|| format!("reading instance `{}` of the list", entry.digest))
        };
        let instances = list.index.manifests.iter().map(open).collect::<Result<Vec<_>>>()?;
        sources.remember();
        Ok(instances)
    }
}

struct Push<'a> {
    store: &'a ImageStore,
    list: &'a ManifestList,
    instances: Vec<Instance>,
    how: &'a PushList,
    progress: &'a dyn Progress,
}

impl Push<'_> {
    /// Refuses what is asked for and cannot be done.
    fn check(&self) -> Result<()> {
        let docker = self.how.options.format == Some(ManifestFormat::Docker);
        if docker && !self.how.replicate.iter().all(|codec| codec.format == Format::Gzip) {
            return Err(Error::new("manifests of Docker's format cannot have layers with zstd compression")
                .hint("use --format oci"));
        }
        for Instance { entry, remote, is_image, .. } in &self.instances {
            if docker && !is_image {
                return Err(Error::new(format!(
                    "the artifact `{}` cannot be in a list of Docker's format",
                    entry.digest
                ))
                .hint("use --format oci"));
            }
            if *is_image && remote.is_some() && (self.is_changed(entry) || !self.replicas(entry).is_empty()) {
                let error =
                    format!("instance `{}` is not in local storage, so it cannot be changed on the way", entry.digest);
                let hint = match self.list.local.sources.get(&entry.digest) {
                    Some(source) => format!("pull it first: coracle pull {source}"),
                    None => "pull it first".to_owned(),
                };
                return Err(Error::new(error).hint(hint));
            }
        }
        Ok(())
    }

    /// Whether the options ask for another manifest than the one that is there.
    fn is_changed(&self, entry: &Descriptor) -> bool {
        let options = &self.how.options;
        let own = ManifestFormat::of(&entry.media_type);
        options.codec_is_explicit || options.force_compression || options.format.is_some_and(|format| format != own)
    }

    /// The compressions that are to be added for an instance.
    fn replicas(&self, entry: &Descriptor) -> Vec<Codec> {
        let is = |entry: &Descriptor, format: Format| (format == Format::Zstd) == entry.annotations.contains_key(ZSTD);
        let platform_has = |format: Format| {
            self.list.index.manifests.iter().any(|other| other.platform == entry.platform && is(other, format))
        };
        // Of two instances of a platform the first one is replicated.
        let first = self.list.index.manifests.iter().find(|other| other.platform == entry.platform);
        if first.is_none_or(|first| first.digest != entry.digest) {
            return Vec::new();
        }
        self.how.replicate.iter().copied().filter(|codec| !platform_has(codec.format)).collect()
    }

    fn line(&self, text: String) {
        self.progress.event(Event::Line(text));
    }

    fn run(&self, sink: &dyn Sink, sign: &dyn Fn(&[u8]) -> Result<()>) -> Result<Pushed> {
        let mut index = self.list.index.clone();
        let replicas: usize =
            self.instances.iter().filter(|one| one.is_image).map(|one| self.replicas(&one.entry).len()).sum();
        let total = self.instances.len() + replicas;
        self.line(format!("Copying {total} images generated from {} images in list", index.manifests.len()));
        let mut count = 0;
        let mut added = Vec::new();
        for instance in &self.instances {
            let digest = &instance.entry.digest;
            count += 1;
            self.line(format!("Copying image {digest} ({count}/{total})"));
            self.line("Getting image source signatures".to_owned());
            let copying = |count: usize| format!("copying image {count}/{total} from manifest list");
            let pushed = self.copy(instance, sink).with_context(|| copying(count))?;
            sign(&pushed.manifest)?;
            let zstd = self.how.options.codec.filter(|_| self.how.options.codec_is_explicit);
            for entry in index.manifests.iter_mut().filter(|entry| entry.digest == *digest) {
                now_is(entry, &pushed, zstd.filter(|_| instance.is_image));
            }
            for codec in self.replicas(&instance.entry).into_iter().filter(|_| instance.is_image) {
                count += 1;
                self.line(format!("Replicating image {digest} ({count}/{total})"));
                self.line("Getting image source signatures".to_owned());
                let options = PushOptions { codec: Some(codec), codec_is_explicit: true, ..self.how.options.clone() };
                let pushed = self.store.copy_out(&bare(&instance.entry), sink, &options, false, self.progress);
                let pushed = pushed.with_context(|| copying(count))?;
                sign(&pushed.manifest)?;
                let mut entry = instance.entry.clone();
                now_is(&mut entry, &pushed, Some(codec));
                added.push(entry);
            }
        }
        index.manifests.extend(added);
        self.line("Writing manifest list to image destination".to_owned());
        let pushed = self.finish(&index, sink)?;
        self.line("Storing list signatures".to_owned());
        sign(&pushed.manifest)?;
        Ok(pushed)
    }

    fn copy(&self, instance: &Instance, sink: &dyn Sink) -> Result<Pushed> {
        let Instance { entry, manifest, .. } = instance;
        if instance.is_image && instance.remote.is_none() {
            return self.store.copy_out(&bare(entry), sink, &self.how.options, false, self.progress);
        }
        let loose = Loose::parse(manifest)?;
        let mut done: Vec<&str> = Vec::new();
        for (blob, what) in loose
            .layers
            .iter()
            .map(|layer| (layer, What::Layer))
            .chain(loose.config.iter().map(|config| (config, What::Config)))
        {
            if !done.contains(&blob.digest.as_str()) {
                self.blob(instance, blob, what, sink).with_context(|| format!("blob `{}`", blob.digest))?;
                done.push(&blob.digest);
            }
        }
        self.line("Writing manifest to image destination".to_owned());
        let finished = Finished {
            bytes: manifest.clone(),
            media_type: entry.media_type.clone(),
            digest: entry.digest.clone(),
            manifest: Manifest::default(),
            named: false,
        };
        match sink.put_manifest(&finished)? {
            Answer::Taken => {
                Ok(Pushed { digest: finished.digest, manifest: finished.bytes, media_type: finished.media_type })
            }
            Answer::FormatRefused(refusal) => Err(refusal),
        }
    }

    fn blob(&self, instance: &Instance, blob: &Descriptor, what: What, sink: &dyn Sink) -> Result<()> {
        let digest = &blob.digest;
        if sink.has(&Known { digest: digest.clone(), size: blob.size }, what)? {
            if what == What::Layer {
                self.progress.event(Event::Skipped { digest: digest.clone() });
            }
            return Ok(());
        }
        let name = if what == What::Layer { "blob" } else { "config" };
        self.progress.event(Event::Started { digest: digest.clone(), what: name, total: Some(blob.size) });
        let advanced = |bytes| self.progress.event(Event::Advanced { digest: digest.clone(), bytes });
        instance.send(self.store, blob, &|content| sink.put(content, what, &advanced))?;
        self.progress.event(Event::Finished { digest: digest.clone() });
        Ok(())
    }

    /// Sends the list itself. A registry that does not know OCI's format gets Docker's, unless a format was asked for.
    fn finish(&self, index: &Index, sink: &dyn Sink) -> Result<Pushed> {
        let docker = self.how.options.format == Some(ManifestFormat::Docker);
        let format = if docker { ManifestFormat::Docker } else { ManifestFormat::Oci };
        let (finished, answer) = send(index, format, sink)?;
        let finished = match answer {
            Answer::Taken => finished,
            Answer::FormatRefused(refusal) if self.how.options.format.is_none() => {
                let Ok((other, Answer::Taken)) = send(index, ManifestFormat::Docker, sink) else { return Err(refusal) };
                other
            }
            Answer::FormatRefused(refusal) => return Err(refusal),
        };
        Ok(Pushed { digest: finished.digest, manifest: finished.bytes, media_type: finished.media_type })
    }
}

fn send(index: &Index, format: ManifestFormat, sink: &dyn Sink) -> Result<(Finished, Answer)> {
    let index = in_format(index, format)?;
    let bytes = serde_json::to_vec(&index)?;
    let finished = Finished {
        media_type: index.media_type,
        digest: format!("sha256:{}", sha256(&bytes)),
        bytes,
        manifest: Manifest::default(),
        named: true,
    };
    let answer = sink.put_manifest(&finished)?;
    Ok((finished, answer))
}

/// The list as it is written in a format. Docker's knows no annotations.
fn in_format(index: &Index, format: ManifestFormat) -> Result<Index> {
    if format == ManifestFormat::Oci {
        return Ok(Index { media_type: OCI_INDEX.to_owned(), ..index.clone() });
    }
    let mut docker = Index { schema_version: 2, media_type: DOCKER_LIST.to_owned(), ..Index::default() };
    for entry in &index.manifests {
        if entry.artifact_type.is_some() || !matches!(entry.media_type.as_str(), OCI_MANIFEST | DOCKER_MANIFEST) {
            crate::bail!("instance `{}` cannot be in a list of Docker's format", entry.digest);
        }
        let platform = entry.platform.clone().unwrap_or_default();
        docker.manifests.push(Descriptor { platform: Some(platform), ..bare(entry) });
    }
    Ok(docker)
}

/// The descriptor alone.
fn bare(entry: &Descriptor) -> Descriptor {
    let Descriptor { media_type, digest, size, .. } = entry.clone();
    Descriptor { media_type, digest, size, ..Descriptor::default() }
}

/// Makes the entry one of what arrived.
fn now_is(entry: &mut Descriptor, pushed: &Pushed, codec: Option<Codec>) {
    entry.digest.clone_from(&pushed.digest);
    entry.media_type.clone_from(&pushed.media_type);
    entry.size = pushed.manifest.len() as u64;
    match codec.map(|codec| codec.format) {
        Some(Format::Zstd) => drop(entry.annotations.insert(ZSTD.to_owned(), "true".to_owned())),
        Some(Format::Gzip) => drop(entry.annotations.remove(ZSTD)),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::manifest::PlatformJson;

    #[test]
    fn docker_lists_have_platforms_and_nothing_else() {
        let platform = PlatformJson { os: "linux".into(), architecture: "arm".into(), ..PlatformJson::default() };
        let image = Descriptor {
            media_type: DOCKER_MANIFEST.into(),
            digest: "sha256:1".into(),
            size: 3,
            platform: Some(platform),
            annotations: [("a".to_owned(), "b".to_owned())].into(),
            ..Descriptor::default()
        };
        let index =
            Index { manifests: vec![image.clone()], annotations: image.annotations.clone(), ..Index::default() };
        let docker = serde_json::to_value(in_format(&index, ManifestFormat::Docker).unwrap()).unwrap();
        assert_eq!(
            docker,
            serde_json::json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [{
                "mediaType": DOCKER_MANIFEST, "digest": "sha256:1", "size": 3,
                "platform": {"architecture": "arm", "os": "linux"}}]})
        );
        let artifact = Descriptor { artifact_type: Some("x/y".into()), ..image };
        let index = Index { manifests: vec![artifact], ..Index::default() };
        assert!(in_format(&index, ManifestFormat::Docker).is_err());
    }
}
