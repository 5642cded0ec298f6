//! Messages: building one to send, cutting what was received.

use super::attributes::{HEADER as ATTRIBUTE_HEADER, u16_at, u32_at};
use super::{Attributes, aligned};

/// Length, kind, flags, sequence, port.
pub(super) const HEADER: usize = 16;
const NESTED: u16 = 0x8000;

/// A message to the kernel. The socket numbers it and asks for its acknowledgement.
///
/// ```text
/// Message::new(RTM_DELLINK, 0, "removing a link").fixed(&ifinfomsg).text(IFLA_IFNAME, "veth0")
/// ```
#[derive(Debug, Clone)]
pub struct Message {
    bytes: Vec<u8>,
    about: &'static str,
    acknowledged: bool,
}

impl Message {
    /// A message of this kind. NLM_F_REQUEST and NLM_F_ACK are set anyway. `about` says what it does, for errors:
    /// "adding a route".
    pub fn new(kind: u16, flags: u16, about: &'static str) -> Self {
        let mut bytes = vec![0; HEADER];
        put(&mut bytes, 4, &kind.to_ne_bytes());
        put(&mut bytes, 6, &(flags | libc::NLM_F_REQUEST as u16).to_ne_bytes());
        Message { bytes, about, acknowledged: true }
    }

    /// Does not ask for an acknowledgement: the marks around a batch of nf_tables have none.
    #[must_use]
    pub fn unacknowledged(mut self) -> Self {
        self.acknowledged = false;
        self
    }

    /// The structure after the header, or one at the beginning of a nested attribute; padded.
    #[must_use]
    pub fn fixed(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self.pad();
        self
    }

    /// An attribute with this value.
    #[must_use]
    pub fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        let at = self.open(kind);
        self.bytes.extend_from_slice(value);
        self.close(at);
        self
    }

    #[must_use]
    pub fn u8(self, kind: u16, value: u8) -> Self {
        self.bytes(kind, &[value])
    }

    /// In the machine's byte order, as rtnetlink has it.
    #[must_use]
    pub fn u16(self, kind: u16, value: u16) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    #[must_use]
    pub fn u32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    #[must_use]
    pub fn u64(self, kind: u16, value: u64) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// In the network's byte order, as netfilter has it.
    #[must_use]
    pub fn be16(self, kind: u16, value: u16) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    #[must_use]
    pub fn be32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    #[must_use]
    pub fn be64(self, kind: u16, value: u64) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// Text, with the NUL byte that ends it.
    #[must_use]
    pub fn text(mut self, kind: u16, value: &str) -> Self {
        let at = self.open(kind);
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(0);
        self.close(at);
        self
    }

    /// The bytes of an address: four or sixteen.
    #[must_use]
    pub fn ip(self, kind: u16, address: std::net::IpAddr) -> Self {
        match address {
            std::net::IpAddr::V4(address) => self.bytes(kind, &address.octets()),
            std::net::IpAddr::V6(address) => self.bytes(kind, &address.octets()),
        }
    }

    /// An attribute whose value are the attributes that `inside` adds. They may be no more than 65,531 bytes: whoever adds
    /// many looks at [`Message::len`].
    #[must_use]
    pub fn nest(mut self, kind: u16, inside: impl FnOnce(Self) -> Self) -> Self {
        let at = self.open(kind | NESTED);
        let mut message = inside(self);
        message.close(at);
        message
    }

    /// The same when `value` is there, or the message as it is.
    #[must_use]
    pub fn with<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    /// Its length in bytes up to now.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Never: a message has at least its header.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What it does, in words.
    pub fn about(&self) -> &'static str {
        self.about
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.acknowledged
    }

    /// Appends it to what will be sent, with this number and these further flags.
    pub(super) fn append_to(&self, buffer: &mut Vec<u8>, sequence: u32, flags: u16) {
        let at = buffer.len();
        buffer.extend_from_slice(&self.bytes);
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let flags = u16_at(&self.bytes, 6).unwrap_or(0) | flags;
        put(buffer, at, &length.to_ne_bytes());
        put(buffer, at + 6, &flags.to_ne_bytes());
        put(buffer, at + 8, &sequence.to_ne_bytes());
        buffer.resize(at + aligned(self.bytes.len()), 0);
    }

    /// Begins an attribute; its length comes with [`Message::close`].
    fn open(&mut self, kind: u16) -> usize {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        at
    }

    fn close(&mut self, at: usize) {
        let length = self.bytes.len().saturating_sub(at);
        debug_assert!(length >= ATTRIBUTE_HEADER && length <= usize::from(u16::MAX), "an attribute of {length} bytes");
        put(&mut self.bytes, at, &u16::try_from(length).unwrap_or(u16::MAX).to_ne_bytes());
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(aligned(self.bytes.len()), 0);
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..value.len())) {
        place.copy_from_slice(value);
    }
}

/// A message that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub kind: u16,
    pub flags: u16,
    pub sequence: u32,
    /// What is after the header.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The structure of `length` bytes at the beginning, and the attributes after it.
    pub fn split(&self, length: usize) -> Option<(&'a [u8], Attributes<'a>)> {
        let fixed = self.payload.get(..length)?;
        Some((fixed, Attributes::new(self.payload.get(aligned(length)..).unwrap_or_default())))
    }
}

/// The messages in these bytes. Ends at the first one that does not fit.
#[derive(Debug, Clone, Copy)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Packets { rest: bytes }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let bytes = std::mem::take(&mut self.rest);
        let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
        let payload = bytes.get(HEADER..length)?;
        let packet = Packet { kind: u16_at(bytes, 4)?, flags: u16_at(bytes, 6)?, sequence: u32_at(bytes, 8)?, payload };
        self.rest = bytes.get(aligned(length)..).unwrap_or_default();
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read_again() {
        let message = Message::new(16, 0x400, "testing")
            .fixed(&[1, 2, 3, 4, 5, 6])
            .text(3, "eth0")
            .nest(18, |m| m.text(1, "veth").nest(2, |m| m.fixed(&[9; 16]).u32(4, 1500)))
            .be16(7, 80)
            .with(None::<u8>, |m, v| m.u8(1, v));
        let mut buffer = Vec::new();
        message.append_to(&mut buffer, 7, 4);
        message.append_to(&mut buffer, 8, 0);
        assert_eq!(buffer.len(), 2 * message.len());
        let packets: Vec<Packet> = Packets::new(&buffer).collect();
        assert_eq!(packets.len(), 2);
        assert_eq!((packets[0].kind, packets[0].flags, packets[0].sequence), (16, 0x405, 7));
        assert_eq!((packets[1].flags, packets[1].sequence), (0x401, 8));
        let (fixed, attributes) = packets[1].split(6).unwrap();
        assert_eq!(fixed, [1, 2, 3, 4, 5, 6]);
        assert_eq!(attributes.find(3).unwrap().text(), Some("eth0"));
        assert_eq!(attributes.find(7).unwrap().be16(), Some(80));
        let info = attributes.find(18).unwrap().nested();
        let data = info.find(2).unwrap().value;
        assert_eq!(Attributes::new(&data[16..]).find(4).unwrap().u32(), Some(1500));
        assert!(packets[1].split(1000).is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, fixed in 0..40usize) {
            for packet in Packets::new(&bytes) {
                if let Some((_, attributes)) = packet.split(fixed) {
                    let _ = attributes.count();
                }
            }
        }
    }
}
