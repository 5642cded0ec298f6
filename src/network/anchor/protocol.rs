//! What is spoken at the anchor's socket: one JSON document a packet, descriptors beside it.
//!
//! ```text
//! {"attach": {"wanted": Wanted, "had": [Interface], "listeners": [["tcp", 80, 1]]}}  network namespace, listening sockets
//! {"more": {}}                                                                    listening sockets that did not fit
//!                                               -> {"connected": {"interfaces": [Interface]}} | {"failed": {...}}
//! {"detach": {}}                                -> {"done": {}}, when its ports are free
//! {"ready": {}}                                 -> as attach, when the uplink is ready
//! {"list": {}}        -> {"listed": {"pid": 1, "id": "...", "name": "...", ...}} for each container, then {"done": {}}
//! {"reload": {"network": "NAME"}}               -> {"done": {}} | {"failed": {...}}
//! ```
//!
//! A connection that has attached belongs to one container: its end is the end of the container's network.

use std::net::IpAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::container::network::{Interface, Wanted};
use crate::error::{Context as _, Error, Kind, Result};
use crate::network::config::Location;
use crate::network::forward::Listener;
use crate::network::ports;
use crate::runtime::channel;

/// The largest packet. A socket of the kernel's default size takes it.
pub const MAX_PACKET: usize = 128 * 1024;
/// The largest answer: what is said of one container.
const MAX_ANSWER: usize = 32 * 1024;
/// No container publishes more ports than there are, for two protocols on some addresses.
pub const MAX_LISTENERS: usize = 1 << 18;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
// One at a time, and it is not kept.
#[allow(clippy::large_enum_variant)]
pub enum Request {
    Attach(Attach),
    More {},
    Detach {},
    Ready {},
    List {},
    Reload { network: String },
}

/// A container is to be connected, or what it wants has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attach {
    pub wanted: Wanted,
    /// Where its networks are defined: that of another `--root` may be elsewhere.
    #[serde(default)]
    pub location: Location,
    /// The container's directory: what is refused is written there, if that is wanted.
    #[serde(default)]
    pub dir: PathBuf,
    /// How it was connected before: addresses that it gets again if they are free.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub had: Vec<Interface>,
    /// What the listening sockets are for, in the order of the descriptors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<Run>,
}

/// Protocol, first port in the container, and for how many ports from there on there is a socket each: a container may
/// publish thousands.
pub type Run = (String, u16, u16);

/// The runs that these sockets are.
pub fn runs(listeners: &[Listener]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for listener in listeners {
        let (protocol, port) = (listener.protocol.as_str(), listener.container_port);
        match runs.last_mut() {
            Some((last, first, count)) if last == protocol && first.checked_add(*count) == Some(port) => *count += 1,
            _ => runs.push((protocol.to_owned(), port, 1)),
        }
    }
    runs
}

/// How many sockets these are.
pub fn count(runs: &[Run]) -> usize {
    runs.iter().map(|(_, _, count)| usize::from(*count)).sum()
}

/// What the anchor says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Connected(Connected),
    Listed(Listed),
    Done {},
    Failed(Failure),
}

/// How a container is connected now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// In the order of what was wanted.
    pub interfaces: Vec<Interface>,
    /// Who answers questions for names in the inner namespace itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolver: Option<IpAddr>,
}

/// One container that is connected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub id: String,
    pub name: String,
    pub interfaces: Vec<Interface>,
}

/// An error on its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub chain: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Failure {
        Failure { chain: error.chain().to_vec(), hint: error.hint_text().map(str::to_owned) }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        Error::from_parts(Kind::Engine, failure.chain, failure.hint)
    }
}

/// The sockets that an [`Attach`] speaks of.
pub fn listeners(said: &[Run], sockets: Vec<OwnedFd>) -> Result<Vec<Listener>> {
    let mut listeners = Vec::with_capacity(sockets.len());
    let mut sockets = sockets.into_iter();
    for (protocol, first, count) in said {
        let protocol = match protocol.as_str() {
            "tcp" => ports::Protocol::Tcp,
            "udp" => ports::Protocol::Udp,
            other => return Err(Error::new(format!("unknown protocol `{other}`"))),
        };
        for (n, socket) in (0..*count).zip(&mut sockets) {
            listeners.push(Listener { socket: socket.into(), protocol, container_port: first.saturating_add(n) });
        }
    }
    Ok(listeners)
}

/// Sends one document.
pub fn send<T: Serialize>(socket: BorrowedFd<'_>, document: &T, descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    try_send(socket, document, descriptors)?.context("talking to the network anchor")
}

/// The same, with what the kernel says about it.
pub fn try_send<T: Serialize>(
    socket: BorrowedFd<'_>,
    document: &T,
    descriptors: &[BorrowedFd<'_>],
) -> Result<rustix::io::Result<()>> {
    let text = serde_json::to_vec(document)?;
    Ok(channel::send(socket, &text, descriptors))
}

/// The document in a packet.
pub fn parse<'a, T: Deserialize<'a>>(packet: &'a [u8]) -> Result<T> {
    serde_json::from_slice(packet).context("reading a packet of the network anchor")
}

/// Receives one answer; `None` at the end of the connection.
pub fn receive<T: serde::de::DeserializeOwned>(socket: BorrowedFd<'_>) -> Result<Option<(T, Vec<OwnedFd>)>> {
    let mut buffer = vec![0; MAX_ANSWER];
    match channel::receive(socket, &mut buffer) {
        Ok((0, _)) | Err(rustix::io::Errno::CONNRESET | rustix::io::Errno::PIPE) => Ok(None),
        Ok((length, descriptors)) => Ok(Some((parse(buffer.get(..length).unwrap_or_default())?, descriptors))),
        Err(errno) => Err(Error::from(errno).wrap("listening to the network anchor")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_look_as_they_are_described() {
        let text = |request: &Request| serde_json::to_string(request).unwrap();
        assert_eq!(text(&Request::List {}), r#"{"list":{}}"#);
        assert_eq!(text(&Request::Reload { network: "n".into() }), r#"{"reload":{"network":"n"}}"#);
        let attach = Attach { listeners: vec![("tcp".into(), 80, 1)], ..Attach::default() };
        assert!(text(&Request::Attach(attach)).ends_with(r#","listeners":[["tcp",80,1]]}}"#));
        let failed = Answer::Failed(Failure::from(&Error::new("b").wrap("a").hint("c")));
        let text = serde_json::to_string(&failed).unwrap();
        assert_eq!(text, r#"{"failed":{"chain":["a","b"],"hint":"c"}}"#);
        let Answer::Failed(failure) = parse(text.as_bytes()).unwrap() else { panic!("{text}") };
        let error = Error::from(failure);
        assert_eq!((error.to_string().as_str(), error.hint_text()), ("a: b", Some("c")));
    }

    /// However many ports a container publishes: what is said of them fits one packet.
    #[test]
    fn sockets_are_said_in_runs() {
        let socket = || OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let listener = |protocol, container_port| Listener { socket: socket().into(), protocol, container_port };
        let (tcp, udp) = (ports::Protocol::Tcp, ports::Protocol::Udp);
        let said = [(tcp, 80), (tcp, 81), (udp, 82), (tcp, 83), (tcp, 65535), (tcp, 1)];
        let all: Vec<Listener> = said.iter().map(|(protocol, port)| listener(*protocol, *port)).collect();
        let runs = runs(&all);
        let run = |protocol: &str, first, count| (protocol.to_owned(), first, count);
        let expected =
            [run("tcp", 80, 2), run("udp", 82, 1), run("tcp", 83, 1), run("tcp", 65535, 1), run("tcp", 1, 1)];
        assert_eq!(runs, expected);
        assert_eq!(count(&runs), said.len());
        let back = listeners(&runs, said.iter().map(|_| socket()).collect()).unwrap();
        let back: Vec<_> = back.iter().map(|listener| (listener.protocol, listener.container_port)).collect();
        assert_eq!(back, said);
        assert_eq!(listeners(&runs, vec![socket()]).unwrap().len(), 1);
        assert!(listeners(&[run("sctp", 1, 1)], vec![socket()]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_packet_makes_it_panic(bytes: Vec<u8>) {
            let _ = parse::<Request>(&bytes);
        }
    }
}
