//! Where this invocation keeps its state: `--root`, `--runroot`, or the user's own directories.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::env;
use super::global::Globals;
use crate::error::{Context as _, Error, Result};
use crate::storage::Roots;

const NAME: &str = "coracle";

/// The roots that the global flags and the environment say, made when they are missing.
pub fn open(globals: &Globals) -> Result<Roots> {
    let data = match &globals.root {
        Some(root) => root.clone(),
        None => data_home()?.join(NAME),
    };
    let run = match &globals.runroot {
        Some(runroot) => runroot.clone(),
        None => default_run_root()?,
    };
    Roots::open(&data, &run)
}

/// The user's directory of data, `$XDG_DATA_HOME`.
pub fn data_home() -> Result<PathBuf> {
    if let Some(dir) = env::absolute_path(env::XDG_DATA_HOME) {
        return Ok(dir);
    }
    if let Some(home) = env::absolute_path(env::HOME) {
        return Ok(home.join(".local/share"));
    }
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    match user.map(|user| user.dir).filter(|dir| dir.is_absolute()) {
        Some(home) => Ok(home.join(".local/share")),
        None => Err(Error::new("finding the home directory: HOME is not set and the user has none")
            .hint("set HOME, or give --root and --runroot")),
    }
}

fn default_run_root() -> Result<PathBuf> {
    // A session's variable may outlive the session's directory (`su`, `sudo -E`, cron), so it must exist and be ours.
    if let Some(dir) = env::absolute_path(env::XDG_RUNTIME_DIR).filter(|dir| is_private(dir)) {
        return Ok(dir.join(NAME));
    }
    let uid = host_uid();
    let session = PathBuf::from(format!("/run/user/{uid}"));
    if is_private(&session) {
        return Ok(session.join(NAME));
    }
    fallback(Path::new("/tmp"), uid)
}

/// Whether a directory belongs to this user and nobody else can write to it.
fn is_private(dir: &Path) -> bool {
    std::fs::metadata(dir).is_ok_and(|meta| is_ours(&meta) && meta.mode() & 0o022 == 0)
}

fn is_ours(meta: &std::fs::Metadata) -> bool {
    meta.is_dir() && meta.uid() == nix::unistd::geteuid().as_raw()
}

/// The run root of a user without a session: a directory in `/tmp`, where anybody may have made it before us.
fn fallback(tmp: &Path, uid: u32) -> Result<PathBuf> {
    let dir = tmp.join(format!("{NAME}-run-{uid}"));
    match std::fs::DirBuilder::new().mode(0o700).create(&dir) {
        Ok(()) => return Ok(dir),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(e) => {
            return Err(Error::from(e).wrap(format!("creating directory `{}`", dir.display())));
        }
    }
    // Not followed: a symbolic link could lead anywhere. What is ours and 0700 cannot have been put there by another
    // user, and in a sticky directory it cannot be replaced by one.
    let meta = std::fs::symlink_metadata(&dir).with_context(|| format!("reading `{}`", dir.display()))?;
    if !is_ours(&meta) || meta.mode() & 0o077 != 0 {
        return Err(Error::new(format!("`{}` is not a private directory of this user", dir.display()))
            .hint("remove it, set XDG_RUNTIME_DIR, or give --runroot"));
    }
    Ok(dir)
}

/// The user's ID outside of the user namespace that `unshare` made, so that both sides find the same directory.
pub fn host_uid() -> u32 {
    let uid = nix::unistd::geteuid().as_raw();
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    outside(uid, &map).unwrap_or(uid)
}

/// Looks an ID up in a uid_map: lines of first ID inside, first ID outside, and count.
fn outside(uid: u32, map: &str) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_whitespace().map(str::parse::<u32>);
        let (inside, out, count) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
        let offset = uid.checked_sub(inside)?;
        (offset < count).then(|| out.checked_add(offset)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn ids_are_looked_up_outside() {
        let map = "         0       1000          1\n         1     100000      65536\n";
        assert_eq!(outside(0, map), Some(1000));
        assert_eq!(outside(1, map), Some(100_000));
        assert_eq!(outside(65537, map), None);
        assert_eq!(outside(5, "0 0 4294967295"), Some(5));
        assert_eq!(outside(5, "nonsense\n0 x 1"), None);
    }

    #[test]
    fn a_fallback_that_somebody_else_could_have_made_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = fallback(tmp.path(), 7).unwrap();
        assert_eq!(std::fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fallback(tmp.path(), 7).unwrap(), dir);

        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(fallback(tmp.path(), 7).is_err());

        std::fs::remove_dir(&dir).unwrap();
        std::os::unix::fs::symlink("/", &dir).unwrap();
        assert!(fallback(tmp.path(), 7).is_err());
    }
}
