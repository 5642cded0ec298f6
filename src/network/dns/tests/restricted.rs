//! Containers that may not ask everything.

use hickory_proto::rr::rdata::CNAME;

use super::*;
use crate::error::Error;

/// Lets names pass that begin with `ok`, and notes what is opened.
#[derive(Default)]
struct Guard {
    opened: Mutex<Vec<(String, Vec<String>, bool)>>,
}

impl Gate for Guard {
    fn may_ask(&self, container: &str, name: &str) -> bool {
        assert!(container.starts_with("held"));
        name.starts_with("ok")
    }

    fn open(&self, _: &str, name: &str, addresses: &[(IpAddr, u32)], ours: bool) -> crate::error::Result<()> {
        if name.contains("full") {
            return Err(Error::new("no room"));
        }
        let addresses = addresses.iter().map(|(ip, seconds)| format!("{ip} {seconds}")).collect();
        self.opened.lock().unwrap().push((name.to_owned(), addresses, ours));
        Ok(())
    }
}

#[test]
fn a_restricted_container_asks_and_reaches_what_it_may() {
    let guard = Arc::new(Guard::default());
    let net = Net::with_gate(Some(Arc::clone(&guard) as Arc<dyn Gate>));
    net.set("held", Container { restricted: true, ..net.container("held", 2) });
    net.add("free", 3);
    net.add("ok-neighbour", 4);
    net.resolv_conf(&[101], "");
    let resolver = Resolver::start(net.ip(101), |asked| {
        let mut message = answer(&asked.message, [192, 0, 2, 1]);
        // An alias, and an address that somebody has slipped in.
        let [real, other] = ["real.example.", "other.example."].map(|name| Name::from_ascii(name).unwrap());
        let asked_for = message.answers[0].name.clone();
        message.answers = vec![
            Record::from_rdata(asked_for, 7, RData::CNAME(CNAME(real.clone()))),
            Record::from_rdata(real, 60, RData::A(A([192, 0, 2, 1].into()))),
            Record::from_rdata(other, 60, RData::A(A([6, 6, 6, 6].into()))),
        ];
        let mut bytes = message.to_vec().unwrap();
        if asked.message.queries[0].name().to_ascii().to_lowercase().starts_with("ok-cut") {
            bytes.truncate(bytes.len() - 2);
        }
        vec![(0, bytes)]
    });
    let opened = || std::mem::take(&mut *guard.opened.lock().unwrap());

    let (answer, time) = timed(|| net.ask(2, "secret.evil.example", RecordType::A));
    assert_eq!(answer.response_code, ResponseCode::NXDomain);
    assert!(time < SOON && resolver.log().is_empty(), "nothing has left");
    assert_eq!(net.ask(2, "free", RecordType::A).response_code, ResponseCode::NXDomain);
    assert_eq!(net.ask(2, "free.dns.podman", RecordType::A).response_code, ResponseCode::NXDomain);
    assert_eq!(opened(), []);
    let [a, b, c] = net.place;
    let reverse = |last: u8| net.ask(2, &format!("{last}.{c}.{b}.{a}.in-addr.arpa"), RecordType::PTR).answers.len();
    assert_eq!([2, 3, 4].map(reverse), [1, 0, 1], "itself, and who it may reach");

    assert_eq!(net.ask(2, "OK.example", RecordType::A).answers.len(), 3);
    assert_eq!(opened(), [("ok.example".into(), vec!["192.0.2.1 7".into()], false)]);
    assert_eq!(addresses(&net.ask(2, "ok-neighbour.dns.podman", RecordType::A)), [net.ip(4).to_string()]);
    assert_eq!(opened(), [("ok-neighbour".into(), vec![format!("{} 5", net.ip(4))], true)]);
    assert_eq!(addresses(&net.ask(2, "held", RecordType::A)), [net.ip(2).to_string()], "itself");
    assert_eq!(opened(), []);

    // What cannot be opened, or read, is not answered.
    assert_eq!(net.ask(2, "ok.full.example", RecordType::A).response_code, ResponseCode::ServFail);
    assert_eq!(net.ask(2, "ok-cut.example", RecordType::A).response_code, ResponseCode::ServFail);
    assert_eq!(opened(), []);

    assert_eq!(net.ask(3, "secret.evil.example", RecordType::A).answers.len(), 3, "who is free is not asked about");
    assert_eq!(opened(), []);
}

#[test]
fn without_a_gate_nothing_is_allowed() {
    let net = Net::new();
    net.set("held", Container { restricted: true, ..net.container("held", 2) });
    net.add("neighbour", 3);
    for name in ["example.org", "neighbour"] {
        assert_eq!(net.ask(2, name, RecordType::A).response_code, ResponseCode::NXDomain, "{name}");
    }
}
