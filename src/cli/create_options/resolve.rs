//! From what was typed to what is meant.

mod network;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::CreateArgs;
use super::image::ImageArgs;
use super::namespaces::NamespacesArgs;
use super::process::ProcessArgs;
use crate::bail;
use crate::cli::env::{self, PODMAN_USERNS};
use crate::cli::image::pull::pull_policy;
use crate::cli::image::registry_flags::{credentials, retry_delay};
use crate::container::cdi;
use crate::container::devices::Device;
use crate::container::environment::{self, Environment};
use crate::container::logging::LogOptions;
use crate::container::mounts::{self, ImageVolumes, UserMount, VolumesFrom};
use crate::container::namespaces::{self, IpcMode, Sharing};
use crate::container::options::{Platform, Pull, PullPolicy, Source, Streams};
use crate::container::personality::Personality;
use crate::container::secrets::SecretRequest;
use crate::container::security::Security;
use crate::container::{
    CreateOptions, capabilities, limits, process, restart, signal, size, store, sysctl, timezone, userns,
};
use crate::error::{Context, Error, Result};
use crate::storage::fs;

/// From where a command is typed.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The working directory; absolute.
    pub cwd: PathBuf,
    pub env: Vec<(String, String)>,
}

impl Invocation {
    /// That of this process. Variables that are not UTF-8 are left out, as they could not be passed on anyway.
    pub fn current() -> Result<Self> {
        // It may have been removed; then relative paths fail, and nothing else does.
        let cwd = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/proc/self/cwd"));
        let env = std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?)));
        Ok(Invocation { cwd, env: env.collect() })
    }
}

/// Converts the flags of `run` and `create`. Reads the files that flags name, and nothing else.
pub fn resolve(args: &CreateArgs, at: &Invocation) -> Result<CreateOptions> {
    check_misc(args)?;
    network::check(&args.network, at)?;
    let (image, command) = args.words.split_first().ok_or_else(|| Error::new("an image is needed"))?;
    let (process, files, network) = (&args.process, &args.files, &args.network);
    let (security, misc) = (&args.security, &args.misc);
    let attach = attach(&process.attach)?;
    let absolute = |path: &Option<PathBuf>| path.as_ref().map(|path| at.cwd.join(path));
    Ok(CreateOptions {
        source: source(image, *files.rootfs, at)?,
        pull: pull(&args.image)?,
        name: name(misc.name.as_deref())?,
        replace: *misc.replace,

        command: command.to_vec(),
        entrypoint: process.entrypoint.as_deref().map(process::parse_entrypoint),
        environment: environment(process, at)?,
        workdir: workdir(process.workdir.as_deref())?,
        user: process.user.clone().filter(|user| !user.is_empty()),
        group_add: group_add(&process.group_add)?,
        tty: *process.tty,
        // To attach to an input is to want it open.
        interactive: *process.interactive || attach.is_some_and(|streams| streams.stdin),
        attach,
        init: *process.init,
        stop_signal: process.stop_signal.as_deref().map(signal::parse).transpose()?,
        stop_timeout: process.stop_timeout,
        timeout: process.timeout,
        timezone: process.tz.as_deref().filter(|name| !name.is_empty()).map(timezone).transpose()?,
        personality: process.personality.as_deref().map(Personality::parse).transpose()?,
        no_passwd: false,
        passwd_entry: process.passwd_entry.as_deref().map(|text| account_entry("passwd", text)).transpose()?,
        group_entry: process.group_entry.as_deref().map(|text| account_entry("group", text)).transpose()?,
        host_users: words(&process.hostuser),
        keep_groups: process.group_add.iter().any(|group| group == "keep-groups"),
        requires: words(&misc.requires),
        chroot_dirs: chroot_dirs(&files.chrootdirs)?,
        umask: process.umask.as_deref().filter(|text| !text.is_empty()).map(umask).transpose()?,

        labels: labels(&misc.label, &misc.label_file, at)?,
        annotations: annotations(&misc.annotation)?,
        auto_remove: *misc.rm,
        auto_remove_image: false,
        restart: restart::parse(misc.restart.as_deref().unwrap_or_default())?,
        log: LogOptions::parse(args.log.log_driver.as_deref(), &args.log.log_opt, &at.cwd)?,
        no_healthcheck: *args.health.no_healthcheck,
        cid_file: absolute(&misc.cidfile),
        pid_file: absolute(&misc.pidfile),
        monitor_pid_file: absolute(&misc.conmon_pidfile),

        mounts: user_mounts(args, at)?,
        volumes_from: volumes_from(&files.volumes_from)?,
        inherited: Vec::new(),
        devices: files
            .device
            .iter()
            .filter(|text| !cdi::is_name(text))
            .map(|text| Device::parse(text))
            .collect::<Result<_>>()?,
        cdi: cdi_names(&files.device, &files.gpus)?,
        cdi_directories: cdi_directories(at),
        secrets: files.secret.iter().map(|text| SecretRequest::parse(text)).collect::<Result<_>>()?,
        image_volumes: ImageVolumes::parse(files.image_volume.as_deref().unwrap_or_default())?,
        read_only: *files.read_only,
        no_read_only_tmpfs: !*files.read_only_tmpfs,
        shm_size: match &files.shm_size {
            Some(text) => Some(size::parse(text).context("invalid value for shm-size")?),
            None => None,
        },

        network: network.network.clone(),
        addresses: network::addresses(network)?,
        mac: network::mac(network)?,
        network_aliases: words(&network.network_alias),
        egress: network::egress(network)?,
        restricted: false,
        publish: words(&network.publish),
        publish_all: *network.publish_all,
        expose: network::expose(&network.expose)?,
        dns: words(&network.dns),
        dns_search: words(&network.dns_search),
        dns_option: words(&network.dns_option),
        add_host: words(&network.add_host),
        no_hosts: network.no_hosts.map(|no_hosts| *no_hosts),
        hosts_file: network::hosts_file(network.hosts_file.as_deref().unwrap_or_default(), at),
        hostname: network.hostname.clone().filter(|name| !name.is_empty()),
        no_hostname: *network.no_hostname,

        userns: userns(&args.namespaces, at)?,
        pid: Sharing::parse(args.namespaces.pid.as_deref().unwrap_or_default())?,
        ipc: IpcMode::parse(args.namespaces.ipc.as_deref().unwrap_or_default())?,
        uts: Sharing::parse(args.namespaces.uts.as_deref().unwrap_or_default())?,
        cgroup: Sharing::parse(args.namespaces.cgroupns.as_deref().unwrap_or_default())?,
        no_cgroup: namespaces::parse_cgroups(args.limits.cgroups.as_deref().unwrap_or_default())?,

        privileged: *security.privileged,
        cap_add: capabilities::normalize(&words(&security.cap_add))?,
        cap_drop: capabilities::normalize(&words(&security.cap_drop))?,
        security: Security::parse(&security.security_opt, &at.cwd)?,
        sysctls: sysctl::parse(&words(&security.sysctl))?,
        ulimits: limits::parse(&words(&args.limits.ulimit))?,
        oom_score_adj: oom_score_adj(args.limits.oom_score_adj)?,
    })
}

/// Flags of which only some values are there, and files that must not be.
fn check_misc(args: &CreateArgs) -> Result<()> {
    let later = |flag: &str, value: &str, matter: &str| {
        Err(Error::new(format!("`--{flag}={value}` is not there yet: {matter} is the matter of a later release")))
    };
    if let Some(memory) = &args.limits.memory {
        size::parse(memory).context("invalid value for memory")?;
        bail!("--memory is not supported: resource limits are the matter of a later release");
    }
    if !*args.image.disable_content_trust {
        bail!("--disable-content-trust=false is not supported: there is no content trust of Docker's here");
    }
    match args.misc.systemd.as_deref() {
        None | Some("false") => {}
        Some(value @ ("true" | "always")) => return later("systemd", value, "running systemd in a container"),
        Some(other) => bail!("invalid value `{other}` for `--systemd`: use false, true or always"),
    }
    match args.misc.sdnotify.as_deref() {
        None | Some("ignore") => {}
        Some(value @ ("container" | "conmon" | "healthy")) => {
            return later("sdnotify", value, "telling systemd of a container");
        }
        Some(other) => bail!("invalid sdnotify value \"{other}\": must be container, conmon, healthy or ignore"),
    }
    match args.security.seccomp_policy.as_deref() {
        None | Some("" | "default") => {}
        Some("image") => return later("seccomp-policy", "image", "a seccomp profile in an image"),
        Some(other) => bail!("invalid seccomp policy \"{other}\": must be default or image"),
    }
    if *args.misc.replace && args.misc.name.as_deref().unwrap_or_default().is_empty() {
        bail!("cannot replace container without --name being set");
    }
    Ok(())
}

/// The words of a flag whose values are split at commas: an empty value is no word.
fn words(values: &[String]) -> Vec<String> {
    values.iter().filter(|word| !word.is_empty()).cloned().collect()
}

fn name(text: Option<&str>) -> Result<Option<String>> {
    match text {
        None | Some("") => Ok(None),
        Some(name) if store::is_valid_name(name) => Ok(Some(name.to_owned())),
        Some(name) => {
            bail!("invalid name `{name}`: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument")
        }
    }
}

fn source(image: &str, is_rootfs: bool, at: &Invocation) -> Result<Source> {
    if image.is_empty() {
        bail!("the name of the image is empty");
    }
    if !is_rootfs {
        return Ok(Source::Image(image.to_owned()));
    }
    let (path, option) = match image.rsplit_once(':').filter(|(path, _)| !path.is_empty()) {
        Some((path, option)) if option == "O" || option == "idmap" || option.starts_with("idmap=") => (path, option),
        _ => (image, ""),
    };
    if let Some(map) = option.strip_prefix("idmap") {
        if let Some(map) = map.strip_prefix('=') {
            crate::container::idmap::IdMap::parse(map)?;
        }
        return Err(Error::new(format!(
            "the root `{path}` cannot be ID-mapped: only the owner of a file system may map its IDs"
        ))
        .hint("change the owners once, with `coracle unshare chown -R`, or copy the root with `coracle import`"));
    }
    let dir = at.cwd.join(path);
    let dir = dir.canonicalize().with_context(|| format!("opening the root `{path}`"))?;
    if !dir.is_dir() {
        bail!("the root `{path}` is not a directory");
    }
    Ok(Source::Rootfs { path: dir, overlay: option == "O" })
}

fn pull(args: &ImageArgs) -> Result<Pull> {
    let policy = match args.pull.as_deref() {
        None | Some("") => PullPolicy::Missing,
        Some(text) => pull_policy(text)?,
    };
    Ok(Pull {
        policy,
        platform: platform(args)?,
        quiet: *args.quiet,
        tls_verify: args.tls_verify.map(|verify| *verify),
        retry: args.retry,
        retry_delay: args.retry_delay.as_deref().map(retry_delay).transpose()?,
        authfile: args.authfile.clone(),
        cert_dir: args.cert_dir.clone(),
        credentials: args.creds.as_deref().map(credentials).transpose()?,
    })
}

fn platform(args: &ImageArgs) -> Result<Platform> {
    let own = |text: &Option<String>| text.clone().unwrap_or_default();
    let Some(text) = args.platform.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(Platform { os: own(&args.os), arch: own(&args.arch), variant: own(&args.variant) });
    };
    if args.os.is_some() || args.arch.is_some() {
        bail!("--platform option can not be specified with --arch or --os");
    }
    let mut parts = text.split('/');
    let mut next = || parts.next().unwrap_or_default().to_owned();
    let platform = Platform { os: next(), arch: next(), variant: next() };
    if platform.os.is_empty() || parts.next().is_some() {
        bail!("invalid platform \"{text}\": must be OS/ARCH[/VARIANT]");
    }
    Ok(platform)
}

fn environment(args: &ProcessArgs, at: &Invocation) -> Result<Environment> {
    let mut set = Vec::new();
    for path in &args.env_file {
        let text = fs::read_to_string(&at.cwd.join(path))?;
        let entries = environment::parse_file(&text, &at.env);
        set.extend(entries.with_context(|| format!("environment file `{}`", path.display()))?);
    }
    // As in the reference, an empty one is none here, but an error for `exec`.
    for text in args.env.iter().filter(|text| !text.is_empty()) {
        set.extend(environment::parse_entry(text, &at.env)?);
    }
    let merge = args.env_merge.iter().map(|text| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Error::new(format!("missing `=` for --env-merge substitution {text}"))),
    });
    let host = match (*args.env_host, *args.http_proxy) {
        (true, _) => at.env.clone(),
        (false, true) => environment::proxies(&at.env),
        (false, false) => Vec::new(),
    };
    Ok(Environment {
        host,
        set,
        merge: merge.collect::<Result<_>>()?,
        unset: args.unsetenv.clone(),
        unset_all: *args.unsetenv_all,
    })
}

fn workdir(text: Option<&str>) -> Result<Option<PathBuf>> {
    match text {
        None | Some("") => Ok(None),
        Some(text) if text.starts_with('/') && !text.contains('\0') => Ok(Some(PathBuf::from(text))),
        Some(text) => bail!("the working directory `{text}` is invalid, it needs to be an absolute path"),
    }
}

fn group_add(values: &[String]) -> Result<Vec<String>> {
    let groups = words(values);
    if !groups.iter().any(|group| group == "keep-groups") {
        return Ok(groups);
    }
    if groups.len() > 1 {
        bail!("the '--group-add keep-groups' option is not allowed with any other --group-add options");
    }
    Ok(Vec::new())
}

fn attach(values: &[String]) -> Result<Option<Streams>> {
    let mut streams = Streams::default();
    for value in values {
        match value.to_ascii_lowercase().as_str() {
            "stdin" => streams.stdin = true,
            "stdout" => streams.stdout = true,
            "stderr" => streams.stderr = true,
            _ => bail!("invalid stream \"{value}\" for --attach - must be one of stdin, stdout, or stderr"),
        }
    }
    Ok((!values.is_empty()).then_some(streams))
}

/// A time zone that this host knows.
fn timezone(name: &str) -> Result<String> {
    timezone::read(name).map(|_| name.to_owned())
}

/// A line for the passwd or group file.
fn account_entry(file: &str, text: &str) -> Result<String> {
    if text.contains(['\n', '\0']) {
        bail!("invalid {file} entry: it must be one line");
    }
    Ok(text.to_owned())
}

fn chroot_dirs(values: &[String]) -> Result<Vec<PathBuf>> {
    let words = values.iter().flat_map(|value| value.split(',')).filter(|word| !word.is_empty());
    words
        .map(|word| match mounts::clean(Path::new(word)) {
            dir if dir == Path::new("/") || word.contains('\0') => {
                bail!("`--chrootdirs {word}` is no directory below the root")
            }
            dir => Ok(dir),
        })
        .collect()
}

fn umask(text: &str) -> Result<u32> {
    let octal = (1..=4).contains(&text.len()) && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    match u32::from_str_radix(text, 8) {
        Ok(umask) if octal && umask <= 0o777 => Ok(umask),
        _ => bail!("invalid umask string {text}: must be octal, 0000 to 0777"),
    }
}

fn labels(given: &[String], files: &[PathBuf], at: &Invocation) -> Result<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    let mut add = |text: &str| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() {
            bail!("invalid label format: \"{text}\"");
        }
        labels.insert(key.to_owned(), value.to_owned());
        Ok(())
    };
    for path in files {
        let text = fs::read_to_string(&at.cwd.join(path))?;
        let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            let key = line.split('=').next().unwrap_or_default();
            if key.contains(char::is_whitespace) {
                bail!("label file `{}`: name \"{key}\" has white spaces, poorly formatted name", path.display());
            }
            add(line).with_context(|| format!("label file `{}`", path.display()))?;
        }
    }
    for text in given {
        add(text)?;
    }
    Ok(labels)
}

fn annotations(given: &[String]) -> Result<BTreeMap<String, String>> {
    let one = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Error::new(format!("annotation \"{text}\" must be formatted KEY=VALUE"))),
    };
    given.iter().map(one).collect()
}

fn user_mounts(args: &CreateArgs, at: &Invocation) -> Result<Vec<UserMount>> {
    let files = &args.files;
    let volumes = files.volume.iter().map(|text| mounts::parse_volume(text, &at.cwd));
    let mut all = Vec::new();
    for text in &files.mount {
        all.extend(mounts::parse_mount(text, &at.cwd)?);
    }
    let tmpfs = files.tmpfs.iter().map(|text| mounts::parse_tmpfs(text));
    all.extend(volumes.chain(tmpfs).collect::<Result<Vec<_>>>()?);
    mounts::check_duplicates(&all)?;
    let home = at.env.iter().find(|(name, _)| name == env::HOME).map(|(_, home)| PathBuf::from(home));
    all.iter().try_for_each(|mount| mount.check_chown(home.as_deref()))?;
    Ok(all)
}

fn volumes_from(values: &[String]) -> Result<Vec<(String, VolumesFrom)>> {
    values.iter().map(|text| Ok((text.clone(), VolumesFrom::parse(text)?))).collect()
}

fn cdi_names(devices: &[String], gpus: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = devices.iter().filter(|text| cdi::is_name(text)).cloned().collect();
    names.extend(cdi::gpus(gpus)?);
    Ok(names)
}

fn cdi_directories(at: &Invocation) -> Vec<PathBuf> {
    match at.env.iter().find(|(name, value)| name == env::CORACLE_CDI_DIRS && !value.is_empty()) {
        Some((_, dirs)) => dirs.split(':').filter(|dir| dir.starts_with('/')).map(PathBuf::from).collect(),
        None => cdi::DIRECTORIES.iter().map(PathBuf::from).collect(),
    }
}

/// `PODMAN_USERNS` counts where no flag speaks of the mapping.
fn userns(args: &NamespacesArgs, at: &Invocation) -> Result<userns::Request> {
    let maps = (args.uidmap.as_slice(), args.gidmap.as_slice());
    let names = (args.subuidname.as_deref(), args.subgidname.as_deref());
    let silent = args.userns.is_none() && [maps.0, maps.1].concat().is_empty() && names == (None, None);
    let default = at.env.iter().find(|(name, _)| name == PODMAN_USERNS).map(|(_, value)| value.as_str());
    userns::Request::parse(if silent { default } else { args.userns.as_deref() }, maps, names)
}

fn oom_score_adj(given: Option<i32>) -> Result<Option<i32>> {
    match given {
        Some(score) if !(-1000..=1000).contains(&score) => {
            bail!("invalid value {score} for `--oom-score-adj`: must be between -1000 and 1000")
        }
        given => Ok(given),
    }
}
