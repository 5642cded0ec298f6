//! The files in a container that speak of names and addresses: /etc/hosts, /etc/resolv.conf, /etc/hostname and
//! /run/.containerenv. What stands in them is made by pure functions; [`write`] puts them into the container's run
//! directory, from where they are bind-mounted.

mod host;
pub mod hosts;
pub mod resolv;

use std::net::IpAddr;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

pub use host::{Host, HostAddress};

use self::hosts::Hosts;
use self::resolv::Resolv;
use super::Mode;
use super::config::Network;
use crate::bail;
use crate::error::{Context as _, Result};
use crate::storage::fs;

/// `--hosts-file`: what /etc/hosts is built on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HostsFile {
    /// The host's.
    #[default]
    Host,
    /// Nothing.
    None,
    /// The image's: give its content as [`Request::image_hosts`].
    Image,
    /// A file of the host.
    Path(PathBuf),
}

impl HostsFile {
    /// `none`, `image` or an absolute path; empty means the host's.
    pub fn parse(text: &str) -> Result<HostsFile> {
        match text {
            "" => Ok(HostsFile::Host),
            "none" => Ok(HostsFile::None),
            "image" => Ok(HostsFile::Image),
            path if path.starts_with('/') => Ok(HostsFile::Path(path.into())),
            _ => bail!("cannot use `{text}` as hosts file: `none`, `image` or an absolute path is wanted"),
        }
    }
}

/// What the files say of the bridge networks of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bridges {
    /// Who answers questions for names, the most useful ones first.
    pub gateways: Vec<IpAddr>,
    /// Names of containers resolve on at least one of them.
    pub names: bool,
    /// At least one has a way out.
    pub reach_out: bool,
}

impl Bridges {
    /// What these networks are like, in the order of the container's interfaces.
    pub fn of(networks: &[Network]) -> Bridges {
        let mut gateways: Vec<(bool, bool, IpAddr)> = networks
            .iter()
            .flat_map(|network| network.gateways().map(|ip| (!network.dns_enabled, ip.is_ipv6(), ip)))
            .collect();
        gateways.sort_by_key(|(plain, v6, _)| (*plain, *v6));
        Bridges {
            gateways: gateways.into_iter().map(|(.., ip)| ip).collect(),
            names: networks.iter().any(|network| network.dns_enabled),
            reach_out: networks.iter().any(|network| !network.internal),
        }
    }
}

/// What is wanted in the files.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub mode: &'a Mode,
    /// With [`Mode::Bridge`]: what its networks are like.
    pub bridges: Bridges,
    pub hostname: &'a str,
    pub container_name: &'a str,
    pub add_host: &'a [String],
    pub dns: &'a [String],
    pub dns_search: &'a [String],
    pub dns_option: &'a [String],
    pub hosts_file: HostsFile,
    /// The image's /etc/hosts, for [`HostsFile::Image`].
    pub image_hosts: &'a str,
    pub no_hosts: bool,
    pub no_hostname: bool,
    /// The content of /run/.containerenv: empty, or [`ContainerEnv::render`] for privileged containers.
    pub container_env: String,
}

impl Request<'_> {
    /// Checks all that was typed, before anything is created.
    pub fn check(&self) -> Result<()> {
        if self.no_hosts && !self.add_host.is_empty() {
            bail!("--no-hosts and --add-host cannot be set together");
        }
        if self.no_hosts && self.hosts_file != HostsFile::Host {
            bail!("--no-hosts and --hosts-file cannot be set together");
        }
        self.add_host.iter().try_for_each(|text| hosts::check_add_host(text))?;
        resolv::check(self.dns, self.dns_search, self.dns_option).map(drop)
    }
}

/// The files that were written, each to be mounted at its place; `None` means that the image's own stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// At /etc/hosts.
    pub hosts: Option<PathBuf>,
    /// At /etc/resolv.conf.
    pub resolv_conf: Option<PathBuf>,
    /// At /etc/hostname.
    pub hostname: Option<PathBuf>,
    /// At /run/.containerenv.
    pub container_env: PathBuf,
}

/// Writes the files into `dir`, readable by all: users of the container must be able to.
pub fn write(dir: &Path, request: &Request<'_>, host: &Host) -> Result<Written> {
    // Who is in another container's network has that one's files mounted.
    let shares = matches!(request.mode, Mode::Container(_));
    let hosts = if request.no_hosts || shares { None } else { Some(render_hosts(request, host)?) };
    let ours = !shares && resolv::check(request.dns, request.dns_search, request.dns_option)?;
    let resolv_conf = ours.then(|| render_resolv(request, host));
    let hostname = (!request.no_hostname).then(|| format!("{}\n", request.hostname));
    let put = |name: &str, content: Option<String>| content.map(|text| put(dir, name, &text)).transpose();
    Ok(Written {
        hosts: put("hosts", hosts)?,
        resolv_conf: put("resolv.conf", resolv_conf)?,
        hostname: put("hostname", hostname)?,
        container_env: self::put(dir, ".containerenv", &request.container_env)?,
    })
}

/// Gives the container's own names these addresses in its hosts file, instead of those of before. Where it has no file
/// of ours, nothing is done.
pub fn set_addresses(dir: &Path, before: &[IpAddr], now: &[IpAddr], names: &[&str]) -> Result<()> {
    rewrite(&dir.join("hosts"), |text| hosts::with_addresses(text, before, now, names))
}

/// Writes /etc/resolv.conf anew, for a container whose networks have changed. Where it has no file of ours, nothing is done.
pub fn set_resolv_conf(dir: &Path, request: &Request<'_>, host: &Host) -> Result<()> {
    if !resolv::check(request.dns, request.dns_search, request.dns_option)? {
        return Ok(());
    }
    rewrite(&dir.join("resolv.conf"), |_| render_resolv(request, host))
}

/// No hosts file is longer, whatever the container has written there.
const MAX_SIZE: u64 = 4 << 20;

/// Changes a file that is bind-mounted in the container, and so must stay the same file. The container may have put
/// something else in its place there, but not here.
fn rewrite(path: &Path, change: impl FnOnce(&str) -> String) -> Result<()> {
    let attempt = || -> Result<()> {
        let file = match std::fs::File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(e.into()),
        };
        let length = file.metadata()?.len();
        if length > MAX_SIZE {
            bail!("it is too large to be changed");
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact_at(&mut bytes, 0)?;
        let text = String::from_utf8_lossy(&bytes);
        let changed = change(&text);
        if changed != text {
            // In one write, so that a reader sees one or the other.
            file.write_all_at(changed.as_bytes(), 0)?;
            file.set_len(changed.len() as u64)?;
        }
        Ok(())
    };
    attempt().with_context(|| format!("changing `{}`", path.display()))
}

fn put(dir: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = dir.join(name);
    fs::write(&path, text.as_bytes())?;
    // Whatever the umask is.
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&path, mode).with_context(|| format!("setting permissions of `{}`", path.display()))?;
    Ok(path)
}

fn render_hosts(request: &Request<'_>, host: &Host) -> Result<String> {
    let file;
    let base = match &request.hosts_file {
        HostsFile::Host => host.hosts.as_str(),
        HostsFile::None => "",
        HostsFile::Image => request.image_hosts,
        HostsFile::Path(path) => {
            file = fs::read_to_string(path)?;
            &file
        }
    };
    hosts::render(&Hosts {
        base,
        add_host: request.add_host,
        host: host.seen_from(request.mode).filter(|_| *request.mode != Mode::Bridge || request.bridges.reach_out),
        gateway: host.gateway(request.mode),
        own: host.own(request.mode),
        hostname: request.hostname,
        container_name: request.container_name,
    })
}

fn render_resolv(request: &Request<'_>, host: &Host) -> String {
    resolv::render(&Resolv {
        base: &host.resolv,
        private: request.mode.has_namespace(),
        ipv6: match request.mode {
            Mode::Slirp4netns(options) => options.enable_ipv6,
            _ => true,
        },
        gateways: &request.bridges.gateways,
        names: request.bridges.names,
        forwarder: request.mode.dns(),
        dns: request.dns,
        search: request.dns_search,
        options: request.dns_option,
    })
}

/// What a privileged container may know of itself.
#[derive(Debug, Clone)]
pub struct ContainerEnv<'a> {
    pub name: &'a str,
    pub id: &'a str,
    pub image: &'a str,
    pub image_id: &'a str,
    pub rootless: bool,
}

impl ContainerEnv<'_> {
    /// The content of /run/.containerenv, lines that a shell can read.
    pub fn render(&self) -> String {
        format!(
            "engine={:?}\nname={:?}\nid={:?}\nimage={:?}\nimageid={:?}\nrootless={}\n",
            concat!("coracle-", env!("CARGO_PKG_VERSION")),
            self.name,
            self.id,
            self.image,
            self.image_id,
            u8::from(self.rootless)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(mode: &'a Mode) -> Request<'a> {
        Request {
            mode,
            bridges: Bridges::default(),
            hostname: "5814d761c23a",
            container_name: "web",
            add_host: &[],
            dns: &[],
            dns_search: &[],
            dns_option: &[],
            hosts_file: HostsFile::Host,
            image_hosts: "",
            no_hosts: false,
            no_hostname: false,
            container_env: String::new(),
        }
    }

    fn host() -> Host {
        Host {
            hosts: "127.0.0.1 localhost\n".into(),
            resolv: "nameserver 127.0.0.1\nnameserver 9.9.9.9\n".into(),
            ..Host::default()
        }
    }

    #[test]
    fn all_files_are_written_and_readable_by_all() {
        let dir = tempfile::tempdir().unwrap();
        let mode = Mode::parse("slirp4netns").unwrap();
        let written = write(dir.path(), &request(&mode), &host()).unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(read(&written.hosts.unwrap()), "127.0.0.1\tlocalhost\n10.0.2.100\t5814d761c23a web\n");
        assert_eq!(read(&written.resolv_conf.unwrap()), "nameserver 10.0.2.3\nnameserver 9.9.9.9\n");
        assert_eq!(read(&written.hostname.unwrap()), "5814d761c23a\n");
        assert_eq!(read(&written.container_env), "");
        for name in ["hosts", "resolv.conf", "hostname", ".containerenv"] {
            let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o644, "{name}");
        }
    }

    #[test]
    fn on_bridges() {
        let dir = tempfile::tempdir().unwrap();
        let network = |subnet: &str, dns_enabled, internal| Network {
            dns_enabled,
            internal,
            ..Network::default_network("x", subnet.parse().unwrap())
        };
        let networks = [network("10.1.0.0/24", false, true), network("fd00::/64", true, false)];
        let bridges = Bridges::of(&networks);
        assert!(bridges.names && bridges.reach_out);
        let request = Request { bridges, ..request(&Mode::Bridge) };
        let written = write(dir.path(), &request, &host()).unwrap();
        let (hosts, resolv) = (written.hosts.unwrap(), written.resolv_conf.unwrap());
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert_eq!(read(&resolv), "search dns.podman\nnameserver fd00::1\nnameserver 10.1.0.1\n");
        assert_eq!(read(&hosts), "127.0.0.1\tlocalhost\n");
        let before = std::fs::metadata(&hosts).unwrap();
        let ip: IpAddr = "10.1.0.2".parse().unwrap();
        set_addresses(dir.path(), &[], &[ip], &["web"]).unwrap();
        assert_eq!(read(&hosts), "127.0.0.1\tlocalhost\n10.1.0.2\tweb\n");
        set_addresses(dir.path(), &[ip], &[], &["web"]).unwrap();
        assert_eq!(read(&hosts), "127.0.0.1\tlocalhost\n");
        let request = Request { bridges: Bridges::of(&networks[..1]), ..request };
        set_resolv_conf(dir.path(), &request, &host()).unwrap();
        assert_eq!(read(&resolv), "nameserver 10.1.0.1\n");
        let ino = |meta: &std::fs::Metadata| std::os::unix::fs::MetadataExt::ino(meta);
        assert_eq!(ino(&before), ino(&std::fs::metadata(&hosts).unwrap()));
        // Without a file of ours there is nothing to do.
        std::fs::remove_file(&hosts).unwrap();
        set_addresses(dir.path(), &[], &[ip], &["web"]).unwrap();
        assert!(!hosts.exists());
    }

    #[test]
    fn files_of_the_image_are_left_alone_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        let mode = Mode::parse("none").unwrap();
        let dns = ["none".to_owned()];
        let request = Request { no_hosts: true, no_hostname: true, dns: &dns, ..request(&mode) };
        let written = write(dir.path(), &request, &host()).unwrap();
        assert_eq!((written.hosts, written.resolv_conf, written.hostname), (None, None, None));
    }

    #[test]
    fn base_files() {
        let dir = tempfile::tempdir().unwrap();
        let mode = Mode::Host;
        let base = dir.path().join("base");
        std::fs::write(&base, "10.1.1.1 from-file\n").unwrap();
        for (text, expected) in [
            ("", "127.0.0.1\tlocalhost\n"),
            ("none", "127.0.0.1\tlocalhost\n::1\tlocalhost\n"),
            ("image", "10.2.2.2\tfrom-image\n127.0.0.1\tlocalhost\n::1\tlocalhost\n"),
            (base.to_str().unwrap(), "10.1.1.1\tfrom-file\n127.0.0.1\tlocalhost\n::1\tlocalhost\n"),
        ] {
            let hosts_file = HostsFile::parse(text).unwrap();
            let request = Request { hosts_file, image_hosts: "10.2.2.2 from-image", ..request(&mode) };
            let written = write(dir.path(), &request, &host()).unwrap();
            assert_eq!(std::fs::read_to_string(written.hosts.unwrap()).unwrap(), expected, "{text}");
        }
        assert!(HostsFile::parse("relative").is_err());
        let missing = Request { hosts_file: HostsFile::Path("/no/such/file".into()), ..request(&mode) };
        let error = write(dir.path(), &missing, &host()).unwrap_err().to_string();
        assert_eq!(error, "reading `/no/such/file`: No such file or directory");
    }

    #[test]
    fn flags_that_contradict() {
        let mode = Mode::Host;
        let add = ["a:1.2.3.4".to_owned()];
        let error = Request { no_hosts: true, add_host: &add, ..request(&mode) }.check().unwrap_err().to_string();
        assert_eq!(error, "--no-hosts and --add-host cannot be set together");
        let request = Request { no_hosts: true, hosts_file: HostsFile::None, ..request(&mode) };
        assert_eq!(request.check().unwrap_err().to_string(), "--no-hosts and --hosts-file cannot be set together");
    }

    #[test]
    fn container_env() {
        let env = ContainerEnv { name: "web", id: "58", image: "a:b", image_id: "6a", rootless: true };
        let engine = concat!("engine=\"coracle-", env!("CARGO_PKG_VERSION"), "\"\n");
        assert_eq!(
            env.render(),
            format!("{engine}name=\"web\"\nid=\"58\"\nimage=\"a:b\"\nimageid=\"6a\"\nrootless=1\n")
        );
    }
}
