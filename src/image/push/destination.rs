//! `push`: one image of the store to whatever place the user names.

use super::registry::Repository;
use super::{PushOptions, Pushed};
use crate::error::{Context, Error, Result};
use crate::image::index;
use crate::image::manifest::Descriptor;
use crate::image::progress::{Event, Progress};
use crate::image::reference::{LOCAL, Reference};
use crate::image::registry::{Access, Purpose};
use crate::image::save::docker::DockerArchive;
use crate::image::save::oci::OciArchive;
use crate::image::save::{Output, SavedImage};
use crate::image::store::ImageStore;
use crate::image::transport::dir::Dir;
use crate::image::transport::layout::Layout;
use crate::image::transport::name::{Location, Pick};

impl ImageStore {
    /// Pushes an image.
    pub fn push(
        &self,
        image: &str,
        to: &Location,
        access: &Access,
        options: &PushOptions,
        progress: &dyn Progress,
    ) -> Result<Pushed> {
        let image = self.to_save(image)?;
        let copy = |sink: &dyn super::sink::Sink| {
            progress.event(Event::Line("Getting image source signatures".to_owned()));
            self.copy_out(&image.manifest, sink, options, true, progress)
        };
        let initializing = || format!("initializing destination {to}");
        if !options.signing.is_empty() && !matches!(to, Location::Registry(_)) {
            return Err(Error::new(format!("cannot determine canonical Docker reference for destination {to}"))
                .hint("only images that are pushed to a registry can be signed"));
        }
        match to {
            Location::Registry(name) => {
                let reference = Reference::parse(name).with_context(initializing)?;
                self.push_to_registry(&image.manifest, &reference, access, options, progress)
            }
            Location::Oci { path, pick } => copy(&Layout::open(path, pick).with_context(initializing)?),
            Location::Dir { path } => copy(&Dir::open(path).with_context(initializing)?),
            Location::OciArchive { path, pick } => {
                let names = no_position(pick).with_context(initializing)?.map(str::to_owned).into_iter().collect();
                let archive = OciArchive::create(Output::Path(path)).with_context(initializing)?;
                archive.next(names);
                let pushed = copy(&archive)?;
                archive.finish()?;
                Ok(pushed)
            }
            Location::DockerArchive { path, pick } => {
                let name = no_position(pick).with_context(initializing)?.map(Reference::parse).transpose()?;
                let archive = DockerArchive::create(Output::Path(path)).with_context(initializing)?;
                archive.next(&self.all_names(&image, name)?);
                let pushed = copy(&archive)?;
                archive.finish()?;
                Ok(pushed)
            }
        }
    }

    fn push_to_registry(
        &self,
        manifest: &Descriptor,
        to: &Reference,
        access: &Access,
        options: &PushOptions,
        progress: &dyn Progress,
    ) -> Result<Pushed> {
        let endpoint = access.destination(to)?;
        let initializing = || format!("initializing destination docker://{to}");
        let client = access.connect(&endpoint, Purpose::Push).with_context(initializing)?;
        // That nobody is there is best told at once. What else a registry has against this question need not matter.
        if let Err(e) = client.lets_in()
            && e.chain().iter().any(|cause| cause.starts_with("pinging container registry"))
        {
            let local = to.registry == LOCAL;
            let hint = "this name is one of a local image only: say where to push it to, as REGISTRY/NAME:TAG";
            return Err(if local { e.hint(hint) } else { e }).with_context(initializing);
        }
        let signing = &options.signing;
        self.trust.check_signing(signing, to)?;
        let repository = Repository::new(client, endpoint.reference, &self.images);
        progress.event(Event::Line("Getting image source signatures".to_owned()));
        let pushed = self.copy_out(manifest, &repository, options, true, progress)?;
        if !signing.is_empty() {
            progress.event(Event::Line("Creating signature: Signing image".to_owned()));
            let signed = self.trust.sign(signing, to, repository.client(), &pushed.manifest);
            signed.with_context(|| format!("creating signature of {to}"))?;
        }
        Ok(pushed)
    }

    /// As in the reference, an archive tells all names of an image, the one that was asked for first.
    fn all_names(&self, image: &SavedImage, first: Option<Reference>) -> Result<Vec<Reference>> {
        let mut names: Vec<Reference> = first.into_iter().collect();
        for entry in index::read(&self.images)?.manifests {
            let name = index::name_of(&entry).filter(|name| name.digest.is_none());
            if let Some(name) = name.filter(|name| entry.digest == image.manifest.digest && !names.contains(name)) {
                names.push(name);
            }
        }
        Ok(names)
    }
}

fn no_position(pick: &Pick) -> Result<Option<&str>> {
    match pick {
        Pick::Index(index) => Err(Error::new(format!("an image cannot be written to position @{index}"))),
        Pick::Name(_) | Pick::Any => Ok(pick.name()),
    }
}
