//! Manifests and indexes: what is accepted names its blobs by digests that are safe in a path, is never both of the two,
//! and means the same when it is written and read again.
#![no_main]

use coracle::image::Platform;
use coracle::image::manifest::{DOCKER_MANIFEST, Document, OCI_INDEX, parse_document, parse_index, parse_manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // What the sender calls it decides only where the document itself says nothing.
    for media_type in ["", OCI_INDEX, DOCKER_MANIFEST] {
        check(bytes, media_type);
    }
});

fn check(bytes: &[u8], media_type: &str) {
    match parse_document(bytes, media_type) {
        Ok(Document::Manifest(manifest)) => {
            for blob in manifest.layers.iter().chain([&manifest.config]) {
                let hex = blob.hex().expect("a digest that was accepted");
                assert!(hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
            }
            let written = serde_json::to_vec(&manifest).expect("writing a manifest");
            assert_eq!(parse_manifest(&written, media_type).as_ref(), Ok(&*manifest));
            assert!(parse_index(bytes).is_err());
        }
        Ok(Document::Index(index)) => {
            for platform in [Platform::host(), Platform::new("linux", "arm", "v7"), Platform::new("", "", "v2")] {
                if let Ok(chosen) = platform.choose(&index) {
                    assert!(index.manifests.contains(chosen));
                    let _ = chosen.hex();
                }
            }
            assert!(parse_manifest(bytes, media_type).is_err());
        }
        Err(_) => {}
    }
}
