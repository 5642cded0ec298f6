//! Names of places that hold images, `TRANSPORT:REST`, as in containers-transports(5). Pure.
//!
//! ```text
//! docker://NAME                          a registry
//! oci:DIR[:NAME|:@NUMBER]                an OCI image layout
//! oci-archive:FILE[:NAME|:@NUMBER]       the same as a tar archive
//! docker-archive:FILE[:NAME|:@NUMBER]    what `docker save` writes
//! dir:DIR                                manifest and blobs in one directory
//! ```
//!
//! A path ends at its first colon, as in the reference.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::image::reference::Reference;
use crate::image::reference::shown;

/// A place that holds images or will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A registry; the name as typed, perhaps a short one.
    Registry(String),
    Oci {
        path: PathBuf,
        pick: Pick,
    },
    OciArchive {
        path: PathBuf,
        pick: Pick,
    },
    DockerArchive {
        path: PathBuf,
        pick: Pick,
    },
    Dir {
        path: PathBuf,
    },
}

/// Which of the images in a layout or archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// The only one; of a docker-archive all.
    Any,
    /// The one of this name. Names in docker-archives are complete references.
    Name(String),
    /// The one at this position, from 0.
    Index(usize),
}

/// Transports of the reference that name what does not exist here.
const FOREIGN: [(&str, &str); 8] = [
    ("containers-storage", "images of the reference engine's store are passed on by `podman save | coracle load`"),
    ("docker-daemon", "images of a Docker daemon are passed on by `docker save | coracle load`"),
    ("docker-storage", "images of a Docker daemon are passed on by `docker save | coracle load`"),
    ("atomic", "use docker://"),
    ("ostree", "use oci: or docker://"),
    ("sif", "convert it with `skopeo copy sif:FILE oci:DIR`"),
    ("tarball", "use `coracle import`"),
    ("file", "use oci-archive: or docker-archive:"),
];

impl Location {
    /// Reads a name with a transport in front; `None` where there is none.
    ///
    /// # Errors
    /// When the transport is known and the rest is malformed, or when the transport is not supported.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let Some((transport, rest)) = text.split_once(':') else { return Ok(None) };
        let invalid = |why: &str| Err(Error::new(format!("invalid image name \"{}\": {why}", text.escape_debug())));
        if let Some((name, hint)) = FOREIGN.iter().find(|(name, _)| *name == transport) {
            // `atomic:latest` is a short name with a tag; a path or a name in a storage looks different.
            if rest.starts_with(['/', '[', '.']) || !matches!(*name, "atomic" | "file" | "sif" | "tarball" | "ostree") {
                return Err(Error::new(format!("transport `{name}` is not supported")).hint(*hint));
            }
            return Ok(None);
        }
        let location = match transport {
            "docker" => match rest.strip_prefix("//") {
                Some("") => return invalid("it has no reference"),
                Some(name) => Location::Registry(name.to_owned()),
                // `docker:latest` is a short name with a tag.
                None => return Ok(None),
            },
            "oci" | "oci-archive" | "docker-archive" => {
                let (path, pick) = match rest.split_once(':') {
                    Some((path, pick)) => (path, pick),
                    None => (rest, ""),
                };
                if path.is_empty() {
                    return invalid("it has no path");
                }
                let path = PathBuf::from(path);
                let docker = transport == "docker-archive";
                let pick = match Pick::parse(pick, docker) {
                    Ok(pick) => pick,
                    Err(e) => return Err(e.wrap(format!("invalid image name \"{}\"", text.escape_debug()))),
                };
                match transport {
                    "oci" => Location::Oci { path, pick },
                    "oci-archive" => Location::OciArchive { path, pick },
                    _ => Location::DockerArchive { path, pick },
                }
            }
            "dir" if rest.is_empty() => return invalid("it has no path"),
            "dir" => Location::Dir { path: PathBuf::from(rest) },
            _ => return Ok(None),
        };
        Ok(Some(location))
    }
}

impl Pick {
    fn parse(text: &str, docker: bool) -> Result<Self> {
        if text.is_empty() {
            return Ok(Pick::Any);
        }
        if let Some(number) = text.strip_prefix('@') {
            let valid = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            return match number.parse() {
                Ok(index) if valid => Ok(Pick::Index(index)),
                _ => Err(Error::new(format!("`@{}` is not the number of an image", number.escape_debug()))),
            };
        }
        if docker {
            let reference = Reference::parse(text)?;
            if reference.digest.is_some() {
                crate::bail!("an archive has names with tags, not digests");
            }
            return Ok(Pick::Name(reference.canonical()));
        }
        let word = |b: u8| b.is_ascii_alphanumeric() || b"._-+@:/".contains(&b);
        let ends = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        let valid = text.len() <= 512
            && text.bytes().all(word)
            && ends(text.bytes().next())
            && text.bytes().last().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if valid {
            return Ok(Pick::Name(text.to_owned()));
        }
        Err(Error::new(format!("`{}` is not a name that an image in a layout can have", text.escape_debug())))
    }

    /// The name, if it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Pick::Name(name) => Some(name),
            Pick::Any | Pick::Index(_) => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, path, pick) = match self {
            Location::Registry(name) => {
                return write!(f, "docker://{}", shown(name));
            }
            Location::Dir { path } => return write!(f, "dir:{}", path.display()),
            Location::Oci { path, pick } => ("oci", path, pick),
            Location::OciArchive { path, pick } => ("oci-archive", path, pick),
            Location::DockerArchive { path, pick } => ("docker-archive", path, pick),
        };
        write!(f, "{transport}:{}", path.display())?;
        match pick {
            Pick::Any => Ok(()),
            Pick::Name(name) => write!(f, ":{name}"),
            Pick::Index(index) => write!(f, ":@{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_from_names() {
        let name = |text: &str| Pick::Name(text.to_owned());
        let path = |text: &str| PathBuf::from(text);
        let table = [
            ("docker://quay.io/x/y:1", Some(Location::Registry("quay.io/x/y:1".into()))),
            ("busybox", None),
            ("busybox:1", None),
            ("localhost:5000/x", None),
            ("docker:latest", None),
            ("atomic:1.0", None),
            ("dir:/a:b", Some(Location::Dir { path: path("/a:b") })),
            ("oci:/a", Some(Location::Oci { path: path("/a"), pick: Pick::Any })),
            ("oci:/a:", Some(Location::Oci { path: path("/a"), pick: Pick::Any })),
            ("oci:a:quay.io/x:1", Some(Location::Oci { path: path("a"), pick: name("quay.io/x:1") })),
            ("oci:a:@2", Some(Location::Oci { path: path("a"), pick: Pick::Index(2) })),
            ("oci-archive:a.tar:v1", Some(Location::OciArchive { path: path("a.tar"), pick: name("v1") })),
            (
                "docker-archive:a.tar:x",
                Some(Location::DockerArchive { path: path("a.tar"), pick: name("docker.io/library/x:latest") }),
            ),
            ("docker-archive:a.tar", Some(Location::DockerArchive { path: path("a.tar"), pick: Pick::Any })),
        ];
        for (text, expected) in table {
            assert_eq!(Location::parse(text).unwrap(), expected, "{text}");
        }
        for (text, expected) in [
            ("containers-storage:x", "containers-storage"),
            ("docker-daemon:x:1", "docker-daemon"),
            ("docker://", "no reference"),
            ("oci:", "no path"),
            ("oci::tag", "no path"),
            ("dir:", "no path"),
            ("oci:/a:@", "number"),
            ("oci:/a:@x", "number"),
            ("oci:/a:b c", "not a name"),
            ("docker-archive:/a:X", "lowercase"),
        ] {
            let said = Location::parse(text).unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_can_be_written_and_read_again(
            text in "\\PC{0,60}|(oci|oci-archive|docker-archive|dir|docker):(//)?[a-z/@:.0-9]{0,30}"
        ) {
            if let Ok(Some(location)) = Location::parse(&text) {
                // All but a password, which is in no message.
                let again = Location::parse(&location.to_string()).unwrap();
                proptest::prop_assert!(again == Some(location) || shown(&text) != text, "{:?}", again);
            }
        }
    }
}
