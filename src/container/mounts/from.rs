//! `--volumes-from CONTAINER[:OPTIONS]`.

use super::{MountKind, UserMount, VolumeSource};
use crate::bail;
use crate::container::record::{MountPoint, Record};
use crate::error::Result;

/// Whose volumes, and how they are mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumesFrom {
    /// A name or ID.
    pub container: String,
    /// `ro`, `rw`, or as there.
    access: Option<&'static str>,
    /// `z`: told by `inspect`; without SELinux there is nothing to label.
    relabel: bool,
}

impl VolumesFrom {
    /// Reads one value of `--volumes-from`.
    pub fn parse(text: &str) -> Result<Self> {
        let (container, options) = text.split_once(':').unwrap_or((text, ""));
        if container.is_empty() {
            bail!("invalid volumes-from \"{text}\": the container is missing");
        }
        let (mut access, mut relabelled) = (None, false);
        for option in options.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" | "rw" if access.is_some() => bail!("cannot set ro or rw options more than once"),
                "ro" => access = Some("ro"),
                "rw" => access = Some("rw"),
                "z" if relabelled => bail!("cannot set :z more than once in mount options"),
                "z" => relabelled = true,
                other => bail!(
                    "invalid option \"{other}\" specified - volumes from another container can only use z,ro,rw options"
                ),
            }
        }
        Ok(VolumesFrom { container: container.to_owned(), access, relabel: relabelled })
    }

    /// The volumes and bind mounts of that container, as this one is to have them.
    pub fn mounts(&self, record: &Record) -> Vec<UserMount> {
        record.mounts.iter().filter_map(|mount| self.mount(mount)).collect()
    }

    fn mount(&self, mount: &MountPoint) -> Option<UserMount> {
        let kind = match mount.kind.as_str() {
            "volume" => MountKind::Volume(VolumeSource {
                name: Some(mount.name.clone()),
                subpath: Some(mount.subpath.clone()).filter(|path| !path.as_os_str().is_empty()),
                ..VolumeSource::default()
            }),
            "bind" => MountKind::Bind(mount.source.clone()),
            _ => return None,
        };
        let access = self.access.unwrap_or(if mount.rw { "rw" } else { "ro" });
        let mut options = vec![access.to_owned(), mount.propagation.clone()];
        options.extend(mount.options.iter().cloned());
        options.retain(|option| !option.is_empty());
        Some(UserMount {
            kind,
            destination: mount.destination.clone(),
            options,
            relabel: if self.relabel { "z".to_owned() } else { String::new() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_of_another_container() {
        let mount = |kind: &str, name: &str, rw| MountPoint {
            kind: kind.to_owned(),
            name: name.to_owned(),
            source: "/s".into(),
            destination: format!("/{kind}").into(),
            options: vec!["noexec".to_owned(), "rbind".to_owned()],
            rw,
            propagation: "rprivate".to_owned(),
            ..MountPoint::default()
        };
        let mounts = vec![mount("volume", "v", false), mount("bind", "", true), mount("image", "", true)];
        let record = Record { mounts, ..Record::default() };
        let show = |text: &str| -> Vec<String> {
            let from = VolumesFrom::parse(text).unwrap();
            assert_eq!(from.container, "c");
            from.mounts(&record)
                .iter()
                .map(|m| format!("{} {}", m.destination.display(), m.options.join(",")))
                .collect()
        };
        assert_eq!(show("c"), ["/volume ro,rprivate,noexec,rbind", "/bind rw,rprivate,noexec,rbind"]);
        assert_eq!(show("c:rw,z"), ["/volume rw,rprivate,noexec,rbind", "/bind rw,rprivate,noexec,rbind"]);
        assert_eq!(show("c:ro")[1], "/bind ro,rprivate,noexec,rbind");
        for (text, part) in [
            ("", "is missing"),
            (":ro", "is missing"),
            ("c:bogus", "invalid option \"bogus\" specified"),
            ("c:ro,rw", "more than once"),
            ("c:z,z", "more than once"),
        ] {
            let error = VolumesFrom::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = VolumesFrom::parse(&text);
        }
    }
}
