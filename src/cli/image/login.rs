//! `coracle login`

use std::io::Read as _;
use std::path::PathBuf;

use crate::bail;
use crate::cli::args::GoBool;
use crate::cli::cx::Cx;
use crate::cli::{env, prompt};
use crate::engine::secrets::{self, Undumpable};
use crate::error::{Context, Error, Result};
use crate::image::registry::{Access, Credentials, LoginTarget, Logins};
use crate::sys::title;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Path of the authentication file
    #[arg(long, value_name = "string")]
    authfile: Option<PathBuf>,
    /// Directory with certificates for the registry
    #[arg(long, value_name = "string")]
    cert_dir: Option<PathBuf>,
    /// Path of a Docker configuration file to keep the login in
    #[arg(long, value_name = "string", conflicts_with = "authfile")]
    compat_auth_file: Option<PathBuf>,
    /// Print the user name of the current login
    #[arg(long)]
    get_login: GoBool,
    /// Password for the registry
    #[arg(short, long, value_name = "string")]
    password: Option<String>,
    /// Read the password from stdin
    #[arg(long)]
    password_stdin: GoBool,
    /// Use a secret as password
    #[arg(long, value_name = "string")]
    secret: Option<String>,
    /// Demand HTTPS and verify certificates [default: as registries.conf says, else true]
    #[arg(long)]
    tls_verify: Option<GoBool>,
    /// User name for the registry
    #[arg(short, long, value_name = "string")]
    username: Option<String>,
    /// Say where the login is kept
    #[arg(short, long)]
    verbose: GoBool,
    #[arg(value_name = "REGISTRY")]
    registry: Vec<String>,
}

pub fn run(cx: &Cx<'_>, args: Args) -> Result<u8> {
    if let Some(password) = &args.password {
        title::hide(password.as_bytes());
    }
    let (access, logins) = access(args.authfile.clone(), args.compat_auth_file.clone())?;
    let access = Access { cert_dir: args.cert_dir.clone(), tls_verify: args.tls_verify.map(|v| *v), ..access };
    let target = target(&access, &args.registry, args.compat_auth_file.is_some())?;
    let known = logins.find(&target.key).context("get credentials")?;
    if *args.get_login {
        let Some(known) = known else { bail!("not logged into {}", target.key) };
        cx.printer.line(known.username());
        return Ok(0);
    }
    if known.as_ref().is_some_and(Credentials::is_identity_token) {
        return Err(Error::new("currently logged in, auth file contains an Identity token")
            .hint(format!("log out first: coracle logout {}", target.key)));
    }
    let password = match &args.secret {
        Some(name) => Some(password_in(cx, &args, name)?),
        None => password(&args)?,
    };
    if let (Some(known), None, None) = (&known, &args.username, &password) {
        cx.printer.line(format!("Authenticating with existing credentials for {}", target.key));
        if access.accepts(&target, known)? {
            cx.printer.line(format!("Existing credentials are valid. Already logged in to {}", target.registry));
            return Ok(0);
        }
        cx.printer.line("Existing credentials are invalid, please enter valid username and password");
    }
    let credentials =
        ask(args.username.clone().or(args.secret.clone()), password, known.as_ref().map(Credentials::username))?;
    let accepted = access.accepts(&target, &credentials);
    if !accepted.with_context(|| format!("authenticating creds for \"{}\"", target.key))? {
        bail!("logging into \"{}\": invalid username/password", target.key);
    }
    let place = logins.store(&target.key, &credentials)?;
    if *args.verbose {
        cx.printer.line(format!("Used:  {place}"));
    }
    cx.printer.line("Login Succeeded!");
    Ok(0)
}

/// The configuration of registries, and the logins that are meant. The file need not be there yet.
pub fn access(authfile: Option<PathBuf>, compat: Option<PathBuf>) -> Result<(Access, Logins)> {
    let places = env::places();
    let access = Access::read(&places, None)?;
    let logins = match compat {
        Some(path) => Logins::of_docker(&path),
        None => Logins::new(&places.auth, authfile.as_deref(), &access.registries.helpers),
    };
    Ok((access, logins))
}

/// What to log in to or out of: the argument, else the first registry to search.
pub fn target(access: &Access, arguments: &[String], docker: bool) -> Result<LoginTarget> {
    let text = match arguments {
        [] => match access.registries.search.first() {
            Some(first) => first.as_str(),
            None => {
                return Err(Error::new("no registries found in registries.conf, a registry must be provided")
                    .hint("name one, for example docker.io"));
            }
        },
        [one] => one.as_str(),
        _ => bail!("only one registry can be given"),
    };
    let target = LoginTarget::parse(text)?;
    if docker && target.key != target.registry {
        bail!("credentials for \"{}\" cannot be kept in Docker's file, which knows whole registries only", target.key);
    }
    Ok(target)
}

fn password(args: &Args) -> Result<Option<String>> {
    if !*args.password_stdin {
        return Ok(args.password.clone().filter(|password| !password.is_empty()));
    }
    if args.password.is_some() {
        bail!("can't specify both --password-stdin and --password");
    }
    if args.username.is_none() {
        bail!("must provide --username with --password-stdin");
    }
    let mut text = String::new();
    let mut stdin = std::io::stdin().lock().take(64 << 10);
    stdin.read_to_string(&mut text).context("reading the password from stdin")?;
    // The line's end is not part of it.
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("the password on stdin is empty");
    }
    Ok(Some(password))
}

/// The password that a secret is. As in the reference, its name is the user's where no other is given.
fn password_in(cx: &Cx<'_>, args: &Args, name: &str) -> Result<String> {
    if args.password.is_some() || *args.password_stdin {
        bail!("--secret can not be used with --password or --password-stdin");
    }
    let store = secrets::store(&cx.engine()?);
    let _undumpable = Undumpable::begin();
    let value = store.read(&store.find(name)?)?;
    let text = str::from_utf8(value.bytes())
        .map_err(|_| Error::new(format!("secret {name} is no password: it is not UTF-8")))?;
    // A file's last line end is not part of it.
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks for what is missing.
fn ask(username: Option<String>, password: Option<String>, known: Option<&str>) -> Result<Credentials> {
    let username = match (username, known) {
        (Some(username), _) => username,
        (None, Some(known)) => match prompt::line(&format!("Username ({known}): ")).context("reading username")? {
            answer if answer.is_empty() => known.to_owned(),
            answer => answer,
        },
        (None, None) => prompt::line("Username: ").context("reading username")?,
    };
    let username = username.trim().to_owned();
    if username.is_empty() {
        bail!("the user name is empty");
    }
    if username.contains(':') {
        bail!("a user name must not contain a colon");
    }
    let password = match password {
        Some(password) => password,
        None => prompt::password("Password: ").context("reading password")?,
    };
    if password.is_empty() {
        bail!("the password is empty");
    }
    Ok(Credentials::new(username, password))
}
