//! Seccomp profiles in Docker's format and in OCI's, compiled: whatever comes out must be a program that the kernel
//! would take.
#![no_main]

use coracle::runtime::caps::CapSet;
use coracle::runtime::seccomp::{Filter, from_oci, oci_from_json};
use libfuzzer_sys::fuzz_target;
use oci_spec::runtime::LinuxSeccomp;

fuzz_target!(|data: &[u8]| {
    for caps in [CapSet::DEFAULT, CapSet::ALL] {
        if let Ok(profile) = oci_from_json(data, caps) {
            check(&profile);
        }
    }
    if let Ok(profile) = serde_json::from_slice::<LinuxSeccomp>(data) {
        check(&profile);
    }
    if let Ok(filter) = Filter::from_bytes(data) {
        assert_eq!(filter.to_bytes(), data);
    }
});

fn check(profile: &LinuxSeccomp) {
    let Ok(filter) = from_oci(profile) else { return };
    let program = filter.program();
    assert!((1..=4096).contains(&program.len()));
    for (at, i) in program.iter().enumerate() {
        let behind = program.len() - at - 1;
        match i.code {
            // Loads of a word of seccomp_data.
            0x20 => assert!(i.k % 4 == 0 && i.k < 64 && behind > 0),
            0x54 => assert!(behind > 0),
            0x05 => assert!((i.k as usize) < behind),
            0x15 | 0x25 | 0x35 => assert!(usize::from(i.jt) < behind && usize::from(i.jf) < behind),
            0x06 => {}
            code => panic!("unexpected instruction {code:#x}"),
        }
    }
    assert_eq!(Filter::from_bytes(&filter.to_bytes()).as_ref(), Ok(&filter));
}
