//! One test's world: its own home, run-time directory, `--root` and `--runroot`, below one short path. When it is
//! dropped, every container is removed, and the test fails if a process is left.

use std::ffi::OsStr;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::command::{Cmd, Output};
use super::image::Image;
use super::{fixtures, leftovers, poll};

/// The binary under test.
pub const CORACLE: &str = env!("CARGO_BIN_EXE_coracle");

/// The directories of one test.
pub struct Env {
    dir: PathBuf,
}

impl Env {
    /// An empty one.
    pub fn new() -> Self {
        // Short, because the path of a socket has 108 bytes at most.
        let dir = tempfile::Builder::new().prefix("c").rand_bytes(5).tempdir().expect("a directory").keep();
        let env = Env { dir: dir.canonicalize().expect("the directory's path") };
        // Other users (those of containers) must be able to pass.
        std::fs::set_permissions(&env.dir, std::fs::Permissions::from_mode(0o755)).expect("its permissions");
        for sub in ["home", "x", "work", "tmp"] {
            std::fs::DirBuilder::new().mode(if sub == "x" { 0o700 } else { 0o755 }).create(env.dir.join(sub)).unwrap();
        }
        env
    }

    /// One whose store has the busybox image.
    pub fn busybox() -> Self {
        let env = Env::new();
        env.load(fixtures::busybox());
        env
    }

    /// Directory of the test's own files, where commands are run. Below it nothing of the engine's is kept.
    pub fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    pub fn root(&self) -> PathBuf {
        self.dir.join("r")
    }

    pub fn runroot(&self) -> PathBuf {
        self.dir.join("n")
    }

    /// Writes a file of the test's own and returns its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Any program in this environment.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Cmd {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.work());
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
        command.env("HOME", self.dir.join("home")).env("XDG_RUNTIME_DIR", self.dir.join("x"));
        command.env("TMPDIR", self.dir.join("tmp")).env("LANG", "C.UTF-8").env("TERM", "xterm");
        if let Some(user) = std::env::var_os("USER") {
            command.env("USER", user);
        }
        Cmd::new(command)
    }

    /// `coracle ARGS` in this environment.
    pub fn coracle<I: IntoIterator<Item: AsRef<OsStr>>>(&self, args: I) -> Cmd {
        let roots =
            ["--root".into(), self.root().into_os_string(), "--runroot".into(), self.runroot().into_os_string()];
        self.program(CORACLE).args(roots).args(args)
    }

    /// Runs `coracle ARGS`, which must succeed; its standard output without the last line end.
    #[track_caller]
    pub fn ok<I: IntoIterator<Item: AsRef<OsStr>>>(&self, args: I) -> String {
        self.coracle(args).run().expect(0).text()
    }

    /// Runs `coracle ARGS`, which must end with this code (not 0), say why in one line, perhaps with a hint, and nothing
    /// on standard output.
    #[track_caller]
    pub fn fails<I: IntoIterator<Item: AsRef<OsStr>>>(&self, code: i32, args: I) -> String {
        let output = self.coracle(args).run().expect(code);
        let lines: Vec<&str> = output.stderr.lines().collect();
        let one_error = lines.iter().filter(|line| line.starts_with("Error: ")).count() == 1;
        let no_panic = !output.stderr.contains("panicked at") && !output.stderr.contains("RUST_BACKTRACE");
        assert!(one_error && no_panic, "wanted one line that begins with `Error: `\n{output}");
        output.stderr
    }

    /// Runs a shell script in a new busybox container without network, with these options of `run`.
    pub fn shell(&self, options: &[&str], script: &str) -> Output {
        let mut args = vec!["run", "--rm", "--network", "none"];
        args.extend(options);
        args.extend(["busybox", "sh", "-c", script]);
        self.coracle(args).run()
    }

    /// The same, which must succeed; its standard output without the last line end.
    #[track_caller]
    pub fn sh(&self, options: &[&str], script: &str) -> String {
        self.shell(options, script).expect(0).text()
    }

    /// Starts a detached busybox container that runs until it is stopped, with these options; its name is `name`.
    #[track_caller]
    pub fn start(&self, name: &str, options: &[&str]) -> String {
        let mut args = vec!["run", "-d", "--network", "none", "--name", name];
        args.extend(options);
        // A shell that waits in the background's wait, so that it ends on SIGTERM at once; and as PID 1 it does not see
        // SIGTERM at all before the trap is there.
        let script = "trap 'exit 0' TERM; echo ready; while :; do sleep 1000 & wait $!; done";
        args.extend(["busybox", "sh", "-c", script]);
        let id = self.ok(args);
        super::until("the container's trap", super::SOON, || self.ok(["logs", name]).contains("ready").then_some(()));
        id
    }

    /// Loads an archive into the store.
    #[track_caller]
    pub fn load(&self, archive: &Path) -> String {
        self.ok([OsStr::new("load"), OsStr::new("-q"), OsStr::new("-i"), archive.as_os_str()])
    }

    /// Puts an image made to order into the store.
    #[track_caller]
    pub fn add(&self, image: &Image) {
        let archive = self.dir.join("tmp/image.tar");
        image.oci_archive(&archive);
        self.load(&archive);
        std::fs::remove_file(&archive).unwrap();
    }

    /// One value of `inspect` by its path of keys (`State.Status`).
    #[track_caller]
    pub fn inspect(&self, name: &str, path: &str) -> Value {
        let text = self.ok(["inspect", name]);
        let whole: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("inspect is not JSON: {e}\n{text}"));
        let pointer = format!("/0/{}", path.replace('.', "/"));
        whole.pointer(&pointer).unwrap_or_else(|| panic!("inspect of `{name}` has no {path}:\n{text}")).clone()
    }

    /// `State.Status` of `inspect`.
    #[track_caller]
    pub fn status(&self, name: &str) -> String {
        self.inspect(name, "State.Status").as_str().expect("a status").to_owned()
    }

    /// Waits until the container has this status.
    #[track_caller]
    pub fn wait_status(&self, name: &str, status: &str) {
        let mut last = String::new();
        let found = poll(super::SOON, || {
            last = self.status(name);
            (last == status).then_some(())
        });
        assert!(found.is_some(), "`{name}` should be {status}, and is {last}");
    }

    /// Names of all containers, sorted.
    #[track_caller]
    pub fn names(&self) -> Vec<String> {
        let text = self.ok(["ps", "-a", "--format", "{{.Names}}"]);
        let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Fails the test unless no process, directory or record of any container is left.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        assert_eq!(self.names(), Vec::<String>::new());
        self.end_anchor();
        let processes = poll(super::SOON, || Some(leftovers::of(&self.dir)).filter(Vec::is_empty));
        assert!(processes.is_some(), "processes left: {:#?}", leftovers::of(&self.dir));
        for dir in [self.root().join("containers"), self.runroot().join("containers"), self.root().join("names")] {
            let left: Vec<_> = std::fs::read_dir(&dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
            assert!(left.is_empty(), "left behind: {left:?}");
        }
    }
}

impl Env {
    /// Makes the largest blob of the image store something that it was not, as a bad disk does.
    pub fn damage_largest_blob(&self) {
        let blobs = std::fs::read_dir(self.root().join("images/blobs/sha256")).expect("blobs");
        let largest = blobs.flatten().max_by_key(|entry| entry.metadata().map_or(0, |metadata| metadata.len()));
        let path = largest.expect("a blob").path();
        let mut bytes = std::fs::read(&path).expect("its bytes");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).expect("a damaged blob");
    }

    /// Asks the network anchor to go with its last container, and not some seconds later.
    fn end_anchor(&self) {
        let text = std::fs::read_to_string(self.runroot().join("network/anchor.lock")).unwrap_or_default();
        let Some(Ok(pid)) = text.split_whitespace().next().map(str::parse::<i32>) else { return };
        if leftovers::of(&self.dir).iter().any(|p| p.pid == pid && p.command.starts_with("coracle-anchor")) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM);
        }
    }
}

impl Drop for Env {
    fn drop(&mut self) {
        let removed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.coracle(["rm", "-f", "-a", "-t", "0"]).timeout(Duration::from_secs(60)).run()
        }));
        self.end_anchor();
        let left = poll(Duration::from_secs(10), || Some(leftovers::of(&self.dir)).filter(Vec::is_empty));
        let processes = leftovers::of(&self.dir);
        leftovers::kill(&self.dir);
        remove_tree(&self.dir);
        if std::thread::panicking() {
            return;
        }
        match removed {
            Ok(output) => drop(output.expect(0)),
            Err(cause) => std::panic::resume_unwind(cause),
        }
        assert!(left.is_some(), "processes left after `rm -f -a`: {processes:#?}");
    }
}

/// Removes a tree in which files belong to subordinate IDs.
fn remove_tree(dir: &Path) {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--map-auto", "rm", "-rf", "--"]).arg(dir);
    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let _ = std::fs::remove_dir_all(dir);
}
