//! The main job on real input: a Debian root file system, imported; packages installed in it by its own root; a server
//! of it answering on a published port.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::registry::free_port;
use crate::support::{Env, fixtures, until};

#[test]
fn apt_installs_servers_that_answer() {
    let env = Env::new();
    let minutes = Duration::from_secs(600);
    let root = fixtures::debian().to_str().unwrap();
    env.coracle(["import", "-q", "--change", "ENV DEBIAN_FRONTEND=noninteractive", root, "localhost/debian"])
        .timeout(minutes)
        .run()
        .expect(0);
    let port = free_port();
    let apt = env.file("apt.conf", fixtures::apt_configuration());
    let publish = format!("127.0.0.1:{port}:80");
    let volume = format!("{}:/etc/apt/apt.conf.d/99host:ro", apt.display());
    env.ok(["run", "-d", "--name", "d", "-p", &publish, "-v", &volume, "debian", "sleep", "infinity"]);
    let exec = |script: &str| env.coracle(["exec", "d", "sh", "-ec", script]).timeout(minutes).run().expect(0).text();
    exec("apt-get -qq update");
    exec("apt-get -qq -y install --no-install-recommends nginx-light redis-server >/dev/null");
    exec("echo from inside > /var/www/html/index.html; nginx");
    let page = until("nginx", Duration::from_secs(60), || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(b"GET /index.html HTTP/1.0\r\nHost: x\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    });
    assert!(page.contains("200 OK") && page.contains("from inside"), "{page}");
    assert!(page.to_lowercase().contains("server: nginx"), "{page}");
    // A server that drops its privileges to a user of the package's.
    exec("su -s /bin/sh redis -c 'redis-server --daemonize yes --dir /tmp' >/dev/null");
    assert_eq!(exec("for i in $(seq 100); do redis-cli ping 2>/dev/null && break; sleep 0.1; done"), "PONG");
    assert_eq!(exec("redis-cli set k v; redis-cli get k"), "OK\nv");
    assert_eq!(exec("stat -c %U /var/lib/redis; dpkg --audit"), "redis");
    // All of it is in the container's own layer.
    env.ok(["restart", "-t", "1", "d"]);
    assert!(exec("dpkg -s nginx-light | grep Status").contains("installed"));
}
