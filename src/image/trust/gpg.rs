//! OpenPGP by running `gpg`: verification against a handful of keys, in a home directory that is made for it and removed
//! with it, and signing with the user's own keys.
//!
//! ```text
//! <temporary, 0700>/   keys that the policy names, and nothing else   key-1 ...  message  text  status  errors
//! ```
//!
//! No keyring of the user's is looked at for verification, no agent and no key server is started (`--no-autostart`), and
//! what gpg found is read from a file of machine-readable status lines (gnupg's doc/DETAILS), never from its prose.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::error::{Context, Error, Result, os_message};
use crate::storage::fs;
use crate::sys::signal::unblocked;

/// Longest that a verification may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// A person may have to find a smart card, and type.
const PATIENCE_TO_SIGN: Duration = Duration::from_secs(600);
/// What a signature may grow to when it is unpacked.
const MAX_OUTPUT: u64 = 4 << 20;

/// The keys of one requirement, ready to verify.
#[derive(Debug)]
pub struct Keyring {
    home: tempfile::TempDir,
    /// Fingerprints of the primary keys that were imported.
    trusted: Vec<String>,
}

impl Keyring {
    /// Imports these public keys, armoured or not.
    ///
    /// # Errors
    /// When gpg is missing, or there is no key in what was given.
    pub fn import(keys: &[Vec<u8>]) -> Result<Self> {
        let home = private_dir()?;
        let mut names = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            let path = home.path().join(format!("key-{number}"));
            fs::write_private(&path, key)?;
            names.push(path);
        }
        let mut command = isolated(home.path());
        command.arg("--import").args(&names);
        let run = Run::new(home.path(), command, Stdio::null(), PATIENCE)?;
        // An exit status of 2 also says that of several keys one is of a kind that is not known.
        let trusted: Vec<String> = run.status().filter_map(imported).collect();
        if trusted.is_empty() {
            return Err(Error::new("no public keys imported").wrap("reading the keys of the policy"));
        }
        Ok(Keyring { home, trusted })
    }

    /// Verifies a signed message and returns what was signed.
    ///
    /// # Errors
    /// When the signature is anything but a good one by one of the keys.
    pub fn verify(&self, signature: &[u8]) -> Result<Vec<u8>> {
        // Text forms ("-----BEGIN PGP") are no image signatures.
        if signature.first().is_none_or(|byte| *byte < 0x80) {
            crate::bail!("the signature is not an OpenPGP message");
        }
        let home = self.home.path();
        let (message, text) = (home.join("message"), home.join("text"));
        fs::write_private(&message, signature)?;
        fs::remove_file_if_exists(&text)?;
        let mut command = isolated(home);
        command.arg("--output").arg(&text).arg("--verify").arg("--").arg(&message);
        let run = Run::new(home, command, Stdio::null(), PATIENCE)?;
        let lines: Vec<&str> = run.status().collect();
        let fingerprint = good_signature(&lines)?;
        if !self.trusted.contains(&fingerprint) {
            crate::bail!("signature by key {fingerprint} is not accepted");
        }
        if !run.exit.success() {
            crate::bail!("invalid GPG signature: {}", run.errors());
        }
        let signed = fs::read(&text).context("reading what was signed")?;
        if signed.len() as u64 > MAX_OUTPUT {
            crate::bail!("what was signed is larger than {MAX_OUTPUT} bytes");
        }
        Ok(signed)
    }
}

/// Makes a signed message of `text` with a secret key of the user's, through the user's own agent.
///
/// Without a passphrase, the agent asks the user if it must.
pub fn sign(text: &[u8], key: &str, passphrase: Option<&str>) -> Result<Vec<u8>> {
    let work = private_dir()?;
    let (plain, signed) = (work.path().join("text"), work.path().join("message"));
    fs::write_private(&plain, text)?;
    let mut command = with_status(work.path());
    command.args(["--no-tty", "--no-armor", "--yes", "--local-user", key]);
    if let Some(passphrase) = passphrase {
        let path = work.path().join("passphrase");
        fs::write_private(&path, passphrase.as_bytes())?;
        command.args(["--batch", "--pinentry-mode", "loopback", "--passphrase-file"]).arg(&path);
    }
    command.arg("--output").arg(&signed).arg("--sign").arg("--").arg(&plain);
    let run = Run::new(work.path(), command, Stdio::null(), PATIENCE_TO_SIGN)?;
    let made = run.status().any(|line| line.starts_with("SIG_CREATED "));
    if !run.exit.success() || !made {
        let said = run.errors();
        let unknown = said.contains("No secret key");
        let error = Error::new(said).wrap(format!("signing with the GPG key `{}`", key.escape_debug()));
        return Err(if unknown { error.hint("`gpg --list-secret-keys` lists the keys to sign with") } else { error });
    }
    fs::read(&signed)
}

/// What a file of keys says of its owners: the mail addresses, or the whole user IDs. For lists.
pub fn owners(key: &[u8]) -> Result<Vec<String>> {
    let home = private_dir()?;
    let path = home.path().join("key-0");
    fs::write_private(&path, key)?;
    let mut command = isolated(home.path());
    command.args(["--with-colons", "--import-options", "show-only", "--import"]).arg(&path);
    let listing = home.path().join("text");
    let output = File::create(&listing).context("listing keys")?;
    Run::new(home.path(), command, output.into(), PATIENCE)?;
    let listing = String::from_utf8_lossy(&fs::read(&listing)?).into_owned();
    Ok(listing.lines().filter_map(owner).collect())
}

/// The user ID in a line of a listing with colons: `uid:-::::...::...::Name <mail>:`. Pure.
fn owner(line: &str) -> Option<String> {
    let mut fields = line.split(':');
    if !matches!(fields.next(), Some("uid" | "pub")) {
        return None;
    }
    let id = fields.nth(8).filter(|id| !id.is_empty())?;
    let mail = id.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(mail, _)| mail);
    Some(mail.unwrap_or(id).to_owned())
}

/// The fingerprint in `IMPORT_OK <reason> <fingerprint>`. Pure.
fn imported(line: &str) -> Option<String> {
    let mut words = line.strip_prefix("IMPORT_OK ")?.split(' ');
    words.nth(1).filter(|word| is_fingerprint(word)).map(str::to_owned)
}

fn is_fingerprint(text: &str) -> bool {
    (40..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
}

/// The primary fingerprint of the one good signature that gpg tells of. Pure.
fn good_signature(lines: &[&str]) -> Result<String> {
    let count = |wanted: &str| lines.iter().filter(|line| line.split(' ').next() == Some(wanted)).count();
    let bad = [
        ("BADSIG", "the signature is wrong"),
        ("EXPKEYSIG", "the key has expired"),
        ("EXPSIG", "the signature has expired"),
        ("REVKEYSIG", "the key was revoked"),
        ("TRUST_NEVER", "the key is never to be trusted"),
    ];
    for (word, why) in bad {
        if count(word) > 0 {
            crate::bail!("invalid GPG signature: {why}");
        }
    }
    if let Some(line) = lines.iter().find(|line| line.starts_with("ERRSIG ")) {
        // ERRSIG <keyid> <algorithm> <hash> <class> <time> <reason> ...; 9 is "no public key".
        let mut words = line.split(' ').skip(1);
        let key = words.next().unwrap_or_default().to_owned();
        match words.nth(4) {
            Some("9") => crate::bail!("signature by key {} is not accepted", key.escape_debug()),
            _ => crate::bail!("invalid GPG signature: it cannot be checked"),
        }
    }
    if count("NODATA") > 0 || count("NEWSIG") == 0 {
        crate::bail!("invalid GPG signature: there is none in it");
    }
    if count("NEWSIG") != 1 || count("GOODSIG") != 1 || count("VALIDSIG") != 1 || count("PLAINTEXT") != 1 {
        crate::bail!("invalid GPG signature: not exactly one good signature");
    }
    // VALIDSIG <fingerprint> <date> <time> <expires> <version> <reserved> <algorithm> <hash> <class> <primary>
    let valid = lines.iter().find_map(|line| line.strip_prefix("VALIDSIG ")).unwrap_or_default();
    let words: Vec<&str> = valid.split(' ').collect();
    match (words.get(8), words.get(9)) {
        (Some(&("00" | "01")), Some(primary)) if is_fingerprint(primary) => Ok((*primary).to_owned()),
        _ => crate::bail!("invalid GPG signature: it is of another kind"),
    }
}

/// gpg with nothing of the user's.
fn isolated(home: &Path) -> Command {
    let mut command = with_status(home);
    command.env_remove("GNUPGHOME").arg("--homedir").arg(home);
    command.args(["--no-options", "--batch", "--no-tty", "--no-autostart", "--disable-dirmngr"]);
    command.args([
        "--no-auto-key-retrieve",
        "--no-auto-key-locate",
        "--no-auto-check-trustdb",
        "--trust-model",
        "always",
    ]);
    command.arg("--max-output").arg(MAX_OUTPUT.to_string());
    command
}

/// gpg that writes what it found into the file `status`. Options must stand in front of the command's file names.
fn with_status(dir: &Path) -> Command {
    let mut command = Command::new("gpg");
    command.arg("--status-file").arg(dir.join("status"));
    command
}

fn private_dir() -> Result<tempfile::TempDir> {
    // tempdir's mode is 0700.
    tempfile::Builder::new().prefix("coracle-gpg-").tempdir().context("creating a directory for gpg")
}

/// One run of gpg, ended.
struct Run {
    exit: ExitStatus,
    status: String,
    errors: PathBuf,
}

impl Run {
    /// Runs to the end, in a process group of its own, which is killed when it takes too long.
    fn new(dir: &Path, mut command: Command, stdout: Stdio, patience: Duration) -> Result<Self> {
        let (status, errors) = (dir.join("status"), dir.join("errors"));
        fs::remove_file_if_exists(&status)?;
        command.env("LC_ALL", "C").process_group(0).stdin(Stdio::null()).stdout(stdout);
        command.stderr(File::create(&errors).context("running gpg")?);
        let child = unblocked(|| command.spawn()).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::new("running `gpg`: it is not installed")
                .hint("GPG signatures need it: install the package `gnupg`"),
            _ => Error::new(os_message(&e)).wrap("running `gpg`"),
        })?;
        let exit = wait(child, patience)?;
        let status = fs::read_optional(&status)?.unwrap_or_default();
        Ok(Run { exit, status: String::from_utf8_lossy(&status).into_owned(), errors })
    }

    /// The status lines without their prefix.
    fn status(&self) -> impl Iterator<Item = &str> {
        self.status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "))
    }

    /// The last thing that gpg complained of.
    fn errors(&self) -> String {
        let text = fs::read(&self.errors).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let last = text.lines().rfind(|line| line.starts_with("gpg: ")).unwrap_or("gpg: failed");
        last.chars().filter(|c| !c.is_control()).take(300).collect()
    }
}

fn wait(mut child: Child, patience: Duration) -> Result<ExitStatus> {
    let deadline = Instant::now() + patience;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(exit) = child.try_wait().context("waiting for gpg")? {
            return Ok(exit);
        }
        if Instant::now() >= deadline {
            // With whatever it has started.
            let _ = rustix::process::kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
            crate::bail!("gpg did not end in {} seconds", patience.as_secs());
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789ABCDEF0123456789ABCDEF01234567";

    #[test]
    fn only_one_good_signature_will_do() {
        let valid = format!("VALIDSIG {KEY} 2026-11-22 1795000000 0 4 0 22 8 00 {KEY}");
        let good = ["NEWSIG", "PLAINTEXT 62 0 x", "GOODSIG 0123 Name", valid.as_str(), "TRUST_FULLY 0 always"];
        assert_eq!(good_signature(&good).unwrap(), KEY);
        let swap = |old: &str, new: &[&'static str]| {
            let mut lines: Vec<&str> = good.iter().copied().filter(|line| !line.starts_with(old)).collect();
            lines.extend(new);
            good_signature(&lines).unwrap_err().to_string()
        };
        for (old, new, expected) in [
            ("GOODSIG", &["BADSIG 0123 Name"][..], "wrong"),
            ("GOODSIG", &["EXPKEYSIG 0123 Name"], "key has expired"),
            ("GOODSIG", &["EXPSIG 0123 Name"], "signature has expired"),
            ("GOODSIG", &["REVKEYSIG 0123 Name"], "revoked"),
            ("GOODSIG", &[], "exactly one"),
            ("VALIDSIG", &[], "exactly one"),
            ("PLAINTEXT", &[], "exactly one"),
            ("NEWSIG", &[], "none in it"),
            ("NEWSIG", &["NEWSIG", "NEWSIG"], "exactly one"),
            ("GOODSIG", &["GOODSIG 1 A", "GOODSIG 2 B"], "exactly one"),
            ("GOODSIG", &["ERRSIG 0123456789ABCDEF 22 8 00 1795000000 9 -"], "by key 0123456789ABCDEF is not accepted"),
            ("GOODSIG", &["ERRSIG 0123456789ABCDEF 22 8 00 1795000000 4 -"], "cannot be checked"),
            ("x", &["TRUST_NEVER"], "never"),
            (
                "VALIDSIG",
                &[
                    "VALIDSIG 0123456789ABCDEF0123456789ABCDEF01234567 d t 0 4 0 22 8 10 0123456789ABCDEF0123456789ABCDEF01234567",
                ],
                "another kind",
            ),
            ("VALIDSIG", &["VALIDSIG 0123456789ABCDEF0123456789ABCDEF01234567"], "another kind"),
        ] {
            let message = swap(old, new);
            assert!(message.contains(expected), "{old} {new:?}: {message}");
        }
        assert!(good_signature(&[]).is_err());
    }

    #[test]
    fn lines_of_listings() {
        assert_eq!(imported(&format!("IMPORT_OK 1 {KEY}")).as_deref(), Some(KEY));
        assert_eq!(imported("IMPORT_OK 1 short"), None);
        assert_eq!(owner("uid:-::::1::H::A Name (x) <a@b.c>::::::::::0:").as_deref(), Some("a@b.c"));
        assert_eq!(owner("uid:-::::1::H::A Name::::::::::0:").as_deref(), Some("A Name"));
        assert_eq!(owner("sub:-::::1::H::A Name:"), None);
        assert_eq!(owner("uid:"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_lines_make_it_panic(text in "((NEWSIG|GOODSIG|VALIDSIG|ERRSIG|PLAINTEXT|[A-F0-9 ]{0,40})\n?){0,8}") {
            let lines: Vec<&str> = text.lines().collect();
            let _ = good_signature(&lines);
        }
    }
}
