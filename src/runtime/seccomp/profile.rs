//! Profiles in the JSON format of Docker and Podman: rules that hold for some capabilities, architectures and kernels,
//! resolved for one container to the seccomp section of an OCI spec.

use std::io::Read as _;
use std::path::Path;

use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompFilterFlag, LinuxSeccompOperator, LinuxSyscall,
};
use serde::Deserialize;

use super::NATIVE;
use super::numbers::Abi;
use super::oci;
use crate::bail;
use crate::error::{Context, Error, Result};
use crate::runtime::caps::{self, CapSet};

/// A profile longer than this is not one.
const MAX_SIZE: u64 = 4 << 20;

/// A profile as it stands in the file. Keys that we do not know are comments.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    default_action: LinuxSeccompAction,
    #[serde(default)]
    default_errno_ret: Option<u32>,
    #[serde(default)]
    default_errno: Option<String>,
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    arch_map: Option<Vec<ArchMap>>,
    #[serde(default)]
    flags: Option<Vec<LinuxSeccompFilterFlag>>,
    #[serde(default)]
    listener_path: Option<String>,
    #[serde(default)]
    syscalls: Option<Vec<Syscall>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ArchMap {
    architecture: String,
    #[serde(default)]
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Syscall {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    names: Option<Vec<String>>,
    action: LinuxSeccompAction,
    #[serde(default)]
    errno_ret: Option<u32>,
    #[serde(default)]
    errno: Option<String>,
    #[serde(default)]
    args: Option<Vec<Arg>>,
    #[serde(default)]
    includes: Option<Filter>,
    #[serde(default)]
    excludes: Option<Filter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Arg {
    index: usize,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: LinuxSeccompOperator,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    #[serde(default)]
    caps: Option<Vec<String>>,
    #[serde(default)]
    arches: Option<Vec<String>>,
    #[serde(default)]
    min_kernel: Option<String>,
}

/// What a profile is resolved for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Host<'a> {
    /// The container's bounding set.
    pub caps: CapSet,
    /// The machine, by Go's name.
    pub machine: &'a str,
    /// The kernel's major and minor version.
    pub kernel: (u32, u32),
    /// The machine's own ABI.
    pub native: Option<Abi>,
}

impl Host<'_> {
    /// This machine.
    pub(super) fn this(caps: CapSet) -> Host<'static> {
        let release = rustix::system::uname();
        let kernel = version(&release.release().to_string_lossy()).unwrap_or_default();
        Host { caps, machine: NATIVE, kernel, native: Abi::family().first().copied() }
    }
}

/// Reads and resolves the profile in a file of the user's.
pub(super) fn read(path: &Path, host: Host<'_>) -> Result<LinuxSeccomp> {
    let read = || -> Result<LinuxSeccomp> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MAX_SIZE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_SIZE {
            bail!("the file is larger than {} MiB", MAX_SIZE >> 20);
        }
        resolve(&bytes, host)
    };
    read().with_context(|| format!("reading seccomp profile `{}`", path.display()))
}

/// Resolves a profile for a container on this host.
pub(super) fn resolve(json: &[u8], host: Host<'_>) -> Result<LinuxSeccomp> {
    let profile: Profile = serde_json::from_slice(json)?;
    let mut resolved = LinuxSeccomp::default();
    resolved.set_default_action(profile.default_action);
    resolved.set_default_errno_ret(errno(profile.default_errno.as_deref(), profile.default_errno_ret)?);
    resolved.set_architectures(architectures(&profile, host)?);
    resolved.set_flags(profile.flags);
    resolved.set_listener_path(profile.listener_path.filter(|p| !p.is_empty()).map(Into::into));
    let mut syscalls = Vec::new();
    for syscall in profile.syscalls.into_iter().flatten() {
        if let Some(syscall) = resolve_syscall(syscall, host)? {
            syscalls.push(syscall);
        }
    }
    resolved.set_syscalls(Some(syscalls));
    Ok(resolved)
}

fn architectures(profile: &Profile, host: Host<'_>) -> Result<Option<Vec<Arch>>> {
    let listed = profile.architectures.as_deref().unwrap_or_default();
    let map = profile.arch_map.as_deref().unwrap_or_default();
    // Those of other machines need not be known.
    let known = |names: &[String]| -> Vec<Arch> { names.iter().filter_map(|name| name.parse().ok()).collect() };
    match (listed.is_empty(), map.is_empty()) {
        (true, true) => Ok(None),
        (false, true) => Ok(Some(known(listed))),
        (false, false) => bail!("`architectures` and `archMap` are both given, use one of them"),
        (true, false) => {
            let native = host.native.map(Abi::to_oci);
            let entry = map.iter().find(|entry| entry.architecture.parse().ok() == native && native.is_some());
            let subs = entry.map(|entry| known(entry.sub_architectures.as_deref().unwrap_or_default()));
            Ok(native.map(|native| [native].into_iter().chain(subs.into_iter().flatten()).collect()))
        }
    }
}

fn resolve_syscall(syscall: Syscall, host: Host<'_>) -> Result<Option<LinuxSyscall>> {
    let names = match (syscall.name.filter(|name| !name.is_empty()), syscall.names.unwrap_or_default()) {
        (Some(name), names) if names.is_empty() => vec![name],
        (Some(_), _) => bail!("`name` and `names` are both given, use one of them"),
        (None, names) => names,
    };
    if let Some(filter) = &syscall.excludes
        && excluded(filter, host)?
    {
        return Ok(None);
    }
    if let Some(filter) = &syscall.includes
        && !included(filter, host)?
    {
        return Ok(None);
    }
    let mut resolved = LinuxSyscall::default();
    resolved.set_errno_ret(errno(syscall.errno.as_deref(), syscall.errno_ret)?);
    resolved.set_names(names);
    resolved.set_action(syscall.action);
    let args: Vec<LinuxSeccompArg> = syscall.args.iter().flatten().map(resolve_arg).collect();
    resolved.set_args((!args.is_empty()).then_some(args));
    Ok(Some(resolved))
}

fn resolve_arg(arg: &Arg) -> LinuxSeccompArg {
    oci::argument(arg.index, arg.op, arg.value, (arg.value_two != 0).then_some(arg.value_two))
}

/// Whether all that is asked for is there.
fn included(filter: &Filter, host: Host<'_>) -> Result<bool> {
    let arches = filter.arches.as_deref().unwrap_or_default();
    let caps = filter.caps.as_deref().unwrap_or_default();
    let kernel = filter.min_kernel.as_deref().map(min_kernel).transpose()?;
    Ok((arches.is_empty() || arches.iter().any(|arch| arch == host.machine))
        && caps.iter().all(|cap| has(host, cap))
        && kernel.is_none_or(|least| host.kernel >= least))
}

/// Whether any of what is named is there.
fn excluded(filter: &Filter, host: Host<'_>) -> Result<bool> {
    let kernel = filter.min_kernel.as_deref().map(min_kernel).transpose()?;
    Ok(filter.arches.iter().flatten().any(|arch| arch == host.machine)
        || filter.caps.iter().flatten().any(|cap| has(host, cap))
        || kernel.is_some_and(|least| host.kernel >= least))
}

/// A capability that we do not know is one that the container does not have.
fn has(host: Host<'_>, cap: &str) -> bool {
    caps::parse(cap).is_ok() && CapSet::from_names(&[cap]).is_ok_and(|cap| host.caps.contains(cap))
}

fn min_kernel(text: &str) -> Result<(u32, u32)> {
    version(text).ok_or_else(|| Error::new(format!("`minKernel` is `{text}`, not a version such as `4.8`")))
}

/// The first two numbers of a version.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The error number: by name or number in `text`, else `number`.
fn errno(text: Option<&str>, number: Option<u32>) -> Result<Option<u32>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(number) };
    if let Ok(number) = text.parse() {
        return Ok(Some(number));
    }
    let named = (1..=4095).find(|n| syscalls::Errno::new(*n).name() == Some(text));
    match named.and_then(|n| u32::try_from(n).ok()) {
        Some(number) => Ok(Some(number)),
        None => bail!("unknown error number `{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(caps: &[&str]) -> Host<'static> {
        let caps = CapSet::from_names(caps).unwrap();
        Host { caps, machine: "amd64", kernel: (5, 10), native: Some(Abi::X86_64) }
    }

    /// The names of the rules that remain.
    fn names(json: &str, caps: &[&str]) -> Result<Vec<String>, String> {
        let resolved = resolve(json.as_bytes(), host(caps)).map_err(|e| e.to_string())?;
        Ok(resolved.syscalls().iter().flatten().flat_map(|s| s.names().clone()).collect())
    }

    #[test]
    fn rules_are_chosen_by_capability_machine_and_kernel() {
        let rule = |name: &str, filters: &str| format!(r#"{{"names":["{name}"],"action":"SCMP_ACT_ALLOW",{filters}}}"#);
        let rules = [
            rule("plain", r#""includes":{},"excludes":null"#),
            rule("both", r#""includes":{"caps":["CAP_BPF","CAP_KILL"]}"#),
            rule("neither", r#""excludes":{"caps":["CAP_BPF","CAP_KILL"]}"#),
            rule("amd64", r#""includes":{"arches":["arm64","amd64"]}"#),
            rule("arm64", r#""includes":{"arches":["arm64"]}"#),
            rule("not-amd64", r#""excludes":{"arches":["amd64"]}"#),
            rule("old", r#""includes":{"minKernel":"4.8"}"#),
            rule("same", r#""includes":{"minKernel":"5.10"}"#),
            rule("new", r#""includes":{"minKernel":"5.11"}"#),
            rule("before", r#""excludes":{"minKernel":"5.11"}"#),
            rule("after", r#""excludes":{"minKernel":"5.10.3-x"}"#),
            rule("unknown-cap", r#""includes":{"caps":["CAP_NOSUCH"]}"#),
        ];
        let json = format!(r#"{{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{}]}}"#, rules.join(","));
        let always = ["plain", "amd64", "old", "same", "before"];
        for (caps, expected) in
            [(&["kill", "bpf"][..], &["both"][..]), (&["kill"], &[]), (&["chown"], &["neither"]), (&[], &["neither"])]
        {
            let mut got = names(&json, caps).unwrap();
            got.retain(|name| !always.contains(&name.as_str()));
            assert_eq!(got, expected, "{caps:?}");
        }
        assert!(always.iter().all(|name| names(&json, &[]).unwrap().contains(&(*name).to_owned())));
    }

    #[test]
    fn architectures_come_from_the_map_or_the_list() {
        let arches = |fields: &str| {
            let json = format!(r#"{{"defaultAction":"SCMP_ACT_ERRNO"{fields}}}"#);
            resolve(json.as_bytes(), host(&[])).map(|r| r.architectures().clone()).map_err(|e| e.to_string())
        };
        let map = r#","archMap":[{"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]},
            {"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_NOSUCH"]}]"#;
        assert_eq!(arches(""), Ok(None));
        assert_eq!(arches(map), Ok(Some(vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86])));
        assert_eq!(arches(r#","architectures":["SCMP_ARCH_X32","x"]"#), Ok(Some(vec![Arch::ScmpArchX32])));
        let other = r#","archMap":[{"architecture":"SCMP_ARCH_AARCH64"}]"#;
        assert_eq!(arches(other), Ok(Some(vec![Arch::ScmpArchX86_64])));
        let both = format!(r#"{map},"architectures":["SCMP_ARCH_X32"]"#);
        assert!(arches(&both).unwrap_err().contains("use one of them"));
    }

    #[test]
    fn error_numbers_by_name_and_number() {
        for (text, number, expected) in [
            (None, None, Ok(None)),
            (None, Some(5), Ok(Some(5))),
            (Some(""), Some(5), Ok(Some(5))),
            (Some("EPERM"), Some(5), Ok(Some(1))),
            (Some("ENOSYS"), None, Ok(Some(38))),
            (Some("38"), None, Ok(Some(38))),
            (Some("ENOSUCH"), None, Err("unknown error number `ENOSUCH`".to_owned())),
        ] {
            assert_eq!(errno(text, number).map_err(|e| e.to_string()), expected, "{text:?} {number:?}");
        }
    }

    #[test]
    fn bad_profiles_are_refused_in_words() {
        for (json, message) in [
            ("", "EOF while parsing"),
            ("{}", "missing field `defaultAction`"),
            (r#"{"defaultAction":"ALLOW"}"#, "unknown variant `ALLOW`"),
            (
                r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"a","names":["b"],"action":"SCMP_ACT_LOG"}]}"#,
                "`name` and `names` are both given",
            ),
            (
                r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["b"],"action":"SCMP_ACT_LOG","includes":{"minKernel":"x"}}]}"#,
                "`minKernel` is `x`",
            ),
        ] {
            let error = names(json, &[]).unwrap_err();
            assert!(error.contains(message), "{json}: {error}");
        }
        let old = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"a","action":"SCMP_ACT_LOG"}]}"#;
        assert_eq!(names(old, &[]), Ok(vec!["a".to_owned()]));
    }
}
