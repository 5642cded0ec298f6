//! `-p` and `--expose`: ranges stay within the ports that exist.
#![no_main]

use coracle::network::ports::{HostPort, expose, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let inside = |first: u16, count: u16| first > 0 && count > 0 && u32::from(first) + u32::from(count) <= 65536;
    for request in parse(text).unwrap_or_default() {
        assert!(inside(request.container_port, request.range), "{request:?}");
        match request.host {
            HostPort::Any => {}
            HostPort::Exact(first) => assert!(inside(first, request.range), "{request:?}"),
            HostPort::OneOf { first, count } => assert!(inside(first, count), "{request:?}"),
        }
        assert!(request.host_ip.is_empty() || request.host_ip.parse::<std::net::IpAddr>().is_ok(), "{request:?}");
    }
    for port in expose(text).unwrap_or_default() {
        let (number, protocol) = port.split_once('/').expect("a protocol");
        assert!(number.parse::<u16>().is_ok_and(|n| n > 0) && ["tcp", "udp", "sctp"].contains(&protocol), "{port}");
    }
});
