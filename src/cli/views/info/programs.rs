//! The helper programs on this host: where they are, which version they say they are, and which package they came from.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// What is known about a program; empty strings where it is missing.
pub(super) fn program(name: &str) -> Value {
    let Some(path) = find(name) else { return unknown() };
    let version = output(Command::new(&path).arg("--version")).unwrap_or_default();
    // Only what belongs to the version: some programs go on with their licence.
    let version: Vec<&str> = version.lines().take_while(|line| !line.starts_with("Copyright")).collect();
    json!({
        "executable": path.to_string_lossy(),
        "package": package(&path).unwrap_or_default(),
        "version": version.join("\n").trim_end(),
    })
}

/// What is shown of a program that is missing, or was not asked.
pub(super) fn unknown() -> Value {
    json!({"executable": "", "package": "", "version": ""})
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let directories: Vec<PathBuf> = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    let is_executable =
        |file: &PathBuf| file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok();
    directories.into_iter().map(|dir| dir.join(name)).find(is_executable)
}

/// `slirp4netns_1.2.1-1.1_amd64` on Debian, the name that rpm gives elsewhere.
fn package(path: &Path) -> Option<String> {
    if let Some(owner) = output(Command::new("dpkg-query").arg("-S").arg(path)) {
        let package = owner.split(": ").next()?.split(", ").next()?.trim();
        let format = "--showformat=${Package}_${Version}_${Architecture}";
        return output(Command::new("dpkg-query").args(["-W", format, package]));
    }
    output(Command::new("rpm").arg("-qf").arg(path))
}

/// What a program prints, when it succeeds.
fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
