//! What `--network` asks for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::bail;
use crate::error::{Error, Result};

const LATER: &str = "are the matter of a later release";
const USE_INSTEAD: &str = "use a network's name, bridge, container:NAME, slirp4netns, pasta, host or none";

/// How a container is connected. Its `Display` form goes into the record and is parsed again from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// A network namespace with nothing but a loopback interface.
    None,
    /// The network namespace of the host.
    Host,
    /// Networks by name, connected by the anchor: which, says the container's `network.json`.
    Bridge,
    /// The network namespace of another container, by its ID.
    Container(String),
    /// A network namespace that somebody else has made, by a file of it.
    Path(PathBuf),
    Slirp4netns(SlirpOptions),
    Pasta(PastaOptions),
}

/// Options of slirp4netns, as in `slirp4netns:mtu=1500,allow_host_loopback=true`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlirpOptions {
    /// The container may reach 127.0.0.1 of the host through its gateway.
    pub allow_host_loopback: bool,
    pub mtu: u32,
    pub cidr: Cidr,
    pub enable_ipv6: bool,
    /// Interface or address that packets leave from.
    pub outbound_addr: Option<String>,
    pub outbound_addr6: Option<String>,
}

impl Default for SlirpOptions {
    fn default() -> Self {
        SlirpOptions {
            allow_host_loopback: false,
            mtu: 65520,
            cidr: Cidr::DEFAULT,
            enable_ipv6: true,
            outbound_addr: None,
            outbound_addr6: None,
        }
    }
}

/// Arguments for pasta, handed on as they are: `pasta:-T,5000` is `-T 5000`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastaOptions {
    pub args: Vec<String>,
}

/// The IPv4 network that slirp4netns makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: Ipv4Addr,
    prefix: u8,
}

impl Cidr {
    const DEFAULT: Cidr = Cidr { network: Ipv4Addr::new(10, 0, 2, 0), prefix: 24 };

    fn nth(self, n: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.network.to_bits().wrapping_add(n))
    }

    /// Its own address and the length of the prefix.
    pub fn network(self) -> (Ipv4Addr, u8) {
        (self.network, self.prefix)
    }

    /// The host as the container sees it: the network's address + 2.
    pub fn gateway(self) -> Ipv4Addr {
        self.nth(2)
    }

    /// The forwarder of DNS questions: + 3.
    pub fn dns(self) -> Ipv4Addr {
        self.nth(3)
    }

    /// The container's own address: + 100.
    pub fn container(self) -> Ipv4Addr {
        self.nth(100)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl FromStr for Cidr {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::new(format!("invalid CIDR address: `{text}`"));
        let (address, prefix) = text.split_once('/').ok_or_else(invalid)?;
        let network: Ipv4Addr = address.parse().map_err(|_| invalid())?;
        let prefix = parse_digits(prefix).and_then(|n| u8::try_from(n).ok()).ok_or_else(invalid)?;
        // slirp4netns gives the container the network's address + 100, and so needs at least 7 bits for hosts.
        if !(1..=25).contains(&prefix) {
            return Err(invalid().hint("the length of the prefix must be between 1 and 25"));
        }
        let host_bits = u32::MAX >> prefix;
        if network.to_bits() & host_bits != 0 {
            let network = Cidr { network: Ipv4Addr::from_bits(network.to_bits() & !host_bits), prefix };
            return Err(invalid().hint(format!("give the address of the network: {network}")));
        }
        Ok(Cidr { network, prefix })
    }
}

impl Mode {
    /// A mode as it stands in a record, or one `--network` that is no network's name: `none`, `host`, `bridge`, `private`,
    /// `slirp4netns[:options]`, `pasta[:options]`.
    ///
    /// `private`, `default` and the empty string are the default, a bridge.
    pub fn parse(text: &str) -> Result<Mode> {
        parse_mode(text)
    }

    /// Whether a helper gives the container an IPv6 address.
    pub fn has_ipv6(&self) -> bool {
        match self {
            Mode::None | Mode::Host | Mode::Bridge | Mode::Container(_) | Mode::Path(_) => false,
            Mode::Slirp4netns(options) => options.enable_ipv6,
            Mode::Pasta(_) => true,
        }
    }

    /// The mode without its options, as `inspect` shows it.
    pub fn name(&self) -> &'static str {
        match self {
            Mode::None => "none",
            Mode::Host => "host",
            Mode::Bridge => "bridge",
            Mode::Container(_) => "container",
            Mode::Path(_) => "ns",
            Mode::Slirp4netns(_) => "slirp4netns",
            Mode::Pasta(_) => "pasta",
        }
    }

    /// Whether the container gets a network namespace of its own.
    pub fn has_namespace(&self) -> bool {
        !matches!(self, Mode::Host)
    }

    /// Whether a helper process must be started.
    pub fn needs_helper(&self) -> bool {
        matches!(self, Mode::Slirp4netns(_) | Mode::Pasta(_))
    }

    /// Whether ports of the host can lead to the container.
    pub fn publishes_ports(&self) -> bool {
        self.needs_helper() || *self == Mode::Bridge
    }

    /// The DNS forwarder of the helper, first in the container's resolv.conf.
    pub fn dns(&self) -> Option<IpAddr> {
        match self {
            Mode::None | Mode::Host | Mode::Bridge | Mode::Container(_) | Mode::Path(_) => None,
            Mode::Slirp4netns(options) => Some(options.cidr.dns().into()),
            Mode::Pasta(options) => Some(options.dns_forward()),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let options = match self {
            Mode::None | Mode::Host | Mode::Bridge => Vec::new(),
            Mode::Container(id) => vec![id.clone()],
            Mode::Path(path) => vec![path.display().to_string()],
            Mode::Slirp4netns(options) => options.words(),
            Mode::Pasta(options) => options.args.clone(),
        };
        if !options.is_empty() {
            write!(f, ":{}", options.join(","))?;
        }
        Ok(())
    }
}

fn parse_mode(text: &str) -> Result<Mode> {
    let (name, options) = match text.split_once(':') {
        Some((name, options)) => (name, Some(options)),
        None => (text, None),
    };
    match (name, options) {
        ("" | "private" | "default" | "bridge", None) => Ok(Mode::Bridge),
        ("none", None) => Ok(Mode::None),
        ("host", None) => Ok(Mode::Host),
        ("slirp4netns", options) => SlirpOptions::parse(options.unwrap_or("")).map(Mode::Slirp4netns),
        ("pasta", options) => PastaOptions::parse(options.unwrap_or("")).map(Mode::Pasta),
        ("none" | "host" | "private" | "default", Some(_)) => {
            Err(Error::new(format!("cannot use `{text}` as network mode: `{name}` takes no options")))
        }
        ("container", None | Some("")) => {
            bail!("invalid config provided: namespace mode container requires a value")
        }
        ("container", Some(container)) => Ok(Mode::Container(container.to_owned())),
        ("ns", None | Some("")) => bail!("invalid config provided: namespace mode path requires a value"),
        ("ns", Some(path)) if path.contains('\0') => bail!("the path of a namespace contains a null byte"),
        ("ns", Some(path)) => Ok(Mode::Path(path.into())),
        ("pod", _) => Err(Error::new(format!("cannot use `{text}` as network mode: pods {LATER}")).hint(USE_INSTEAD)),
        _ => Err(Error::new(format!("unable to find network with name or ID {name}: network not found"))),
    }
}

impl SlirpOptions {
    fn parse(text: &str) -> Result<Self> {
        let mut options = SlirpOptions::default();
        for word in text.split(',').filter(|word| !word.is_empty()) {
            let Some((key, value)) = word.split_once('=') else { bail!("unknown option for slirp4netns: {word:?}") };
            options.set(key, value)?;
        }
        Ok(options)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let invalid = || Error::new(format!("invalid {key} value of slirp4netns: {value:?}"));
        match key {
            "allow_host_loopback" => self.allow_host_loopback = parse_bool(value).ok_or_else(invalid)?,
            "enable_ipv6" => self.enable_ipv6 = parse_bool(value).ok_or_else(invalid)?,
            "mtu" => {
                let mtu = parse_digits(value).filter(|mtu| (68..=65521).contains(mtu));
                self.mtu = mtu.ok_or_else(|| invalid().hint("the MTU must be between 68 and 65521"))?;
            }
            "cidr" => self.cidr = value.parse().map_err(|e: Error| e.wrap(format!("invalid {key} of slirp4netns")))?,
            "outbound_addr" => {
                let good = value.parse::<Ipv4Addr>().is_ok() || is_interface_name(value);
                self.outbound_addr = Some(good.then(|| value.to_owned()).ok_or_else(invalid)?);
            }
            "outbound_addr6" => {
                let good = value.parse::<Ipv6Addr>().is_ok() || is_interface_name(value);
                self.outbound_addr6 = Some(good.then(|| value.to_owned()).ok_or_else(invalid)?);
            }
            "port_handler" => match value {
                "slirp4netns" => {}
                "rootlesskit" => {
                    return Err(Error::new("cannot use port_handler=rootlesskit: this engine has no such handler")
                        .hint("leave the option out, or say port_handler=slirp4netns: that is the one there is"));
                }
                _ => return Err(invalid()),
            },
            _ => bail!("unknown option for slirp4netns: {key:?}"),
        }
        Ok(())
    }

    /// The options that differ from the default.
    fn words(&self) -> Vec<String> {
        let default = SlirpOptions::default();
        let mut words = Vec::new();
        if self.allow_host_loopback {
            words.push("allow_host_loopback=true".to_owned());
        }
        if self.mtu != default.mtu {
            words.push(format!("mtu={}", self.mtu));
        }
        if self.cidr != default.cidr {
            words.push(format!("cidr={}", self.cidr));
        }
        if !self.enable_ipv6 {
            words.push("enable_ipv6=false".to_owned());
        }
        words.extend(self.outbound_addr.iter().map(|a| format!("outbound_addr={a}")));
        words.extend(self.outbound_addr6.iter().map(|a| format!("outbound_addr6={a}")));
        words
    }
}

impl PastaOptions {
    /// Options of pasta that the engine itself must set, and so nobody else.
    const OURS: [&str; 10] = ["-P", "--pid", "-F", "--fd", "--netns", "--userns", "-f", "--foreground", "-h", "--help"];

    fn parse(text: &str) -> Result<Self> {
        let args: Vec<String> = text.split(',').filter(|arg| !arg.is_empty()).map(str::to_owned).collect();
        for arg in &args {
            let flag = arg.split_once('=').map_or(arg.as_str(), |(flag, _)| flag);
            if Self::OURS.contains(&flag) {
                bail!("cannot pass `{flag}` to pasta: the engine sets it itself");
            }
        }
        Ok(PastaOptions { args })
    }

    /// The value of an option, wherever and however it was given.
    pub(super) fn value_of(&self, short: Option<&str>, long: &str) -> Option<&str> {
        let mut args = self.args.iter().map(String::as_str);
        while let Some(arg) = args.next() {
            if arg == long || Some(arg) == short {
                return args.next();
            }
            if let Some(value) = arg.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
                return Some(value);
            }
        }
        None
    }

    /// Whether an option was given.
    pub(super) fn has(&self, short: Option<&str>, long: &str) -> bool {
        self.args.iter().any(|arg| {
            arg == long
                || arg.strip_prefix(long).is_some_and(|rest| rest.starts_with('='))
                || short.is_some_and(|short| arg.starts_with(short) && !arg.starts_with("--"))
        })
    }

    /// Whether they say which addresses the namespace has.
    pub(super) fn has_addresses(&self) -> bool {
        let long = [("-a", "--address"), ("-n", "--netmask"), ("-g", "--gateway")];
        long.iter().any(|(short, long)| self.has(Some(short), long))
    }

    /// Whether the namespace has the host's addresses, so that the host needs another one (`--map-guest-addr`). With addresses of
    /// its own that option would lead to these, wherever they are, and the host has its own.
    pub(super) fn maps_host(&self) -> bool {
        self.value_of(Some("-a"), "--address").is_none()
    }

    /// The address whose DNS questions pasta forwards.
    pub(super) fn dns_forward(&self) -> IpAddr {
        let given = self.value_of(None, "--dns-forward").and_then(|value| value.parse().ok());
        given.unwrap_or(IpAddr::V4(super::pasta::DNS_FORWARD))
    }
}

/// As Go's `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// A number of digits only: no sign, no blanks.
fn parse_digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Whether the kernel would take it as the name of an interface (`dev_valid_name`).
fn is_interface_name(text: &str) -> bool {
    (1..=15).contains(&text.len())
        && text != "."
        && text != ".."
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b':')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Mode> {
        Mode::parse(text)
    }

    #[test]
    fn modes() {
        assert_eq!(parse("none").unwrap(), Mode::None);
        assert_eq!(parse("host").unwrap(), Mode::Host);
        assert_eq!(parse("bridge").unwrap(), Mode::Bridge);
        for default in ["", "private", "default"] {
            assert_eq!(parse(default).unwrap(), Mode::Bridge, "{default}");
        }
        for plain in ["slirp4netns", "slirp4netns:", "slirp4netns:enable_ipv6=true"] {
            assert_eq!(parse(plain).unwrap(), Mode::Slirp4netns(SlirpOptions::default()), "{plain}");
        }
        assert_eq!(parse("container:web").unwrap(), Mode::Container("web".into()));
        assert_eq!(parse("ns:/run/netns/x").unwrap(), Mode::Path("/run/netns/x".into()));
        let Mode::Slirp4netns(o) = parse(
            "slirp4netns:allow_host_loopback=true,mtu=1500,cidr=192.168.5.0/24,enable_ipv6=false,outbound_addr=eth0,\
             outbound_addr6=fd00::2,port_handler=slirp4netns",
        )
        .unwrap() else {
            panic!("slirp4netns expected")
        };
        assert!(o.allow_host_loopback && !o.enable_ipv6 && o.mtu == 1500);
        assert_eq!(o.cidr.container(), Ipv4Addr::new(192, 168, 5, 100));
        assert_eq!(o.cidr.gateway(), Ipv4Addr::new(192, 168, 5, 2));
        assert_eq!(o.cidr.dns(), Ipv4Addr::new(192, 168, 5, 3));
        assert_eq!((o.outbound_addr.as_deref(), o.outbound_addr6.as_deref()), (Some("eth0"), Some("fd00::2")));
        assert_eq!(
            parse("pasta:-T,5000,--map-gw").unwrap(),
            Mode::Pasta(PastaOptions { args: vec!["-T".into(), "5000".into(), "--map-gw".into()] })
        );
    }

    #[test]
    fn what_is_refused() {
        for (text, message) in [
            ("nonet", "unable to find network with name or ID nonet: network not found"),
            ("mynet:ip=10.0.0.1", "unable to find network with name or ID mynet: network not found"),
            ("container:", "namespace mode container requires a value"),
            ("ns:", "namespace mode path requires a value"),
            ("pod", "pods are the matter of a later release"),
            ("none:x", "`none` takes no options"),
            ("slirp4netns:foo=1", "unknown option for slirp4netns: \"foo\""),
            ("slirp4netns:foo", "unknown option for slirp4netns: \"foo\""),
            ("slirp4netns:mtu=-1", "invalid mtu value of slirp4netns: \"-1\""),
            ("slirp4netns:mtu=99999", "invalid mtu value"),
            ("slirp4netns:mtu=", "invalid mtu value"),
            ("slirp4netns:enable_ipv6=maybe", "invalid enable_ipv6 value"),
            ("slirp4netns:outbound_addr=--help", "invalid outbound_addr value"),
            ("slirp4netns:outbound_addr6=", "invalid outbound_addr6 value"),
            ("slirp4netns:cidr=10.0.2.5/24", "invalid cidr of slirp4netns: invalid CIDR address: `10.0.2.5/24`"),
            ("slirp4netns:cidr=10.0.2.0/30", "invalid cidr"),
            ("slirp4netns:cidr=10.0.2.0", "invalid cidr"),
            ("slirp4netns:port_handler=rootlesskit", "port_handler=rootlesskit"),
            ("slirp4netns:port_handler=x", "invalid port_handler value"),
            ("pasta:--pid,/etc/passwd", "cannot pass `--pid` to pasta"),
            ("pasta:--netns=/proc/1/ns/net", "cannot pass `--netns` to pasta"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn what_was_given_to_pasta() {
        let Mode::Pasta(o) = parse("pasta:-t,80,--udp-ports=53,-Tnone,--dns-forward,10.9.9.9").unwrap() else {
            panic!()
        };
        assert!(o.has(Some("-t"), "--tcp-ports") && o.has(Some("-u"), "--udp-ports") && o.has(Some("-T"), "--tcp-ns"));
        assert!(!o.has(Some("-U"), "--udp-ns") && !o.has(None, "--dns"));
        assert_eq!(o.value_of(Some("-t"), "--tcp-ports"), Some("80"));
        assert_eq!(o.dns_forward().to_string(), "10.9.9.9");
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "(slirp4netns:|pasta:|host|none|bridge|container:|ns:)?[ -~]{0,40}") {
            if let Ok(mode) = parse(&text) {
                prop_assert_eq!(parse(&mode.to_string()).unwrap(), mode);
            }
        }
    }
}
