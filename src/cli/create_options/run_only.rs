//! What only `run` has: being in front or behind, and what becomes of the image.

use crate::bail;
use crate::cli::args::GoBool;
use crate::container::CreateOptions;
use crate::container::options::Streams;
use crate::error::Result;

/// The flags of `run` that `create` has not.
#[derive(Debug, clap::Args)]
pub struct RunOnly {
    /// Run in the background and print the ID
    #[arg(short, long)]
    pub detach: GoBool,
    /// Keys that detach from the container [default: ctrl-p,ctrl-q]
    #[arg(long, value_name = "string")]
    pub detach_keys: Option<String>,
    /// Add the user to the container's /etc/passwd where it is missing [default: true]
    #[arg(long, default_value = "true")]
    pub passwd: GoBool,
    /// Pass descriptors of these numbers to the container
    #[arg(long, value_name = "uints", value_delimiter = ',')]
    pub preserve_fd: Vec<i32>,
    /// Pass this many descriptors to the container, from 3 on
    #[arg(long, value_name = "uint", default_value_t = 0, hide_default_value = true)]
    pub preserve_fds: u32,
    /// Remove the image too when the container has exited; implies --rm
    #[arg(long)]
    pub rmi: GoBool,
    /// Pass signals on to the container [default: true, without a terminal]
    #[arg(long)]
    pub sig_proxy: Option<GoBool>,
}

/// How `run` stays with a container that it has started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foreground {
    /// What it attaches to.
    pub streams: Streams,
    /// `None` means the default.
    pub detach_keys: Option<String>,
    pub sig_proxy: bool,
}

impl RunOnly {
    /// Applies them to what the other flags mean. `None` means `--detach`.
    pub fn resolve(&self, options: &mut CreateOptions) -> Result<Option<Foreground>> {
        options.no_passwd = !*self.passwd;
        if *self.rmi {
            options.auto_remove = true;
            options.auto_remove_image = true;
        }
        if *self.detach {
            if options.attach.is_some() {
                bail!("--attach and --detach are mutually exclusive");
            }
            return Ok(None);
        }
        let all = Streams { stdin: false, stdout: true, stderr: true };
        let streams = Streams { stdin: options.interactive, ..options.attach.unwrap_or(all) };
        // With a terminal, the keys that send signals go through it already.
        let sig_proxy = self.sig_proxy.map_or(!options.tty, |given| *given);
        Ok(Some(Foreground { streams, detach_keys: self.detach_keys.clone(), sig_proxy }))
    }
}
