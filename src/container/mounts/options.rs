//! Mount options: checked against each other and completed with the defaults.

use std::path::PathBuf;

use crate::bail;
use crate::container::size;
use crate::error::{Error, Result};

use super::{MountKind, UserMount};

/// A symbolic link as the source of a bind mount is made anew in the container, instead of being followed.
pub const NO_DEREFERENCE: &str = "copy-symlink";

/// Whether an option names a propagation.
pub fn is_propagation(option: &str) -> bool {
    matches!(option, "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate" | "unbindable" | "runbindable")
}

/// The flag whose value the options come from. Each has words of its own for what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    Volume,
    Mount,
    Tmpfs,
}

/// A group of options of which one at most may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Access,
    Propagation,
    Suid,
    Dev,
    Exec,
    Bind,
    CopyUp,
    Copy,
    Relabel,
    Chown,
    /// `O` on a volume; on a directory it is a kind of its own.
    Overlay,
    Idmap,
    Dereference,
    /// `size=` and the like, and options that stand alone.
    Other,
}

/// Options while they are collected.
#[derive(Default)]
struct Chosen<'a> {
    list: Vec<(Class, &'a str)>,
}

impl<'a> Chosen<'a> {
    fn one(&self, class: Class) -> Option<&'a str> {
        self.list.iter().find(|(of, _)| *of == class).map(|(_, option)| *option)
    }

    fn add(&mut self, flag: Flag, class: Class, option: &'a str) -> Result<()> {
        let key = |option: &str| option.split('=').next().map(str::to_owned);
        let same =
            |(of, before): &&(Class, &str)| *of == class && (class != Class::Other || key(before) == key(option));
        if let Some((_, before)) = self.list.iter().find(same) {
            return Err(twice(flag, class, before, option));
        }
        self.list.push((class, option));
        Ok(())
    }
}

fn twice(flag: Flag, class: Class, before: &str, option: &str) -> Error {
    let pair = match class {
        Class::Access => "'rw' or 'ro'",
        Class::Propagation => "'[r]shared', '[r]private', '[r]slave' or '[r]unbindable'",
        Class::Suid => "'nosuid' or 'suid'",
        Class::Dev => "'nodev' or 'dev'",
        Class::Exec => "'noexec' or 'exec'",
        Class::Bind => "'[r]bind'",
        Class::Copy => "'copy' or 'nocopy'",
        Class::Relabel | Class::Overlay => "'z', 'Z', or 'O'",
        Class::Chown => "'U'",
        Class::CopyUp => "'tmpcopyup' or 'notmpcopyup'",
        Class::Idmap => return Error::new("the 'idmap' option can only be set once: duplicate mount option passed"),
        Class::Dereference | Class::Other => {
            let key = option.split('=').next().unwrap_or(option);
            return Error::new(format!("only one {key} can be specified: duplicate mount option passed"));
        }
    };
    match flag {
        Flag::Mount if class == Class::Access => Error::new(
            "cannot pass 'readonly', 'ro', or 'rw' mnt.Options more than once: must provide an argument for option",
        ),
        Flag::Mount if matches!(class, Class::Suid | Class::Dev | Class::Exec | Class::CopyUp) => Error::new(format!(
            "cannot pass {} mnt.Options more than once: must provide an argument for option",
            pair.replace(" or ", " and ")
        )),
        Flag::Tmpfs => Error::new(format!(
            "only one of {} can be used: duplicate mount option passed",
            pair.replace(" or ", " and ")
        )),
        Flag::Volume | Flag::Mount => {
            Error::new(format!("invalid options \"{before}, {option}\", can only specify 1 {pair} option"))
        }
    }
}

fn unknown(flag: Flag, option: &str) -> Error {
    match flag {
        Flag::Volume => Error::new(format!("invalid option type \"{option}\"")),
        Flag::Mount => Error::new(format!("{}: invalid mount option", option.split('=').next().unwrap_or(option))),
        Flag::Tmpfs => Error::new(format!("unknown mount option \"{option}\": invalid mount option")),
    }
}

/// A mount with its options completed.
pub fn complete(flag: Flag, kind: MountKind, destination: PathBuf, given: &[&str]) -> Result<UserMount> {
    let relabel = given.iter().find(|o| matches!(**o, "z" | "Z")).copied().unwrap_or_default().to_owned();
    Ok(UserMount { options: list(flag, &kind, given)?, kind, destination, relabel })
}

fn list(flag: Flag, kind: &MountKind, given: &[&str]) -> Result<Vec<String>> {
    let mut chosen = Chosen::default();
    for &option in given.iter().filter(|option| !option.is_empty()) {
        let class = class(flag, kind, option)?;
        if class == Class::Other && option.contains('=') {
            check_value(kind, option)?;
        }
        chosen.add(flag, class, option)?;
    }
    if chosen.one(Class::Overlay).is_some()
        && chosen.list.iter().any(|(class, _)| !matches!(class, Class::Overlay | Class::Chown))
    {
        bail!("can't use 'O' with other options");
    }
    let is_own = matches!(kind, MountKind::Tmpfs | MountKind::Ramfs | MountKind::Volume(_));
    let mut options = vec![chosen.one(Class::Access).unwrap_or("rw")];
    if *kind != MountKind::Devpts {
        let alone = chosen.one(Class::Bind) == Some("bind");
        options.push(chosen.one(Class::Propagation).unwrap_or(if alone { "private" } else { "rprivate" }));
    }
    // A file system of the container's own needs neither set-user-ID programs nor devices, unless it is said to.
    for (class, negative, default) in [
        (Class::Suid, "nosuid", is_own || *kind == MountKind::Devpts),
        (Class::Dev, "nodev", is_own),
        (Class::Exec, "noexec", *kind == MountKind::Devpts),
    ] {
        if chosen.one(class).map_or(default, |choice| choice == negative) {
            options.push(negative);
        }
    }
    match kind {
        MountKind::Bind(_) => options.push(chosen.one(Class::Bind).unwrap_or("rbind")),
        MountKind::Volume(_) => {
            options.push(chosen.one(Class::Bind).unwrap_or("rbind"));
            options.extend(chosen.one(Class::Copy));
        }
        MountKind::Tmpfs | MountKind::Ramfs if chosen.one(Class::CopyUp) != Some("notmpcopyup") => {
            options.push("tmpcopyup");
        }
        MountKind::Devpts => options.push("newinstance"),
        _ => {}
    }
    let kept = |class: Class| {
        matches!(class, Class::Chown | Class::Overlay | Class::Idmap | Class::Dereference | Class::Other)
    };
    options.extend(chosen.list.iter().filter(|(class, _)| kept(*class)).map(|(_, option)| *option));
    Ok(options.into_iter().map(str::to_owned).collect())
}

fn class(flag: Flag, kind: &MountKind, option: &str) -> Result<Class> {
    let is_bind = matches!(kind, MountKind::Bind(_));
    let is_overlay = matches!(kind, MountKind::Overlay { .. });
    let is_volume = matches!(kind, MountKind::Volume(_));
    let is_memory = matches!(kind, MountKind::Tmpfs | MountKind::Ramfs);
    let plain = is_bind || is_memory || is_volume;
    Ok(match option {
        "U" if !matches!(kind, MountKind::Devpts | MountKind::Image(_)) => Class::Chown,
        // One is there already: the `O`.
        "z" | "Z" | "O" if is_overlay => return Err(twice(flag, Class::Relabel, "O", option)),
        // The layer over it is all that there is to choose.
        _ if is_overlay => bail!("can't use 'O' with other options"),
        "rw" | "ro" if !matches!(kind, MountKind::Image(_)) => Class::Access,
        "rro" if is_bind || is_volume => Class::Access,
        _ if is_propagation(option) && plain => Class::Propagation,
        "suid" | "nosuid" if plain || *kind == MountKind::Devpts => Class::Suid,
        "dev" | "nodev" if plain => Class::Dev,
        "exec" | "noexec" if plain || *kind == MountKind::Devpts => Class::Exec,
        "bind" | "rbind" if is_bind || is_volume => Class::Bind,
        // Of volumes; on a bind mount they have no effect in the reference either.
        "copy" | "nocopy" if is_volume || is_bind && flag == Flag::Volume => Class::Copy,
        "O" if is_volume && flag == Flag::Volume => Class::Overlay,
        // Labels of SELinux: without it there is nothing to label.
        "z" | "Z" if plain => Class::Relabel,
        "tmpcopyup" | "notmpcopyup" if is_memory => Class::CopyUp,
        "noswap" if *kind == MountKind::Tmpfs => {
            bail!("the 'noswap' option is only allowed with rootful tmpfs mounts: must provide an argument for option")
        }
        "idmap" if is_bind || is_volume => Class::Idmap,
        _ if (is_bind || is_volume) && option.starts_with("idmap=") => {
            crate::container::idmap::IdMap::parse(option.strip_prefix("idmap=").unwrap_or_default())?;
            Class::Idmap
        }
        NO_DEREFERENCE if is_bind => Class::Dereference,
        _ if option.contains('=') && matches!(kind, MountKind::Tmpfs | MountKind::Devpts) => Class::Other,
        _ => return Err(unknown(flag, option)),
    })
}

fn check_value(kind: &MountKind, option: &str) -> Result<()> {
    let (key, value) = option.split_once('=').unwrap_or((option, ""));
    let is_number = value.parse::<u32>().is_ok() && value.bytes().all(|b| b.is_ascii_digit());
    let fits = match (kind, key) {
        (MountKind::Tmpfs, "size") => {
            let percent = value.strip_suffix('%').is_some_and(|p| p.parse::<u8>().is_ok_and(|p| p <= 100));
            percent || (is_kernel_size(value) && size::parse(value).is_ok())
        }
        (MountKind::Tmpfs, "nr_inodes") => is_kernel_size(value) && size::parse(value).is_ok(),
        (MountKind::Tmpfs | MountKind::Devpts, "mode") | (MountKind::Devpts, "ptmxmode") => {
            value.bytes().all(|b| (b'0'..=b'7').contains(&b))
                && u32::from_str_radix(value, 8).is_ok_and(|m| m <= 0o7777)
        }
        (MountKind::Tmpfs | MountKind::Devpts, "uid" | "gid") | (MountKind::Devpts, "max") => is_number,
        _ => bail!("unknown mount option \"{option}\": invalid mount option"),
    };
    if fits { Ok(()) } else { bail!("invalid value of mount option \"{option}\": invalid mount option") }
}

/// Whether the kernel reads this as a size: digits and one letter at most.
fn is_kernel_size(value: &str) -> bool {
    value.trim_end_matches(|c: char| "kKmMgG".contains(c)).bytes().all(|b| b.is_ascii_digit())
        && value.bytes().filter(u8::is_ascii_alphabetic).count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(given: &[&str]) -> Result<String> {
        list(Flag::Volume, &MountKind::Bind("/x".into()), given).map(|o| o.join(","))
    }

    fn tmpfs(given: &[&str]) -> Result<String> {
        list(Flag::Tmpfs, &MountKind::Tmpfs, given).map(|o| o.join(","))
    }

    fn overlay(given: &[&str]) -> Result<String> {
        list(Flag::Volume, &MountKind::Overlay { source: "/x".into(), kept: None }, given).map(|o| o.join(","))
    }

    #[test]
    fn defaults_are_filled_in() {
        assert_eq!(bind(&[]).unwrap(), "rw,rprivate,rbind");
        assert_eq!(bind(&["ro", "z", "nodev", "bind", "rslave"]).unwrap(), "ro,rslave,nodev,bind");
        assert_eq!(bind(&["rro"]).unwrap(), "rro,rprivate,rbind");
        assert_eq!(bind(&["U", "idmap", "copy", "exec"]).unwrap(), "rw,rprivate,rbind,U,idmap");
        assert_eq!(tmpfs(&[]).unwrap(), "rw,rprivate,nosuid,nodev,tmpcopyup");
        assert_eq!(
            tmpfs(&["noexec", "suid", "dev", "size=64m", "mode=1777", "notmpcopyup", "U"]).unwrap(),
            "rw,rprivate,noexec,size=64m,mode=1777,U"
        );
        let devpts = |given: &[&str]| list(Flag::Mount, &MountKind::Devpts, given).map(|o| o.join(","));
        assert_eq!(devpts(&["gid=5"]).unwrap(), "rw,nosuid,noexec,newinstance,gid=5");
        assert_eq!(overlay(&[]).unwrap(), "rw,rprivate");
        assert_eq!(overlay(&["U"]).unwrap(), "rw,rprivate,U");
        let ramfs = list(Flag::Mount, &MountKind::Ramfs, &["ro"]).unwrap().join(",");
        assert_eq!(ramfs, "ro,rprivate,nosuid,nodev,tmpcopyup");
    }

    #[test]
    fn contradictions_and_strangers_are_refused() {
        for (given, words) in [
            (&["ro", "rw"][..], "invalid options \"ro, rw\", can only specify 1 'rw' or 'ro' option"),
            (&["ro", "ro"], "invalid options \"ro, ro\", can only specify 1 'rw' or 'ro' option"),
            (&["suid", "nosuid"], "can only specify 1"),
            (&["shared", "private"], "can only specify 1"),
            (&["bind", "rbind"], "can only specify 1 '[r]bind' option"),
            (&["z", "Z"], "invalid options \"z, Z\", can only specify 1 'z', 'Z', or 'O' option"),
            (&["U", "U"], "invalid options \"U, U\", can only specify 1 'U' option"),
            (&["bogus"], "invalid option type \"bogus\""),
            (&["size=1m"], "invalid option type \"size=1m\""),
            (&["tmpcopyup"], "invalid option type"),
            (&["lowerdir=/etc"], "invalid option type"),
            (&["idmap=x"], "idmap"),
        ] {
            let error = bind(given).unwrap_err().to_string();
            assert!(error.contains(words), "{given:?}: {error}");
        }
        assert_eq!(overlay(&["ro"]).unwrap_err().to_string(), "can't use 'O' with other options");
        for given in [
            &["size=x"][..],
            &["size=1m", "size=2m"],
            &["size=1kb"],
            &["size="],
            &["size=101%"],
            &["mode=9"],
            &["mode=77777"],
            &["uid=-1"],
            &["uid=+1"],
            &["rbind"],
            &["rro"],
            &["mpol=bind"],
            &["noswap"],
        ] {
            assert!(tmpfs(given).is_err(), "{given:?}");
        }
        let mount = |given: &[&str]| list(Flag::Mount, &MountKind::Tmpfs, given).unwrap_err().to_string();
        assert_eq!(mount(&["bogus"]), "bogus: invalid mount option");
        assert!(mount(&["ro", "rw"]).starts_with("cannot pass 'readonly', 'ro', or 'rw' mnt.Options more than once"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(option in ".*") {
            let _ = bind(&[&option]);
            let _ = tmpfs(&[&option]);
            let _ = overlay(&[&option]);
            let _ = list(Flag::Mount, &MountKind::Devpts, &[&option]);
        }
    }
}
