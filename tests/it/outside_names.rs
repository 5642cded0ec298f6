//! Names of hosts outside, in whole containers: the test has a host of its own (namespaces within `coracle unshare`) with a resolv.conf
//! of its own, behind which it plays the internet with its resolvers.
//!
//! ```text
//! host 203.0.113.2, resolv.conf -- bridge -- internet 203.0.113.1, and 8.8.1.1 and 8.8.2.2: each a resolver that says its own
//!                                            address for all names, and a server on port 80 that says its address
//! ```

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::AsFd as _;

use coracle::network::netlink::route::{address, link, routes};
use coracle::network::netlink::{Protocol, Socket};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::support::Env;
use crate::support::command::Output;

const HOST: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
const ROUTER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const RESOLVERS: [Ipv4Addr; 2] = [Ipv4Addr::new(8, 8, 1, 1), Ipv4Addr::new(8, 8, 2, 2)];

/// Runs a script in that world. `$C` is coracle with the test's roots, `resolv.conf` that of the host, `asked` has the names
/// that resolvers were asked for; `get FROM URL` says what container FROM hears, or how long it took to be refused: `no` or `late`.
fn in_the_world(env: &Env, script: &str) -> Output {
    env.file("resolv.conf", "nameserver 8.8.1.1\n");
    let script = format!(
        "get() {{ s=$(date +%s); out=$($C exec $1 wget -q -O - http://$2/ 2>/dev/null) ||
            {{ if [ $(($(date +%s) - s)) -lt 4 ]; then out=no; else out=late; fi; }}; echo \"= $out\"; }}
        start() {{ n=$1; shift; $C run -d --name $n \"$@\" busybox sleep 10000 >/dev/null || echo \"= $n failed\"; }}
        {script}"
    );
    let (root, runroot) = (env.root(), env.runroot());
    let coracle = format!("{} --root {} --runroot {}", crate::support::env::CORACLE, root.display(), runroot.display());
    let test = std::env::current_exe().unwrap();
    let run = ["unshare", test.to_str().unwrap(), "--ignored", "--exact", "outside_names::world", "--nocapture"];
    env.coracle(run).env("C", coracle).env("WORLD", script).run().expect(0)
}

/// What the script has said.
fn said(output: &Output) -> Vec<&str> {
    output.stdout.lines().filter_map(|line| line.strip_prefix("= ")).collect()
}

#[test]
#[ignore = "the world of these tests"]
fn world() {
    let Ok(script) = std::env::var("WORLD") else { return };
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
    mount(Some("resolv.conf"), "/etc/resolv.conf", None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    let internet = std::fs::File::open("/proc/thread-self/ns/net").unwrap();
    let mut there = Socket::open(Protocol::Route).unwrap();
    there.request(&[link::set_up(1, None)]).unwrap();
    there.request(&RESOLVERS.map(|ip| address::add(1, ip.into(), 32))).unwrap();
    for ip in RESOLVERS {
        serve(ip.into());
        resolve(ip);
    }
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    let mut here = Socket::open(Protocol::Route).unwrap();
    let bridge = link::Bridge { name: "out", mac: [2, 0, 0, 0, 0, 1], mtu: 1500 };
    here.request(&[link::set_up(1, None), link::add_bridge(&bridge)]).unwrap();
    let index = link::find(&mut here, "out").unwrap().unwrap().index;
    let veth = link::Veth {
        name: "port",
        mac: [2, 0, 0, 0, 0, 2],
        master: index,
        up: true,
        mtu: 1500,
        far_name: "in",
        far_mac: [2, 0, 0, 0, 0, 3],
        far_namespace: internet.as_fd(),
    };
    here.request(&[link::add_veth(&veth)]).unwrap();
    let far = link::find(&mut there, "in").unwrap().unwrap().index;
    there.request(&[address::add(far, ROUTER.into(), 24), link::set_up(far, None)]).unwrap();
    let default = routes::set(&routes::Route::default_by(ROUTER.into()));
    here.request(&[address::add(index, HOST.into(), 24), default]).unwrap();
    serve(HOST.into());
    let status = std::process::Command::new("sh").args(["-c", &script]).status().unwrap();
    assert!(status.success(), "{status}");
}

/// A server that says its address to all who come.
fn serve(ip: IpAddr) {
    let listener = TcpListener::bind((ip, 80)).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let body = ip.to_string();
            let length = body.len();
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
        }
    });
}

/// A resolver that says its own address for names; that of the host for `rebind.example`, which is a bad one's.
fn resolve(ip: Ipv4Addr) {
    let socket = UdpSocket::bind((ip, 53)).unwrap();
    let mut asked = std::fs::File::options().create(true).append(true).open("asked").unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let question = &buffer[..length];
            let (mut name, mut at) = (String::new(), 12);
            while let Some(length @ 1..) = question.get(at).map(|length| usize::from(*length)) {
                name += &String::from_utf8_lossy(&question[at + 1..at + 1 + length]).to_lowercase();
                name.push('.');
                at += length + 1;
            }
            let end = at + 5;
            writeln!(asked, "{name}").unwrap();
            let is_a = question[at + 1..at + 3] == [0, 1];
            let address = if name == "rebind.example." { HOST } else { ip };
            // The header, its counts, the question; a record of the name at byte 12, of an hour.
            let mut answer =
                [&question[..2], &[0x81, 0x80, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0], &question[12..end]].concat();
            if is_a {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4]);
                answer.extend(address.octets());
            }
            let _ = socket.send_to(&answer, from);
        }
    });
}

#[test]
fn a_changed_resolv_conf_needs_no_restart() {
    let env = Env::busybox();
    let output = in_the_world(
        &env,
        "$C network create n >/dev/null; start user --network n; start plain --network podman
        for c in user plain; do get $c one.example; done
        echo 'nameserver 8.8.2.2' >resolv.conf
        for c in user plain; do get $c one.example; done
        printf 'nameserver 203.0.113.77\\nnameserver 8.8.1.1\\n' >resolv.conf
        for c in user plain; do get $c one.example; done
        : >resolv.conf
        get user one.example
        $C rm -f -t 0 user plain >/dev/null",
    );
    // The first of two is nobody: the second is asked soon. An empty file is one that is being written.
    let wanted = ["8.8.1.1", "8.8.1.1", "8.8.2.2", "8.8.2.2", "8.8.1.1", "8.8.1.1", "8.8.1.1"];
    assert_eq!(said(&output), wanted, "{output}");
    env.assert_nothing_left();
}

#[test]
fn names_open_what_they_are_and_nothing_else_leaves() {
    let env = Env::busybox();
    let output = in_the_world(
        &env,
        "$C network create n >/dev/null; start free --network n
        start held --network n --egress-log --egress ok.example:80,rebind.example,8.8.9.9,10.0.0.0/8 --egress '*.below.example:80'
        for host in free.example 8.8.2.2 203.0.113.2 rebind.example; do get free $host; done
        echo '= held'
        get held 8.8.1.1
        for host in secret.evil.example below.example ok.example 8.8.1.1 8.8.2.2 a.b.below.example; do get held $host; done
        for host in rebind.example 203.0.113.2; do get held $host; done
        echo 'nameserver 8.8.2.2' >resolv.conf
        for host in ok.example 8.8.2.2 8.8.1.1; do get held $host; done
        for at in 8.8.1.1 10.0.2.3 10.89.0.1; do
            $C exec held nslookup secret.evil.example $at >/dev/null 2>&1 && echo \"= $at answers\"
        done
        $C network egress-log held >log
        $C rm -f -t 0 free held >/dev/null",
    );
    let free = ["8.8.1.1", "8.8.2.2", "203.0.113.2", "203.0.113.2"];
    let before = ["no", "no", "no", "8.8.1.1", "8.8.1.1", "no", "8.8.1.1"];
    let after = ["no", "no", "8.8.2.2", "8.8.2.2", "8.8.1.1"];
    assert_eq!(said(&output), [&free[..], &["held"], &before, &after].concat(), "{output}");
    let asked = std::fs::read_to_string(env.work().join("asked")).unwrap();
    for name in ["free.example.", "ok.example.", "a.b.below.example.", "rebind.example."] {
        assert!(asked.lines().any(|line| line == name), "{name}: {asked}");
    }
    assert!(!asked.contains("secret") && !asked.lines().any(|line| line == "below.example."), "{asked}");
    let log = std::fs::read_to_string(env.work().join("log")).unwrap();
    for part in [
        "\"domain\":\"secret.evil.example\",\"reason\":\"name\"",
        "\"destination\":\"203.0.113.2\",\"domain\":\"rebind.example\",\"reason\":\"private\"",
        "\"destination\":\"10.0.2.3\",\"port\":53",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
    env.assert_nothing_left();
}
