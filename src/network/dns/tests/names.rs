//! Names of containers.

use std::sync::atomic::AtomicBool;

use super::*;

#[test]
fn names_families_and_reverse() {
    let net = Net::new();
    net.add("web", 2);
    let mut both = net.container("db", 3);
    both.networks[0].addresses.push("fd00::3".parse().unwrap());
    net.set("db", both);
    let db = net.ip(3).to_string();
    assert_eq!(addresses(&net.ask(2, "db", RecordType::A)), [db.as_str()]);
    assert_eq!(addresses(&net.ask(2, "DB.dns.podman", RecordType::A)), [db.as_str()]);
    assert_eq!(addresses(&net.ask(2, "db", RecordType::AAAA)), ["fd00::3"]);
    let nothing = net.ask(2, "web", RecordType::AAAA);
    assert_eq!((nothing.response_code, nothing.answers.len()), (ResponseCode::NoError, 0));
    assert_eq!(net.ask(2, "nowhere", RecordType::A).response_code, ResponseCode::NXDomain);
    let [a, b, c] = net.place;
    let reverse = net.ask(2, &format!("3.{c}.{b}.{a}.in-addr.arpa"), RecordType::PTR);
    assert_eq!(reverse.answers[0].data.to_string(), "db.");
    let reverse = net.ask(2, &format!("3.{}0.0.d.f.ip6.arpa", "0.".repeat(27)), RecordType::PTR);
    assert_eq!(reverse.answers[0].data.to_string(), "db.");
    assert!(reverse.recursion_available && reverse.recursion_desired);
}

#[test]
fn edns_and_answers_that_are_too_long() {
    let net = Net::new();
    for last in 2..60 {
        let mut container = net.container(&format!("c{last}"), last);
        container.networks[0].aliases = vec!["all".into()];
        net.set(&format!("c{last}"), container);
    }
    let plain = net.exchange(2, &question("all", RecordType::A)).unwrap();
    assert!(plain.truncation && plain.edns.is_none() && (25..32).contains(&plain.answers.len()), "{plain}");
    let edns = net.exchange(2, &with_edns(question("all", RecordType::A), 4096)).unwrap();
    assert!(!edns.truncation && edns.edns.is_some());
    assert_eq!(edns.answers.len(), 58);
    let small = net.exchange(2, &with_edns(question("all", RecordType::A), 600)).unwrap();
    assert!(small.truncation && small.edns.is_some() && small.to_vec().unwrap().len() <= 600);
    let mut stream = net.connect(2);
    send_tcp(&mut stream, &question("all", RecordType::A).to_vec().unwrap());
    assert_eq!(Message::from_vec(&receive_tcp(&mut stream).unwrap()).unwrap().answers.len(), 58);
    // Another one first each time.
    let first = |message: &Message| addresses(message)[0].clone();
    let firsts: std::collections::HashSet<_> = (0..8).map(|_| first(&net.ask(2, "all", RecordType::A))).collect();
    assert_eq!(firsts.len(), 8);
    let mut future = with_edns(question("all", RecordType::A), 1232);
    future.edns.as_mut().unwrap().set_version(1);
    // 16 is BADVERS, and another code of the same number.
    assert_eq!(u16::from(net.exchange(2, &future).unwrap().response_code), 16);
}

#[test]
fn nobody_misses_a_name_while_others_come_and_go() {
    let net = Net::new();
    net.add("asker", 2);
    net.add("stays", 3);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..500 {
                let name = format!("c{round}");
                let last = 4 + u8::try_from(round % 50).unwrap();
                net.add(&name, last);
                // What stays is changed as well: `network connect` does so.
                net.add("stays", 3);
                net.dns.set_bridge(net.bridge()).unwrap();
                net.dns.remove_container(&format!("{name:-<64}"));
            }
            over.store(true, Ordering::Relaxed);
        });
        let socket = net.socket(2);
        let mut asked = 0;
        while !over.load(Ordering::Relaxed) || asked < 200 {
            let question = question("stays", RecordType::A);
            socket.send(&question.to_vec().unwrap()).unwrap();
            let answer = receive(&socket).unwrap_or_else(|| panic!("question {asked} was lost"));
            assert_eq!((answer.id, answer.answers.len()), (question.id, 1), "question {asked}");
            asked += 1;
        }
    });
}

#[test]
fn a_bridge_has_its_sockets_as_long_as_it_is_there() {
    let net = Net::new();
    net.add("web", 2);
    let mut stream = net.connect(2);
    let question = question("web", RecordType::A).to_vec().unwrap();
    net.dns.set_bridge(Bridge { addresses: vec![net.ip(1), net.ip(200)], ..net.bridge() }).unwrap();
    send_tcp(&mut stream, &question);
    assert!(receive_tcp(&mut stream).is_some());
    let other = UdpSocket::bind((net.ip(2), 0)).unwrap();
    other.send_to(&question, (net.ip(200), PORT)).unwrap();
    assert!(receive(&other).is_some());
    // The second address goes, the first one stays.
    net.dns.set_bridge(net.bridge()).unwrap();
    assert_eq!(addresses(&net.ask(2, "web", RecordType::A)), [net.ip(2).to_string()]);
    net.dns.remove_bridge("n");
    let deadline = Instant::now() + Duration::from_secs(5);
    while UdpSocket::bind((net.ip(1), PORT)).is_err() || UdpSocket::bind((net.ip(200), PORT)).is_err() {
        assert!(Instant::now() < deadline, "the sockets are still there");
        std::thread::yield_now();
    }
    net.dns.set_bridge(net.bridge()).unwrap();
    assert_eq!(net.ask(2, "web", RecordType::A).answers.len(), 1);
}

#[test]
fn an_address_that_is_taken_is_an_error_and_leaves_nothing() {
    let net = Net::new();
    let taken = UdpSocket::bind((net.ip(100), PORT)).unwrap();
    let error = net.dns.set_bridge(Bridge {
        network: "m".into(),
        addresses: vec![net.ip(99), net.ip(100)],
        ..Bridge::default()
    });
    let text = error.unwrap_err().to_string();
    assert!(
        text.contains(&format!("listening for DNS on {} of network `m`: Address already in use", net.ip(100))),
        "{text}"
    );
    drop(taken);
    assert!(UdpSocket::bind((net.ip(99), PORT)).is_ok(), "half made");
}

#[test]
fn ipv6_gateways() {
    let net = Net::new();
    // There is one address of IPv6 on loopback: container, gateway and resolver have it, at different ports.
    let settings =
        Settings { port: PORT + 1, upstream_port: PORT + 2, resolv_conf: net.dir.path().join("resolv.conf") };
    let here: IpAddr = "::1".parse().unwrap();
    let spawn = |work: Box<dyn FnOnce() + Send>| {
        std::thread::spawn(work);
        Ok(())
    };
    let Ok(upstream) = UdpSocket::bind((here, PORT + 2)) else { return eprintln_skip("no IPv6 on loopback") };
    std::fs::write(net.dir.path().join("resolv.conf"), "nameserver ::1\n").unwrap();
    let dns = Dns::start_with(settings, spawn, None).unwrap();
    dns.set_bridge(Bridge { network: "six".into(), addresses: vec![here], names: true, ..Bridge::default() }).unwrap();
    let networks = vec![Membership { network: "six".into(), addresses: vec![here], aliases: vec![] }];
    dns.set_container("c", Container { name: "web".into(), networks, ..Container::default() }).unwrap();
    let socket = UdpSocket::bind((here, 0)).unwrap();
    socket.connect((here, PORT + 1)).unwrap();
    socket.send(&question("web", RecordType::AAAA).to_vec().unwrap()).unwrap();
    assert_eq!(addresses(&receive(&socket).unwrap()), ["::1"]);
    socket.send(&question("example.org", RecordType::A).to_vec().unwrap()).unwrap();
    let mut buffer = [0; 512];
    let (length, from) = upstream.recv_from(&mut buffer).unwrap();
    let reply = answer(&Message::from_vec(&buffer[..length]).unwrap(), [192, 0, 2, 1]);
    upstream.send_to(&reply.to_vec().unwrap(), from).unwrap();
    assert_eq!(addresses(&receive(&socket).unwrap()), ["192.0.2.1"]);
}

#[allow(clippy::print_stderr)]
fn eprintln_skip(why: &str) {
    eprintln!("skipped: {why}");
}
