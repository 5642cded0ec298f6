//! The addresses in a resolver's answer that belong to the name that was asked for.

use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RData};

use super::question::Question;

/// How many names may stand between a name and its addresses.
const MAX_CHAIN: usize = 16;
/// More addresses of one answer are not opened.
const MAX_ADDRESSES: usize = 256;

/// The addresses that `reply` gives for the question's name, following CNAMEs, with the seconds that all of it is valid for. What else is
/// in the message, addresses of other names that somebody has slipped in, is left out. `None`: the message cannot be read.
pub(super) fn addresses(question: &Question, reply: &[u8]) -> Option<Vec<(IpAddr, u32)>> {
    let message = Message::from_vec(reply).ok()?;
    let mut name: Name = question.query.name().to_lowercase();
    let mut seconds = u32::MAX;
    for _ in 0..MAX_CHAIN {
        let of_name = || message.answers.iter().filter(|record| record.name.to_lowercase() == name);
        let addresses = of_name().filter_map(|record| {
            let address = match &record.data {
                RData::A(a) => IpAddr::V4(a.0),
                RData::AAAA(aaaa) => IpAddr::V6(aaaa.0),
                _ => return None,
            };
            Some((address, record.ttl.min(seconds)))
        });
        let found: Vec<_> = addresses.take(MAX_ADDRESSES).collect();
        if !found.is_empty() {
            return Some(found);
        }
        let next = of_name().find_map(|record| match &record.data {
            RData::CNAME(target) => Some((target.0.to_lowercase(), record.ttl)),
            _ => None,
        });
        let Some((target, ttl)) = next else { break };
        name = target;
        seconds = seconds.min(ttl);
    }
    Some(Vec::new())
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{OpCode, ResponseCode};
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::{A, CNAME};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn question() -> Question {
        Question::parse(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03Web\x07example\x00\x00\x01\x00\x01")
            .unwrap()
    }

    /// Owner, seconds, and an address or the name that it is an alias of.
    type Line<'a> = (&'a str, u32, Result<[u8; 4], &'a str>);

    fn reply(records: &[Line<'_>]) -> Vec<u8> {
        let mut message = Message::error_msg(0x1234, OpCode::Query, ResponseCode::NoError);
        message.add_query(question().query);
        for (owner, ttl, data) in records {
            let data = match data {
                Ok(ip) => RData::A(A((*ip).into())),
                Err(target) => RData::CNAME(CNAME(name(target))),
            };
            message.add_answer(Record::from_rdata(name(owner), *ttl, data));
        }
        message.to_vec().unwrap()
    }

    #[test]
    fn aliases_are_followed_and_strangers_left_out() {
        let bytes = reply(&[
            ("other.example.", 60, Ok([192, 0, 2, 66])),
            ("b.example.net.", 30, Ok([192, 0, 2, 1])),
            ("web.EXAMPLE.", 20, Err("a.example.net.")),
            ("a.example.net.", 300, Err("B.example.net.")),
            ("b.example.net.", 10, Ok([192, 0, 2, 2])),
        ]);
        let found = addresses(&question(), &bytes).unwrap();
        assert_eq!(found, [("192.0.2.1".parse().unwrap(), 20), ("192.0.2.2".parse().unwrap(), 10)]);
    }

    #[test]
    fn circles_and_rubbish_end() {
        let circle = reply(&[("web.example.", 1, Err("x.")), ("x.", 1, Err("web.example."))]);
        assert_eq!(addresses(&question(), &circle), Some(vec![]));
        assert_eq!(addresses(&question(), &reply(&[])), Some(vec![]));
        assert_eq!(addresses(&question(), &[1, 2, 3]), None);
        let mut cut = reply(&[("web.example.", 1, Ok([192, 0, 2, 1]))]);
        cut.pop();
        assert_eq!(addresses(&question(), &cut), None);
    }
}
