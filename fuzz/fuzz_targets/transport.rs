//! Names of places with a transport in front: what is accepted can be written and read again, and says the path as typed.
#![no_main]

use coracle::image::reference::Reference;
use coracle::image::transport::{Location, Pick};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(Some(location)) = Location::parse(text) else { return };
    let again = Location::parse(&location.to_string());
    // What may be a password is not shown.
    assert!(again == Ok(Some(location.clone())) || matches!(&location, Location::Registry(name) if name.contains('@')));
    let (path, pick) = match &location {
        Location::Registry(name) => {
            assert!(!name.is_empty() && text.ends_with(name.as_str()));
            return;
        }
        Location::Dir { path } => (path, &Pick::Any),
        Location::Oci { path, pick } | Location::OciArchive { path, pick } => (path, pick),
        Location::DockerArchive { path, pick } => {
            assert!(pick.name().is_none_or(|name| Reference::parse(name).is_ok()), "{location:?}");
            (path, pick)
        }
    };
    let path = path.to_str().expect("a part of the text");
    assert!(!path.is_empty() && text.contains(path));
    assert!(pick.name().is_none_or(|name| !name.is_empty() && !name.contains(char::is_whitespace)), "{location:?}");
});
