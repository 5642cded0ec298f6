//! What was signed, and keys: a payload that is accepted says which digest it means, and in one of the two forms only.
#![no_main]

use coracle::image::reference::is_digest;
use coracle::image::trust::payload::{Claim, Form};
use coracle::image::trust::{Signature, sigstore};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let simple = Claim::parse(bytes, Form::Simple);
    let sigstore = Claim::parse(bytes, Form::Sigstore);
    assert!(simple.is_err() || sigstore.is_err());
    for (claim, form) in [(simple, Form::Simple), (sigstore, Form::Sigstore)] {
        if let Ok(claim) = claim {
            assert!(is_digest(&claim.manifest_digest));
            assert_eq!(Claim::parse(&claim.to_bytes(form, 1), form), Ok(claim));
        }
    }
    let _ = Signature::from_blob(bytes.to_vec());
    if let Ok(key) = sigstore::PublicKey::from_pem(bytes) {
        assert!(!key.verifies(b"payload", bytes));
    }
});
