//! What is spoken at the anchor's socket: one JSON document a packet, descriptors beside it.
//!
//! ```text
//! {"attach": {"wanted": Wanted, "had": [Interface], "listeners": [["tcp", 80]]}}  network namespace, listening sockets
//! {"more": {}}                                                                    listening sockets that did not fit
//!                                               -> {"connected": {"interfaces": [Interface]}} | {"failed": {...}}
//! {"detach": {}}                                -> {"done": {}}, when its ports are free
//! {"ready": {}}                                 -> as attach, when the uplink is ready
//! {"list": {}}        -> {"listed": {"pid": 1, "id": "...", "name": "...", ...}} for each container, then {"done": {}}
//! {"reload": {"network": "NAME"}}               -> {"done": {}} | {"failed": {...}}
//! ```
//!
//! A connection that has attached belongs to one container: its end is the end of the container's network.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::container::network::{Interface, Wanted};
use crate::error::{Context as _, Error, Kind, Result};
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
    /// The container's directory: what is refused is written there, if that is wanted.
    #[serde(default)]
    pub dir: PathBuf,
    /// How it was connected before: addresses that it gets again if they are free.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub had: Vec<Interface>,
    /// Protocol and port in the container of each listening socket, in the order of the descriptors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<(String, u16)>,
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
pub fn listeners(said: &[(String, u16)], sockets: Vec<OwnedFd>) -> Result<Vec<Listener>> {
    let listener = |((protocol, container_port), socket): (&(String, u16), OwnedFd)| {
        let protocol = match protocol.as_str() {
            "tcp" => ports::Protocol::Tcp,
            "udp" => ports::Protocol::Udp,
            other => return Err(Error::new(format!("unknown protocol `{other}`"))),
        };
        Ok(Listener { socket, protocol, container_port: *container_port })
    };
    said.iter().zip(sockets).map(listener).collect()
}

/// Sends one document.
pub fn send<T: Serialize>(socket: BorrowedFd<'_>, document: &T, descriptors: &[BorrowedFd<'_>]) -> Result<()> {
    let text = serde_json::to_vec(document)?;
    channel::send(socket, &text, descriptors).context("talking to the network anchor")
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
        let attach = Attach { listeners: vec![("tcp".into(), 80)], ..Attach::default() };
        assert!(text(&Request::Attach(attach)).ends_with(r#","listeners":[["tcp",80]]}}"#));
        let failed = Answer::Failed(Failure::from(&Error::new("b").wrap("a").hint("c")));
        let text = serde_json::to_string(&failed).unwrap();
        assert_eq!(text, r#"{"failed":{"chain":["a","b"],"hint":"c"}}"#);
        let Answer::Failed(failure) = parse(text.as_bytes()).unwrap() else { panic!("{text}") };
        let error = Error::from(failure);
        assert_eq!((error.to_string().as_str(), error.hint_text()), ("a: b", Some("c")));
    }

    proptest::proptest! {
        #[test]
        fn no_packet_makes_it_panic(bytes: Vec<u8>) {
            let _ = parse::<Request>(&bytes);
        }
    }
}
