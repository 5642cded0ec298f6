//! Sets and maps.

use super::super::netlink::Message;
use super::expression::{Field, Verdict};

const FLAG_MAP: u32 = 0x8;
const FLAG_TIMEOUT: u32 = 0x10;
const FLAG_EVAL: u32 = 0x20;
const VERDICTS: u32 = 0xffff_ff00;

/// What a set's elements are: the values of some fields, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    pub name: String,
    /// The fields whose values make an element.
    pub key: Vec<Field>,
    /// Each element has a verdict.
    pub map: bool,
    /// Elements may go by themselves.
    pub timeout: bool,
    /// No more elements than that; 0: as many as come.
    pub size: u32,
    /// Rules add elements, which go after so many seconds without a packet; 0: they do not.
    pub counts: u32,
}

impl Set {
    pub fn new(name: impl Into<String>, key: &[Field]) -> Set {
        Set { name: name.into(), key: key.to_vec(), map: false, timeout: false, size: 0, counts: 0 }
    }

    #[must_use]
    pub fn map(mut self) -> Set {
        self.map = true;
        self
    }

    #[must_use]
    pub fn timeout(mut self, size: u32) -> Set {
        (self.timeout, self.size) = (true, size);
        self
    }

    /// What rules count by ([`super::Rule::over`]), with at most `size` elements.
    #[must_use]
    pub fn counting(mut self, seconds: u32, size: u32) -> Set {
        (self.timeout, self.counts, self.size) = (true, seconds, size);
        self
    }

    /// Bytes of an element: each field begins at a multiple of four.
    fn key_length(&self) -> u32 {
        match self.key.as_slice() {
            [one] => one.length(),
            fields => fields.iter().map(|field| field.length().div_ceil(4) * 4).sum(),
        }
    }

    /// The attributes behind the table's name. `id` is any number that no other set of the batch has.
    pub(super) fn encode(&self, message: Message, id: u32) -> Message {
        const NAME: u16 = 2;
        const FLAGS: u16 = 3;
        const KEY_TYPE: u16 = 4;
        const KEY_LENGTH: u16 = 5;
        const DATA_TYPE: u16 = 6;
        const DATA_LENGTH: u16 = 7;
        const DESCRIPTION: u16 = 9;
        const ID: u16 = 10;
        const SIZE: u16 = 1;
        const TIMEOUT: u16 = 11;
        let counts = u32::from(self.counts > 0) * FLAG_EVAL;
        let flags = (u32::from(self.map) * FLAG_MAP) | (u32::from(self.timeout) * FLAG_TIMEOUT) | counts;
        // The type of a key is of no meaning for the kernel; nft shows elements as hexadecimal numbers.
        let m = message.text(NAME, &self.name).be32(FLAGS, flags).be32(KEY_TYPE, 0).be32(KEY_LENGTH, self.key_length());
        let m = if self.map { m.be32(DATA_TYPE, VERDICTS).be32(DATA_LENGTH, 16) } else { m };
        let m = if self.counts > 0 { m.be64(TIMEOUT, u64::from(self.counts) * 1000) } else { m };
        let m = if self.size > 0 { m.nest(DESCRIPTION, |m| m.be32(SIZE, self.size)) } else { m };
        m.be32(ID, id)
    }
}

/// An element of a set or a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    key: Vec<u8>,
    verdict: Option<Verdict>,
    /// Milliseconds.
    timeout: Option<u64>,
}

impl Element {
    /// From the values of the set's fields.
    pub fn new(values: &[&[u8]]) -> Element {
        let mut key = Vec::new();
        for value in values {
            key.extend_from_slice(value);
            // Only between fields: a single one has no padding.
            if values.len() > 1 {
                key.resize(key.len().div_ceil(4) * 4, 0);
            }
        }
        Element { key, verdict: None, timeout: None }
    }

    #[must_use]
    pub fn verdict(mut self, verdict: Verdict) -> Element {
        self.verdict = Some(verdict);
        self
    }

    #[must_use]
    pub fn for_seconds(mut self, seconds: u32) -> Element {
        self.timeout = Some(u64::from(seconds) * 1000);
        self
    }

    /// As an element of NFTA_SET_ELEM_LIST_ELEMENTS.
    pub(super) fn encode(&self, message: Message) -> Message {
        const LIST_ELEM: u16 = 1;
        const KEY: u16 = 1;
        const DATA: u16 = 2;
        const TIMEOUT: u16 = 4;
        const VALUE: u16 = 1;
        message.nest(LIST_ELEM, |m| {
            m.nest(KEY, |m| m.bytes(VALUE, &self.key))
                .with(self.verdict.as_ref(), |m, verdict| m.nest(DATA, |m| verdict.encode(m)))
                .with(self.timeout, |m, timeout| m.be64(TIMEOUT, timeout))
        })
    }
}
