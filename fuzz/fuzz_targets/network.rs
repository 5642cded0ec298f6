//! Networks: files of netavark's form, containers.conf, `--network`, `--route`, `--ip-range` and /etc/hosts. What is accepted can be
//! written and read again, and has names that cannot lead anywhere else.
#![no_main]

use coracle::network::config::create::{parse_range, parse_route};
use coracle::network::config::{Conf, check, parse};
use coracle::network::files::hosts::with_addresses;
use coracle::network::{Mode, Request, mac};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &str, Vec<String>)| {
    let (bytes, text, flags) = input;
    if let Ok(network) = parse(bytes, text) {
        assert!(!network.name.contains('/') && network.network_interface.len() <= 15);
        let written = serde_json::to_vec(&network).expect("what was read can be written");
        assert_eq!(parse(&written, text).as_ref(), Ok(&network));
        for subnet in &network.subnets {
            assert!(subnet.gateway.is_none_or(|gateway| subnet.subnet.contains(gateway)));
        }
    }
    let mut conf = Conf::default();
    if conf.take(text).is_ok() {
        assert!(check::name(&conf.default_network).is_ok());
        for pool in &conf.pools {
            assert!(pool.subnets().take(100).all(|subnet| pool.base.contains(subnet.address)));
        }
    }
    if let Ok(request) = Request::parse(&flags, None) {
        assert_eq!(request.networks.is_empty(), request.mode != Mode::Bridge);
        assert!(request.networks.iter().all(|one| one.interface.is_empty() || check::is_interface_name(&one.interface)));
    }
    if let Ok(good) = mac(text) {
        assert_eq!(mac(&good).as_ref(), Ok(&good));
    }
    let _ = (parse_range(text), parse_route(text));
    let ip = ["10.88.0.2".parse().expect("an address")];
    let with = with_addresses(text, &[], &ip, &["web"]);
    assert_eq!(with_addresses(&with, &ip, &ip, &["web"]), with);
});
