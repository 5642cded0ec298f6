//! The files of secrets: on a tmpfs of the container's own, which goes with it.
//!
//! The tmpfs is mounted over a directory of the host's that nothing here needs any more. Only this mount namespace sees that,
//! and only until its root is changed. From there its parts are bound to where they belong: below /run/secrets as one
//! directory, so that no empty files are left in the container's root; what goes elsewhere, or between mounts of the
//! user's, one by one.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use oci_spec::runtime::Spec;
use rustix::fs::{Gid, Mode, OFlags, Uid};

use super::mounts::{attach, bind, file_system, is_directory};
use super::options;
use super::target::{self, Wanted};
use crate::error::{Context, Error, Result};
use crate::runtime::secrets::{Kind, Secret};
use crate::sys::process;

/// Where most secrets are.
const DIR: &str = "/run/secrets";
/// What a container may add to its secrets.
const ROOM: usize = 1 << 20;
/// Every host has it, whoever may look for the way to it, and all that is in it has been opened.
const PLACE: &str = "/dev";

/// Makes the files among `secrets` in the container, after all other mounts. What the user has mounted on the very path of
/// a secret stays.
pub fn mount(root: &OwnedFd, spec: &Spec, secrets: &[Secret]) -> Result<()> {
    let place = Path::new(PLACE);
    let taken: Vec<&Path> = spec.mounts().iter().flatten().map(|m| m.destination().as_path()).collect();
    let files: Vec<_> = secrets
        .iter()
        .filter_map(|secret| match secret.kind {
            Kind::File { uid, gid, mode } => Some((secret, uid, gid, mode)),
            Kind::Variable => None,
        })
        .filter(|(secret, ..)| !taken.contains(&Path::new(&secret.target)))
        .collect();
    if files.is_empty() {
        return Ok(());
    }
    let size = files.iter().map(|(secret, ..)| secret.value.len().next_multiple_of(4096)).sum::<usize>() + ROOM;
    let tmpfs = options::parse(&["nosuid", "nodev", "rw", "mode=755", &format!("size={size}")])?;
    let tmpfs =
        file_system("tmpfs", Some(Path::new("secrets")), &tmpfs).context("creating a file system for secrets")?;
    let below = rustix::fs::open(place, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .with_context(|| format!("opening `{}`", place.display()))?;
    attach(&tmpfs, &below)?;
    let together = !taken.iter().any(|path| path.starts_with(DIR));
    let mut alone = Vec::new();
    for (number, (secret, uid, gid, mode)) in files.into_iter().enumerate() {
        let target = Path::new(&secret.target);
        let own = match target.strip_prefix(DIR) {
            Ok(path) if together => Path::new("together").join(path),
            _ => {
                let own = PathBuf::from(number.to_string());
                alone.push((own.clone(), target.to_owned()));
                own
            }
        };
        write(&tmpfs, &own, &secret.value, (uid, gid, mode))
            .with_context(|| format!("making the secret `{}`", target.display()))?;
    }
    let bound = options::parse(&["bind", "rprivate"])?;
    let put = |from: &Path, to: &Path, wanted: Wanted| -> Result<()> {
        let relative = to.strip_prefix("/").unwrap_or(to);
        let mounted = target::open_or_create(root, relative, wanted).and_then(|at| {
            if wanted == Wanted::File && is_directory(&at)? {
                let name = Path::new(&to).join("NAME");
                return Err(Error::new("it is a directory in the container, and a secret is a file")
                    .hint(format!("give the path of a file: target={}", name.display())));
            }
            attach(&bind(&place.join(from), &bound)?, &at)
        });
        let what = if wanted == Wanted::File { "the secret" } else { "the secrets" };
        mounted.with_context(|| format!("mounting {what} on `{}`", to.display()))
    };
    if place.join("together").exists() {
        put(Path::new("together"), Path::new(DIR), Wanted::Directory)?;
    }
    alone.iter().try_for_each(|(from, to)| put(from, to, Wanted::File))
}

/// Writes a file and the directories that it is in.
fn write(tmpfs: &OwnedFd, path: &Path, value: &[u8], (uid, gid, mode): (u32, u32, u32)) -> Result<()> {
    let mut dir = tmpfs.try_clone().context("duplicating a mount")?;
    for part in path.parent().into_iter().flat_map(Path::components) {
        let name = part.as_os_str();
        match rustix::fs::mkdirat(&dir, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(errno) => return Err(Error::from(errno)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        dir = rustix::fs::openat(&dir, name, flags, Mode::empty())?;
        // Whatever the umask says.
        rustix::fs::fchmod(&dir, Mode::from_raw_mode(0o755))?;
    }
    let name = path.file_name().ok_or_else(|| Error::new("it has no name"))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(&dir, name, flags, Mode::from_raw_mode(0o600)) {
        Err(rustix::io::Errno::EXIST) => return Err(Error::new("another secret is there, or below it")),
        opened => opened?,
    };
    let mut rest = value;
    while !rest.is_empty() {
        let written = rustix::io::write(&file, rest)?;
        rest = rest.get(written..).unwrap_or_default();
    }
    rustix::fs::fchown(&file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).map_err(|errno| {
        Error::from(errno)
            .wrap(format!("giving it to user {uid} and group {gid}"))
            .hint("an ID must be one of the container's: see your ranges in /etc/subuid and /etc/subgid")
    })?;
    Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?)
}

/// Reads the secrets that the monitor has passed on, and lets go of them.
pub fn take(fd: std::os::fd::RawFd) -> Result<Vec<Secret>> {
    let file = process::inherited(fd).ok_or_else(|| Error::new("the secrets were lost"))?;
    crate::runtime::secrets::unpack(file.as_fd())
}

/// Adds the variables among `secrets` to the environment of the spec's process.
pub fn add_variables(spec: &mut Spec, secrets: &[Secret]) {
    if let (Some(process), false) = (spec.process(), secrets.is_empty()) {
        let mut process = process.clone();
        let mut env = process.env().clone().unwrap_or_default();
        crate::runtime::secrets::add_variables(&mut env, secrets);
        process.set_env(Some(env));
        spec.set_process(Some(process));
    }
}
