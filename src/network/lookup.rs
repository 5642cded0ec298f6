//! Finding the programs that connect a network namespace to the host.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Where distributions put the helpers, whatever the `PATH` of the user says.
const DIRECTORIES: [&str; 6] =
    ["/usr/local/libexec/podman", "/usr/libexec/podman", "/usr/lib/podman", "/usr/local/bin", "/usr/bin", "/bin"];

/// The program of this name in `PATH` or in one of the usual directories.
pub fn find(name: &str) -> Option<PathBuf> {
    find_in(name, std::env::var_os("PATH").as_deref())
}

/// The same, or an error that says how to get it.
pub fn require(name: &str) -> Result<PathBuf> {
    find(name).ok_or_else(|| missing(name))
}

fn find_in(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    let from_path = path.into_iter().flat_map(std::env::split_paths).filter(|dir| dir.is_absolute());
    from_path.chain(DIRECTORIES.iter().map(PathBuf::from)).map(|dir| dir.join(name)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

fn missing(name: &str) -> Error {
    let package = if name == "pasta" { "passt" } else { name };
    Error::new(format!("could not find `{name}`, the network helper, in `PATH`"))
        .hint(format!("install it (apt install {package}), or use --network none or --network host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executable_files_in_absolute_directories_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("coracle-test-helper");
        assert_eq!(find_in("coracle-test-helper", Some(dir.path().as_os_str())), None);
        std::fs::write(&file, "").unwrap();
        assert_eq!(find_in("coracle-test-helper", Some(dir.path().as_os_str())), None, "not executable");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(find_in("coracle-test-helper", Some(dir.path().as_os_str())), Some(file));
        assert_eq!(find_in("coracle-test-helper", Some(OsStr::new(".:bin"))), None);
    }

    #[test]
    fn a_missing_helper_names_the_package() {
        let error = require("coracle-no-such-helper").unwrap_err();
        assert!(error.to_string().contains("could not find `coracle-no-such-helper`"), "{error}");
        assert!(missing("pasta").hint_text().unwrap().contains("apt install passt"));
    }
}
