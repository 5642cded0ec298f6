//! What was asked, as far as it can be known from bytes of a container: anything may be in them.

use hickory_proto::op::{Edns, Header, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, RecordType};
use hickory_proto::serialize::binary::{BinDecodable as _, BinDecoder};

/// The length of a message's header.
pub(super) const HEADER: usize = 12;
/// No honest question is longer: 255 bytes of a name, and what EDNS pads it to (RFC 8467: 128).
pub(super) const MAX_LENGTH: usize = 1232;
/// What fits in a UDP answer to somebody who says nothing about it (RFC 1035, 4.2.1).
const PLAIN_UDP: u16 = 512;
/// No UDP answer is longer, whatever the asker says: longer ones come in many fragments.
const MAX_UDP: u16 = 4096;

/// One question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub id: u16,
    pub recursion_desired: bool,
    /// With the case as asked.
    pub query: Query,
    /// Lower case, without the dot at the end; what is not of a host name is escaped. Empty for the root.
    pub name: String,
    pub edns: Option<Edns>,
    /// Where the question section ends in the message.
    pub end: usize,
}

/// Why a message is not a question that can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// Not a question at all: an answer to it could go back and forth for ever.
    Ignore,
    /// To be answered with this code, and with nothing of the message but its ID.
    Answer { id: u16, op_code: OpCode, code: ResponseCode },
}

impl Question {
    /// Reads a message.
    pub(super) fn parse(bytes: &[u8]) -> Result<Question, Bad> {
        let mut decoder = BinDecoder::new(bytes);
        let Ok(Header { metadata, counts }) = Header::read(&mut decoder) else { return Err(Bad::Ignore) };
        if metadata.message_type != MessageType::Query {
            return Err(Bad::Ignore);
        }
        let bad = |code| Bad::Answer { id: metadata.id, op_code: metadata.op_code, code };
        if metadata.op_code != OpCode::Query {
            return Err(bad(ResponseCode::NotImp));
        }
        if counts.queries != 1 || counts.answers != 0 || counts.authorities != 0 || bytes.len() > MAX_LENGTH {
            return Err(bad(ResponseCode::FormErr));
        }
        let Ok(query) = Query::read(&mut decoder) else { return Err(bad(ResponseCode::FormErr)) };
        let end = decoder.index();
        // The name must stand there as it is: what is compared with answers, and changed in its case, are these bytes.
        let length: usize = query.name().iter().map(|label| label.len() + 1).sum::<usize>() + 1;
        if end != HEADER + length + 4 {
            return Err(bad(ResponseCode::FormErr));
        }
        let rest = Message::read_records(&mut decoder, counts.additionals.into(), true, OpCode::Query);
        let Ok((_, edns, _)) = rest else { return Err(bad(ResponseCode::FormErr)) };
        let mut name = query.name().to_lowercase().to_ascii();
        if name.ends_with('.') {
            name.pop();
        }
        Ok(Question { id: metadata.id, recursion_desired: metadata.recursion_desired, query, name, edns, end })
    }

    pub(super) fn kind(&self) -> RecordType {
        self.query.query_type()
    }

    pub(super) fn class(&self) -> DNSClass {
        self.query.query_class()
    }

    /// How long an answer by UDP may be.
    pub(super) fn udp_limit(&self) -> usize {
        self.edns.as_ref().map_or(PLAIN_UDP, |edns| edns.max_payload().clamp(PLAIN_UDP, MAX_UDP)).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A question as a resolver would send it.
    pub(crate) fn ask(name: &[&[u8]], kind: u16) -> Vec<u8> {
        let mut bytes = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name {
            bytes.push(label.len().try_into().unwrap());
            bytes.extend_from_slice(label);
        }
        bytes.push(0);
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&[0, 1]);
        bytes
    }

    fn code(bytes: &[u8]) -> Option<ResponseCode> {
        match Question::parse(bytes) {
            Err(Bad::Answer { code, .. }) => Some(code),
            _ => None,
        }
    }

    #[test]
    fn plain_questions() {
        let bytes = ask(&[b"Web", b"Example"], 28);
        let question = Question::parse(&bytes).unwrap();
        assert_eq!((question.id, question.name.as_str(), question.end), (0x1234, "web.example", bytes.len()));
        assert_eq!(question.kind(), RecordType::AAAA);
        assert_eq!((question.recursion_desired, question.udp_limit()), (true, 512));
        assert_eq!(Question::parse(&ask(&[], 2)).unwrap().name, "");
        assert_eq!(Question::parse(&ask(&[b"my_web-1"], 1)).unwrap().name, "my_web-1");
    }

    #[test]
    fn labels_with_dots_and_other_bytes_are_no_other_name() {
        for (labels, text) in [
            (&[&b"a.b"[..]][..], "a\\.b"),
            (&[b"a b"], "a\\040b"),
            (&[b"a\\"], "a\\\\"),
            (&["ü".as_bytes()], "\\303\\274"),
            (&[b"*", b"x"], "*.x"),
        ] {
            assert_eq!(Question::parse(&ask(labels, 1)).unwrap().name, text);
        }
    }

    #[test]
    fn edns() {
        let mut bytes = ask(&[b"x"], 1);
        bytes[11] = 1;
        bytes.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0]);
        let question = Question::parse(&bytes).unwrap();
        assert_eq!(question.udp_limit(), 1232);
        assert!(question.edns.as_ref().unwrap().flags().dnssec_ok);
        assert_eq!(question.end, bytes.len() - 11);
        // Two of them.
        bytes[11] = 2;
        bytes.extend_from_slice(&[0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(code(&bytes), Some(ResponseCode::FormErr));
        // One that promises more than there is.
        let mut bytes = ask(&[b"x"], 1);
        bytes[11] = 1;
        assert_eq!(code(&bytes), Some(ResponseCode::FormErr));
    }

    #[test]
    fn what_is_no_question() {
        assert_eq!(Question::parse(b"").unwrap_err(), Bad::Ignore);
        assert_eq!(Question::parse(&[0; 11]).unwrap_err(), Bad::Ignore);
        let mut answer = ask(&[b"x"], 1);
        answer[2] |= 0x80;
        assert_eq!(Question::parse(&answer).unwrap_err(), Bad::Ignore);
        let mut update = ask(&[b"x"], 6);
        update[2] |= 5 << 3;
        assert_eq!(code(&update), Some(ResponseCode::NotImp));
        for count in [0, 2] {
            let mut bytes = ask(&[b"x"], 1);
            bytes[5] = count;
            assert_eq!(code(&bytes), Some(ResponseCode::FormErr));
        }
        // A name that points into the header, at itself, and behind the end.
        for target in [0, 12, 200] {
            let mut bytes = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, target, 0, 1, 0, 1];
            assert_eq!(code(&bytes), Some(ResponseCode::FormErr), "{target}");
            bytes.truncate(13);
            assert_eq!(code(&bytes), Some(ResponseCode::FormErr), "{target}");
        }
        let mut long = ask(&[b"x"], 1);
        long.resize(MAX_LENGTH + 1, 0);
        assert_eq!(code(&long), Some(ResponseCode::FormErr));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), header in any::<bool>()) {
            let mut bytes = bytes;
            if header {
                bytes.splice(0..0, [1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
            }
            if let Ok(question) = Question::parse(&bytes) {
                prop_assert!(question.end <= bytes.len());
            }
        }
    }
}
