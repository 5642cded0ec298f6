//! `--mount type=TYPE,KEY[=VALUE],...`

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::bail;
use crate::error::{Context, Error, Result};

use super::{MountKind, UserMount, VolumeSource, clean_destination, options, short};

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
        "bind" | "volume" | "tmpfs" | "devpts" => {}
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
        ("volume", name) => MountKind::Volume(found.volume(name)?),
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
    subpath: Option<&'a str>,
    volume_options: BTreeMap<String, String>,
}

impl<'a> Found<'a> {
    fn volume(&mut self, name: Option<&str>) -> Result<VolumeSource> {
        let source = match name.filter(|name| !name.is_empty()) {
            Some(name) => VolumeSource::named(name)?,
            None => VolumeSource::default(),
        };
        let subpath = self.subpath.map(relative).transpose()?;
        Ok(VolumeSource { subpath, options: std::mem::take(&mut self.volume_options), ..source })
    }

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
            "subpath" | "volume-subpath" if kind == "volume" => once(&mut self.subpath, key, value)?,
            "volume-opt" if kind == "volume" => {
                let Some(value) = value else { bail!("`{key}` must have a value") };
                let (name, value) = value.split_once('=').unwrap_or((value, ""));
                self.volume_options.insert(name.to_owned(), value.to_owned());
            }
            "volume-label" if kind == "volume" => {
                bail!("the --volume-label option is not supported: make the volume with `volume create --label`")
            }
            "volume-nocopy" if kind == "volume" => {
                self.options.push(if truth(key, value)? { "nocopy" } else { "copy" }.to_owned());
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

/// A path inside something, which may be written with a leading slash.
fn relative(text: &str) -> Result<PathBuf> {
    if text.contains('\0') {
        bail!("the subpath contains a null byte");
    }
    let names: PathBuf = Path::new(text).components().filter(|c| matches!(c, Component::Normal(_))).collect();
    if Path::new(text).components().any(|c| c == Component::ParentDir) || names.as_os_str().is_empty() {
        bail!("invalid subpath \"{text}\": it must name something inside the volume, without `..`");
    }
    Ok(names)
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
            MountKind::Volume(volume) => format!("{volume:?}").replace("VolumeSource ", ""),
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
            ("src=x,dst=/b", "{ name: Some(\"x\"), subpath: None, options: {} } /b rw,rprivate,nosuid,nodev,rbind"),
            (
                "type=volume,dst=/b,volume-opt=type=tmpfs,volume-opt=o=size=1m,volume-nocopy",
                "{ name: None, subpath: None, options: {\"o\": \"size=1m\", \"type\": \"tmpfs\"} } /b \
                 rw,rprivate,nosuid,nodev,rbind,nocopy",
            ),
            (
                "type=volume,src=x,dst=/b,ro,subpath=/a//b/.",
                "{ name: Some(\"x\"), subpath: Some(\"a/b\"), options: {} } /b ro,rprivate,nosuid,nodev,rbind",
            ),
            ("type=devpts,dst=/p,gid=5", "devpts /p rw,nosuid,noexec,newinstance,gid=5"),
        ] {
            assert_eq!(show(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn broken_mounts() {
        for (text, part) in [
            ("", "must set volume destination"),
            ("src=a/b,dst=/b", "names must match"),
            ("src=x,dst=/b,subpath=../x", "invalid subpath"),
            ("src=x,dst=/b,subpath=/", "invalid subpath"),
            ("src=x,dst=/b,volume-label=x", "volume-label"),
            ("type=bind,src=/x,dst=/b,volume-opt=a=b", "unknown mount option"),
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
