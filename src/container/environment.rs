//! The environment of a container: what the engine, the image, the host and the user put in it, in this order. What is
//! unset is what the engine and the image have; the host's proxies and what the user sets stay.

use crate::bail;
use crate::error::Result;

use super::defaults;

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// What comes from the host: its proxies, or all of its environment with `--env-host`.
    pub host: Vec<(String, String)>,
    /// `--env-file`, then `--env`.
    pub set: Vec<(String, String)>,
    /// `--env-merge`: values in which `$NAME` means what the image has.
    pub merge: Vec<(String, String)>,
    pub unset: Vec<String>,
    pub unset_all: bool,
}

impl Environment {
    /// `NAME=value` for everything set, given the image's; `HOSTNAME` is added unless it is there.
    ///
    /// HOME is not set here: it stands in the container's passwd file, which is read when it starts.
    pub fn build(&self, image: &[String], tty: bool, hostname: &str) -> Result<Vec<String>> {
        let mut env = Variables::default();
        env.set("PATH", defaults::PATH);
        env.set("container", defaults::CONTAINER);
        if tty {
            env.set("TERM", defaults::TERM);
        }
        for entry in image {
            let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
            // A hostile image could otherwise make entries that no program can read.
            if !name.is_empty() && !entry.contains('\0') {
                env.set(name, value);
            }
        }
        for (name, template) in &self.merge {
            let value = expand(template, |name| env.get(name))?;
            env.set(name, &value);
        }
        for name in &self.unset {
            env.unset(name);
        }
        if self.unset_all {
            env = Variables::default();
        }
        for (name, value) in self.host.iter().chain(&self.set) {
            env.set(name, value);
        }
        if env.get("HOSTNAME").is_none() {
            env.set("HOSTNAME", hostname);
        }
        Ok(env.0.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }
}

/// Reads one `NAME=value`, `NAME` (the host's value, if it has one) or `PREFIX*` (all of the host's that start so).
pub fn parse_entry(text: &str, host: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let name = name.trim_start();
    if name.is_empty() {
        bail!("invalid variable: \"{text}\"");
    }
    if text.contains('\0') {
        bail!("invalid variable: \"{}\" contains a null byte", name.replace('\0', ""));
    }
    Ok(match (value, name.strip_suffix('*')) {
        (Some(value), _) => vec![(name.to_owned(), value.to_owned())],
        (None, Some(prefix)) => host.iter().filter(|(n, _)| n.starts_with(prefix)).cloned().collect(),
        (None, None) => host.iter().filter(|(n, _)| n == name).take(1).cloned().collect(),
    })
}

/// Reads an environment file: one entry a line as for [`parse_entry`]; lines that are blank or start with `#` are skipped.
pub fn parse_file(text: &str, host: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let mut entries = Vec::new();
    for line in text.lines() {
        let line = line.trim_start();
        if !line.is_empty() && !line.starts_with('#') {
            entries.extend(parse_entry(line, host)?);
        }
    }
    Ok(entries)
}

/// The host's proxy settings.
pub fn proxies(host: &[(String, String)]) -> Vec<(String, String)> {
    let is_proxy = |name: &str| {
        defaults::PROXY_VARIABLES.iter().any(|proxy| name == *proxy || name == proxy.to_ascii_uppercase().as_str())
    };
    host.iter().filter(|(name, _)| is_proxy(name)).cloned().collect()
}

/// An ordered set of variables.
#[derive(Default)]
struct Variables(Vec<(String, String)>);

impl Variables {
    fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    }

    fn unset(&mut self, name: &str) {
        self.0.retain(|(n, _)| n != name);
    }
}

/// Replaces `$NAME`, `${NAME}`, `${NAME:-otherwise}` and `${NAME:+instead}`; a backslash takes the next character as it is.
fn expand(template: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String> {
    let mut out = String::new();
    let mut rest = template.chars().peekable();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.extend(rest.next()),
            '$' if rest.peek() == Some(&'{') => {
                rest.next();
                let mut inner = String::new();
                loop {
                    match rest.next() {
                        Some('}') => break,
                        Some(c) => inner.push(c),
                        None => bail!("invalid variable reference in `{template}`: `}}` is missing"),
                    }
                }
                let end = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
                let (name, modifier) = inner.split_at(end);
                let value = lookup(name).filter(|v| !v.is_empty());
                if let Some(otherwise) = modifier.strip_prefix(":-") {
                    out.push_str(&value.unwrap_or_else(|| otherwise.to_owned()));
                } else if let Some(instead) = modifier.strip_prefix(":+") {
                    out.push_str(if value.is_some() { instead } else { "" });
                } else if modifier.is_empty() && !name.is_empty() {
                    out.push_str(&value.unwrap_or_default());
                } else {
                    bail!("invalid variable reference `${{{inner}}}` in `{template}`");
                }
            }
            '$' => {
                let mut name = String::new();
                while let Some(c) = rest.next_if(|&c| is_name(c)) {
                    name.push(c);
                }
                if name.is_empty() {
                    out.push('$');
                } else {
                    out.push_str(&lookup(&name).unwrap_or_default());
                }
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn the_later_wins_and_keeps_its_place() {
        let env = Environment {
            host: pairs(&[("http_proxy", "p")]),
            set: pairs(&[("A", "user"), ("HOSTNAME", "mine")]),
            merge: pairs(&[("PATH", "${PATH}:/opt")]),
            unset: vec!["B".to_owned()],
            unset_all: false,
        };
        let image = ["PATH=/image".to_owned(), "A=image".to_owned(), "B=gone".to_owned(), "=x".to_owned()];
        assert_eq!(
            env.build(&image, true, "h").unwrap(),
            ["PATH=/image:/opt", "container=podman", "TERM=xterm", "A=user", "http_proxy=p", "HOSTNAME=mine"]
        );
    }

    #[test]
    fn unset_all_leaves_only_what_was_asked_for() {
        let env = Environment { set: pairs(&[("A", "1")]), unset_all: true, ..Default::default() };
        assert_eq!(env.build(&["B=2".to_owned()], false, "h").unwrap(), ["A=1", "HOSTNAME=h"]);
        // As in the reference: the host's are no default.
        let env = Environment {
            host: pairs(&[("http_proxy", "p"), ("B", "host")]),
            unset_all: true,
            unset: vec!["B".to_owned()],
            ..Default::default()
        };
        assert_eq!(env.build(&["B=2".to_owned()], false, "h").unwrap(), ["http_proxy=p", "B=host", "HOSTNAME=h"]);
        let env = Environment::default().build(&[], false, "h").unwrap();
        assert_eq!(env, [format!("PATH={}", defaults::PATH), "container=podman".to_owned(), "HOSTNAME=h".to_owned()]);
    }

    #[test]
    fn entries_and_files() {
        let host = pairs(&[("AB", "1"), ("AC", "2"), ("HTTPS_PROXY", "p"), ("X", "y")]);
        assert_eq!(parse_entry("A=b=c", &host).unwrap(), pairs(&[("A", "b=c")]));
        assert_eq!(parse_entry("AB", &host).unwrap(), pairs(&[("AB", "1")]));
        assert_eq!(parse_entry("NONE", &host).unwrap(), pairs(&[]));
        assert_eq!(parse_entry("A*", &host).unwrap(), pairs(&[("AB", "1"), ("AC", "2")]));
        assert_eq!(parse_entry("A*=x", &host).unwrap(), pairs(&[("A*", "x")]));
        assert_eq!(parse_entry(" A B=c", &host).unwrap(), pairs(&[("A B", "c")]));
        for text in ["", "=x", "A=\0"] {
            assert!(parse_entry(text, &host).is_err(), "{text:?}");
        }
        let file = "# comment\n\n  A=1 # kept\nAB\r\nB='q'\n";
        assert_eq!(parse_file(file, &host).unwrap(), pairs(&[("A", "1 # kept"), ("AB", "1"), ("B", "'q'")]));
        assert_eq!(proxies(&host), pairs(&[("HTTPS_PROXY", "p")]));
    }

    #[test]
    fn references() {
        let lookup = |name: &str| (name == "A").then(|| "1".to_owned());
        for (template, want) in [
            ("$A-$B.", "1-."),
            ("${A}${B}", "1"),
            ("${B:-x}${A:-x}", "x1"),
            ("${B:+x}${A:+x}", "x"),
            ("\\$A \\\\", "$A \\"),
            ("5$", "5$"),
        ] {
            assert_eq!(expand(template, lookup).unwrap(), want, "{template}");
        }
        for template in ["${A", "${}", "${A!x}"] {
            assert!(expand(template, lookup).is_err(), "{template}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_file(&text, &[]);
            let _ = expand(&text, |_| None);
        }
    }
}
