//! All that is done with bytes of containers and resolvers, without sockets: for fuzzing.

use std::net::IpAddr;

use super::local::{self, Decision};
use super::question::{Bad, HEADER, Question};
use super::reply::{self, Verdict};
use super::table::Table;
use super::{Bridge, Container, Membership, answer, follow};

/// Takes `message` as a container's and answers it as far as that can be done here; else `reply` is taken as a resolver's, after
/// ID and question have been put right. The answer, if there is one.
///
/// # Panics
/// When the answer is not as it must be.
pub fn probe(message: &[u8], reply: &[u8]) -> Option<Vec<u8>> {
    let question = match Question::parse(message) {
        Ok(question) => question,
        Err(Bad::Ignore) => return None,
        Err(Bad::Answer { id, op_code, code }) => {
            let answer = answer::refuse(id, op_code, code);
            assert_eq!(answer.len(), HEADER, "shorter than what was asked");
            return Some(answer);
        }
    };
    assert!(question.end <= message.len(), "the question is within the message");
    assert!(
        !question.name.ends_with('.') || question.name.ends_with("\\."),
        "no dot at the end of {:?}",
        question.name
    );
    let limit = question.udp_limit();
    let (table, address) = sample();
    let asker = table.asker(address)?;
    let answer = match local::decide(&table, &asker, "n", &question, message.len()) {
        Decision::Code(code) => answer::empty(&question, code),
        Decision::Records(records) => answer::records(&question, records, limit),
        Decision::Containers { found, .. } => match local::addresses(&question, &found.addresses) {
            Decision::Records(records) => answer::records(&question, records, limit),
            other => panic!("{other:?}"),
        },
        Decision::Pointer { name, id, .. } => answer::records(&question, answer::pointers(&name, &id), limit),
        Decision::Ask(_) => return foreign(&question, message, reply),
    };
    assert!((HEADER..=limit).contains(&answer.len()), "{} bytes of {limit}", answer.len());
    assert_eq!(answer.get(..2), message.get(..2), "the ID");
    Some(answer)
}

fn foreign(question: &Question, message: &[u8], reply: &[u8]) -> Option<Vec<u8>> {
    let mut asked = message.to_vec();
    reply::mix_case(&mut asked, question.end, reply);
    assert!(asked.eq_ignore_ascii_case(message), "nothing but the case has changed");
    let mut reply = reply.to_vec();
    reply::restore(&mut reply, &asked, question.end);
    if reply::judge(&asked, question.end, &reply) == Verdict::NotIt {
        return None;
    }
    reply::restore(&mut reply, message, question.end);
    let addresses = follow::addresses(question, &reply)?;
    assert!(addresses.len() <= 256, "{} addresses", addresses.len());
    Some(reply)
}

/// One network and two containers; the asker's address.
fn sample() -> (Table, IpAddr) {
    let mut table = Table::default();
    let address = IpAddr::from([10, 89, 0, 2]);
    let subnets = vec![(IpAddr::from([10, 89, 0, 0]), 24)];
    table.set_bridge(Bridge { network: "n".into(), subnets, names: true, ..Bridge::default() });
    for (id, name, address) in [("1", "a", address), ("2", "b", IpAddr::from([10, 89, 0, 3]))] {
        let membership = Membership { network: "n".into(), addresses: vec![address], aliases: vec!["c.d".into()] };
        table.set_container(id, Container { name: name.into(), networks: vec![membership], ..Container::default() });
    }
    (table, address)
}
