//! `--mount type=TYPE,KEY[=VALUE],...`

use std::path::Path;

use crate::bail;
use crate::error::{Context, Error, Result};

use super::{MountKind, UserMount, clean_destination, no_volumes_yet, options, short};

/// Reads one value of `--mount`. A relative source starts at `cwd`.
pub fn parse_mount(text: &str, cwd: &Path) -> Result<UserMount> {
    read(text, cwd).with_context(|| format!("mount `{text}`"))
}

fn read(text: &str, cwd: &Path) -> Result<UserMount> {
    let fields: Vec<(&str, Option<&str>)> = text
        .split(',')
        .map(|field| field.split_once('=').map_or((field, None), |(key, value)| (key, Some(value))))
        .collect();
    let kind = fields.iter().find(|(key, _)| *key == "type").map_or("volume", |(_, value)| value.unwrap_or(""));
    match kind {
        "bind" | "tmpfs" | "devpts" => {}
        "volume" => return Err(no_volumes_yet("type `volume`")),
        "image" | "glob" | "ramfs" | "artifact" => {
            bail!("type `{kind}` is not there yet: it is the matter of a later release")
        }
        other => bail!("invalid filesystem type \"{other}\""),
    }
    let mut found = Found::default();
    for (key, value) in fields {
        found.take(kind, key, value)?;
    }
    let destination = clean_destination(found.destination.ok_or_else(|| Error::new("must set volume destination"))?)?;
    let kind = match (kind, found.source) {
        ("bind", None) => bail!("must set volume source"),
        ("bind", Some("")) => bail!("host directory cannot be empty"),
        ("bind", Some(source)) if source.starts_with('/') || source.starts_with('.') => {
            MountKind::Bind(short::host_path(source, cwd)?)
        }
        // Unlike with --volume, this cannot be a name.
        ("bind", Some(source)) => MountKind::Bind(short::host_path(&format!("./{source}"), cwd)?),
        (_, Some(_)) => bail!("cannot set a source on type `{kind}`"),
        ("devpts", None) => MountKind::Devpts,
        (_, None) => MountKind::Tmpfs,
    };
    let given: Vec<&str> = found.options.iter().map(String::as_str).collect();
    let options = options::complete(&kind, &given)?;
    Ok(UserMount { kind, destination, options })
}

/// What was found so far.
#[derive(Default)]
struct Found<'a> {
    source: Option<&'a str>,
    destination: Option<&'a str>,
    options: Vec<String>,
}

impl<'a> Found<'a> {
    fn take(&mut self, kind: &str, key: &'a str, value: Option<&'a str>) -> Result<()> {
        let full = || value.map_or_else(|| key.to_owned(), |value| format!("{key}={value}"));
        match key {
            "type" => {}
            "src" | "source" => once(&mut self.source, key, value)?,
            "dst" | "dest" | "destination" | "target" => once(&mut self.destination, key, value)?,
            "ro" | "readonly" => self.options.push(if truth(key, value)? { "ro" } else { "rw" }.to_owned()),
            "rw" => self.options.push(if truth(key, value)? { "rw" } else { "ro" }.to_owned()),
            "bind-propagation" if kind == "bind" => match value {
                Some(value) if options::is_propagation(value) => self.options.push(value.to_owned()),
                _ => bail!("invalid value of `{key}`: must be one of [r]shared, [r]slave, [r]private, [r]unbindable"),
            },
            "bind-nonrecursive" if kind == "bind" => {
                self.options.push(if truth(key, value)? { "bind" } else { "rbind" }.to_owned());
            }
            "relabel" if kind == "bind" => match value {
                Some("shared") => self.options.push("z".to_owned()),
                Some("private") => self.options.push("Z".to_owned()),
                _ => bail!("invalid value of `{key}`: must be shared or private"),
            },
            "tmpfs-size" | "tmpfs-mode" if kind == "tmpfs" => {
                let name = key.strip_prefix("tmpfs-").unwrap_or(key);
                self.options.push(format!("{name}={}", value.unwrap_or_default()));
            }
            "U" | "chown" => {
                if truth(key, value)? {
                    self.options.push("U".to_owned());
                }
            }
            // These have a value only where it is part of the option.
            "size" | "mode" | "uid" | "gid" | "nr_inodes" | "max" | "ptmxmode" | "idmap" => self.options.push(full()),
            _ if value.is_none() => self.options.push(key.to_owned()),
            _ => bail!("unknown mount option \"{}\": invalid mount option", full()),
        }
        Ok(())
    }
}

fn once<'a>(slot: &mut Option<&'a str>, key: &str, value: Option<&'a str>) -> Result<()> {
    let Some(value) = value else { bail!("`{key}` must have a value") };
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => bail!("`{key}` is set more than once"),
    }
}

fn truth(key: &str, value: Option<&str>) -> Result<bool> {
    match value {
        None | Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(other) => bail!("invalid value `{other}` of `{key}`: must be true or false"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> Result<String> {
        let mount = parse_mount(text, Path::new("/cwd"))?;
        let source = match &mount.kind {
            MountKind::Bind(source) => source.display().to_string(),
            MountKind::Tmpfs => "tmpfs".to_owned(),
            MountKind::Devpts => "devpts".to_owned(),
        };
        Ok(format!("{source} {} {}", mount.destination.display(), mount.options.join(",")))
    }

    #[test]
    fn mounts() {
        for (text, want) in [
            ("type=bind,src=/a,dst=/b", "/a /b rw,rprivate,rbind"),
            ("type=bind,source=a,target=/b,ro", "/cwd/a /b ro,rprivate,rbind"),
            ("type=bind,src=/a,destination=/b,readonly=true", "/a /b ro,rprivate,rbind"),
            ("type=bind,src=/a,dst=/b,ro=false", "/a /b rw,rprivate,rbind"),
            ("type=bind,src=/a,dst=/b,bind-propagation=rshared,bind-nonrecursive", "/a /b rw,rshared,bind"),
            ("type=bind,src=/a,dst=/b,relabel=shared,nosuid", "/a /b rw,rprivate,nosuid,rbind"),
            (
                "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700",
                "tmpfs /t rw,rprivate,nosuid,nodev,tmpcopyup,size=1m,mode=700",
            ),
            ("type=tmpfs,dst=/t,notmpcopyup,U=false", "tmpfs /t rw,rprivate,nosuid,nodev"),
            ("type=devpts,dst=/p,gid=5", "devpts /p rw,nosuid,noexec,newinstance,gid=5"),
        ] {
            assert_eq!(show(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn broken_mounts() {
        for (text, part) in [
            ("", "named and anonymous volumes"),
            ("src=x,dst=/b", "named and anonymous volumes"),
            ("type=image,src=x,dst=/b", "not there yet"),
            ("type=bogus,dst=/b", "invalid filesystem type \"bogus\""),
            ("type=bind,dst=/b", "must set volume source"),
            ("type=bind,src=/a", "must set volume destination"),
            ("type=bind,src=/a,dst=b", "must be an absolute path"),
            ("type=bind,src=/a,dst=/b,dst=/c", "more than once"),
            ("type=bind,src=/a,dst=/b,ro=perhaps", "must be true or false"),
            ("type=bind,src=/a,dst=/b,bind-propagation=up", "bind-propagation"),
            ("type=bind,src=/a,dst=/b,tmpfs-size=1m", "unknown mount option"),
            ("type=bind,src=/a,dst=/b,U", "not there yet"),
            ("type=tmpfs,src=/a,dst=/b", "cannot set a source"),
            ("type=tmpfs,dst", "must have a value"),
        ] {
            let error = show(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*", rest in "[a-z=,/-]{0,40}") {
            let _ = show(&text);
            let _ = show(&format!("type=bind,{rest}"));
            let _ = show(&format!("type=tmpfs,{rest}"));
        }
    }
}
