//! Descriptions of CDI devices, ID maps of mounts: whatever is accepted has a known kind and devices with names in full.
#![no_main]

use coracle::container::cdi::{self, Spec};
use coracle::container::idmap::IdMap;
use coracle::container::mounts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for json in [true, false] {
        if let Ok(spec) = Spec::parse(text, json) {
            for device in &spec.devices {
                assert!(cdi::is_name(&format!("{}={}", spec.kind, device.name)));
            }
        }
    }
    if let Ok(map) = IdMap::parse(text) {
        assert!(!map.uids.is_empty() && map.uids.iter().all(|t| t.count > 0));
    }
    let cwd = std::path::Path::new("/");
    if let Ok(mount) = mounts::parse_volume(text, cwd) {
        assert!(mount.destination.is_absolute());
    }
    // A pattern would read directories.
    if !text.contains("glob") {
        let _ = mounts::parse_mount(text, cwd);
    }
});
