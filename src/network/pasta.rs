//! pasta: its command line.

use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use super::PastaOptions;
use super::ports::{self, PortMapping, Protocol};
use crate::error::Result;

/// DNS questions to this address go to the host's name server.
pub(super) const DNS_FORWARD: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);

/// What the host itself is called inside, where pasta is new enough (2024) to know `--map-guest-addr`.
pub(super) const HOST: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 2);

/// The arguments.
///
/// pasta stays in the foreground, so that it is a child that can be waited for. It writes its PID once it is ready, and
/// standard output (a pipe) is where it writes it: newer versions close all descriptors but the first three.
pub(super) fn arguments(
    options: &PastaOptions,
    mappings: &[PortMapping],
    map_host: bool,
    pid: i32,
) -> Result<Vec<String>> {
    let mut args: Vec<String> = ["--foreground", "--config-net", "--pid", "/proc/self/fd/1"].map(str::to_owned).into();
    let mut add = |words: &[&str]| args.extend(words.iter().map(|word| (*word).to_owned()));
    for (protocol, short, long) in [(Protocol::Tcp, "-t", "--tcp-ports"), (Protocol::Udp, "-u", "--udp-ports")] {
        let mut any = options.has(Some(short), long);
        for mapping in mappings {
            if ports::protocol_of(mapping)? == protocol {
                add(&[short, &port_spec(mapping)]);
                any = true;
            }
        }
        if !any {
            add(&[short, "none"]);
        }
    }
    for (short, long) in [("-T", "--tcp-ns"), ("-U", "--udp-ns")] {
        if !options.has(Some(short), long) {
            add(&[short, "none"]);
        }
    }
    if !options.has(None, "--dns-forward") {
        add(&["--dns-forward", &DNS_FORWARD.to_string()]);
    }
    if !options.has(None, "--map-gw") && !options.has(None, "--no-map-gw") {
        add(&["--no-map-gw"]);
    }
    if map_host && !options.has(None, "--map-guest-addr") {
        add(&["--map-guest-addr", &HOST.to_string()]);
    }
    if !["--debug", "--trace", "--quiet"].iter().any(|long| options.has(None, long)) {
        add(&["--quiet"]);
    }
    // `--map-gw` is the default of pasta and no option that it knows.
    let theirs = options.args.iter().filter(|arg| !matches!(arg.as_str(), "--map-gw" | "--config-net"));
    args.extend(theirs.cloned());
    args.push("--netns".to_owned());
    args.push(format!("/proc/{pid}/ns/net"));
    Ok(args)
}

/// Whether this pasta knows `--map-guest-addr`.
///
/// Asking it (`--help`) costs a process; the name of an option that it knows stands in its file.
pub(super) fn maps_host(program: &Path) -> bool {
    const NAME: &[u8] = b"map-guest-addr";
    let Ok(mut file) = File::open(program) else { return false };
    let mut buffer = [0u8; 16 * 1024];
    let mut kept = 0;
    loop {
        let free = buffer.get_mut(kept..).unwrap_or_default();
        let Ok(length @ 1..) = file.read(free) else { return false };
        let filled = kept + length;
        if buffer.get(..filled).is_some_and(|data| data.windows(NAME.len()).any(|window| window == NAME)) {
            return true;
        }
        // The name may lie across two pieces.
        let keep_from = filled.saturating_sub(NAME.len() - 1);
        buffer.copy_within(keep_from..filled, 0);
        kept = filled - keep_from;
    }
}

/// `127.0.0.1/8000-8002:80-82`.
fn port_spec(mapping: &PortMapping) -> String {
    let address = match mapping.host_ip.parse::<IpAddr>() {
        Ok(ip) => format!("{ip}/"),
        Err(_) => String::new(),
    };
    let more = mapping.range.saturating_sub(1);
    let range = |first: u16| format!("{first}-{}", first.saturating_add(more));
    format!("{address}{}:{}", range(mapping.host_port), range(mapping.container_port))
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::*;

    fn line(text: &str, specs: &[&str], map_host: bool) -> String {
        let Mode::Pasta(options) = Mode::parse(text).unwrap() else { panic!("pasta expected") };
        let requests = specs.iter().flat_map(|spec| ports::parse(spec).unwrap()).collect();
        arguments(&options, &ports::assign(requests).unwrap(), map_host, 42).unwrap().join(" ")
    }

    #[test]
    fn command_lines() {
        assert_eq!(
            line("pasta", &[], true),
            "--foreground --config-net --pid /proc/self/fd/1 -t none -u none -T none -U none \
             --dns-forward 169.254.1.1 --no-map-gw --map-guest-addr 169.254.1.2 --quiet --netns /proc/42/ns/net"
        );
        assert_eq!(
            line("pasta:-T,5000,--map-gw,-i,eth0", &["8000-8001:80-81", "127.0.0.1:53:53/udp"], false),
            "--foreground --config-net --pid /proc/self/fd/1 -t 8000-8001:80-81 -u 127.0.0.1/53-53:53-53 -U none \
             --dns-forward 169.254.1.1 --quiet -T 5000 -i eth0 --netns /proc/42/ns/net"
        );
    }

    #[test]
    fn an_option_is_found_wherever_it_stands() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pasta");
        for before in [0, 1, 16370, 16378, 16384, 40000] {
            let mut bytes = vec![b'x'; before];
            bytes.extend(b"map-guest-addr\0more");
            std::fs::write(&file, &bytes).unwrap();
            assert!(maps_host(&file), "{before}");
            std::fs::write(&file, bytes.get(..before + 13).unwrap()).unwrap();
            assert!(!maps_host(&file), "{before}");
        }
        assert!(!maps_host(&dir.path().join("none")));
    }
}
