//! What all `--network` flags of a command say together: a mode, and with bridges which networks, each with its options.

use std::net::IpAddr;

use super::Mode;
use super::config::check;
use crate::bail;
use crate::error::{Error, Result};

/// The name that stands for the default network, whatever its own name is.
pub const DEFAULT: &str = "default";

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub mode: Mode,
    /// With [`Mode::Bridge`], and only then: at least one.
    pub networks: Vec<Asked>,
}

/// One network, as asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// A name or the beginning of an ID, or [`DEFAULT`].
    pub name: String,
    pub addresses: Vec<IpAddr>,
    /// In the kernel's form; empty: any.
    pub mac: String,
    pub aliases: Vec<String>,
    /// Empty: the next one that is free.
    pub interface: String,
}

/// What names mean that are no network's.
const MODES: [&str; 10] =
    ["bridge", "slirp4netns", "pasta", "pod", "none", "default", "private", "ns", "container", "host"];

impl Request {
    /// Reads the flags of one command; `default` is what it has without any.
    pub fn parse(flags: &[String], default: Option<&str>) -> Result<Request> {
        let first = flags.first().map_or(default.unwrap_or_default(), String::as_str);
        let (name, options) = split(first);
        let mut networks = Vec::new();
        let mode = match name {
            "bridge" => {
                networks.push(Asked::parse(DEFAULT, options)?);
                Mode::Bridge
            }
            name if MODES.contains(&name) || first.is_empty() => {
                let mode = Mode::parse(first)?;
                if mode == Mode::Bridge {
                    networks.push(Asked::parse(DEFAULT, None)?);
                }
                mode
            }
            "" => bail!("network name cannot be empty: invalid argument"),
            name if options.is_some() => {
                networks.push(Asked::parse(name, options)?);
                Mode::Bridge
            }
            // As the reference: older versions had several of them in one flag.
            names => {
                for name in names.split(',') {
                    add(&mut networks, Asked::parse(name, None)?)?;
                }
                Mode::Bridge
            }
        };
        for flag in flags.iter().skip(1) {
            if mode != Mode::Bridge {
                bail!(
                    "cannot set multiple networks without bridge network mode, selected mode {}: invalid argument",
                    mode.name()
                );
            }
            let (name, options) = split(flag);
            if MODES.contains(&name) {
                bail!("can only set extra network names, selected mode {name} conflicts with bridge: invalid argument");
            }
            add(&mut networks, Asked::parse(name, options)?)?;
        }
        Ok(Request { mode, networks })
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, options)) => (name, Some(options)),
        None => (text, None),
    }
}

/// The last one of a name counts, as in the reference.
fn add(networks: &mut Vec<Asked>, asked: Asked) -> Result<()> {
    match networks.iter_mut().find(|other| other.name == asked.name) {
        Some(other) => *other = asked,
        None => networks.push(asked),
    }
    Ok(())
}

impl Asked {
    /// One network with its options: `ip=,ip6=,mac=,alias=,interface_name=`.
    pub fn parse(name: &str, options: Option<&str>) -> Result<Asked> {
        if name.is_empty() {
            bail!("network name cannot be empty: invalid argument");
        }
        let mut asked = Asked { name: name.to_owned(), ..Asked::default() };
        for option in options.unwrap_or_default().split(',').filter(|_| options.is_some_and(|o| !o.is_empty())) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            match key {
                "ip" | "ip6" => match value.parse() {
                    Ok(address) => asked.addresses.push(address),
                    Err(_) => bail!("invalid ip address {value:?}"),
                },
                "mac" => asked.mac = mac(value)?,
                "alias" if value.is_empty() => bail!("alias cannot be empty"),
                "alias" => asked.aliases.push(value.to_owned()),
                "interface_name" if value.is_empty() => bail!("interface_name cannot be empty"),
                "interface_name" => {
                    check::interface(value)?;
                    value.clone_into(&mut asked.interface);
                }
                "host_interface_name" => {
                    return Err(Error::new("`host_interface_name` is not supported")
                        .hint("the other end of the interface is in the namespace of all bridges, where names are the engine's"));
                }
                _ => bail!("unknown bridge network option: {key}"),
            }
        }
        Ok(asked)
    }
}

/// A MAC address with colons, hyphens or dots (`02:42:ac:11:00:02`, `0242.ac11.0002`), in the kernel's form.
pub fn mac(text: &str) -> Result<String> {
    let bytes = parse_mac(text).ok_or_else(|| Error::new(format!("address {text}: invalid MAC address")))?;
    if bytes[0] & 1 != 0 || bytes == [0; 6] {
        return Err(Error::new(format!("the MAC address {text} cannot be an interface's"))
            .hint("the lowest bit of its first byte says that it is a group's: use for example 02:00:00:00:00:01"));
    }
    Ok(bytes.map(|byte| format!("{byte:02x}")).join(":"))
}

fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let digits: Vec<u8> = match text.len() {
        17 => {
            let separator = text.as_bytes().get(2).copied().filter(|b| matches!(b, b':' | b'-'))?;
            let kept = text
                .bytes()
                .enumerate()
                .map(|(i, b)| if i % 3 == 2 { (b == separator).then_some(None) } else { Some(Some(b)) });
            kept.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect()
        }
        14 => {
            let kept = text
                .bytes()
                .enumerate()
                .map(|(i, b)| if i % 5 == 4 { (b == b'.').then_some(None) } else { Some(Some(b)) });
            kept.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect()
        }
        _ => return None,
    };
    let values: Vec<u8> =
        digits.into_iter().map(|digit| char::from(digit).to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        values.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(flags: &[&str]) -> Result<Request> {
        Request::parse(&flags.iter().map(ToString::to_string).collect::<Vec<_>>(), Some("none"))
    }

    #[test]
    fn networks() {
        let names = |flags: &[&str]| -> Vec<String> {
            let request = parse(flags).unwrap();
            assert_eq!(request.mode, Mode::Bridge, "{flags:?}");
            request.networks.into_iter().map(|network| network.name).collect()
        };
        assert_eq!(names(&["bridge"]), ["default"]);
        assert_eq!(names(&["a"]), ["a"]);
        assert_eq!(names(&["a,b"]), ["a", "b"]);
        assert_eq!(names(&["a", "b:ip=10.0.0.1", "a:alias=x"]), ["a", "b"]);
        assert_eq!(names(&["bridge:mac=02:00:00:00:00:01", "b"]), ["default", "b"]);
        assert_eq!(parse(&[]).unwrap(), Request { mode: Mode::None, networks: Vec::new() });
    }

    #[test]
    fn options() {
        let request =
            parse(&["n:ip=10.0.0.7,ip6=fd00::7,mac=02-42-AC-11-00-02,alias=db,alias=sql,interface_name=net0"]).unwrap();
        assert_eq!(
            request.networks,
            [Asked {
                name: "n".into(),
                addresses: vec!["10.0.0.7".parse().unwrap(), "fd00::7".parse().unwrap()],
                mac: "02:42:ac:11:00:02".into(),
                aliases: vec!["db".into(), "sql".into()],
                interface: "net0".into(),
            }]
        );
        assert_eq!(mac("0242.ac11.0002").unwrap(), "02:42:ac:11:00:02");
    }

    #[test]
    fn what_is_refused() {
        for (flags, message) in [
            (
                &["host", "x"][..],
                "cannot set multiple networks without bridge network mode, selected mode host: invalid",
            ),
            (&["x", "host"], "can only set extra network names, selected mode host conflicts with bridge"),
            (&["x", "slirp4netns:mtu=1500"], "selected mode slirp4netns conflicts with bridge"),
            (&[":ip=1.2.3.4"], "network name cannot be empty"),
            (&["x", ""], "network name cannot be empty"),
            (&["x,"], "network name cannot be empty"),
            (&["x:ip=1.2.3"], "invalid ip address \"1.2.3\""),
            (&["x:mac=1"], "address 1: invalid MAC address"),
            (&["x:mac=01:00:5e:00:00:01"], "cannot be an interface's"),
            (&["x:alias="], "alias cannot be empty"),
            (&["x:interface_name="], "interface_name cannot be empty"),
            (&["x:interface_name=a/b"], "interface name \"a/b\" is invalid"),
            (&["x:foo=1"], "unknown bridge network option: foo"),
            (&["bridge:foo"], "unknown bridge network option: foo"),
        ] {
            let error = parse(flags).unwrap_err().to_string();
            assert!(error.contains(message), "{flags:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(flags in proptest::collection::vec("(bridge|[a-z]{0,3})(:[ -~]{0,30})?|\\PC{0,20}", 0..3)) {
            let _ = Request::parse(&flags, None);
        }

        #[test]
        fn nor_an_address(text in "[0-9a-f:.-]{0,17}|\\PC{0,17}") {
            if let Ok(good) = mac(&text) {
                prop_assert_eq!(mac(&good).unwrap(), good);
            }
        }
    }
}
