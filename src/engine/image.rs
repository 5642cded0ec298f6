//! Getting images: for `pull`, and for containers that need one.

use super::{Engine, interrupt};
use crate::bail;
use crate::container::options::{Pull, PullPolicy};
use crate::error::{Error, Kind, Result};
use crate::image::config::RegistriesConf;
use crate::image::platform::Platform;
use crate::image::progress::{Event, Progress};
use crate::image::pull::{PullOptions, Pulled};
use crate::image::reference::Reference;
use crate::image::registry::Access;
use crate::image::store::ImageStore;
use crate::image::transport::Location;
use crate::image::{Image, embedded};

/// What a signal in the middle of a pull means.
const INTERRUPTED: &str = "pull interrupted: what has arrived is kept, and the next pull goes on from there";

/// Gets an image by the policy; with `all_tags`, everything in the repository.
pub fn pull(
    images: &ImageStore,
    name: &str,
    options: &PullOptions,
    policy: PullPolicy,
    all_tags: bool,
    progress: &dyn Progress,
) -> Result<Vec<Pulled>> {
    if all_tags {
        return pull_always(images, name, options, true, progress);
    }
    let local = find_local(images, name, options.platform.as_ref())?;
    by_policy(name, policy, local, || pull_one(images, name, options, progress)).map(|pulled| vec![pulled])
}

/// The image that is there, or what `fetch` brings, as the policy wants it.
fn by_policy(
    name: &str,
    policy: PullPolicy,
    local: Option<Image>,
    fetch: impl FnOnce() -> Result<Pulled>,
) -> Result<Pulled> {
    let is_there = |image| Pulled { image, warnings: Vec::new() };
    match (policy, local) {
        (PullPolicy::Missing | PullPolicy::Never, Some(image)) => Ok(is_there(image)),
        (PullPolicy::Never, None) => Err(Error::of(Kind::NoSuch, format!("{name}: image not known"))),
        // As the reference: no newer one is to be had, so the one that is there will do.
        (PullPolicy::Newer, Some(image)) => fetch().or_else(|_| Ok(is_there(image))),
        (PullPolicy::Always | PullPolicy::Missing | PullPolicy::Newer, _) => fetch(),
    }
}

/// The image in the store, when it is of the platform.
fn find_local(images: &ImageStore, name: &str, platform: Option<&Platform>) -> Result<Option<Image>> {
    let wanted = platform.cloned().unwrap_or_else(Platform::host);
    match images.find_for(name, &wanted) {
        Ok(image) if platform.is_none_or(|p| p.matches(&image.os, &image.architecture)) => Ok(Some(image)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == Kind::NoSuch => Ok(None),
        Err(error) => Err(error),
    }
}

fn pull_one(images: &ImageStore, name: &str, options: &PullOptions, progress: &dyn Progress) -> Result<Pulled> {
    let mut pulled = pull_always(images, name, options, false, progress)?;
    pulled.pop().ok_or_else(|| Error::new(format!("pulling `{name}` brought no image")))
}

/// Pulls from the first of the registries that has it.
fn pull_always(
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
    let resolved = options.access.resolve(bare)?;
    if let Some(how) = &resolved.how {
        progress.event(Event::Line(how.clone()));
    }
    let mut failures = Vec::new();
    for reference in &resolved.candidates {
        let result = interrupt::guarded(progress, INTERRUPTED, || {
            if all_tags {
                images.pull_all_tags(&without_tag(reference, bare)?, options, progress)
            } else {
                images.pull(reference, options, progress).map(|one| vec![one])
            }
        });
        match result {
            Ok(mut pulled) => {
                let recorded = options.access.registries.record(&resolved);
                // The image is there all the same.
                let warnings = recorded.err().map(|e| e.to_string());
                pulled.iter_mut().take(1).for_each(|one| one.warnings.extend(warnings.clone()));
                return Ok(pulled);
            }
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
    let local = match find_local(&images, name, platform.as_ref())? {
        None if !images.exists(name)? => match load_embedded(&images, name)? {
            None => find_aliased(engine, &images, name, platform.as_ref())?,
            embedded => embedded,
        },
        local => local,
    };
    let pulled =
        by_policy(name, pull.policy, local, || pull_for_container(engine, &images, name, pull, platform, progress))?;
    warnings.extend(pulled.warnings);
    Ok(pulled.image)
}

/// The local image of what an alias makes of a name.
fn find_aliased(
    engine: &Engine,
    images: &ImageStore,
    name: &str,
    platform: Option<&Platform>,
) -> Result<Option<Image>> {
    match RegistriesConf::read(&engine.places)?.aliased(name) {
        Some(reference) => find_local(images, &reference.to_string(), platform),
        None => Ok(None),
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
        credentials: how.credentials.clone(),
        cert_dir: how.cert_dir.clone(),
        tls_verify: how.tls_verify,
        retry: how.retry,
        retry_delay: how.retry_delay,
        choose: engine.choose,
        ..Access::read(&engine.places, how.authfile.clone())?
    };
    let options = PullOptions { platform, access };
    pull_one(images, name, &options, progress)
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
