//! Command lines of `run`, and what they mean.

use std::path::Path;

use clap::{Args as _, Command, FromArgMatches as _};

use super::*;
use crate::cli::args::like_go;
use crate::container::CreateOptions;
use crate::container::limits::Ulimits;
use crate::container::logging::LogDriver;
use crate::container::mounts::ImageVolumes;
use crate::container::namespaces::{IpcMode, Sharing};
use crate::container::options::{PullPolicy, Source, Streams};
use crate::container::security::SeccompChoice;

#[derive(Debug, clap::Args)]
struct Run {
    #[command(flatten)]
    create: CreateArgs,
    #[command(flatten)]
    run: RunOnly,
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn typed(words: &[&str]) -> Result<Run, clap::Error> {
    let command = like_go(Run::augment_args(Command::new("run")));
    Run::from_arg_matches(&command.try_get_matches_from(std::iter::once(&"run").chain(words))?)
}

fn invocation() -> Invocation {
    let pair = |(n, v): (&str, &str)| (n.to_owned(), v.to_owned());
    Invocation { cwd: "/etc".into(), env: [("A1", "x"), ("A2", "y"), ("http_proxy", "p")].map(pair).to_vec() }
}

fn meant(words: &[&str]) -> crate::error::Result<CreateOptions> {
    let typed = typed(words).unwrap_or_else(|e| panic!("{words:?}: {e}"));
    resolve(&typed.create, &invocation())
}

fn run(line: &str) -> CreateOptions {
    meant(&words(line)).unwrap_or_else(|e| panic!("{line}: {e}"))
}

/// What is wrong with a command line: the parser's reason, or the conversion's.
fn wrong(line: &str) -> String {
    match typed(&words(line)) {
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            cause.unwrap_or_else(|| error.to_string())
        }
        Ok(typed) => match resolve(&typed.create, &invocation()) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{line}: nothing is wrong"),
        },
    }
}

#[test]
fn the_definition_is_sound() {
    like_go(Run::augment_args(Command::new("run"))).debug_assert();
    like_go(CreateOnly::augment_args(CreateArgs::augment_args(Command::new("create")))).debug_assert();
}

#[test]
fn flags_end_at_the_image() {
    let options = run("-it --rm -e A=1 -- image -x --rm=false -- y");
    assert_eq!(options.source, Source::Image("image".to_owned()));
    assert_eq!(options.command, ["-x", "--rm=false", "--", "y"]);
    assert!(options.tty && options.interactive && options.auto_remove);
    assert!(typed(&words("--rm")).is_err());
    assert!(typed(&words("--bogus image")).is_err());
}

#[test]
fn nothing_given_means_the_defaults() {
    let source = Source::Image("i".to_owned());
    let mut want = CreateOptions { source, ..Default::default() };
    want.environment.host = vec![("http_proxy".to_owned(), "p".to_owned())];
    want.restart.name = "no".to_owned();
    want.cdi_directories = crate::container::cdi::DIRECTORIES.map(Into::into).to_vec();
    assert_eq!(run("i"), want);
}

#[test]
fn values_that_mean_the_default_are_taken() {
    for flag in [
        "--systemd=false",
        "--sdnotify=ignore",
        "--cgroups=enabled",
        "--cgroups=disabled",
        "--pull=missing",
        "--tls-verify",
        "--tls-verify=false",
        "--userns=host",
        "--userns=",
        "--uts=private",
        "--seccomp-policy=default",
        "--disable-content-trust",
        "--oom-kill-disable=false",
        "--passwd=false",
        "--network host",
        "--net none",
        "--dns-opt ndots:1",
        "--cap-add=",
        "--name=",
    ] {
        run(&format!("{flag} i"));
    }
}

#[test]
fn the_environment_comes_from_many_places() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("env");
    std::fs::write(&file, "# c\nF=1\nA1\n").unwrap();
    let options = meant(&["--env-file", file.to_str().unwrap(), "-e", "F=2", "-eA*", "--env=X=a,b", "-e", "NONE", "i"]);
    let set = options.unwrap().environment.set;
    let flat: Vec<String> = set.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(flat, ["F=1", "A1=x", "F=2", "A1=x", "A2=y", "X=a,b"]);
    assert!(run("--http-proxy=false i").environment.host.is_empty());
    assert_eq!(run("--env-host i").environment.host.len(), 3);
    let merge = run("--env-merge PATH=${PATH}:/x --unsetenv B --unsetenv-all i").environment;
    assert_eq!(merge.merge, [("PATH".to_owned(), "${PATH}:/x".to_owned())]);
    assert!(merge.unset == ["B"] && merge.unset_all);
    assert!(wrong("--env-file /nosuch i").contains("reading `/nosuch`"));
    assert!(wrong("-e =x i").contains("invalid variable"));
}

#[test]
fn labels_and_annotations() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("labels");
    std::fs::write(&file, "a=file\n\nb=file\n#c=1\n").unwrap();
    let options = meant(&["--label-file", file.to_str().unwrap(), "-l", "a=flag", "--label", "flag", "i"]).unwrap();
    let flat: Vec<String> = options.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(flat, ["a=flag", "b=file", "flag="]);
    assert_eq!(run("--annotation k=v=w i").annotations["k"], "v=w");
    assert!(wrong("--annotation k i").contains("KEY=VALUE"));
    assert!(wrong("-l =v i").contains("invalid label format"));
}

#[test]
fn lists_are_split_at_commas_where_the_reference_splits_them() {
    let options =
        run("--cap-add net_raw,sys_admin --cap-drop=chown --dns 1.1.1.1,2.2.2.2 -p 80,81:81 --expose 1-2,3/udp i");
    assert_eq!(options.cap_add, ["CAP_NET_RAW", "CAP_SYS_ADMIN"]);
    assert_eq!(options.cap_drop, ["CAP_CHOWN"]);
    assert_eq!(options.dns, ["1.1.1.1", "2.2.2.2"]);
    assert_eq!(options.publish, ["80", "81:81"]);
    assert_eq!(options.expose, ["1/tcp", "2/tcp", "3/udp"]);
    assert_eq!(run("--sysctl net.a=1,net.b=2 i").sysctls.len(), 2);
    assert!(matches!(run("--ulimit nofile=1:2,core=0 i").ulimits, Ulimits::Set(limits) if limits.len() == 2));
    assert_eq!(
        run("--network slirp4netns:mtu=1500,cidr=10.0.2.0/24 i").network,
        ["slirp4netns:mtu=1500,cidr=10.0.2.0/24"]
    );
}

#[test]
fn files_and_devices() {
    let options = run("-v ./x:/a:ro --mount type=bind,src=/b,dst=/b --tmpfs /t:size=1m --device /dev/fuse:rw i");
    let places: Vec<_> = options.mounts.iter().map(|m| m.destination.to_str().unwrap()).collect();
    assert_eq!(places, ["/b", "/a", "/t"]);
    assert_eq!(options.devices[0].permissions, "rw");
    let by_name = run("--device vendor.com/dev=x --gpus 0,1 i");
    assert_eq!(by_name.cdi, ["vendor.com/dev=x", "nvidia.com/gpu=0", "nvidia.com/gpu=1"]);
    assert!(by_name.devices.is_empty());
    assert_eq!(run("--image-volume=ignore i").image_volumes, ImageVolumes::Ignore);
    assert_eq!(run("--shm-size 64m i").shm_size, Some(67_108_864));
    assert!(run("--read-only --read-only-tmpfs=false i").no_read_only_tmpfs);
    assert_eq!(
        run("--rootfs . sh").source,
        Source::Rootfs { path: Path::new("/etc").canonicalize().unwrap(), overlay: false }
    );
    assert!(matches!(run("--rootfs .:O sh").source, Source::Rootfs { overlay: true, .. }));
    assert_eq!(run("--hosts-file hosts i").hosts_file, "/etc/hosts");
    assert_eq!(run("--hosts-file none --cidfile nosuch.cid i").cid_file, Some("/etc/nosuch.cid".into()));
}

#[test]
fn namespaces_and_security() {
    let options =
        run("--pid host --ipc=none --privileged --security-opt seccomp=unconfined --security-opt=no-new-privileges i");
    assert_eq!((options.pid, options.ipc), (Sharing::Host, IpcMode::None));
    let joined = run("--pid container:x --ipc=ns:/y --uts container:z i");
    assert_eq!((joined.pid, joined.ipc), (Sharing::Container("x".into()), IpcMode::Path("/y".into())));
    assert_eq!(options.security.seccomp, SeccompChoice::Unconfined);
    assert!(options.privileged && options.security.no_new_privileges);
}

#[test]
fn process_settings() {
    let options = run(
        "--entrypoint /bin/x --stop-signal INT --stop-timeout 3 --timeout 4 --umask 077 --oom-score-adj -5 -u 1:2 -w /w \
         -a stdout,stderr --group-add video,audio --init --restart on-failure:2 --log-driver json-file --log-opt max-size=1k i",
    );
    assert_eq!(options.entrypoint, Some(vec!["/bin/x".to_owned()]));
    assert_eq!((options.stop_signal, options.stop_timeout, options.timeout), (Some(2), Some(3), 4));
    assert_eq!((options.umask, options.oom_score_adj), (Some(0o77), Some(-5)));
    assert_eq!((options.user.as_deref(), options.workdir), (Some("1:2"), Some("/w".into())));
    assert_eq!(options.attach, Some(Streams { stdin: false, stdout: true, stderr: true }));
    assert_eq!(options.group_add, ["video", "audio"]);
    assert_eq!((options.restart.name.as_str(), options.restart.max_retries), ("on-failure", 2));
    assert_eq!((options.log.driver, options.log.max_size), (LogDriver::JsonFile, Some(1000)));
    let cleared = meant(&["--entrypoint", "", "i", "x"]).unwrap();
    assert_eq!(cleared.entrypoint, Some(vec![String::new()]));
}

#[test]
fn pulling() {
    let pull = run("--pull always --platform linux/arm/v7 --retry 2 --retry-delay 1m30s -q --tls-verify=0 i").pull;
    assert_eq!(pull.policy, PullPolicy::Always);
    assert_eq!(
        (pull.platform.os.as_str(), pull.platform.arch.as_str(), pull.platform.variant.as_str()),
        ("linux", "arm", "v7")
    );
    assert_eq!((pull.retry, pull.retry_delay), (Some(2), Some(std::time::Duration::from_secs(90))));
    assert_eq!((pull.quiet, pull.tls_verify), (true, Some(false)));
    assert_eq!(run("--arch arm64 --variant v8 i").pull.platform.arch, "arm64");
}

#[test]
fn what_is_not_there_yet_says_so() {
    for flag in [
        "--memory 1g",
        "-m 1g",
        "--cpus 2",
        "-c 5",
        "--pids-limit -1",
        "--cpu-quota -1",
        "--memory-swap -1",
        "--oom-kill-disable",
        "--health-cmd true",
        "--pod p",
        "--systemd=always",
        "--systemd=true",
        "--sdnotify=conmon",
        "--init-path /x",
        "--rootfs",
        "--log-driver journald",
        "--disable-content-trust=false",
        "--seccomp-policy image",
    ] {
        let image = if flag == "--rootfs" { "/:idmap" } else { "i" };
        let error = wrong(&format!("{flag} {image}"));
        let says =
            ["later release", "part of this program", "not passed into", "no content trust", "cannot be ID-mapped"];
        assert!(says.iter().any(|words| error.contains(words)), "{flag}: {error}");
    }
    assert_eq!(wrong("--memory abc i"), "invalid value for memory: invalid size: 'abc'");
}

#[test]
fn accounts_secrets_and_the_like() {
    let options = run("--group-add keep-groups --hostuser a,b --hostuser c --requires x,y --chrootdirs /a,b --tz= i");
    assert!(options.keep_groups && options.group_add.is_empty() && options.timezone.is_none() && !options.no_passwd);
    assert_eq!(options.host_users, ["a", "b", "c"]);
    assert_eq!(options.requires, ["x", "y"]);
    assert_eq!(options.chroot_dirs, [Path::new("/a"), Path::new("/b")]);
    assert_eq!(run("--umask= i").umask, None);
    let secrets = run("--secret a --secret b,type=env i").secrets;
    assert_eq!(secrets.iter().map(|secret| secret.source.as_str()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_cannot_be_is_one_clear_line() {
    for (line, part) in [
        ("--secret a,type=b i", "type b is invalid: parsing secret"),
        ("--tz ../x i", "invalid location name"),
        ("--personality x i", "unknown persona"),
        ("--chrootdirs / i", "--chrootdirs"),
        ("--group-add keep-groups,5 i", "is not allowed with any other --group-add options"),
        ("--restart sometimes i", "invalid restart policy"),
        ("--pull often i", "unsupported pull policy \"often\""),
        ("--platform linux/arm --arch arm i", "--platform option can not be specified with --arch or --os"),
        ("--platform / i", "invalid platform"),
        ("--umask 999 i", "invalid umask string 999"),
        ("--umask 7777 i", "invalid umask string 7777"),
        ("--stop-signal NOPE i", "invalid signal: NOPE"),
        ("--oom-score-adj 2000 i", "between -1000 and 1000"),
        ("--workdir w i", "absolute path"),
        ("--attach stdwhat i", "must be one of stdin, stdout, or stderr"),
        ("--cap-add nonsense i", "unknown capability"),
        ("--name a/b i", "names must match"),
        ("-p 99999:1 i", "port numbers must be between 1 and 65535 (inclusive), got 99999"),
        ("--add-host x i", "bad format for add-host"),
        ("--add-host x:1.1.1.1 --no-hosts i", "--no-hosts and --add-host cannot be set together"),
        ("--dns nonsense i", "nonsense is not an ip address"),
        ("--dns none,1.1.1.1 i", "none is not allowed"),
        ("--dns none --dns-search x i", "UseImageResolvConf and DNSSearch are mutually exclusive"),
        ("--dns none --dns-option edns0 i", "UseImageResolvConf and DNSOption are mutually exclusive"),
        ("--replace i", "cannot replace container without --name being set"),
        ("--shm-size big i", "invalid value for shm-size: invalid size: 'big'"),
        ("--retry-delay soon i", "a duration like 2s"),
        ("--userns nonsense i", "unrecognized namespace mode"),
        ("--pid pod i", "cannot use pod namespace"),
        ("--gpus a/b i", "invalid GPU"),
        ("--image-volume x i", "invalid image-volume type"),
        ("--expose 0 i", "between 1 and 65535"),
        ("--tmpfs /a --tmpfs /a i", "/a: duplicate mount destination"),
        ("--rootfs /nosuch i", "opening the root `/nosuch`: No such file or directory"),
        ("--rootfs passwd i", "is not a directory"),
        ("--stop-timeout -1 i", "-1 is not in 0.."),
        ("--sdnotify x i", "invalid sdnotify value"),
        ("--systemd x i", "use false, true or always"),
    ] {
        let error = wrong(line);
        assert!(error.contains(part), "{line}: {error}");
        assert_eq!(error.lines().count(), 1, "{line}: {error}");
    }
}

#[test]
fn in_front_or_behind() {
    let front = |line: &str| {
        let typed = typed(&words(line)).unwrap();
        let mut options = resolve(&typed.create, &invocation()).unwrap();
        typed.run.resolve(&mut options).map(|foreground| (foreground, options))
    };
    let (foreground, _) = front("i").unwrap();
    let streams = Streams { stdin: false, stdout: true, stderr: true };
    assert_eq!(foreground, Some(Foreground { streams, detach_keys: None, sig_proxy: true }));
    let (foreground, _) = front("-it --detach-keys ctrl-x i").unwrap();
    let streams = Streams { stdin: true, stdout: true, stderr: true };
    let detach_keys = Some("ctrl-x".to_owned());
    assert_eq!(foreground, Some(Foreground { streams, detach_keys, sig_proxy: false }));
    let (foreground, options) = front("-a stdin i").unwrap();
    let streams = Streams { stdin: true, stdout: false, stderr: false };
    assert_eq!(foreground.map(|f| f.streams), Some(streams));
    assert!(options.interactive);
    let (foreground, options) = front("-d --rmi i").unwrap();
    assert!(foreground.is_none() && options.auto_remove && options.auto_remove_image);
    assert!(front("-d -a stdout i").is_err());
}

/// The flags of the reference, from its list: a type in the second column means that a value is taken.
#[test]
fn no_flag_of_the_reference_is_missing() {
    let command = like_go(Run::augment_args(Command::new("run")));
    let flags = include_str!("flags.txt");
    for line in flags.lines() {
        let (short, rest) = match line.split_once(' ') {
            Some((short, rest)) if short.len() == 2 => (short.chars().nth(1), rest),
            _ => (None, line),
        };
        let (long, kind) = rest.split_once(' ').unwrap_or((rest, ""));
        let long = long.trim_start_matches('-');
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(long));
        let arg = arg.unwrap_or_else(|| panic!("--{long} is missing"));
        assert_eq!(arg.get_short(), short, "--{long}");
        let takes_value = arg.get_action().takes_values() && !crate::cli::args::is_bool(arg);
        assert_eq!(takes_value, !kind.is_empty(), "--{long}");
        if takes_value {
            let names: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
            assert_eq!(names, [kind], "--{long}");
        }
    }
    assert!(flags.lines().count() > 140);
}

proptest::proptest! {
    #[test]
    fn never_panics(words in proptest::collection::vec("(-[a-z]{1,3}|--[a-z]{2,8}(=.{0,6})?|.{0,8})", 1..6)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Ok(typed) = typed(&words) {
            let _ = resolve(&typed.create, &invocation());
        }
    }
}
