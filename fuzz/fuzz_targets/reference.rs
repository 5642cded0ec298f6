//! References to images: what is accepted can be written and read again, and is safe to use in a URL and a path.
#![no_main]

use coracle::image::Reference;
use coracle::image::reference::{Typed, is_digest, is_tag};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(reference) = Reference::parse(text) {
        let again = Reference::parse(&reference.to_string());
        assert_eq!(again.as_ref(), Ok(&reference));
        assert!(reference.repository.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
        let canonical = reference.canonical();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~/:@+[]%=".contains(c);
        assert!(canonical.chars().all(plain), "{canonical:?}");
        assert!(reference.tag.as_deref().is_none_or(is_tag));
        assert!(reference.digest.as_deref().is_none_or(is_digest));
    }
    assert_eq!(Typed::parse(text).is_ok(), Reference::parse(text).is_ok());
});
