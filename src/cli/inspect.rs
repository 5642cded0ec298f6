//! What `inspect`, `container inspect` and `image inspect` have in common: finding objects and showing them together.

use super::cx::Cx;
use super::select::one;
use super::views::inspect::{self, Object};
use super::views::ps_row::Size;
use super::views::{container_inspect, image_inspect, network as network_view, volume};
use crate::bail;
use crate::container::snapshot;
use crate::container::store::Store;
use crate::engine::{self, Engine, network, volumes};
use crate::error::{self, Error, Result};

/// What is looked for under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A container, or else an image, or else a volume, or else a network.
    Any,
    Container,
    Image,
    Network,
    Volume,
}

/// What the flags say.
#[derive(Debug)]
pub struct Wanted<'a> {
    pub kind: Kind,
    pub names: &'a [String],
    pub latest: bool,
    /// The sizes of containers too.
    pub size: bool,
    pub format: Option<&'a str>,
}

/// Shows all objects that are there, then says which are not.
pub fn show(cx: &Cx<'_>, wanted: &Wanted<'_>) -> Result<u8> {
    if wanted.latest && !wanted.names.is_empty() {
        bail!("--latest and arguments cannot be used together");
    }
    if wanted.latest && matches!(wanted.kind, Kind::Image | Kind::Volume | Kind::Network) {
        bail!("latest is not supported for images, volumes and networks");
    }
    let (engine, store) = cx.containers()?;
    let mut names = wanted.names.to_vec();
    if wanted.latest {
        names.push(one(&store, None, true)?);
    }
    let (mut objects, mut errors) = (Vec::new(), Vec::new());
    for name in &names {
        match find(&engine, &store, wanted, name) {
            Ok(object) => objects.push(object),
            Err(error) if error.kind() == error::Kind::NoSuch => errors.push(missing(wanted.kind, name)),
            Err(error) => errors.push(error),
        }
    }
    if !(objects.is_empty() && wanted.format.is_some()) {
        cx.printer.text(&inspect::render(&objects, wanted.format)?);
    }
    Ok(cx.each(errors, super::cx::usual_code, Err))
}

fn find(engine: &Engine, store: &Store, wanted: &Wanted<'_>, name: &str) -> Result<Object> {
    match wanted.kind {
        Kind::Volume => return volume_object(engine, name),
        Kind::Network => return network_object(engine, name),
        Kind::Any | Kind::Container | Kind::Image => {}
    }
    if wanted.kind != Kind::Image {
        match store.find(name) {
            Ok(container) => {
                let size = wanted.size.then(|| engine::container_size(engine, &container)).transpose()?;
                let size = size.map(|(rw, root_fs)| Size { rw, root_fs });
                let shown = network::shown(engine, &container)?;
                let object = container_inspect::object(&container, &engine.roots, size, &shown);
                return Ok((object, &inspect::CONTAINER));
            }
            Err(error) if error.kind() == error::Kind::NoSuch && wanted.kind == Kind::Any => {}
            Err(error) => return Err(error),
        }
    }
    let images = engine::images(engine)?;
    let mut image = match images.find(name) {
        Err(error) if error.kind() == error::Kind::NoSuch && wanted.kind == Kind::Any => {
            return match volume_object(engine, name) {
                Err(error) if error.kind() == error::Kind::NoSuch => network_object(engine, name),
                found => found,
            };
        }
        found => found?,
    };
    image.parent = images.list()?.into_iter().find(|other| other.id == image.id).map_or(String::new(), |i| i.parent);
    let layers = images.layers();
    let unpacked = image.layers.iter().filter(|id| layers.exists(id)).map(|id| layers.path(id)).collect();
    let driver = snapshot::known_driver(&engine.roots, engine.driver.as_deref());
    let object = image_inspect::object(&image, &image_inspect::Storage { driver, layers: unpacked });
    Ok((object, &inspect::IMAGE))
}

fn volume_object(engine: &Engine, name: &str) -> Result<Object> {
    let found = volumes::store(engine).find(name)?;
    let mounted = volumes::mount_counts(engine)?.get(&found.record.name).copied().unwrap_or_default();
    Ok((volume::object(&found, mounted), &volume::INSPECT))
}

fn network_object(engine: &Engine, name: &str) -> Result<Object> {
    let found = network::store(engine)?.get(name)?;
    let object = network_view::inspect(&found, &network::connected(engine, &found.name)?)?;
    Ok((object, &network_view::INSPECT))
}

fn missing(kind: Kind, name: &str) -> Error {
    let message = match kind {
        Kind::Any => format!("no such object: \"{name}\""),
        Kind::Container => format!("no such container \"{name}\""),
        Kind::Volume => format!("no such volume {name}"),
        Kind::Network => format!("network {name}: unable to find network with name or ID {name}: network not found"),
        Kind::Image => format!("{name}: image not known"),
    };
    Error::of(error::Kind::NoSuch, message)
}
