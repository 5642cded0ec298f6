//! What others are asked: resolvers that are slow, broken, lying, or away.

use super::*;

/// A network with a container that asks, `web` at .2, and these resolvers in the host's file.
fn net(servers: &[u8]) -> Net {
    let net = Net::new();
    net.add("web", 2);
    net.resolv_conf(servers, "");
    net
}

#[test]
fn a_foreign_answer_comes_as_it_is() {
    let net = net(&[101]);
    // A record of a kind that nobody knows.
    let strange = |asked: &Asked| {
        let mut bytes = failure(&asked.message, ResponseCode::NoError).to_vec().unwrap();
        bytes[7] = 1;
        bytes.extend_from_slice(b"\xc0\x0c\xff\x77\x00\x01\x00\x00\x00\x09\x00\x03\x01\xff\x07");
        vec![(0, bytes)]
    };
    let resolver = Resolver::start(net.ip(101), strange);
    let socket = net.socket(2);
    for _ in 0..20 {
        let question = question("Some.Example", RecordType::A).to_vec().unwrap();
        socket.send(&question).unwrap();
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        assert_eq!(buffer[..2], question[..2]);
        assert_eq!(buffer[12..question.len()], question[12..]);
        assert!(buffer[..length].ends_with(b"\xff\x77\x00\x01\x00\x00\x00\x09\x00\x03\x01\xff\x07"));
    }
    // It cannot be guessed what was asked.
    let different =
        |of: &dyn Fn(&Asked) -> String| resolver.log().iter().map(of).collect::<std::collections::HashSet<_>>().len();
    assert!(different(&|asked| asked.message.id.to_string()) > 15);
    assert!(different(&|asked| asked.from.port().to_string()) > 15);
    assert!(different(&|asked| asked.message.queries[0].name().to_ascii()) > 15);
}

#[test]
fn a_resolver_that_is_away_costs_little() {
    let net = net(&[101, 102]);
    let second = Resolver::honest(net.ip(102), [192, 0, 2, 2]);
    // Nobody listens at the first: the kernel says so at once.
    let (answer, time) = timed(|| net.ask(2, "a.example", RecordType::A));
    assert_eq!(addresses(&answer), ["192.0.2.2"]);
    assert!(time < SOON, "{time:?}");
    // One that says nothing: the second is asked soon, and after a while first.
    let first = Resolver::silent(net.ip(101));
    for name in ["b.example", "c.example", "d.example"] {
        let (answer, time) = timed(|| net.ask(2, name, RecordType::A));
        assert_eq!(addresses(&answer), ["192.0.2.2"]);
        assert!(time < SOON, "{time:?}");
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let count = first.log().len();
        net.ask(2, "e.example", RecordType::A);
        if first.log().len() == count {
            break;
        }
        assert!(Instant::now() < deadline, "the silent one is still asked first");
    }
    assert!(second.log().len() > 4);
}

#[test]
fn nobody_there_is_a_failure_at_once() {
    let net = net(&[101, 102, 103]);
    let (answer, time) = timed(|| net.ask(2, "a.example", RecordType::A));
    assert_eq!(answer.response_code, ResponseCode::ServFail);
    assert!(time < SOON, "{time:?}");
    // The same by TCP, where several wait on one connection.
    let mut stream = net.connect(2);
    for name in ["b.example", "c.example"] {
        send_tcp(&mut stream, &question(name, RecordType::A).to_vec().unwrap());
    }
    for _ in 0..2 {
        let answer = Message::from_vec(&receive_tcp(&mut stream).unwrap()).unwrap();
        assert_eq!(answer.response_code, ResponseCode::ServFail);
    }
}

#[test]
fn silence_is_a_failure_in_time() {
    let net = Net::new();
    net.add("web", 2);
    net.resolv_conf(&[101], "options timeout:1 attempts:2\n");
    let resolver = Resolver::silent(net.ip(101));
    let (answer, time) = timed(|| net.ask(2, "a.example", RecordType::A));
    assert_eq!(answer.response_code, ResponseCode::ServFail);
    assert!(Duration::from_millis(1900) < time && time < Duration::from_secs(4), "{time:?}");
    assert_eq!(resolver.log().len(), 2, "asked again once");
}

#[test]
fn a_lost_packet_is_sent_again() {
    let net = net(&[101]);
    let forgetful = |asked: &Asked| match asked.before {
        0 => vec![],
        _ => vec![(0, answer(&asked.message, [192, 0, 2, 1]).to_vec().unwrap())],
    };
    let _resolver = Resolver::start(net.ip(101), forgetful);
    let (answer, time) = timed(|| net.ask(2, "a.example", RecordType::A));
    assert_eq!(addresses(&answer), ["192.0.2.1"]);
    assert!(time < Duration::from_secs(2), "{time:?}");
}

#[test]
fn an_impatient_asker_is_not_asked_for_twice() {
    let net = net(&[101]);
    let slow = |asked: &Asked| vec![(300, answer(&asked.message, [192, 0, 2, 1]).to_vec().unwrap())];
    let resolver = Resolver::start(net.ip(101), slow);
    let socket = net.socket(2);
    let question = question("a.example", RecordType::A).to_vec().unwrap();
    for _ in 0..3 {
        socket.send(&question).unwrap();
    }
    assert!(receive(&socket).is_some());
    assert_eq!(resolver.log().len(), 1);
}

#[test]
fn who_fails_is_not_believed_and_who_knows_nothing_waits_for_the_first() {
    let net = net(&[101, 102]);
    let _first = Resolver::start(net.ip(101), |asked| {
        let name = asked.message.queries[0].name().to_lowercase().to_ascii();
        match name.as_str() {
            // An intranet's name, by a server that takes its time.
            "wiki.corp." => vec![(450, answer(&asked.message, [10, 1, 1, 1]).to_vec().unwrap())],
            "broken.example." => vec![(0, failure(&asked.message, ResponseCode::ServFail).to_vec().unwrap())],
            "unread.example." => {
                vec![(0, [&asked.message.id.to_be_bytes()[..], &[0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]].concat())]
            }
            _ => vec![(0, failure(&asked.message, ResponseCode::Refused).to_vec().unwrap())],
        }
    });
    let _second = Resolver::start(net.ip(102), |asked| {
        let name = asked.message.queries[0].name().to_lowercase().to_ascii();
        let code = if name == "no.example." { ResponseCode::ServFail } else { ResponseCode::NXDomain };
        match name.as_str() {
            "broken.example." | "unread.example." => {
                vec![(0, answer(&asked.message, [192, 0, 2, 2]).to_vec().unwrap())]
            }
            _ => vec![(0, failure(&asked.message, code).to_vec().unwrap())],
        }
    });
    assert_eq!(addresses(&net.ask(2, "wiki.corp", RecordType::A)), ["10.1.1.1"]);
    assert_eq!(addresses(&net.ask(2, "broken.example", RecordType::A)), ["192.0.2.2"]);
    assert_eq!(addresses(&net.ask(2, "unread.example", RecordType::A)), ["192.0.2.2"]);
    assert_eq!(net.ask(2, "nothing.example", RecordType::A).response_code, ResponseCode::NXDomain);
    // Both fail: a failure, and not "no such name".
    assert_eq!(net.ask(2, "no.example", RecordType::A).response_code, ResponseCode::ServFail);
}

#[test]
fn forged_answers_are_not_taken() {
    let net = net(&[101]);
    let lies = |asked: &Asked| {
        let forged = answer(&asked.message, [6, 6, 6, 6]);
        let mut other_id = forged.clone();
        other_id.metadata.id ^= 1;
        let mut other_name = answer(&question("x.example", RecordType::A), [6, 6, 6, 6]);
        other_name.metadata.id = asked.message.id;
        let mut no_answer = forged.clone();
        no_answer.metadata.message_type = MessageType::Query;
        let honest = answer(&asked.message, [192, 0, 2, 1]);
        let all = [other_id, other_name, no_answer, honest];
        let mut all: Vec<_> = all.iter().map(|message| (0, message.to_vec().unwrap())).collect();
        all.insert(0, (0, vec![0; 3]));
        all.insert(0, (0, vec![]));
        all
    };
    let _resolver = Resolver::start(net.ip(101), lies);
    assert_eq!(addresses(&net.ask(2, "a.example", RecordType::A)), ["192.0.2.1"]);
}

#[test]
fn a_resolver_that_changes_the_case_of_names_is_understood() {
    let net = net(&[101]);
    let lower = |asked: &Asked| {
        let mut message = answer(&asked.message, [192, 0, 2, 1]);
        let name = message.queries[0].name().to_lowercase();
        message.queries[0].set_name(name);
        vec![(0, message.to_vec().unwrap())]
    };
    let resolver = Resolver::start(net.ip(101), lower);
    for _ in 0..3 {
        assert_eq!(addresses(&net.ask(2, "A.Long.Name.Example", RecordType::A)), ["192.0.2.1"]);
    }
    assert!(resolver.log().len() <= 4, "asked twice only before it was known");
}

/// A resolver that truncates by UDP, and says all by TCP: so many addresses.
fn long(at: IpAddr, count: u8) -> Resolver {
    Resolver::start(at, move |asked| {
        let mut message = answer(&asked.message, [192, 0, 2, 0]);
        if asked.tcp {
            let name = message.answers[0].name.clone();
            let record = |last| Record::from_rdata(name.clone(), 60, RData::A(A([192, 0, 2, last].into())));
            message.answers = (0..count).map(record).collect();
        } else {
            message.metadata.truncation = true;
        }
        vec![(0, message.to_vec().unwrap())]
    })
}

#[test]
fn truncated_answers_are_asked_for_by_tcp() {
    let net = net(&[101]);
    let _resolver = long(net.ip(101), 200);
    let all = net.exchange(2, &with_edns(question("a.example", RecordType::A), 4096)).unwrap();
    assert_eq!((all.answers.len(), all.truncation), (200, false));
    let some = net.ask(2, "a.example", RecordType::A);
    assert_eq!((some.answers.len(), some.truncation), (1, true), "what the resolver gave by UDP");
    let mut stream = net.connect(2);
    send_tcp(&mut stream, &question("a.example", RecordType::A).to_vec().unwrap());
    assert_eq!(Message::from_vec(&receive_tcp(&mut stream).unwrap()).unwrap().answers.len(), 200);
}

#[test]
fn a_resolver_without_tcp_still_says_something() {
    let net = net(&[101]);
    let udp = UdpSocket::bind((net.ip(101), PORT)).unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = udp.recv_from(&mut buffer) {
            let mut message = answer(&Message::from_vec(&buffer[..length]).unwrap(), [192, 0, 2, 1]);
            message.metadata.truncation = true;
            udp.send_to(&message.to_vec().unwrap(), from).unwrap();
        }
    });
    let some = net.ask(2, "a.example", RecordType::A);
    assert_eq!((some.answers.len(), some.truncation), (1, true));
}

#[test]
fn who_is_asked() {
    let net = net(&[101]);
    let _host = Resolver::honest(net.ip(101), [192, 0, 2, 1]);
    let _changed = Resolver::honest(net.ip(102), [192, 0, 2, 2]);
    let _networks = Resolver::honest(net.ip(103), [192, 0, 2, 3]);
    // It is itself on the bridge, where the host's namespace does not reach (here: the same one).
    let _containers = Resolver::honest(net.ip(60), [192, 0, 2, 4]);
    let asked = || addresses(&net.ask(2, "a.example", RecordType::A));
    assert_eq!(asked(), ["192.0.2.1"]);
    net.resolv_conf(&[102, 101], "");
    assert_eq!(asked(), ["192.0.2.2"], "the host's file has changed");
    net.dns.set_bridge(Bridge { servers: vec![net.ip(103)], ..net.bridge() }).unwrap();
    assert_eq!(asked(), ["192.0.2.3"]);
    net.set("web", Container { servers: vec![net.ip(60)], ..net.container("web", 2) });
    assert_eq!(asked(), ["192.0.2.4"]);
    net.dns.set_bridge(Bridge { internal: true, ..net.bridge() }).unwrap();
    assert_eq!(net.ask(2, "a.example", RecordType::A).response_code, ResponseCode::NXDomain);
    net.dns.set_bridge(Bridge { names: false, ..net.bridge() }).unwrap();
    assert_eq!(addresses(&net.ask(2, "web", RecordType::A)), ["192.0.2.4"], "a network without names asks for all");
}
