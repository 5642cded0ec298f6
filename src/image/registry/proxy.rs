//! HTTP proxies between here and registries, as the usual environment variables name them. The types cannot be printed:
//! a proxy's address may hold a password.

use std::fmt;
use std::net::IpAddr;

use super::url::{self, Origin};
use crate::error::{Error, Result};

/// `http_proxy`, `https_proxy` and `no_proxy`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    pub http: Option<String>,
    pub https: Option<String>,
    /// Hosts that are reached without one: `example.com` with all below it, `.example.com` only what is below it,
    /// addresses, networks (`10.0.0.0/8`), each perhaps with a port; `*` means all. Separated by commas.
    pub except: String,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies(..)")
    }
}

/// The proxies, ready for use.
#[derive(Default)]
pub(super) struct Prepared {
    http: Option<ureq::Proxy>,
    https: Option<ureq::Proxy>,
    except: String,
}

impl Proxies {
    /// # Errors
    /// When an address is malformed, or of a kind that is not supported.
    pub(super) fn prepare(&self) -> Result<Prepared> {
        let one = |name: &str, address: &Option<String>| {
            let Some(address) = address else { return Ok(None) };
            let address = if address.contains("://") { address.clone() } else { format!("http://{address}") };
            let supported = address.starts_with("http://") || address.starts_with("https://");
            let proxy = ureq::Proxy::new(&address).ok().filter(|_| supported);
            let invalid = || Error::new(format!("{name} is not the address of an HTTP proxy"));
            proxy.map(Some).ok_or_else(|| invalid().hint(format!("set {name} to http://HOST:PORT, or unset it")))
        };
        Ok(Prepared {
            http: one("http_proxy", &self.http)?,
            https: one("https_proxy", &self.https)?,
            except: self.except.clone(),
        })
    }
}

impl Prepared {
    /// The proxy for an address, if it is to be reached through one.
    pub fn for_url(&self, address: &str) -> Option<ureq::Proxy> {
        let Origin { scheme, authority } = url::origin(address)?;
        let proxy = if scheme == "https" { self.https.as_ref() } else { self.http.as_ref() };
        proxy.filter(|_| !is_direct(&authority, if scheme == "https" { "443" } else { "80" }, &self.except)).cloned()
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared(..)")
    }
}

/// Whether a host (with its port, where it is not the usual one) is reached without a proxy. This machine always is.
fn is_direct(authority: &str, usual_port: &str, except: &str) -> bool {
    let (host, port) = host_and_port(authority);
    let port = port.unwrap_or(usual_port);
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    except.split(',').map(|word| word.trim().to_ascii_lowercase()).filter(|word| !word.is_empty()).any(|word| {
        if word == "*" {
            return true;
        }
        if let Some((network, bits)) = word.split_once('/') {
            return address.is_some_and(|address| is_in(address, network, bits));
        }
        let (name, wanted_port) = host_and_port(&word);
        if wanted_port.is_some_and(|wanted| wanted != port) {
            return false;
        }
        let name = name.strip_prefix("*.").map_or_else(|| name.to_owned(), |rest| format!(".{rest}"));
        match name.strip_prefix('.') {
            Some(_) => host.ends_with(&name) && host.len() > name.len(),
            None => {
                host == name || host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.') && address.is_none())
            }
        }
    })
}

fn host_and_port(text: &str) -> (&str, Option<&str>) {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.strip_prefix(':'));
    }
    match text.split_once(':') {
        // More than one colon: an IPv6 address without brackets.
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

fn is_in(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let same = |a: u128, b: u128, width: u32| bits <= width && (bits == 0 || (a ^ b) >> (width - bits) == 0);
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions() {
        let table = [
            ("r.example.com", "", false),
            ("localhost:5000", "", true),
            ("127.0.0.1:5000", "", true),
            ("[::1]:5000", "", true),
            ("r.example.com", "*", true),
            ("r.example.com", "other.org, EXAMPLE.com", true),
            ("example.com", "example.com", true),
            ("example.com", ".example.com", false),
            ("r.example.com", ".example.com", true),
            ("r.example.com", "*.example.com", true),
            ("badexample.com", "example.com", false),
            ("r.example.com:5000", "example.com:5000", true),
            ("r.example.com:5001", "example.com:5000", false),
            ("r.example.com", "example.com:443", true),
            ("10.1.2.3:5000", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "2.3", false),
            ("[fd00::1]", "fd00::/8", true),
            ("10.1.2.3", "10.0.0.0/99,x/y,/", false),
            ("10.1.2.3", "0.0.0.0/0", true),
        ];
        for (authority, except, expected) in table {
            assert_eq!(is_direct(authority, "443", except), expected, "{authority} {except}");
        }
    }

    #[test]
    fn each_scheme_has_its_own() {
        let proxies = Proxies { https: Some("proxy.example:3128".into()), ..Proxies::default() };
        let prepared = proxies.prepare().unwrap();
        assert_eq!(prepared.for_url("https://r.example/v2/").unwrap().port(), 3128);
        assert!(prepared.for_url("http://r.example/v2/").is_none());
        assert!(prepared.for_url("https://127.0.0.1:5000/v2/").is_none());
        for wrong in ["socks5://u:hunter2@p:1", "http://", "x y"] {
            let error =
                Proxies { http: Some(wrong.into()), ..Proxies::default() }.prepare().err().map(|e| e.to_string());
            assert!(
                error.as_deref().is_some_and(|e| e.contains("http_proxy") && !e.contains("hunter2")),
                "{wrong}: {error:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(authority in "\\PC{0,20}|[a-z0-9.:\\[\\]]{0,20}", except in "\\PC{0,30}|[a-z0-9.:*/,\\[\\]]{0,30}") {
            let _ = is_direct(&authority, "80", &except);
        }
    }
}
