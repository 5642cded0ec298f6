//! slirp4netns: its command line and its API socket.
//!
//! ```text
//! {"execute":"add_hostfwd","arguments":{"proto":"tcp","host_addr":"0.0.0.0","host_port":8080,
//!                                       "guest_addr":"10.0.2.100","guest_port":80}}          ->
//!                                                                     {"return":{"id":1}}    <-
//! ```
//!
//! One request per connection, ended by shutting the sending side down.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use super::SlirpOptions;
use super::ports::{self, PortMapping, Published};
use crate::bail;
use crate::error::{Context as _, Error, Result};

/// The API socket in the container's run directory, which is the helper's working directory: so its path is short.
pub(super) const SOCKET: &str = "slirp4netns.sock";

/// Refuses what slirp4netns cannot publish.
pub(super) fn check_ports(mappings: &[PortMapping]) -> Result<()> {
    for mapping in mappings {
        ports::protocol_of(mapping)?;
        if mapping.host_ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) {
            return Err(Error::new(format!(
                "cannot publish on [{}]: slirp4netns publishes on IPv4 only",
                mapping.host_ip
            ))
            .hint("use --network pasta to publish ports on IPv6 addresses"));
        }
    }
    Ok(())
}

/// The arguments. All of these flags exist since version 0.4; those for outbound addresses since 1.1.
pub(super) fn arguments(
    options: &SlirpOptions,
    sandbox: bool,
    api: bool,
    ready: RawFd,
    exit: RawFd,
    pid: i32,
) -> Vec<String> {
    let mut args = vec![format!("--mtu={}", options.mtu)];
    if !options.allow_host_loopback {
        args.push("--disable-host-loopback".to_owned());
    }
    if sandbox {
        args.push("--enable-sandbox".to_owned());
        args.push("--enable-seccomp".to_owned());
    }
    if options.enable_ipv6 {
        args.push("--enable-ipv6".to_owned());
    }
    if options.cidr != SlirpOptions::default().cidr {
        args.push(format!("--cidr={}", options.cidr));
    }
    args.extend(options.outbound_addr.iter().map(|a| format!("--outbound-addr={a}")));
    args.extend(options.outbound_addr6.iter().map(|a| format!("--outbound-addr6={a}")));
    if api {
        args.push(format!("--api-socket={SOCKET}"));
    }
    args.push("-c".to_owned());
    args.push(format!("--ready-fd={ready}"));
    args.push(format!("--exit-fd={exit}"));
    args.push("--netns-type=path".to_owned());
    args.push(format!("/proc/{pid}/ns/net"));
    args.push("tap0".to_owned());
    args
}

/// Asks the running slirp4netns for every port.
pub(super) fn publish(
    run_dir: &Path,
    options: &SlirpOptions,
    published: &[Published<'_>],
    timeout: Duration,
) -> Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir =
        rustix::fs::open(run_dir, flags, Mode::empty()).with_context(|| format!("opening `{}`", run_dir.display()))?;
    // The path of a socket has at most 107 bytes; that of the run directory may be longer.
    let socket = format!("/proc/self/fd/{}/{SOCKET}", dir.as_raw_fd());
    for published in published {
        let request = request(published, options);
        let reply = ask(Path::new(&socket), &request, timeout).with_context(|| {
            format!("asking slirp4netns to publish port `{}/{}`", published.host(), published.protocol)
        })?;
        check_reply(&reply, published)?;
    }
    Ok(())
}

fn request(port: &Published<'_>, options: &SlirpOptions) -> String {
    serde_json::json!({
        "execute": "add_hostfwd",
        "arguments": {
            "proto": port.protocol,
            "host_addr": port.host_ip,
            "host_port": port.host_port,
            "guest_addr": options.cidr.container().to_string(),
            "guest_port": port.container_port,
        }
    })
    .to_string()
}

fn ask(socket: &Path, request: &str, timeout: Duration) -> std::io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(request.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = Vec::new();
    stream.take(4096).read_to_end(&mut reply)?;
    Ok(reply)
}

/// slirp4netns says only that it failed; the errno is found by trying the same.
fn check_reply(reply: &[u8], port: &Published<'_>) -> Result<()> {
    let reply: serde_json::Value = serde_json::from_slice(reply).context("reading the reply of slirp4netns")?;
    if reply.get("return").is_some() {
        return Ok(());
    }
    ports::explain_failure(port)?;
    let why = reply.pointer("/error/desc").and_then(|desc| desc.as_str()).unwrap_or("no reason given");
    bail!("publishing port `{}/{}`: slirp4netns: {why}", port.host(), port.protocol)
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::*;

    fn options(text: &str) -> SlirpOptions {
        match Mode::parse(text).unwrap() {
            Mode::Slirp4netns(options) => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn command_lines() {
        let line = |text, sandbox, api| arguments(&options(text), sandbox, api, 5, 7, 42).join(" ");
        assert_eq!(
            line("slirp4netns", true, true),
            "--mtu=65520 --disable-host-loopback --enable-sandbox --enable-seccomp --enable-ipv6 \
             --api-socket=slirp4netns.sock -c --ready-fd=5 --exit-fd=7 --netns-type=path /proc/42/ns/net tap0"
        );
        assert_eq!(
            line(
                "slirp4netns:allow_host_loopback=true,mtu=1500,cidr=10.1.0.0/16,enable_ipv6=0,outbound_addr=eth0",
                false,
                false
            ),
            "--mtu=1500 --cidr=10.1.0.0/16 --outbound-addr=eth0 -c --ready-fd=5 --exit-fd=7 --netns-type=path \
             /proc/42/ns/net tap0"
        );
    }

    #[test]
    fn requests_and_replies() {
        let mapping = PortMapping {
            host_ip: String::new(),
            container_port: 80,
            host_port: 65000,
            range: 1,
            protocol: "udp".into(),
        };
        let mappings = [mapping];
        let port = ports::expand(&mappings).next().unwrap();
        assert_eq!(
            request(&port, &options("slirp4netns:cidr=10.3.0.0/24")),
            r#"{"execute":"add_hostfwd","arguments":{"proto":"udp","host_addr":"0.0.0.0","host_port":65000,"guest_addr":"10.3.0.100","guest_port":80}}"#
        );
        check_reply(br#"{"return":{"id":1}}"#, &port).unwrap();
        let error = check_reply(br#"{"error":{"desc":"bad request: x"}}"#, &port).unwrap_err().to_string();
        assert_eq!(error, "publishing port `0.0.0.0:65000/udp`: slirp4netns: bad request: x");
        assert!(check_reply(b"", &port).is_err());
    }

    #[test]
    fn ipv6_addresses_are_refused() {
        let mapping = PortMapping { host_ip: "::1".into(), range: 1, protocol: "tcp".into(), ..PortMapping::default() };
        let error = check_ports(&[mapping]).unwrap_err().to_string();
        assert_eq!(error, "cannot publish on [::1]: slirp4netns publishes on IPv4 only");
    }
}
