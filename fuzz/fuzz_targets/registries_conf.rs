//! registries.conf: whatever is accepted redirects names without panic, and only to well-formed names.
#![no_main]

use coracle::image::Reference;
use coracle::image::config::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, name) = input;
    let Ok(file) = parse(text) else { return };
    let Ok(reference) = Reference::parse(name) else { return };
    for registry in &file.registries {
        assert!(!registry.prefix.is_empty());
        if registry.covers(&reference.to_string()).is_none() {
            continue;
        }
        for there in registry.locate(&reference).into_iter().chain(
            registry.mirrors_for(&reference).into_iter().flatten().map(|(there, _)| there),
        ) {
            assert_eq!(Reference::parse(&there.to_string()).as_ref(), Ok(&there));
            assert_eq!((&there.tag, &there.digest), (&reference.tag, &reference.digest));
        }
    }
});
