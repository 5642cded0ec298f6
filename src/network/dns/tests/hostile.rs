//! Containers that mean no good.

use proptest::prelude::*;

use super::*;

#[test]
fn strangers_get_nothing() {
    let net = Net::new();
    net.add("web", 2);
    let stranger = net.socket(3);
    stranger.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    for message in [question("web", RecordType::A).to_vec().unwrap(), vec![1; 40]] {
        stranger.send(&message).unwrap();
    }
    assert!(receive(&stranger).is_none());
    assert!(receive_tcp(&mut net.connect(3)).is_none());
    // An answer is not answered, and what cannot be read only by a code.
    let socket = net.socket(2);
    let mut reply = question("web", RecordType::A);
    reply.metadata.message_type = MessageType::Response;
    socket.send(&reply.to_vec().unwrap()).unwrap();
    socket.send(&[7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 77]).unwrap();
    let answer = receive(&socket).unwrap();
    assert_eq!((answer.id, answer.response_code), (0x0707, ResponseCode::FormErr));
}

#[test]
fn a_flood_of_one_does_not_silence_the_others() {
    let net = Net::new();
    net.add("bad", 2);
    net.add("good", 3);
    net.resolv_conf(&[101], "");
    let _resolver = Resolver::start(net.ip(101), |asked| {
        let name = asked.message.queries[0].name().to_lowercase().to_ascii();
        let good = name.starts_with("good");
        if good { vec![(0, answer(&asked.message, [192, 0, 2, 1]).to_vec().unwrap())] } else { vec![] }
    });
    let socket = net.socket(2);
    for number in 0..600 {
        socket.send(&question(&format!("x{number}.example"), RecordType::A).to_vec().unwrap()).unwrap();
        // The kernel's own queue must not overflow, that is not what this is about.
        if number % 50 == 0 {
            assert_eq!(addresses(&net.ask(3, "good.example", RecordType::A)), ["192.0.2.1"]);
        }
    }
    // It has its share, and hears at once that it has no more.
    let answer = receive(&socket).unwrap();
    assert_eq!(answer.response_code, ResponseCode::ServFail);
    let (answer, time) = timed(|| net.ask(3, "good2.example", RecordType::A));
    assert_eq!(addresses(&answer), ["192.0.2.1"]);
    assert!(time < SOON, "{time:?}");
}

#[test]
fn many_questions_on_one_connection() {
    let net = Net::new();
    net.add("web", 2);
    net.resolv_conf(&[101], "");
    let _resolver =
        Resolver::start(net.ip(101), |asked| vec![(200, answer(&asked.message, [192, 0, 2, 1]).to_vec().unwrap())]);
    let mut stream = net.connect(2);
    let outside: Vec<Message> = (0..40).map(|n| question(&format!("x{n}.example"), RecordType::A)).collect();
    let own = question("web", RecordType::A);
    send_tcp(&mut stream, &outside[0].to_vec().unwrap());
    send_tcp(&mut stream, &own.to_vec().unwrap());
    for message in &outside[1..] {
        send_tcp(&mut stream, &message.to_vec().unwrap());
    }
    // Who asks nothing more may say so; the answers come nevertheless.
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut ids = Vec::new();
    while let Some(bytes) = receive_tcp(&mut stream) {
        ids.push(Message::from_vec(&bytes).unwrap().id);
    }
    assert_eq!(ids[0], own.id, "what is known at once does not wait");
    let mut wanted: Vec<u16> = outside.iter().map(|message| message.id).chain([own.id]).collect();
    ids.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(ids, wanted);
}

#[test]
fn connections_are_limited_in_length_time_and_number() {
    let net = Net::new();
    net.add("web", 2);
    net.add("other", 3);
    // Longer than any question.
    let mut stream = net.connect(2);
    stream.write_all(&[0xff, 0xff, 0]).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    // Nothing, or a byte now and then.
    let mut slow = net.connect(2);
    let mut idle = net.connect(2);
    let ((), time) = timed(|| {
        while slow.write_all(&[0]).is_ok()
            && slow.read(&mut [0; 1]).is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock)
        {}
        assert_eq!(idle.read(&mut [0; 1]).unwrap_or(0), 0);
    });
    assert!(time < Duration::from_secs(15), "{time:?}");
    // More than its share are closed; others have theirs.
    let mut many: Vec<TcpStream> = (0..60).map(|_| net.connect(2)).collect();
    let refused = many.iter_mut().rev().take(20).filter(|stream| {
        let mut stream: &TcpStream = stream;
        stream.read(&mut [0; 1]).is_ok_and(|length| length == 0)
    });
    assert_eq!(refused.count(), 20);
    let mut stream = net.connect(3);
    send_tcp(&mut stream, &question("web", RecordType::A).to_vec().unwrap());
    assert!(receive_tcp(&mut stream).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn rubbish_is_survived(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 50)) {
        let net = Net::new();
        net.add("web", 2);
        let socket = net.socket(2);
        let mut stream = net.connect(2);
        for packet in packets {
            socket.send(&packet).unwrap();
            let _ = stream.write_all(&packet);
        }
        prop_assert_eq!(net.ask(2, "web", RecordType::A).answers.len(), 1);
    }
}
