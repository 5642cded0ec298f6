//! policy.json and registries.d: whatever is accepted requires something of every image, and a change of one byte in a key
//! is never passed over.
#![no_main]

use coracle::image::Reference;
use coracle::image::trust::{Policy, RegistriesD};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let reference = Reference::parse("a.example.com:5000/b/c:1").expect("a reference");
    if let Ok(policy) = Policy::parse(text.as_bytes()) {
        for transport in ["docker", "oci", "dir", "docker-archive", ""] {
            let scopes = ["a.example.com:5000/b".to_owned(), "/".to_owned(), String::new()];
            // An empty list would be satisfied by anything.
            assert!(!policy.requirements(transport, &scopes).is_empty());
        }
        assert!(!policy.default.is_empty());
        assert!(policy.transports.values().flat_map(|scopes| scopes.values()).all(|list| !list.is_empty()));
        assert!(Policy::parse(format!("{text}x").as_bytes()).is_err());
    }
    let mut registries = RegistriesD::default();
    if registries.add(text, "a").is_ok() {
        let _ = registries.lookaside(&reference, false);
        let _ = registries.lookaside(&reference, true);
        let _ = registries.uses_attachments(&reference);
        let _ = registries.lookaside_of_scope("a.example.com/b");
    }
});
