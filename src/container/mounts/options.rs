//! Mount options: checked against each other and completed with the defaults.

use crate::bail;
use crate::container::size;
use crate::error::{Error, Result};

use super::MountKind;

/// Whether an option names a propagation.
pub fn is_propagation(option: &str) -> bool {
    matches!(option, "shared" | "rshared" | "slave" | "rslave" | "private" | "rprivate" | "unbindable" | "runbindable")
}

/// Options while they are collected: at most one of each class.
#[derive(Default)]
struct Chosen<'a> {
    access: Option<&'a str>,
    propagation: Option<&'a str>,
    suid: Option<&'a str>,
    dev: Option<&'a str>,
    exec: Option<&'a str>,
    bind: Option<&'a str>,
    copy_up: Option<&'a str>,
    relabel: Option<&'a str>,
    /// `size=` and the like, and options that stand alone.
    others: Vec<&'a str>,
}

/// Completes the options of a mount.
pub fn complete(kind: &MountKind, given: &[&str]) -> Result<Vec<String>> {
    let mut chosen = Chosen::default();
    for &option in given {
        choose(kind, &mut chosen, option)?;
    }
    let is_tmpfs = *kind == MountKind::Tmpfs;
    let is_volume = matches!(kind, MountKind::Volume(_));
    let mut options = vec![chosen.access.unwrap_or("rw")];
    if *kind != MountKind::Devpts {
        options.push(chosen.propagation.unwrap_or("rprivate"));
    }
    // A file system of the container's own needs neither set-user-ID programs nor devices, unless it is said to.
    for (choice, negative, default) in [
        (chosen.suid, "nosuid", !matches!(kind, MountKind::Bind(_))),
        (chosen.dev, "nodev", is_tmpfs || is_volume),
        (chosen.exec, "noexec", *kind == MountKind::Devpts),
    ] {
        if choice.map_or(default, |choice| choice == negative) {
            options.push(negative);
        }
    }
    match kind {
        MountKind::Bind(_) => options.push(chosen.bind.unwrap_or("rbind")),
        MountKind::Volume(_) => {
            options.push(chosen.bind.unwrap_or("rbind"));
            options.extend(chosen.copy_up);
        }
        MountKind::Tmpfs if chosen.copy_up != Some("notmpcopyup") => options.push("tmpcopyup"),
        MountKind::Tmpfs => {}
        MountKind::Devpts => options.push("newinstance"),
    }
    options.extend(chosen.others);
    Ok(options.into_iter().map(str::to_owned).collect())
}

fn choose<'a>(kind: &MountKind, chosen: &mut Chosen<'a>, option: &'a str) -> Result<()> {
    let is_volume = matches!(kind, MountKind::Volume(_));
    let is_bind = is_volume || matches!(kind, MountKind::Bind(_));
    let is_tmpfs = *kind == MountKind::Tmpfs;
    let class = match option {
        "" => return Ok(()),
        "rw" | "ro" => &mut chosen.access,
        "rro" if is_bind => &mut chosen.access,
        _ if is_propagation(option) && *kind != MountKind::Devpts => &mut chosen.propagation,
        "suid" | "nosuid" => &mut chosen.suid,
        "dev" | "nodev" if *kind != MountKind::Devpts => &mut chosen.dev,
        "exec" | "noexec" => &mut chosen.exec,
        "bind" | "rbind" if is_bind => &mut chosen.bind,
        // Labels of SELinux: without it there is nothing to label.
        "z" | "Z" if *kind != MountKind::Devpts => &mut chosen.relabel,
        "tmpcopyup" | "notmpcopyup" if is_tmpfs => &mut chosen.copy_up,
        "copy" | "nocopy" if is_volume => &mut chosen.copy_up,
        "noswap" if is_tmpfs => return push_other(chosen, option),
        "U" => return Err(later(option, "changing owners for a mount")),
        "O" => return Err(later(option, "an overlay as a mount")),
        "idmap" => return Err(later(option, "ID-mapped mounts")),
        _ if option.starts_with("idmap=") || option.starts_with("upperdir=") || option.starts_with("workdir=") => {
            return Err(later(option, "such a mount"));
        }
        _ => match option.split_once('=') {
            Some((key, value)) => {
                check_value(kind, key, value, option)?;
                return push_other(chosen, option);
            }
            None => bail!("unknown mount option \"{option}\": invalid mount option"),
        },
    };
    match class.replace(option) {
        Some(before) if before != option => {
            bail!("only one of '{before}' and '{option}' can be used: invalid mount option")
        }
        _ => Ok(()),
    }
}

fn push_other<'a>(chosen: &mut Chosen<'a>, option: &'a str) -> Result<()> {
    let key = |option: &'a str| option.split('=').next();
    if let Some(before) = chosen.others.iter().find(|o| key(o) == key(option)) {
        bail!("only one of '{before}' and '{option}' can be used: invalid mount option");
    }
    chosen.others.push(option);
    Ok(())
}

fn check_value(kind: &MountKind, key: &str, value: &str, option: &str) -> Result<()> {
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

fn later(option: &str, matter: &str) -> Error {
    Error::new(format!("mount option `{option}` is not there yet: {matter} is the matter of a later release"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(given: &[&str]) -> Result<String> {
        complete(&MountKind::Bind("/x".into()), given).map(|o| o.join(","))
    }

    fn tmpfs(given: &[&str]) -> Result<String> {
        complete(&MountKind::Tmpfs, given).map(|o| o.join(","))
    }

    #[test]
    fn defaults_are_filled_in() {
        assert_eq!(bind(&[]).unwrap(), "rw,rprivate,rbind");
        assert_eq!(bind(&["ro", "z", "nodev", "bind", "rslave"]).unwrap(), "ro,rslave,nodev,bind");
        assert_eq!(bind(&["rro"]).unwrap(), "rro,rprivate,rbind");
        assert_eq!(tmpfs(&[]).unwrap(), "rw,rprivate,nosuid,nodev,tmpcopyup");
        assert_eq!(
            tmpfs(&["noexec", "suid", "dev", "size=64m", "mode=1777", "notmpcopyup"]).unwrap(),
            "rw,rprivate,noexec,size=64m,mode=1777"
        );
        assert_eq!(complete(&MountKind::Devpts, &["gid=5"]).unwrap().join(","), "rw,nosuid,noexec,newinstance,gid=5");
    }

    #[test]
    fn contradictions_and_strangers_are_refused() {
        for given in [
            &["ro", "rw"][..],
            &["suid", "nosuid"],
            &["shared", "private"],
            &["bind", "rbind"],
            &["z", "Z"],
            &["U"],
            &["O"],
            &["idmap"],
            &["bogus"],
            &["size=1m"],
            &["tmpcopyup"],
            &["lowerdir=/etc"],
        ] {
            assert!(bind(given).is_err(), "{given:?}");
        }
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
        ] {
            assert!(tmpfs(given).is_err(), "{given:?}");
        }
        assert_eq!(bind(&["ro", "ro"]).unwrap(), "ro,rprivate,rbind");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(option in ".*") {
            let _ = bind(&[&option]);
            let _ = tmpfs(&[&option]);
            let _ = complete(&MountKind::Devpts, &[&option]);
        }
    }
}
