//! Compiles `hello/`, the program of the embedded image, as a static executable for the target; src/image/embedded.rs
//! includes it.

use std::env::var_os;
use std::path::PathBuf;
use std::process::{Command, exit};

fn main() {
    println!("cargo::rerun-if-changed=hello");
    println!("cargo::rerun-if-changed=build.rs");
    let required = |name: &str| var_os(name).unwrap_or_else(|| fail(&format!("cargo did not set {name}")));
    let out = PathBuf::from(required("OUT_DIR")).join("hello");
    let mut rustc = Command::new(required("RUSTC"));
    rustc.args(["hello/main.rs", "--crate-name=hello", "--crate-type=bin", "--edition=2024"]);
    rustc.arg("--target").arg(required("TARGET")).arg("-o").arg(&out);
    for option in [
        "opt-level=s",
        "codegen-units=1",
        "lto=fat",
        "panic=abort",
        "strip=symbols",
        "relocation-model=static",
        "target-feature=+crt-static",
        // No start files: the program has its own entry point. No page of headers in front of each segment.
        "link-args=-nostdlib -nostartfiles -static -Wl,--build-id=none -Wl,-z,noseparate-code",
    ] {
        rustc.arg("-C").arg(option);
    }
    if let Some(linker) = var_os("RUSTC_LINKER") {
        rustc.arg("-C").arg([std::ffi::OsStr::new("linker="), &linker].into_iter().collect::<std::ffi::OsString>());
    }
    match rustc.status() {
        Ok(status) if status.success() => {}
        Ok(status) => fail(&format!("compiling hello/main.rs: rustc ended with {status}")),
        Err(error) => fail(&format!("running rustc: {error}")),
    }
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}
