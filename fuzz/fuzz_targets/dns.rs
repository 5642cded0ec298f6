//! DNS: questions of containers and answers of resolvers. No message ends the server, and what goes back is as it must be.
#![no_main]

use coracle::network::dns::probe::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // The length of the question, the question, the reply.
    let Some((length, rest)) = input.split_first_chunk::<2>() else { return };
    let (question, reply) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
    probe(question, reply);
});
