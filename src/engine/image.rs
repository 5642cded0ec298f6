//! Getting images: for `pull`, and for containers that need one.

use super::Engine;
use crate::bail;
use crate::container::options::{Pull, PullPolicy};
use crate::error::{Error, Kind, Result};
use crate::image::platform::Platform;
use crate::image::progress::Progress;
use crate::image::pull::{PullOptions, Pulled};
use crate::image::reference::Reference;
use crate::image::registry::Access;
use crate::image::shortnames::RegistriesConf;
use crate::image::store::ImageStore;
use crate::image::transport::Location;
use crate::image::{Image, embedded};

/// Pulls from the first of the registries that has it. With `all_tags`, everything in the repository.
pub fn pull(
    images: &ImageStore,
    name: &str,
    options: &PullOptions,
    all_tags: bool,
    progress: &dyn Progress,
) -> Result<Vec<Pulled>> {
    let bare = match Location::parse(name)? {
        None => name,
        Some(Location::Registry(_)) => name.strip_prefix("docker://").unwrap_or(name),
        Some(_) if all_tags => bail!("--all-tags is for registries only"),
        Some(place) => return images.pull_from(&place, options.platform.as_ref(), progress),
    };
    let candidates = options.access.registries.candidates(bare)?;
    let mut failures = Vec::new();
    for reference in &candidates {
        let result = if all_tags {
            images.pull_all_tags(&without_tag(reference, bare)?, options, progress)
        } else {
            images.pull(reference, options, progress).map(|one| vec![one])
        };
        match result {
            Ok(pulled) => return Ok(pulled),
            Err(error) => failures.push(error),
        }
    }
    let last = failures.pop().unwrap_or_else(|| Error::new(format!("no registry to pull `{name}` from")));
    if failures.is_empty() {
        return Err(last);
    }
    let all: Vec<String> = failures.iter().chain([&last]).map(ToString::to_string).collect();
    Err(Error::new(format!("{} errors occurred while pulling `{name}`: {}", all.len(), all.join("; "))))
}

fn without_tag(reference: &Reference, typed: &str) -> Result<Reference> {
    let last = typed.rsplit('/').next().unwrap_or(typed);
    if last.contains([':', '@']) {
        bail!("tag can't be used with --all-tags");
    }
    Ok(Reference { tag: None, digest: None, ..reference.clone() })
}

/// The image that a container is to be made from, by the policy. The process is in the user's user namespace.
pub fn obtain(
    engine: &Engine,
    name: &str,
    pull: &Pull,
    progress: &dyn Progress,
    warnings: &mut Vec<String>,
) -> Result<Image> {
    let images = super::images(engine)?;
    let platform = wanted_platform(pull);
    let local = match images.find_for(name, &platform.clone().unwrap_or_else(Platform::host)) {
        Ok(image) if platform.as_ref().is_none_or(|p| p.matches(&image.os, &image.architecture)) => Some(image),
        Ok(_) => None,
        Err(error) if error.kind() == Kind::NoSuch => load_embedded(&images, name)?,
        Err(error) => return Err(error),
    };
    match (pull.policy, local) {
        (PullPolicy::Missing | PullPolicy::Never, Some(image)) => Ok(image),
        (PullPolicy::Never, None) => Err(Error::of(Kind::NoSuch, format!("{name}: image not known"))),
        (policy, local) => match pull_for_container(engine, &images, name, pull, platform, progress) {
            Ok(pulled) => {
                warnings.extend(pulled.warnings);
                Ok(pulled.image)
            }
            // As the reference: no newer one is to be had, so the one that is there will do.
            Err(error) => match local {
                Some(image) if policy == PullPolicy::Newer => Ok(image),
                _ => Err(error),
            },
        },
    }
}

fn pull_for_container(
    engine: &Engine,
    images: &ImageStore,
    name: &str,
    how: &Pull,
    platform: Option<Platform>,
    progress: &dyn Progress,
) -> Result<Pulled> {
    let access = Access {
        registries: RegistriesConf::read(engine.config_home.as_deref())?,
        tls_verify: how.tls_verify,
        config_home: engine.config_home.clone(),
        retry: how.retry,
        retry_delay: how.retry_delay,
        ..Access::default()
    };
    let options = PullOptions { platform, access };
    let mut pulled = pull(images, name, &options, false, progress)?;
    pulled.pop().ok_or_else(|| Error::new(format!("pulling `{name}` brought no image")))
}

fn wanted_platform(pull: &Pull) -> Option<Platform> {
    let asked = &pull.platform;
    if *asked == Default::default() {
        return None;
    }
    let host = Platform::host();
    let or = |text: &str, own: &str| if text.is_empty() { own.to_owned() } else { text.to_owned() };
    Some(Platform::new(&or(&asked.os, &host.os), &or(&asked.arch, &host.architecture), &asked.variant))
}

/// The image that is part of this program, when that is the one that was meant.
fn load_embedded(images: &ImageStore, name: &str) -> Result<Option<Image>> {
    let full = embedded::NAME;
    let short = full.trim_start_matches("localhost/").trim_end_matches(":latest");
    let is_meant = [full.to_owned(), format!("localhost/{short}"), short.to_owned(), format!("{short}:latest")]
        .iter()
        .any(|known| known == name);
    if !is_meant {
        return Ok(None);
    }
    images.load_bytes(&embedded::archive()?, full)?;
    images.find(full).map(Some)
}

/// A warning when the image is for another platform than this machine's.
pub fn foreign_platform(image: &Image) -> Option<String> {
    let host = Platform::host();
    (!image.architecture.is_empty() && !host.matches(&image.os, &image.architecture)).then(|| {
        format!(
            "image platform ({}/{}) does not match the expected platform ({}/{})",
            image.os, image.architecture, host.os, host.architecture
        )
    })
}
