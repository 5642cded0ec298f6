//! What is in the file system of the container: mounts, volumes, devices, the root itself.

use crate::cli::args::{GoBool, Refused, refuse};

/// Flags about files.
#[derive(Debug, clap::Args)]
pub struct FilesArgs {
    /// Put /etc/hosts and the like into these directories as well
    #[arg(long, value_name = "stringArray")]
    pub chrootdirs: Vec<String>,
    /// Give access to a device of the host (HOST[:CONTAINER][:rwm]), or to one by its CDI name (vendor.com/class=name)
    #[arg(long, value_name = "stringArray")]
    pub device: Vec<String>,
    /// Give access to GPUs (all, or their numbers)
    #[arg(long, value_name = "strings", value_delimiter = ',')]
    pub gpus: Vec<String>,
    /// What becomes of the volumes of the image (anonymous, tmpfs, ignore) [default: anonymous]
    #[arg(long, value_name = "string")]
    pub image_volume: Option<String>,
    /// Mount a file system (type=bind,src=/a,dst=/b)
    #[arg(long, value_name = "stringArray")]
    pub mount: Vec<String>,
    /// Make the root file system read-only
    #[arg(long)]
    pub read_only: GoBool,
    /// Have writable /run, /tmp and /var/tmp with --read-only [default: true]
    #[arg(long, default_value = "true")]
    pub read_only_tmpfs: GoBool,
    /// Take the first argument for a directory that is the root (DIRECTORY[:O]), not for an image
    #[arg(long)]
    pub rootfs: GoBool,
    /// Give access to a secret (NAME[,type=mount|env][,target=...][,uid=][,gid=][,mode=])
    #[arg(long, value_name = "stringArray")]
    pub secret: Vec<String>,
    /// Size of /dev/shm (with b, k, m or g) [default: 65536000]
    #[arg(long, value_name = "string")]
    pub shm_size: Option<String>,
    /// Size of the tmpfs mounts for systemd
    #[arg(long, value_name = "string", value_parser = refuse("running systemd is the matter of a later release"))]
    pub shm_size_systemd: Option<Refused>,
    /// Mount a tmpfs (/path[:options])
    #[arg(long, value_name = "tmpfs")]
    pub tmpfs: Vec<String>,
    /// Mount a volume, or a directory or file of the host (name:/container[:options], /host:/container[:options])
    #[arg(short, long, value_name = "stringArray")]
    pub volume: Vec<String>,
    /// Mount the volumes of another container (CONTAINER[:ro|rw])
    #[arg(long, value_name = "stringArray")]
    pub volumes_from: Vec<String>,
}
