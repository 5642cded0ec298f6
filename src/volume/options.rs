//! The options of the driver `local` (`volume create --opt`), as podman-volume-create(1) has them: `type`, `device`, `o`,
//! `copy` and `nocopy`. A user without privileges can mount a tmpfs and bind a directory; what else mount(8) knows is
//! refused when the volume is made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bail;
use crate::error::{Error, Result};

/// The options of a volume, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Owner of its directory, as the container sees it.
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    /// Do not fill it with what the image has where it is mounted.
    pub no_copy: bool,
    /// What is mounted over its directory while a container uses it.
    pub mount: Option<Mount>,
}

/// What is mounted over a volume's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub kind: Kind,
    /// Names of flags, each at most once: `ro`, `nosuid`, `nodev`, `noexec`, `noatime`, `nodiratime`.
    pub flags: Vec<&'static str>,
}

/// What kind of mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A tmpfs with these options of its own, `size=1m` and so on. It is empty when the first container starts, and gone
    /// with the last.
    Tmpfs(Vec<(String, String)>),
    /// A directory of the host, with what is mounted in it where `recursive`.
    Bind { device: PathBuf, recursive: bool },
}

/// Flags of mount(8) that are no more than their name, and those that are the default and say nothing.
const FLAGS: [&str; 6] = ["ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime"];
const DEFAULTS: [&str; 11] =
    ["rw", "suid", "dev", "exec", "atime", "diratime", "relatime", "defaults", "async", "noquota", "private"];

impl Options {
    /// Reads the options as they were given, key and value.
    ///
    /// # Errors
    /// An option that the driver does not know, or that cannot be honoured here.
    pub fn parse(given: &BTreeMap<String, String>) -> Result<Self> {
        let mut options = Options::default();
        for key in given.keys() {
            if !["type", "device", "o", "copy", "nocopy"].contains(&key.as_str()) {
                bail!("invalid mount option {key} for driver 'local': invalid argument");
            }
        }
        if given.contains_key("copy") && given.contains_key("nocopy") {
            bail!("copy and nocopy cannot be set together: invalid argument");
        }
        options.no_copy = given.contains_key("nocopy");
        let text = |key: &str| given.get(key).map_or("", String::as_str);
        let (kind, device) = (text("type"), text("device"));
        if [kind, device].iter().any(|text| text.contains('\0')) {
            bail!("an option contains a null byte");
        }
        let words: Vec<&str> = text("o").split(',').filter(|word| !word.is_empty()).collect();
        let is_tmpfs = kind == "tmpfs";
        let mut found = Words::default();
        for word in &words {
            found.take(word, is_tmpfs)?;
        }
        (options.uid, options.gid) = (found.uid, found.gid);
        options.mount = match kind {
            "tmpfs" => Some(found.tmpfs()?),
            "" | "none" | "bind" if found.bind.is_some() || kind == "bind" => Some(found.bind(device)?),
            "" | "none" if device.is_empty() && found.flags.is_empty() && kind.is_empty() => None,
            "" | "none" => {
                return Err(Error::new("a volume with a device or with mount options needs a type")
                    .hint("use `-o type=tmpfs`, or `-o o=bind -o device=DIRECTORY` for a directory of the host"));
            }
            other => {
                return Err(Error::new(format!(
                    "a volume of type `{other}` is not supported: only the system's root can mount it"
                ))
                .hint("mount it on the host, and use its directory with `-o o=bind -o device=DIRECTORY`"));
            }
        };
        Ok(options)
    }

    /// The options as `inspect` shows them: as given, and those inside of `o` that the engine itself understands.
    pub fn shown(given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut shown = given.clone();
        let words = given.get("o").map_or("", String::as_str).split(',');
        let kept: Vec<&str> = words.clone().filter(|word| *word != "noquota").collect();
        if let Some(o) = shown.get_mut("o") {
            *o = kept.join(",");
        }
        if shown.get("o").is_some_and(String::is_empty) {
            shown.remove("o");
        }
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((word, "true"));
            if ["uid", "gid", "size", "inodes", "noquota"].contains(&key) {
                shown.insert(key.to_ascii_uppercase(), value.to_owned());
            }
        }
        shown
    }
}

/// What was found in `o`.
#[derive(Debug, Default)]
struct Words {
    uid: Option<u32>,
    gid: Option<u32>,
    flags: Vec<&'static str>,
    /// Whether recursive.
    bind: Option<bool>,
    data: Vec<(String, String)>,
}

impl Words {
    fn take(&mut self, word: &str, is_tmpfs: bool) -> Result<()> {
        if word.contains('\0') {
            bail!("an option contains a null byte");
        }
        if let Some(flag) = FLAGS.into_iter().find(|flag| *flag == word) {
            if !self.flags.contains(&flag) {
                self.flags.push(flag);
            }
            return Ok(());
        }
        let (key, value) = word.split_once('=').map_or((word, None), |(key, value)| (key, Some(value)));
        match (key, value) {
            (word, None) if DEFAULTS.contains(&word) => {}
            ("bind", None) => self.bind = Some(false),
            ("rbind", None) => self.bind = Some(true),
            ("uid", Some(value)) => self.uid = Some(number("UID", value)?),
            ("gid", Some(value)) => self.gid = Some(number("GID", value)?),
            ("timeout", Some(_)) => {
                bail!("Volume driver timeout can only be used with non-local volume drivers: invalid argument")
            }
            ("size" | "inodes", Some(_)) if !is_tmpfs => {
                return Err(Error::new(
                    "volume options size and inodes not supported. Filesystem does not support Project Quota",
                )
                .hint("only the system's root can set a project quota; a tmpfs can have a size: `-o type=tmpfs -o o=size=SIZE`"));
            }
            ("size" | "mode" | "inodes" | "nr_inodes" | "nr_blocks", Some(value)) if is_tmpfs => {
                check_tmpfs(key, value)?;
                let key = if key == "inodes" { "nr_inodes" } else { key };
                self.data.retain(|(known, _)| known != key);
                self.data.push((key.to_owned(), value.to_owned()));
            }
            _ => bail!("invalid mount option {word} for driver 'local': invalid argument"),
        }
        Ok(())
    }

    fn tmpfs(mut self) -> Result<Mount> {
        if self.bind.is_some() {
            bail!("a tmpfs cannot be bound: `bind` and `type=tmpfs` cannot be used together");
        }
        for (key, id) in [("uid", self.uid), ("gid", self.gid)] {
            self.data.extend(id.map(|id| (key.to_owned(), id.to_string())));
        }
        Ok(Mount { kind: Kind::Tmpfs(self.data), flags: self.flags })
    }

    fn bind(self, device: &str) -> Result<Mount> {
        if device.is_empty() {
            bail!("a bind volume needs the directory of the host: `-o device=DIRECTORY`");
        }
        if !Path::new(device).is_absolute() {
            bail!("the device `{device}` of a bind volume must be an absolute path");
        }
        let kind = Kind::Bind { device: device.into(), recursive: self.bind == Some(true) };
        Ok(Mount { kind, flags: self.flags })
    }
}

fn number(name: &str, value: &str) -> Result<u32> {
    match value.parse::<u32>() {
        // The last one means "none" to the kernel.
        Ok(id) if id != u32::MAX && value.bytes().all(|b| b.is_ascii_digit()) => Ok(id),
        _ => bail!("cannot convert {name} {value} to integer: invalid argument"),
    }
}

/// The kernel would say no more than that something is wrong.
fn check_tmpfs(key: &str, value: &str) -> Result<()> {
    let digits = value.trim_end_matches(|c: char| "kKmMgG%".contains(c));
    let fits = match key {
        "mode" => {
            value.bytes().all(|b| (b'0'..=b'7').contains(&b))
                && u32::from_str_radix(value, 8).is_ok_and(|m| m <= 0o7777)
        }
        _ => {
            digits.parse::<u64>().is_ok()
                && digits.bytes().all(|b| b.is_ascii_digit())
                && value.len() <= digits.len() + 1
        }
    };
    if fits { Ok(()) } else { bail!("invalid value of mount option \"{key}={value}\": invalid argument") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn options_are_understood() {
        let parse = |pairs: &[(&str, &str)]| Options::parse(&given(pairs)).unwrap();
        assert_eq!(parse(&[]), Options::default());
        assert_eq!(parse(&[("o", "noquota")]), Options::default());
        assert_eq!(parse(&[("copy", "")]), Options::default());
        assert!(parse(&[("nocopy", "")]).no_copy);
        let owned = parse(&[("o", "uid=1000,gid=7")]);
        assert_eq!((owned.uid, owned.gid, owned.mount), (Some(1000), Some(7), None));
        let data = |pairs: &[(&str, &str)]| match parse(pairs).mount {
            Some(Mount { kind: Kind::Tmpfs(data), flags }) => {
                let data: Vec<String> = data.iter().map(|(k, v)| format!("{k}={v}")).collect();
                format!("{} {}", data.join(","), flags.join(","))
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(data(&[("type", "tmpfs")]), " ");
        assert_eq!(
            data(&[("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=2M,uid=5,nodev,ro,nodev,mode=1777,inodes=10")]),
            "size=2M,mode=1777,nr_inodes=10,uid=5 nodev,ro"
        );
        let bind = |pairs: &[(&str, &str)]| parse(pairs).mount.unwrap();
        let host = |recursive| Kind::Bind { device: "/srv".into(), recursive };
        assert_eq!(bind(&[("o", "bind"), ("device", "/srv")]), Mount { kind: host(false), flags: vec![] });
        assert_eq!(
            bind(&[("o", "rbind,ro"), ("type", "none"), ("device", "/srv")]),
            Mount { kind: host(true), flags: vec!["ro"] }
        );
        assert_eq!(bind(&[("type", "bind"), ("device", "/srv")]).kind, host(false));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (pairs, part) in [
            (&[("foo", "bar")][..], "invalid mount option foo for driver 'local'"),
            (&[("o", "foo")], "invalid mount option foo"),
            (&[("o", "size=10M")], "Project Quota"),
            (&[("o", "inodes=10")], "Project Quota"),
            (&[("o", "timeout=10")], "non-local volume drivers"),
            (&[("o", "uid=x")], "cannot convert UID x to integer"),
            (&[("o", "gid=-1")], "cannot convert GID -1"),
            (&[("o", "uid=4294967295")], "cannot convert UID"),
            (&[("type", "ext4"), ("device", "/dev/sda")], "type `ext4`"),
            (&[("type", "tmpfs"), ("o", "bind")], "cannot be bound"),
            (&[("type", "tmpfs"), ("o", "size=x")], "invalid value"),
            (&[("type", "tmpfs"), ("o", "mode=9")], "invalid value"),
            (&[("o", "bind")], "needs the directory"),
            (&[("o", "bind"), ("device", "rel")], "absolute"),
            (&[("device", "/srv")], "needs a type"),
            (&[("o", "nodev")], "needs a type"),
            (&[("copy", ""), ("nocopy", "")], "together"),
        ] {
            let error = Options::parse(&given(pairs)).unwrap_err().to_string();
            assert!(error.contains(part), "{pairs:?}: {error}");
        }
    }

    #[test]
    fn they_are_shown_as_the_reference_shows_them() {
        let shown = Options::shown(&given(&[("type", "tmpfs"), ("o", "size=2M,uid=5,nodev")]));
        assert_eq!(shown, given(&[("SIZE", "2M"), ("UID", "5"), ("o", "size=2M,uid=5,nodev"), ("type", "tmpfs")]));
        assert_eq!(Options::shown(&given(&[("o", "noquota")])), given(&[("NOQUOTA", "true")]));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(kind in "(tmpfs|none|bind|.{0,6})", device in ".{0,8}", o in "([a-z]{2,5}(=.{0,4})?,?){0,4}", text in ".*") {
            for o in [&o, &text] {
                let _ = Options::parse(&given(&[("type", &kind), ("device", &device), ("o", o)]));
                let _ = Options::shown(&given(&[("o", o)]));
            }
        }
    }
}
