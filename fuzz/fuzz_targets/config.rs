//! Configurations of images: diff IDs that are accepted are safe in a path.
#![no_main]

use coracle::image::manifest::parse_config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = parse_config(bytes) {
        for id in &config.diff_ids {
            assert!(id.len() == 64 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        }
        assert!(config.config.cmd.is_none_or(|words| !words.is_empty()));
        assert!(config.config.entrypoint.is_none_or(|words| !words.is_empty()));
    }
});
