//! Secrets: `--secret` and `--driver-opts` as typed, and the memory file that a container's first process reads.
#![no_main]

use std::io::Write as _;

use coracle::container::secrets::{Exposure, SecretRequest, path_of, variable_of};
use coracle::runtime::secrets::{pack, unpack};
use coracle::secret::parse_options;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (text, bytes) = input;
    let _ = parse_options(text);
    if let Ok(request) = SecretRequest::parse(text) {
        match request.how {
            Exposure::File { target, mode, .. } => {
                assert!(mode <= 0o777);
                if let Ok(path) = path_of(&request.source, target.as_deref()) {
                    assert!(path.is_absolute() && path.parent().is_some());
                }
            }
            Exposure::Variable { target } => {
                let _ = variable_of(&request.source, target.as_deref());
            }
        }
    }
    let path = std::env::temp_dir().join(format!("fuzz-secrets-{}", std::process::id()));
    let opened = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
    let Ok(mut file) = opened else { return };
    let _ = std::fs::remove_file(path);
    if file.write_all(bytes).is_ok()
        && let Ok(secrets) = unpack(&file)
    {
        let again = unpack(pack(&secrets).expect("what was read can be written")).expect("and read again");
        assert_eq!(again, secrets);
    }
});
