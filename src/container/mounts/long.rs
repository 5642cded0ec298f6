//! `--mount type=TYPE,KEY[=VALUE],...`

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::bail;
use crate::error::{Error, Result};

use super::options::{self, Flag, NO_DEREFERENCE};
use super::{ImageMount, MountKind, UserMount, VolumeSource, clean, clean_destination, glob, short};

/// Reads one value of `--mount`: one mount, or several where a pattern (`type=glob`) fits several paths. A relative
/// source starts at `cwd`.
pub fn parse_mount(text: &str, cwd: &Path) -> Result<Vec<UserMount>> {
    read(text, cwd).map_err(|e| e.hint(short::in_flag("mount", text)))
}

fn read(text: &str, cwd: &Path) -> Result<Vec<UserMount>> {
    let fields: Vec<(&str, Option<&str>)> = text
        .split(',')
        .map(|field| field.split_once('=').map_or((field, None), |(key, value)| (key, Some(value))))
        .collect();
    let Some(kind) = fields.iter().find(|(key, _)| *key == "type").map(|(_, value)| value.unwrap_or("")) else {
        bail!(
            "incorrect mount format: should be --mount type=<bind|glob|tmpfs|volume>,[src=<host-dir|volume-name>,]target=<ctr-dir>[,options]"
        );
    };
    match kind {
        "bind" | "glob" | "volume" | "tmpfs" | "ramfs" | "devpts" | "image" => {}
        other => bail!("invalid filesystem type \"{other}\""),
    }
    let mut found = Found::default();
    for (key, value) in fields {
        found.take(kind, key, value)?;
    }
    let given: Vec<&str> = found.options.iter().map(String::as_str).collect();
    if kind == "glob" {
        return globbed(&found, &given, cwd);
    }
    if kind == "image" && (found.source.is_none() || found.destination.is_none()) {
        bail!("must set source and destination for image volume");
    }
    let destination = clean_destination(found.destination.ok_or_else(|| Error::new("must set volume destination"))?)?;
    let kind = match kind {
        // Without a source it is the same path on both sides.
        "bind" => MountKind::Bind(host_path(found.source.or(found.destination).unwrap_or_default(), cwd)?),
        "image" => MountKind::Image(ImageMount {
            name: found.source.unwrap_or_default().to_owned(),
            writable: found.writable,
            subpath: found.subpath.map(PathBuf::from),
        }),
        "volume" => MountKind::Volume(found.volume()?),
        "devpts" => MountKind::Devpts,
        "ramfs" => MountKind::Ramfs,
        _ => MountKind::Tmpfs,
    };
    Ok(vec![options::complete(Flag::Mount, kind, destination, &given)?])
}

/// One bind mount for each path: in the destination under its own name, or at the same path as on the host.
fn globbed(found: &Found<'_>, given: &[&str], cwd: &Path) -> Result<Vec<UserMount>> {
    let Some(pattern) = found.source else { bail!("must set volume source") };
    if pattern.contains('\0') {
        bail!("source of a mount contains a null byte");
    }
    let below = found.destination.map(clean_destination).transpose()?;
    let one = |path: PathBuf| -> Result<UserMount> {
        let destination = match (&below, path.file_name()) {
            (Some(below), Some(name)) => below.join(name),
            _ => clean(&path),
        };
        options::complete(Flag::Mount, MountKind::Bind(path), destination, given)
    };
    glob::expand(pattern, cwd)?.into_iter().map(one).collect()
}

/// Unlike with --volume, a source of --mount cannot be a name.
fn host_path(source: &str, cwd: &Path) -> Result<PathBuf> {
    if source.is_empty() {
        bail!("host directory cannot be empty: must provide an argument for option");
    }
    match source.starts_with(['/', '.']) {
        true => short::host_path(source, cwd),
        false => short::host_path(&format!("./{source}"), cwd),
    }
}

/// What was found so far.
#[derive(Default)]
struct Found<'a> {
    source: Option<&'a str>,
    destination: Option<&'a str>,
    options: Vec<String>,
    relabel: bool,
    /// Of images only.
    writable: bool,
    /// Of images and volumes.
    subpath: Option<&'a str>,
    volume_options: BTreeMap<String, String>,
}

impl<'a> Found<'a> {
    fn volume(&self) -> Result<VolumeSource> {
        let source = match self.source.filter(|name| !name.is_empty()) {
            Some(name) => VolumeSource::named(name)?,
            None => VolumeSource::default(),
        };
        let subpath = self.subpath.map(relative).transpose()?;
        Ok(VolumeSource { subpath, options: self.volume_options.clone(), ..source })
    }

    fn take(&mut self, kind: &str, key: &'a str, value: Option<&'a str>) -> Result<()> {
        let full = || value.map_or_else(|| key.to_owned(), |value| format!("{key}={value}"));
        let binds = matches!(kind, "bind" | "glob");
        match key {
            "type" => {}
            "src" | "source" if matches!(kind, "tmpfs" | "ramfs") => {
                bail!("\"{key}\" option not supported for \"{kind}\" mount types")
            }
            "src" | "source" if kind != "devpts" => once(&mut self.source, key, value)?,
            "dst" | "dest" | "destination" | "target" => once(&mut self.destination, key, value)?,
            "rw" | "readwrite" if kind == "image" => match value {
                Some("true" | "1") => self.writable = true,
                Some("false" | "0") => self.writable = false,
                other => bail!("invalid rw value \"{}\": invalid mount option", other.unwrap_or_default()),
            },
            "subpath" if kind == "image" => match value {
                Some(path) if path.starts_with('/') && !path.contains('\0') => self.subpath = Some(path),
                other => bail!("volume subpath \"{}\" must be an absolute path", other.unwrap_or_default()),
            },
            _ if kind == "image" => bail!("{key}: invalid mount option"),
            "ro" | "readonly" => self.options.push(if truth(key, value)? { "ro" } else { "rw" }.to_owned()),
            "rw" => self.options.push(if truth(key, value)? { "rw" } else { "ro" }.to_owned()),
            "bind-propagation" if binds => match value {
                Some(value) if options::is_propagation(value) => self.options.push(value.to_owned()),
                _ => bail!("invalid value \"{}\"", full()),
            },
            "bind-nonrecursive" if binds => {
                self.options.push(if truth(key, value)? { "bind" } else { "rbind" }.to_owned());
            }
            "relabel" if binds => {
                if std::mem::replace(&mut self.relabel, true) {
                    bail!("cannot pass 'relabel' option more than once: must provide an argument for option");
                }
                self.options.push(match value {
                    Some("shared") => "z".to_owned(),
                    Some("private") => "Z".to_owned(),
                    _ => bail!("relabel mount option must be 'private' or 'shared': invalid mount option"),
                });
            }
            "subpath" | "volume-subpath" if kind == "volume" => once(&mut self.subpath, key, value)?,
            "volume-opt" if kind == "volume" => {
                let Some(value) = value else { bail!("{key}: must provide an argument for option") };
                let (name, value) = value.split_once('=').unwrap_or((value, ""));
                self.volume_options.insert(name.to_owned(), value.to_owned());
            }
            "volume-label" if kind == "volume" => {
                bail!("the --volume-label option is not supported: make the volume with `volume create --label`")
            }
            "volume-nocopy" if kind == "volume" => {
                self.options.push(if truth(key, value)? { "nocopy" } else { "copy" }.to_owned());
            }
            "no-dereference" if binds => {
                if truth(key, value)? {
                    self.options.push(NO_DEREFERENCE.to_owned());
                }
            }
            // Of Docker on other systems; here both sides are one.
            "consistency" if binds => {}
            "tmpfs-size" | "tmpfs-mode" if kind == "tmpfs" => {
                let name = key.strip_prefix("tmpfs-").unwrap_or(key);
                let Some(value) = value else { bail!("{key}: must provide an argument for option") };
                self.options.push(format!("{name}={value}"));
            }
            "tmpfs-size" | "tmpfs-mode" if kind == "ramfs" => {
                bail!("\"{key}\" option not supported for \"{kind}\" mount types")
            }
            "U" | "chown" if kind != "devpts" => match value {
                None | Some("true" | "1") => self.options.push("U".to_owned()),
                Some("false" | "0") => {}
                Some(other) => bail!(
                    "'U' or 'chown' must be set to true or false, instead received \"{other}\": must provide an argument for option"
                ),
            },
            "idmap" if binds => match value {
                Some("true") => self.options.push("idmap".to_owned()),
                Some("false") => {}
                _ => self.options.push(full()),
            },
            "size" | "mode" | "uid" | "gid" | "nr_inodes" if kind == "tmpfs" => self.options.push(full()),
            "uid" | "gid" | "mode" | "max" | "ptmxmode" if kind == "devpts" => self.options.push(full()),
            // These have no value.
            _ if value.is_none() && key != "bind" && key != "rbind" => self.options.push(key.to_owned()),
            _ => bail!("{key}: invalid mount option"),
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
    let Some(value) = value else { bail!("{key}: must provide an argument for option") };
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => bail!("cannot pass \"{key}\" option more than once: must provide an argument for option"),
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
        let mounts = parse_mount(text, Path::new("/cwd"))?;
        let one = |mount: &UserMount| {
            let source = match &mount.kind {
                MountKind::Bind(source) => source.display().to_string(),
                MountKind::Image(image) => format!("{image:?}"),
                MountKind::Volume(volume) => format!("{volume:?}").replace("VolumeSource ", ""),
                other => format!("{other:?}").to_lowercase(),
            };
            format!("{source} {} {}", mount.destination.display(), mount.options.join(","))
        };
        Ok(mounts.iter().map(one).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn mounts() {
        for (text, want) in [
            ("type=bind,src=/a,dst=/b", "/a /b rw,rprivate,rbind"),
            ("type=bind,dst=/b", "/b /b rw,rprivate,rbind"),
            ("type=bind,source=a,target=/b,ro", "/cwd/a /b ro,rprivate,rbind"),
            ("type=bind,src=/a,destination=/b,readonly=true", "/a /b ro,rprivate,rbind"),
            ("type=bind,src=/a,dst=/b,ro=false", "/a /b rw,rprivate,rbind"),
            ("type=bind,src=/a,dst=/b,bind-propagation=rshared,bind-nonrecursive", "/a /b rw,rshared,bind"),
            ("type=bind,src=/a,dst=/b,bind-nonrecursive", "/a /b rw,private,bind"),
            ("type=bind,src=/a,dst=/b,relabel=shared,nosuid", "/a /b rw,rprivate,nosuid,rbind"),
            ("type=bind,src=/a,dst=/b,U,consistency=cached", "/a /b rw,rprivate,rbind,U"),
            ("type=bind,src=/a,dst=/b,no-dereference", "/a /b rw,rprivate,rbind,copy-symlink"),
            ("type=bind,src=/a,dst=/b,idmap=true", "/a /b rw,rprivate,rbind,idmap"),
            (
                "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700",
                "tmpfs /t rw,rprivate,nosuid,nodev,tmpcopyup,size=1m,mode=700",
            ),
            ("type=tmpfs,dst=/t,notmpcopyup,U=false", "tmpfs /t rw,rprivate,nosuid,nodev"),
            ("type=tmpfs,dst=/t,chown=true", "tmpfs /t rw,rprivate,nosuid,nodev,tmpcopyup,U"),
            ("type=ramfs,dst=/t", "ramfs /t rw,rprivate,nosuid,nodev,tmpcopyup"),
            (
                "type=volume,src=x,dst=/b",
                "{ name: Some(\"x\"), subpath: None, options: {} } /b rw,rprivate,nosuid,nodev,rbind",
            ),
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
            (
                "type=image,src=x,dst=/i,rw=true,subpath=/bin",
                "ImageMount { name: \"x\", writable: true, subpath: Some(\"/bin\") } /i rw,rprivate",
            ),
        ] {
            assert_eq!(show(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn a_pattern_stands_for_many() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["x1", "x2", "y"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let dir = dir.path().display();
        assert_eq!(
            show(&format!("type=glob,src={dir}/x*,dst=/d,ro")).unwrap(),
            format!("{dir}/x1 /d/x1 ro,rprivate,rbind\n{dir}/x2 /d/x2 ro,rprivate,rbind")
        );
        assert_eq!(show(&format!("type=glob,src={dir}/y")).unwrap(), format!("{dir}/y {dir}/y rw,rprivate,rbind"));
        assert!(show(&format!("type=glob,src={dir}/z*")).unwrap_err().to_string().contains("no file paths matching"));
    }

    #[test]
    fn broken_mounts() {
        for (text, part) in [
            ("", "incorrect mount format: should be --mount type="),
            ("src=x,dst=/b", "incorrect mount format"),
            ("type=volume,src=a/b,dst=/b", "names must match"),
            ("type=volume,src=x,dst=/b,subpath=../x", "invalid subpath"),
            ("type=volume,src=x,dst=/b,subpath=/", "invalid subpath"),
            ("type=volume,src=x,dst=/b,volume-label=x", "volume-label"),
            ("type=bind,src=/x,dst=/b,volume-opt=a=b", "volume-opt: invalid mount option"),
            ("type=bogus,dst=/b", "invalid filesystem type \"bogus\""),
            ("type=bind,src=/a", "must set volume destination"),
            ("type=bind,src=,dst=/b", "host directory cannot be empty"),
            ("type=bind,src,dst=/b", "src: must provide an argument for option"),
            ("type=bind,src=/a,dst=b", "must be an absolute path"),
            ("type=bind,src=/a,dst=/b,dst=/c", "cannot pass \"dst\" option more than once"),
            ("type=bind,src=/a,dst=/b,ro=perhaps", "must be true or false"),
            ("type=bind,src=/a,dst=/b,readonly,rw", "cannot pass 'readonly', 'ro', or 'rw' mnt.Options more than once"),
            ("type=bind,src=/a,dst=/b,nosuid,suid", "cannot pass 'nosuid' and 'suid' mnt.Options more than once"),
            ("type=bind,src=/a,dst=/b,bind-propagation=up", "invalid value \"bind-propagation=up\""),
            ("type=bind,src=/a,dst=/b,tmpfs-size=1m", "tmpfs-size: invalid mount option"),
            ("type=bind,src=/a,dst=/b,bogus", "bogus: invalid mount option"),
            ("type=bind,src=/a,dst=/b,rbind", "rbind: invalid mount option"),
            ("type=bind,src=/a,dst=/b,relabel=x", "relabel mount option must be 'private' or 'shared'"),
            ("type=bind,src=/a,dst=/b,relabel=shared,relabel=shared", "cannot pass 'relabel' option more than once"),
            ("type=bind,src=/a,dst=/b,U=foo", "'U' or 'chown' must be set to true or false"),
            ("type=bind,src=/a,dst=/b,O", "O: invalid mount option"),
            ("type=tmpfs,src=/a,dst=/b", "\"src\" option not supported for \"tmpfs\" mount types"),
            ("type=tmpfs,dst", "dst: must provide an argument for option"),
            ("type=tmpfs,dst=/b,tmpfs-mode", "tmpfs-mode: must provide an argument for option"),
            ("type=tmpfs,dst=/b,noswap", "only allowed with rootful"),
            ("type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-size=2m", "only one size can be specified"),
            ("type=ramfs,dst=/b,tmpfs-size=1m", "\"tmpfs-size\" option not supported for \"ramfs\" mount types"),
            ("type=devpts,dst=/b,src=/a", "src: invalid mount option"),
            ("type=image,src=x", "must set source and destination for image volume"),
            ("type=image,src=x,dst=/b,rw", "invalid rw value \"\""),
            ("type=image,src=x,dst=/b,ro", "ro: invalid mount option"),
            ("type=image,src=x,dst=/b,subpath=../..", "volume subpath \"../..\" must be an absolute path"),
        ] {
            let error = show(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*", rest in "[a-z=,/-]{0,40}") {
            let _ = show(&text);
            for kind in ["bind", "tmpfs", "image", "devpts", "ramfs"] {
                let _ = show(&format!("type={kind},{rest}"));
            }
        }
    }
}
