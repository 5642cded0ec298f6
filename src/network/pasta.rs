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
/// No pasta is larger.
const MAX_PROGRAM: u64 = 16 << 20;

/// The arguments. One that is not `modern` gets no UDP ports, which are for the relay then.
///
/// pasta stays in the foreground, so that it is a child that can be waited for. It writes its PID once it is ready, and
/// standard output (a pipe) is where it writes it: newer versions close all descriptors but the first three. It gets the
/// network namespace as standard input, because it drops CAP_SYS_PTRACE before it opens it, without which /proc/PID/ns is
/// closed to it.
pub(super) fn arguments(options: &PastaOptions, mappings: &[PortMapping], modern: bool) -> Result<Vec<String>> {
    let mut args: Vec<String> = ["--foreground", "--config-net", "--pid", "/proc/self/fd/1"].map(str::to_owned).into();
    let mut add = |words: &[&str]| args.extend(words.iter().map(|word| (*word).to_owned()));
    for (protocol, short, long) in [(Protocol::Tcp, "-t", "--tcp-ports"), (Protocol::Udp, "-u", "--udp-ports")] {
        let mut any = options.has(Some(short), long);
        for mapping in mappings {
            if ports::protocol_of(mapping)? == protocol && (modern || protocol == Protocol::Tcp) {
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
    if modern && options.maps_host() && !options.has(None, "--map-guest-addr") {
        add(&["--map-guest-addr", &HOST.to_string()]);
    }
    if !["--debug", "--trace", "--quiet"].iter().any(|long| options.has(None, long)) {
        add(&["--quiet"]);
    }
    // `--map-gw` is the default of pasta and no option that it knows.
    let theirs = options.args.iter().filter(|arg| !matches!(arg.as_str(), "--map-gw" | "--config-net"));
    args.extend(theirs.cloned());
    args.extend(["--netns", "/proc/self/fd/0", "--no-netns-quit"].map(str::to_owned));
    Ok(args)
}

/// Whether this pasta is of August 2024 or later: it knows `--map-guest-addr`, and forwards UDP reliably.
///
/// Asking it (`--help`) costs a process; the name of an option that it knows stands in its file, half a megabyte.
pub(super) fn is_modern(program: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(program).and_then(|file| file.take(MAX_PROGRAM).read_to_end(&mut bytes));
    read.is_ok() && memchr::memmem::find(&bytes, b"map-guest-addr").is_some()
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

    fn line(text: &str, specs: &[&str], modern: bool) -> String {
        let Mode::Pasta(options) = Mode::parse(text).unwrap() else { panic!("pasta expected") };
        let requests = specs.iter().flat_map(|spec| ports::parse(spec).unwrap()).collect();
        arguments(&options, &ports::assign(requests).unwrap(), modern).unwrap().join(" ")
    }

    #[test]
    fn command_lines() {
        assert_eq!(
            line("pasta", &[], true),
            "--foreground --config-net --pid /proc/self/fd/1 -t none -u none -T none -U none \
             --dns-forward 169.254.1.1 --no-map-gw --map-guest-addr 169.254.1.2 --quiet --netns /proc/self/fd/0 --no-netns-quit"
        );
        assert_eq!(
            line("pasta", &["127.0.0.1:54:53/udp", "[::1]:54:53/udp"], true),
            "--foreground --config-net --pid /proc/self/fd/1 -t none -u 127.0.0.1/54-54:53-53 -u ::1/54-54:53-53 \
             -T none -U none --dns-forward 169.254.1.1 --no-map-gw --map-guest-addr 169.254.1.2 --quiet \
             --netns /proc/self/fd/0 --no-netns-quit"
        );
        // That address would lead to 10.7.7.7, wherever it is.
        assert!(!line("pasta:-a,10.7.7.7", &[], true).contains("--map-guest-addr"));
        assert_eq!(
            line("pasta:-T,5000,--map-gw,-i,eth0", &["8000-8001:80-81", "127.0.0.1:53:53/udp"], false),
            "--foreground --config-net --pid /proc/self/fd/1 -t 8000-8001:80-81 -u none -U none \
             --dns-forward 169.254.1.1 --quiet -T 5000 -i eth0 --netns /proc/self/fd/0 --no-netns-quit"
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
            assert!(is_modern(&file), "{before}");
            std::fs::write(&file, bytes.get(..before + 13).unwrap()).unwrap();
            assert!(!is_modern(&file), "{before}");
        }
        assert!(!is_modern(&dir.path().join("none")));
    }
}
