//! `--egress`, and packets that were refused: the one form of a policy means the same, and no packet ends the reader.
#![no_main]

use coracle::network::egress::{List, parse_packet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for protocol in [0x0800, 0x0806, 0x86dd] {
        let _ = parse_packet(protocol, bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(list) = List::parse(&[text]) {
        assert_eq!(List::of_texts(&list.texts()), Ok(list));
    }
});
