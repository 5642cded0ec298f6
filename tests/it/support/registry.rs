//! Debian's docker-registry on a loopback port, and skopeo to fill it: what the engine pulls from was made by others.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};

use super::{Env, SOON, until};

/// A registry that runs until it is dropped.
pub struct Registry {
    port: u16,
    child: Child,
}

impl Registry {
    /// Starts one that keeps its files in the test's environment.
    pub fn start(env: &Env) -> Self {
        let port = free_port();
        let storage = env.work().join("registry");
        let config = env.file(
            "registry.yml",
            format!(
                "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
                 http: {{addr: 127.0.0.1:{port}}}\n",
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
