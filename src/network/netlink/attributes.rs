//! Reading attributes: length, kind, value, padding; values may be attributes again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::aligned;

/// Length and kind.
pub(super) const HEADER: usize = 4;
/// The two highest bits of a kind say something else (NLA_F_NESTED, NLA_F_NET_BYTEORDER).
const KIND: u16 = 0x3fff;

/// The attributes in these bytes, in their order. Ends at the first one that does not fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

/// One attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Without its flags.
    pub kind: u16,
    pub value: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Attributes from the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Attributes { rest: bytes }
    }

    /// The first one of this kind.
    pub fn find(mut self, kind: u16) -> Option<Attribute<'a>> {
        Iterator::find(&mut self, |attribute| attribute.kind == kind)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let bytes = std::mem::take(&mut self.rest);
        let length = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & KIND;
        let value = bytes.get(HEADER..length)?;
        // The last one may lack its padding.
        self.rest = bytes.get(aligned(length)..).unwrap_or_default();
        Some(Attribute { kind, value })
    }
}

impl<'a> Attribute<'a> {
    /// The value as attributes.
    pub fn nested(&self) -> Attributes<'a> {
        Attributes::new(self.value)
    }

    pub fn u8(&self) -> Option<u8> {
        self.value.first().copied()
    }

    /// In the machine's byte order, as rtnetlink has it.
    pub fn u16(&self) -> Option<u16> {
        Some(u16::from_ne_bytes(self.array()?))
    }

    pub fn u32(&self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.array()?))
    }

    pub fn u64(&self) -> Option<u64> {
        Some(u64::from_ne_bytes(self.array()?))
    }

    /// In the network's byte order, as netfilter has it.
    pub fn be16(&self) -> Option<u16> {
        Some(u16::from_be_bytes(self.array()?))
    }

    pub fn be32(&self) -> Option<u32> {
        Some(u32::from_be_bytes(self.array()?))
    }

    pub fn be64(&self) -> Option<u64> {
        Some(u64::from_be_bytes(self.array()?))
    }

    /// Text up to the first NUL byte.
    pub fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.value.split(|byte| *byte == 0).next()?).ok()
    }

    /// An IPv4 address if it has four bytes, an IPv6 address if it has sixteen.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.value.len() {
            4 => Some(Ipv4Addr::from(self.array::<4>()?).into()),
            16 => Some(Ipv6Addr::from(self.array::<16>()?).into()),
            _ => None,
        }
    }

    /// A hardware address.
    pub fn mac(&self) -> Option<[u8; 6]> {
        self.value.try_into().ok()
    }

    fn array<const N: usize>(&self) -> Option<[u8; N]> {
        self.value.first_chunk().copied()
    }
}

/// The number at this place, in the machine's byte order.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The number at this place, in the machine's byte order.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_ends_the_reading() {
        type Read<'a> = &'a [(u16, &'a [u8])];
        let table: [(&[u8], Read); 7] = [
            (&[], &[]),
            (&[5, 0, 1, 0, 7], &[(1, &[7])]),
            (&[5, 0, 1, 0x80, 7, 0, 0, 0, 4, 0, 2, 0x40], &[(1, &[7]), (2, &[])]),
            // Shorter than its own header, twice; longer than what is there.
            (&[0, 0, 1, 0], &[]),
            (&[3, 0, 1, 0, 4, 0, 1, 0], &[]),
            (&[9, 0, 1, 0, 1, 2, 3, 4], &[]),
            (&[4, 0, 1, 0, 255], &[(1, &[])]),
        ];
        for (bytes, expected) in table {
            let found: Vec<_> = Attributes::new(bytes).map(|a| (a.kind, a.value)).collect();
            assert_eq!(found, expected, "{bytes:?}");
        }
    }

    #[test]
    fn values() {
        let attribute = |value| Attribute { kind: 1, value };
        assert_eq!(attribute(&[1, 2, 3, 4]).ip(), Some(IpAddr::V4(Ipv4Addr::new(1, 2, 3, 4))));
        assert_eq!(attribute(&[1, 2, 3]).ip(), None);
        assert_eq!(attribute(&[1, 2, 3]).u32(), None);
        assert_eq!(attribute(&[1, 2]).be16(), Some(258));
        assert_eq!(attribute(b"lo\0x").text(), Some("lo"));
        assert_eq!(attribute(b"").text(), Some(""));
        assert_eq!(attribute(b"\xff").text(), None);
        assert_eq!(attribute(&[1, 2, 3, 4, 5, 6]).mac(), Some([1, 2, 3, 4, 5, 6]));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            for attribute in Attributes::new(&bytes) {
                let _ = (attribute.u8(), attribute.u16(), attribute.u32(), attribute.u64(), attribute.text());
                let _ = (attribute.be16(), attribute.be32(), attribute.be64(), attribute.ip(), attribute.mac());
                for inner in attribute.nested() {
                    let _ = inner.nested().count();
                }
            }
        }
    }
}
