//! Compiles `hello/`, the program of the embedded image, as a static executable for the target; src/image/embedded.rs
//! includes it.

use std::env::var_os;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// No start files: the program has its own entry point. No page of headers in front of each segment.
const LINK: &str = "link-args=-nostdlib -nostartfiles -static -Wl,--build-id=none -Wl,-z,noseparate-code";

const OPTIONS: [&str; 8] = [
    "opt-level=s",
    "codegen-units=1",
    "lto=fat",
    "panic=abort",
    "strip=symbols",
    "relocation-model=static",
    "target-feature=+crt-static",
    LINK,
];

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=hello");
    println!("cargo::rerun-if-changed=build.rs");
    match compile_hello() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn compile_hello() -> Result<(), String> {
    let required = |name: &str| var_os(name).ok_or_else(|| format!("cargo did not set {name}"));
    let mut rustc = Command::new(required("RUSTC")?);
    rustc.args(["hello/main.rs", "--crate-name=hello", "--crate-type=bin", "--edition=2024"]);
    rustc.arg("--target").arg(required("TARGET")?);
    rustc.arg("-o").arg(PathBuf::from(required("OUT_DIR")?).join("hello"));
    for option in OPTIONS {
        rustc.arg("-C").arg(option);
    }
    if let Some(linker) = var_os("RUSTC_LINKER") {
        rustc.arg("-C").arg([OsStr::new("linker="), &linker].into_iter().collect::<OsString>());
    }
    match rustc.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("compiling hello/main.rs: rustc ended with {status}")),
        Err(error) => Err(format!("running rustc: {error}")),
    }
}
