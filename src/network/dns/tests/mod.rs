//! The whole server on loopback: gateways, containers and resolvers are addresses of 127.0.0.0/8, another hundred for each test.

mod hostile;
mod names;
mod outside;
mod restricted;

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::{Bridge, Container, Dns, Gate, Membership, Settings};

/// Everywhere: addresses are what differs.
const PORT: u16 = 15353;
/// What an answer may take that comes at once, on a busy machine.
const SOON: Duration = Duration::from_millis(700);

/// A server with one network, `n`, which has names and whose gateway is .1.
struct Net {
    dns: Dns,
    place: [u8; 3],
    dir: tempfile::TempDir,
}

impl Net {
    fn new() -> Net {
        Net::with_gate(None)
    }

    fn with_gate(gate: Option<Arc<dyn Gate>>) -> Net {
        static COUNT: AtomicU16 = AtomicU16::new(1);
        let [high, low] = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let process = u8::try_from(std::process::id() % 200).unwrap() + 20;
        let place = [127, process, high * 16 + low];
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { port: PORT, upstream_port: PORT, resolv_conf: dir.path().join("resolv.conf") };
        let spawn = |work: Box<dyn FnOnce() + Send>| {
            std::thread::spawn(work);
            Ok(())
        };
        let net = Net { dns: Dns::start_with(settings, spawn, gate).unwrap(), place, dir };
        net.dns.set_bridge(net.bridge()).unwrap();
        net
    }

    fn ip(&self, last: u8) -> IpAddr {
        let [a, b, c] = self.place;
        Ipv4Addr::new(a, b, c, last).into()
    }

    fn bridge(&self) -> Bridge {
        // Containers have what is below 64.
        let subnets = vec![(self.ip(0), 26)];
        Bridge { network: "n".into(), addresses: vec![self.ip(1)], subnets, names: true, ..Bridge::default() }
    }

    fn container(&self, name: &str, last: u8) -> Container {
        let networks = vec![Membership { network: "n".into(), addresses: vec![self.ip(last)], aliases: vec![] }];
        Container { name: name.into(), hostname: name.into(), networks, ..Container::default() }
    }

    /// Adds a container, whose ID is its name and dashes.
    fn add(&self, name: &str, last: u8) {
        self.set(name, self.container(name, last));
    }

    fn set(&self, name: &str, container: Container) {
        self.dns.set_container(&format!("{name:-<64}"), container).unwrap();
    }

    /// Writes the host's resolv.conf.
    fn resolv_conf(&self, servers: &[u8], rest: &str) {
        let lines: Vec<String> = servers.iter().map(|last| format!("nameserver {}\n", self.ip(*last))).collect();
        // Another inode, so that it is seen whatever the clock of the file system says.
        let new = self.dir.path().join("new");
        std::fs::write(&new, lines.concat() + rest).unwrap();
        std::fs::rename(new, self.dir.path().join("resolv.conf")).unwrap();
    }

    /// A socket of the container at this address, that talks to the gateway.
    fn socket(&self, last: u8) -> UdpSocket {
        let socket = UdpSocket::bind((self.ip(last), 0)).unwrap();
        socket.connect((self.ip(1), PORT)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(6))).unwrap();
        socket
    }

    fn exchange(&self, last: u8, message: &Message) -> Option<Message> {
        let socket = self.socket(last);
        socket.send(&message.to_vec().unwrap()).unwrap();
        receive(&socket)
    }

    fn ask(&self, last: u8, name: &str, kind: RecordType) -> Message {
        let question = question(name, kind);
        let answer = self.exchange(last, &question).unwrap_or_else(|| panic!("no answer for {name}"));
        assert_eq!((answer.id, &answer.queries), (question.id, &question.queries));
        answer
    }

    fn connect(&self, last: u8) -> TcpStream {
        use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
        let stream = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&stream, &SocketAddr::new(self.ip(last), 0)).unwrap();
        connect(&stream, &SocketAddr::new(self.ip(1), PORT)).unwrap();
        let stream = TcpStream::from(stream);
        stream.set_read_timeout(Some(Duration::from_secs(6))).unwrap();
        stream
    }
}

fn question(name: &str, kind: RecordType) -> Message {
    static ID: AtomicU16 = AtomicU16::new(1);
    let mut message = Message::new(ID.fetch_add(1, Ordering::Relaxed), MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    message.add_query(Query::query(name, kind));
    message
}

fn with_edns(mut message: Message, size: u16) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(size);
    message.set_edns(edns);
    message
}

fn receive(socket: &UdpSocket) -> Option<Message> {
    let mut buffer = [0; 1 << 16];
    let length = socket.recv(&mut buffer).ok()?;
    Some(Message::from_vec(&buffer[..length]).unwrap())
}

fn send_tcp(stream: &mut TcpStream, message: &[u8]) {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length, message].concat()).unwrap();
}

fn receive_tcp(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

fn addresses(message: &Message) -> Vec<String> {
    let address = |record: &Record| match &record.data {
        RData::A(a) => Some(a.0.to_string()),
        RData::AAAA(aaaa) => Some(aaaa.0.to_string()),
        _ => None,
    };
    message.answers.iter().filter_map(address).collect()
}

/// An answer to `asked` with one address.
fn answer(asked: &Message, ip: [u8; 4]) -> Message {
    let mut message = Message::error_msg(asked.id, OpCode::Query, ResponseCode::NoError);
    message.add_queries(asked.queries.iter().cloned());
    let name = asked.queries[0].name().clone();
    message.add_answer(Record::from_rdata(name, 60, RData::A(A(ip.into()))));
    message
}

fn failure(asked: &Message, code: ResponseCode) -> Message {
    let mut message = Message::error_msg(asked.id, OpCode::Query, code);
    message.add_queries(asked.queries.iter().cloned());
    message
}

/// What came to a resolver.
#[derive(Debug, Clone)]
struct Asked {
    message: Message,
    /// The same kind of question has come so many times before.
    before: usize,
    tcp: bool,
    from: SocketAddr,
}

/// A resolver that does what a test wants.
struct Resolver {
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Resolver {
    /// `act`: what is sent for a question, each after a while.
    fn start(at: IpAddr, act: impl Fn(&Asked) -> Vec<(u64, Vec<u8>)> + Send + Sync + 'static) -> Resolver {
        let log = Arc::new(Mutex::new(Vec::<Asked>::new()));
        let act = Arc::new(act);
        let udp = UdpSocket::bind((at, PORT)).unwrap();
        let tcp = TcpListener::bind((at, PORT)).unwrap();
        let react = {
            let log = Arc::clone(&log);
            move |bytes: &[u8], tcp: bool, from: SocketAddr| {
                let message = Message::from_vec(bytes).unwrap();
                let mut log = log.lock().unwrap();
                let same = |other: &&Asked| other.tcp == tcp && other.message.queries == message.queries;
                let asked = Asked { before: log.iter().filter(same).count(), message, tcp, from };
                log.push(asked.clone());
                drop(log);
                act(&asked)
            }
        };
        let react_tcp = react.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut buffer) {
                for (after, reply) in react(&buffer[..length], false, from) {
                    let udp = udp.try_clone().unwrap();
                    let send = move || {
                        std::thread::sleep(Duration::from_millis(after));
                        let _ = udp.send_to(&reply, from);
                    };
                    if after > 0 {
                        std::thread::spawn(send);
                    } else {
                        send();
                    }
                }
            }
        });
        std::thread::spawn(move || {
            for stream in tcp.incoming() {
                let mut stream = stream.unwrap();
                let from = stream.peer_addr().unwrap();
                if let Some(message) = receive_tcp(&mut stream) {
                    for (_, reply) in react_tcp(&message, true, from) {
                        send_tcp(&mut stream, &reply);
                    }
                }
            }
        });
        Resolver { log }
    }

    /// One that answers everything with an address.
    fn honest(at: IpAddr, ip: [u8; 4]) -> Resolver {
        Resolver::start(at, move |asked| vec![(0, answer(&asked.message, ip).to_vec().unwrap())])
    }

    fn silent(at: IpAddr) -> Resolver {
        Resolver::start(at, |_| vec![])
    }

    fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }
}

/// How long something takes.
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let result = work();
    (result, begin.elapsed())
}
