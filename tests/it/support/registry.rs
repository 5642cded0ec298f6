//! Debian's docker-registry on a loopback port, and skopeo to fill it: what the engine pulls from was made by others.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::{Env, SOON, until};

/// Who may use a registry that wants a password.
pub const USER: &str = "gardener";
pub const PASSWORD: &str = "s3cret-w0rd";
/// The password as htpasswd keeps it, with the fewest rounds.
const BCRYPT: &str = "$2b$05$6HxyoDagkTfnEJMzR2UOhOXeKsAQnaCvincFUu3ccr7Zlj4auGl3W";

/// What a registry wants to see before it serves anybody.
#[derive(Debug, Clone, Default)]
pub struct Guards {
    /// [`USER`] with [`PASSWORD`].
    pub password: bool,
    /// It speaks HTTPS, with the files that [`certificates`] made in this directory.
    pub tls: Option<PathBuf>,
    /// Clients show a certificate of the same authority.
    pub client_certificate: bool,
}

/// Makes an authority with the certificates of a server at 127.0.0.1 and of a client: `ca.crt`, `server.crt`, `server-key.pem`,
/// `client.cert`, `client.key`.
pub fn certificates(env: &Env) -> PathBuf {
    let dir = env.file("tls/server.ext", "subjectAltName=IP:127.0.0.1,DNS:localhost\n").parent().unwrap().to_owned();
    env.file("tls/client.ext", "extendedKeyUsage=clientAuth\n");
    let openssl = |line: &str| {
        env.program("openssl").args(line.split(' ')).cwd(&dir).run().expect(0);
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {key} -days 2 -subj /CN=authority -keyout ca-key.pem -out ca.crt"));
    // Other tools want a certificate for each `.key`.
    let both = [
        ("server", "server-key.pem", "server.crt", " -extfile server.ext"),
        ("client", "client.key", "client.cert", " -extfile client.ext"),
    ];
    for (name, key_file, certificate, extra) in both {
        openssl(&format!("req {key} -subj /CN={name} -keyout {key_file} -out {name}.csr"));
        openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca-key.pem -CAcreateserial -days 2 -out {certificate}{extra}"
        ));
    }
    dir
}

/// A registry that runs until it is dropped.
pub struct Registry {
    port: u16,
    child: Child,
}

impl Registry {
    /// Starts one that keeps its files in the test's environment.
    pub fn start(env: &Env) -> Self {
        Self::start_with(env, "registry", &Guards::default())
    }

    /// Starts one with its files in `work()/NAME` and with these guards.
    pub fn start_with(env: &Env, name: &str, guards: &Guards) -> Self {
        let port = free_port();
        let storage = env.work().join(name);
        let mut http = format!("addr: 127.0.0.1:{port}");
        if let Some(dir) = &guards.tls {
            let (cert, key) = (dir.join("server.crt"), dir.join("server-key.pem"));
            let clients = if guards.client_certificate {
                format!(", clientcas: [{}]", dir.join("ca.crt").display())
            } else {
                String::new()
            };
            http.push_str(&format!(", tls: {{certificate: {}, key: {}{clients}}}", cert.display(), key.display()));
        }
        let auth = if guards.password {
            let file = env.file(&format!("{name}.htpasswd"), format!("{USER}:{BCRYPT}\n"));
            format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", file.display())
        } else {
            String::new()
        };
        let config = env.file(
            &format!("{name}.yml"),
            format!(
                "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
                 http: {{{http}}}\n{auth}",
                storage.display()
            ),
        );
        let mut command = env.program("docker-registry").args(["serve".as_ref(), config.as_os_str()]).raw();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("docker-registry is not installed: `make test` installs it");
        let registry = Registry { port, child };
        until("the registry to listen", SOON, || TcpStream::connect(("127.0.0.1", port)).ok());
        registry
    }

    /// Its port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The full name of a repository in it.
    pub fn name(&self, repository: &str) -> String {
        format!("127.0.0.1:{}/{repository}", self.port)
    }

    /// Pushes the one image of an OCI layout with skopeo; `format` is `oci` or `v2s2` (Docker schema 2).
    #[track_caller]
    pub fn push(&self, env: &Env, layout: &Path, repository: &str, format: &str) {
        let source = format!("oci:{}", layout.display());
        let target = format!("docker://{}", self.name(repository));
        skopeo(env, &["copy", "--format", format, "--dest-tls-verify=false", &source, &target]);
    }

    /// The same for a registry that wants a password.
    #[track_caller]
    pub fn push_as_user(&self, env: &Env, layout: &Path, repository: &str) {
        let source = format!("oci:{}", layout.display());
        let target = format!("docker://{}", self.name(repository));
        let creds = format!("{USER}:{PASSWORD}");
        skopeo(env, &["copy", "--dest-creds", &creds, "--dest-tls-verify=false", &source, &target]);
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs skopeo, which must succeed; its standard output.
#[track_caller]
pub fn skopeo(env: &Env, args: &[&str]) -> String {
    env.program("skopeo").args(["--insecure-policy"]).args(args).run().expect(0).text()
}

/// A TCP port of the loopback address that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a free port").port()
}
