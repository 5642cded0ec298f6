//! The table of all commands.

use clap::{ArgMatches, Args, Command};

use super::cx::Cx;
use super::{container, image, manifest, network, secret, system, volume};
use crate::error::{Error, Result};

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    Container,
    Image,
    /// `image trust`, a noun under a noun.
    ImageTrust,
    Manifest,
    Network,
    Secret,
    System,
    Volume,
}

impl Noun {
    pub const ALL: [Noun; 8] = [
        Noun::Container,
        Noun::Image,
        Noun::ImageTrust,
        Noun::Manifest,
        Noun::Network,
        Noun::Secret,
        Noun::Volume,
        Noun::System,
    ];

    /// The noun that this word is, under `parent` or on its own.
    pub fn of(parent: Option<Noun>, word: &str) -> Option<Noun> {
        Self::ALL.into_iter().find(|noun| noun.parent() == parent && noun.word() == word)
    }

    /// The noun that this one stands under.
    pub fn parent(self) -> Option<Noun> {
        match self {
            Noun::ImageTrust => Some(Noun::Image),
            Noun::Container
            | Noun::Image
            | Noun::Manifest
            | Noun::Network
            | Noun::Secret
            | Noun::System
            | Noun::Volume => None,
        }
    }

    /// The nouns under `parent`, or those that stand on their own.
    pub fn children(parent: Option<Noun>) -> impl Iterator<Item = Noun> {
        Self::ALL.into_iter().filter(move |noun| noun.parent() == parent)
    }

    pub fn word(self) -> &'static str {
        match self {
            Noun::Container => "container",
            Noun::Image => "image",
            Noun::ImageTrust => "trust",
            Noun::Manifest => "manifest",
            Noun::Network => "network",
            Noun::Secret => "secret",
            Noun::System => "system",
            Noun::Volume => "volume",
        }
    }

    /// All words that lead to it: `image trust`.
    pub fn path(self) -> &'static str {
        match self {
            Noun::ImageTrust => "image trust",
            Noun::Container
            | Noun::Image
            | Noun::Manifest
            | Noun::Network
            | Noun::Secret
            | Noun::System
            | Noun::Volume => self.word(),
        }
    }

    pub fn heading(self) -> &'static str {
        match self {
            Noun::Container => "Containers",
            Noun::Image => "Images",
            Noun::ImageTrust => "Trust in images",
            Noun::Manifest => "Manifest lists",
            Noun::Network => "Networks",
            Noun::Secret => "Secrets",
            Noun::System => "System",
            Noun::Volume => "Volumes",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Noun::Container => "Manage containers",
            Noun::Image => "Manage images",
            Noun::ImageTrust => "Manage which images are trusted",
            Noun::Manifest => "Manage manifest lists, images for several platforms",
            Noun::Network => "Manage networks",
            Noun::Secret => "Manage secrets, values that are in no image",
            Noun::System => "Manage coracle",
            Noun::Volume => "Manage volumes",
        }
    }
}

/// One command: where it is found, what its help says, its arguments, and what it does.
#[derive(Debug)]
pub struct Entry {
    pub noun: Noun,
    /// Its name without a noun (`rmi`).
    pub alone: Option<&'static str>,
    /// Its names under the noun (`image rm`), the usual one first.
    pub under: &'static [&'static str],
    /// What follows the name in the usage line.
    pub usage: &'static str,
    pub about: &'static str,
    pub augment: fn(Command) -> Command,
    pub run: fn(&Cx<'_>, ArgMatches) -> Result<u8>,
}

macro_rules! command {
    ($noun:ident, $alone:expr, [$($under:literal),*], $usage:expr, $about:literal, $module:path) => {{
        use $module as module;
        Entry {
            noun: Noun::$noun,
            alone: $alone,
            under: &[$($under),*],
            usage: $usage,
            about: $about,
            augment: module::Args::augment_args,
            run: |cx, matches| module::run(cx, read::<module::Args>(matches)?),
        }
    }};
}

/// The arguments out of the matches. They were checked when they were parsed, so this fails by a mistake of ours only.
fn read<A: Args>(mut matches: ArgMatches) -> Result<A> {
    A::from_arg_matches_mut(&mut matches).map_err(|e| Error::new(e.to_string()).wrap("reading the arguments"))
}

const CONTAINERS: &str = "[options] CONTAINER [CONTAINER...]";

/// All commands, sorted by noun and name.
#[rustfmt::skip] // One command, one line.
pub static COMMANDS: &[Entry] = &[
    command!(Container, Some("attach"), ["attach"], "[options] CONTAINER",
        "Attach to a running container", container::attach),
    command!(Container, None, ["cleanup"], CONTAINERS,
        "Clean up what a killed monitor of a container left", container::cleanup),
    command!(Container, None, ["clone"], "[options] CONTAINER NAME IMAGE",
        "Create another container like one that is there", container::clone),
    command!(Container, Some("commit"), ["commit"], "[options] CONTAINER [IMAGE]",
        "Create an image from what a container has become", container::commit),
    command!(Container, Some("cp"), ["cp"], "[options] [CONTAINER:]SRC_PATH [CONTAINER:]DEST_PATH",
        "Copy files between a container and the host, or between containers", container::cp),
    command!(Container, Some("create"), ["create"], "[options] IMAGE [COMMAND [ARG...]]",
        "Create but do not start a container", container::create),
    command!(Container, None, ["diff"], "[options] CONTAINER [CONTAINER]",
        "Show what a container changed about its image, or about another container", container::diff),
    command!(Container, Some("exec"), ["exec"], "[options] CONTAINER COMMAND [ARG...]",
        "Run a process in a running container", container::exec),
    command!(Container, None, ["exists"], "[options] CONTAINER",
        "Say by the exit code whether a container exists", container::exists),
    command!(Container, Some("export"), ["export"], "[options] CONTAINER",
        "Export a container's file system as a tar archive", container::export),
    command!(Container, Some("init"), ["init"], CONTAINERS,
        "Initialize one or more containers without starting them", container::init),
    command!(Container, None, ["inspect"], CONTAINERS,
        "Show all that is known of a container", container::inspect),
    command!(Container, Some("kill"), ["kill"], CONTAINERS,
        "Send a signal to one or more running containers", container::kill),
    command!(Container, None, ["list", "ls"], "[options]",
        "List containers", container::ps),
    command!(Container, Some("logs"), ["logs"], CONTAINERS,
        "Show the logs of one or more containers", container::logs),
    command!(Container, Some("mount"), ["mount"], "[options] [CONTAINER...]",
        "Mount the root file systems of containers, or list those that are mounted", container::mount),
    command!(Container, Some("pause"), ["pause"], CONTAINERS,
        "Pause all the processes in one or more containers", container::pause),
    command!(Container, Some("port"), ["port"], "[options] CONTAINER [PORT]",
        "List the published ports of a container", container::port),
    command!(Container, None, ["prune"], "[options]",
        "Remove all containers that do not run", container::prune),
    command!(Container, Some("ps"), ["ps"], "[options]",
        "List containers", container::ps),
    command!(Container, Some("rename"), ["rename"], "CONTAINER NAME",
        "Rename a container", container::rename),
    command!(Container, Some("restart"), ["restart"], CONTAINERS,
        "Restart one or more containers", container::restart),
    command!(Container, Some("rm"), ["rm"], CONTAINERS,
        "Remove one or more containers", container::rm),
    command!(Container, Some("run"), ["run"], "[options] IMAGE [COMMAND [ARG...]]",
        "Run a command in a new container", container::run),
    command!(Container, Some("start"), ["start"], CONTAINERS,
        "Start one or more containers", container::start),
    command!(Container, Some("stop"), ["stop"], CONTAINERS,
        "Stop one or more containers", container::stop),
    command!(Container, Some("top"), ["top"], "[options] CONTAINER [FORMAT-DESCRIPTORS|ARGS...]",
        "Show the running processes of a container", container::top),
    command!(Container, Some("unmount"), ["unmount", "umount"], CONTAINERS,
        "Unmount the root file systems of containers", container::unmount),
    command!(Container, Some("unpause"), ["unpause"], CONTAINERS,
        "Unpause the processes in one or more containers", container::unpause),
    command!(Container, Some("wait"), ["wait"], CONTAINERS,
        "Block until one or more containers stop, then print their exit codes", container::wait),
    command!(Image, None, ["diff"], "[options] IMAGE [IMAGE]",
        "Show what an image changes about the one below it, or about another", image::diff),
    command!(Image, None, ["exists"], "IMAGE",
        "Say by the exit code whether an image is in local storage", image::exists),
    command!(Image, Some("history"), ["history"], "[options] IMAGE",
        "Show how an image came to be", image::history),
    command!(Image, Some("images"), ["list", "ls"], "[options] [IMAGE]",
        "List images in local storage", image::list),
    command!(Image, Some("import"), ["import"], "[options] PATH [REFERENCE]",
        "Import a tar archive as the root file system of an image", image::import),
    command!(Image, None, ["inspect"], "[options] IMAGE [IMAGE...]",
        "Show all that is known of an image", image::inspect),
    command!(Image, Some("load"), ["load"], "[options]",
        "Load images from an archive", image::load),
    command!(Image, None, ["mount"], "[options] [IMAGE...]",
        "Mount images read-only, or list those that are mounted", image::mount),
    command!(Image, None, ["prune"], "[options]",
        "Remove unused images", image::prune),
    command!(Image, Some("pull"), ["pull"], "[options] IMAGE [IMAGE...]",
        "Pull an image from a registry", image::pull),
    command!(Image, Some("push"), ["push"], "[options] IMAGE [DESTINATION]",
        "Push an image to a registry, a directory or an archive", image::push),
    command!(Image, Some("rmi"), ["rm"], "[options] IMAGE [IMAGE...]",
        "Remove one or more images from local storage", image::rm),
    command!(Image, Some("save"), ["save"], "[options] IMAGE [IMAGE...]",
        "Save images to an archive or a directory", image::save),
    command!(Image, Some("search"), ["search"], "[options] TERM",
        "Search registries for images", image::search),
    command!(Image, None, ["scp"], "[options] IMAGE [HOST::]",
        "Copy an image to another host (not supported)", image::scp),
    command!(Image, None, ["sign"], "[options] IMAGE [IMAGE...]",
        "Sign an image in a registry with GPG", image::sign),
    command!(Image, Some("tag"), ["tag"], "IMAGE TARGET_NAME [TARGET_NAME...]",
        "Add another name to a local image", image::tag),
    command!(Image, None, ["tree"], "[options] IMAGE",
        "Show the layers of an image as a tree", image::tree),
    command!(Image, None, ["unmount", "umount"], "[options] IMAGE [IMAGE...]",
        "Unmount images", image::unmount),
    command!(Image, Some("untag"), ["untag"], "IMAGE [IMAGE...]",
        "Remove a name from a local image", image::untag),
    command!(ImageTrust, None, ["set"], "[options] REGISTRY",
        "Set which images of a registry are trusted", image::trust::set),
    command!(ImageTrust, None, ["show"], "[options] [REGISTRY]",
        "Show which images are trusted", image::trust::show),
    command!(Manifest, None, ["add"], "[options] LIST IMAGEORARTIFACT [IMAGEORARTIFACT...]",
        "Add images or artifacts to a manifest list", manifest::add),
    command!(Manifest, None, ["annotate"], "[options] LIST IMAGEORARTIFACT",
        "Change what a manifest list says of an instance, or of itself", manifest::annotate),
    command!(Manifest, None, ["create"], "[options] LIST [IMAGE...]",
        "Create a manifest list", manifest::create),
    command!(Manifest, None, ["exists"], "MANIFEST",
        "Check whether a manifest list is in local storage", manifest::exists),
    command!(Manifest, None, ["inspect"], "[options] IMAGE",
        "Show a manifest list of local storage or of a registry", manifest::inspect),
    command!(Manifest, None, ["push"], "[options] LIST DESTINATION",
        "Push a manifest list and its instances", manifest::push),
    command!(Manifest, None, ["remove"], "LIST DIGEST",
        "Remove an instance from a manifest list", manifest::remove),
    command!(Manifest, None, ["rm"], "[options] LIST [LIST...]",
        "Remove manifest lists from local storage", manifest::rm),
    command!(Network, None, ["connect"], "[options] NETWORK CONTAINER",
        "Connect a container to a network", network::connect),
    command!(Network, None, ["create"], "[options] [NAME]",
        "Create a network", network::create),
    command!(Network, None, ["disconnect"], "[options] NETWORK CONTAINER",
        "Disconnect a container from a network", network::disconnect),
    command!(Network, None, ["egress-log"], "CONTAINER",
        "Show what a container was refused by --egress", network::egress_log),
    command!(Network, None, ["exists"], "NETWORK",
        "Say by the exit code whether a network exists", network::exists),
    command!(Network, None, ["inspect"], "[options] NETWORK [NETWORK...]",
        "Show all that is known of a network", network::inspect),
    command!(Network, None, ["ls", "list"], "[options]",
        "List networks", network::list),
    command!(Network, None, ["prune"], "[options]",
        "Remove networks that no container uses", network::prune),
    command!(Network, None, ["reload"], "[options] [CONTAINER...]",
        "Connect running containers to their networks anew", network::reload),
    command!(Network, None, ["rm", "remove"], "[options] NETWORK [NETWORK...]",
        "Remove one or more networks", network::rm),
    command!(Network, None, ["update"], "[options] NETWORK",
        "Change the resolvers of a network", network::update),
    command!(Secret, None, ["create"], "[options] NAME FILE|-",
        "Create a secret from a file, stdin or the environment", secret::create),
    command!(Secret, None, ["exists"], "SECRET",
        "Check whether a secret is there", secret::exists),
    command!(Secret, None, ["inspect"], "[options] SECRET [SECRET...]",
        "Show all that is known of secrets", secret::inspect),
    command!(Secret, None, ["ls", "list"], "[options]",
        "List secrets", secret::list),
    command!(Secret, None, ["rm"], "[options] SECRET [SECRET...]",
        "Remove secrets", secret::rm),
    command!(System, None, ["check"], "[options]",
        "Check the storage for damage, and repair it", system::check),
    command!(System, None, ["df"], "[options]",
        "Show how much room images and containers take", system::df),
    command!(System, Some("diff"), [], "[options] {CONTAINER|IMAGE} [{CONTAINER|IMAGE}]",
        "Show what a container or image changes about what it was made from", system::diff),
    command!(System, Some("info"), ["info"], "[options]",
        "Show information about the engine and the machine", system::info),
    command!(System, Some("inspect"), [], "[options] {CONTAINER|IMAGE|POD|NETWORK|VOLUME} [...]",
        "Show all that is known of an object", system::inspect),
    command!(System, Some("login"), [], "[options] [REGISTRY]",
        "Log in to a registry", image::login),
    command!(System, Some("logout"), [], "[options] [REGISTRY]",
        "Log out of a registry", image::logout),
    command!(System, None, ["prune"], "[options]",
        "Remove what nobody uses", system::prune),
    command!(System, None, ["reset"], "[options]",
        "Remove all containers and images, and everything else of coracle's", system::reset),
    command!(System, Some("unshare"), [], "[options] [COMMAND [ARG...]]",
        "Run a command in the user namespace of the containers", system::unshare),
    command!(System, Some("version"), [], "[options]",
        "Show the version of coracle", system::version),
    command!(Volume, None, ["clone"], "[options] VOLUME NEW",
        "Make a volume with the files, labels and options of another", volume::clone),
    command!(Volume, None, ["create"], "[options] [NAME]",
        "Create a volume", volume::create),
    command!(Volume, None, ["exists"], "VOLUME",
        "Say by the exit code whether a volume exists", volume::exists),
    command!(Volume, None, ["export"], "[options] VOLUME",
        "Export the files of a volume as a tar archive", volume::export),
    command!(Volume, None, ["import"], "VOLUME [SOURCE]",
        "Import a tar archive into a volume", volume::import),
    command!(Volume, None, ["inspect"], "[options] VOLUME [VOLUME...]",
        "Show all that is known of a volume", volume::inspect),
    command!(Volume, None, ["ls", "list"], "[options]",
        "List volumes", volume::list),
    command!(Volume, None, ["mount"], "NAME",
        "Mount a volume, within `coracle unshare`", volume::mount),
    command!(Volume, None, ["prune"], "[options]",
        "Remove volumes that no container uses", volume::prune),
    command!(Volume, None, ["reload"], "",
        "Reload volumes of plugins (there are none)", volume::reload),
    command!(Volume, None, ["rm", "remove"], "[options] VOLUME [VOLUME...]",
        "Remove one or more volumes", volume::rm),
    command!(Volume, None, ["snapshot"], "[options] VOLUME NEW",
        "Make a volume of what is in another at this moment", volume::snapshot),
    command!(Volume, None, ["unmount", "umount"], "NAME",
        "Unmount a volume", volume::unmount),
];

/// The command of this name, without a noun.
pub fn alone(name: &str) -> Option<&'static Entry> {
    // The one command with two names of its own.
    let name = if name == "umount" { "unmount" } else { name };
    COMMANDS.iter().find(|entry| entry.alone == Some(name))
}

/// The command of this name under a noun.
pub fn under(noun: Noun, name: &str) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.noun == noun && entry.under.contains(&name))
}

/// Commands of the reference that coracle does not have yet.
static NOT_YET: &[&str] = &[
    "artifact",
    "auto-update",
    "build",
    "compose",
    "events",
    "farm",
    "generate",
    "healthcheck",
    "kube",
    "machine",
    "play",
    "pod",
    "stats",
    "update",
    "container checkpoint",
    "container restore",
    "container runlabel",
    "container stats",
    "container update",
    "image build",
    "system connection",
    "system events",
    "system migrate",
    "system renumber",
    "system service",
];

/// Whether the reference has a command of this name that is missing here.
pub fn is_not_yet(name: &str) -> bool {
    NOT_YET.contains(&name)
}
