//! Answers that are made here.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, OpCode, ResponseCode};
use hickory_proto::rr::rdata::opt::EdnsOption;
use hickory_proto::rr::rdata::{A, AAAA, PTR};
use hickory_proto::rr::{Name, RData, Record};

use super::question::Question;

/// How long a container's address may be remembered. Asking again costs nothing, and a container that was made anew has another one.
pub(super) const TTL: u32 = 5;
/// What we say that we can receive by UDP: what surely comes in one piece.
const OUR_UDP: u16 = 1232;
/// A record of an address is at most so long: a compressed name, and what every record has.
const MAX_RECORD: usize = 28;

/// The record of an address.
pub(super) fn address(address: IpAddr) -> RData {
    match address {
        IpAddr::V4(ip) => RData::A(A(ip)),
        IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
    }
}

/// The record of a name; `None` if it cannot be one in DNS.
fn pointer(name: &str) -> Option<RData> {
    let name = Name::from_labels(name.trim_end_matches('.').split('.').map(str::as_bytes)).ok()?;
    if name.is_root() { None } else { Some(RData::PTR(PTR(name))) }
}

/// The record of a container's name, or of its ID where the name cannot be one.
pub(super) fn pointers(name: &str, id: &str) -> Vec<RData> {
    pointer(name).or_else(|| pointer(id)).into_iter().collect()
}

/// An answer to a message that is no proper question.
pub(super) fn refuse(id: u16, op_code: OpCode, code: ResponseCode) -> Vec<u8> {
    encode(&Message::error_msg(id, op_code, code))
}

/// An answer without records.
pub(super) fn empty(question: &Question, code: ResponseCode) -> Vec<u8> {
    encode(&message(question, code))
}

/// The answer to what a restricted container may not ask: there is no such name, for it. (musl's resolver takes no notice of REFUSED, and
/// waits for another answer until it gives up.) Who understands extended errors is told why (RFC 8914: 18, prohibited).
pub(super) fn prohibited(question: &Question) -> Vec<u8> {
    const EXTENDED_ERROR: u16 = 15;
    const PROHIBITED: [u8; 2] = [0, 18];
    let mut message = message(question, ResponseCode::NXDomain);
    if let Some(edns) = &mut message.edns {
        edns.options_mut().insert(EdnsOption::Unknown(EXTENDED_ERROR, PROHIBITED.to_vec()));
    }
    encode(&message)
}

/// An answer that says nothing but that it is too long to be sent this way.
pub(super) fn too_long(question: &Question) -> Vec<u8> {
    let mut message = message(question, ResponseCode::NoError);
    message.metadata.truncation = true;
    encode(&message)
}

/// An answer with these records, or as many of them as fit into `limit` bytes.
pub(super) fn records(question: &Question, records: Vec<RData>, limit: usize) -> Vec<u8> {
    let mut message = message(question, ResponseCode::NoError);
    let name = question.query.name();
    message.answers = records.into_iter().map(|data| Record::from_rdata(name.clone(), TTL, data)).collect();
    loop {
        let bytes = encode(&message);
        let excess = bytes.len().saturating_sub(limit);
        if excess == 0 || message.answers.is_empty() {
            return bytes;
        }
        let keep = message.answers.len().saturating_sub(excess.div_ceil(MAX_RECORD));
        message.answers.truncate(keep);
        message.metadata.truncation = true;
    }
}

fn message(question: &Question, code: ResponseCode) -> Message {
    let mut message = Message::error_msg(question.id, OpCode::Query, code);
    message.metadata.recursion_desired = question.recursion_desired;
    message.metadata.recursion_available = true;
    message.add_query(question.query.clone());
    if let Some(edns) = &question.edns {
        let mut own = Edns::new();
        own.set_max_payload(OUR_UDP);
        own.set_dnssec_ok(edns.flags().dnssec_ok);
        message.set_edns(own);
    }
    message
}

/// The message's bytes. Messages that are built here can be encoded; if one cannot, the asker gets nothing, as if it was lost.
fn encode(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap_or_default()
}
