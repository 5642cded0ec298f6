//! Unpacked layers: `layers/<diff ID>/`, each the directory that overlayfs stacks, written once and never changed.
//!
//! ```text
//! <root>/layers/<diff-id hex>/      complete, durable
//! <root>/tmp/layer-<diff-id hex>/   half made:  .lock  held by the maker   root/  what will be renamed
//! ```
//!
//! Makers never wait while they hold a layer: they take what is free, finish and commit all of it, and only then wait
//! for what others are making. So no two of them can wait for each other.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use super::unpack::remove_tree;
use super::workdir::WorkDir;
use super::{Roots, atomic, fs, id};
use crate::error::{Context, Error, Result};

/// The attribute of a layer's directory with the size of its archive. Overlay file systems hide what begins like this.
const ARCHIVE_SIZE: &str = "user.overlay.coracle.size";

/// The size of the uncompressed archive that the layer in this directory was unpacked from, if it is known.
pub fn archive_size(dir: &Path) -> Option<u64> {
    let mut buffer = [0; 20];
    let length = rustix::fs::getxattr(dir, ARCHIVE_SIZE, &mut buffer).ok()?;
    std::str::from_utf8(buffer.get(..length)?).ok()?.parse().ok()
}

/// The unpacked layers of one data root.
#[derive(Debug, Clone)]
pub struct Layers {
    roots: Roots,
}

/// Who makes a layer.
#[derive(Debug)]
pub enum Claim {
    /// Nobody: it is there.
    Exists,
    /// The caller, now.
    Mine(LayerDraft),
    /// Another process or thread, at this moment.
    Busy,
}

/// A layer that is being made. Removed again unless it is committed (see [`super::workdir`]).
#[derive(Debug)]
pub struct LayerDraft {
    diff_id: String,
    work: WorkDir,
}

impl LayerDraft {
    /// The diff ID claimed, hexadecimal.
    pub fn diff_id(&self) -> &str {
        &self.diff_id
    }

    /// Says which layer this is.
    pub fn named(mut self, diff_id: &str) -> Result<Self> {
        if !is_diff_id(diff_id) {
            crate::bail!("`{}` is not a diff ID of a layer", diff_id.escape_debug());
        }
        diff_id.clone_into(&mut self.diff_id);
        Ok(self)
    }

    /// The directory to unpack into.
    pub fn root(&self) -> PathBuf {
        self.work.path("root")
    }

    /// Begins anew, with an empty directory.
    pub fn restart(&self) -> Result<()> {
        let root = self.root();
        remove_tree(&root)?;
        fs::create_dir(&root, 0o755)?;
        set_mode(&root, 0o755)
    }

    /// Writes down the size of the layer's archive, uncompressed: it cannot be told from what is unpacked. Nothing but
    /// what people are shown depends on it.
    pub fn note_archive_size(&self, bytes: u64) {
        let text = bytes.to_string();
        let _ = rustix::fs::setxattr(self.root(), ARCHIVE_SIZE, text.as_bytes(), rustix::fs::XattrFlags::empty());
    }

    /// The directory to unpack into, opened.
    pub fn open_root(&self) -> Result<File> {
        let root = self.root();
        File::open(&root).with_context(|| format!("opening `{}`", root.display()))
    }
}

impl Layers {
    pub fn new(roots: &Roots) -> Self {
        Layers { roots: roots.clone() }
    }

    /// Where the layer is, or would be.
    pub fn path(&self, diff_id: &str) -> PathBuf {
        self.roots.layers().join(diff_id)
    }

    /// Whether the layer is there, complete.
    pub fn exists(&self, diff_id: &str) -> bool {
        is_diff_id(diff_id) && self.path(diff_id).is_dir()
    }

    /// All layers, in no particular order. What has the name of one and is no directory is none.
    pub fn list(&self) -> Result<Vec<String>> {
        let dir = self.roots.layers();
        let entries = std::fs::read_dir(&dir).with_context(|| format!("listing `{}`", dir.display()))?;
        let dirs = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        Ok(dirs.filter_map(|e| e.file_name().into_string().ok()).filter(|n| is_diff_id(n)).collect())
    }

    /// Begins a layer unless it is there or somebody else is at it.
    pub fn claim(&self, diff_id: &str) -> Result<Claim> {
        self.claim_with(diff_id, WorkDir::try_new)
    }

    /// Begins a layer after whoever is at it has finished or died. Never [`Claim::Busy`]. The caller must hold no draft.
    pub fn wait(&self, diff_id: &str) -> Result<Claim> {
        self.claim_with(diff_id, |dir| WorkDir::wait(dir).map(Some))
    }

    fn claim_with(&self, diff_id: &str, take: impl Fn(&Path) -> Result<Option<WorkDir>>) -> Result<Claim> {
        if !is_diff_id(diff_id) {
            crate::bail!("`{}` is not a diff ID of a layer", diff_id.escape_debug());
        }
        if self.exists(diff_id) {
            return Ok(Claim::Exists);
        }
        let Some(work) = take(&self.roots.tmp().join(format!("layer-{diff_id}")))? else { return Ok(Claim::Busy) };
        // Whoever had it may have finished.
        if self.exists(diff_id) {
            return Ok(Claim::Exists);
        }
        Self::begin(diff_id, work).map(Claim::Mine)
    }

    fn begin(diff_id: &str, work: WorkDir) -> Result<LayerDraft> {
        let draft = LayerDraft { diff_id: diff_id.to_owned(), work };
        // What a maker left that was killed.
        draft.restart()?;
        Ok(draft)
    }

    /// Begins a layer whose diff ID is not known yet; say it with [`LayerDraft::named`] before the commit.
    pub fn draft(&self) -> Result<LayerDraft> {
        Self::begin("", WorkDir::random(&self.roots, "layer-new-")?)
    }

    /// Puts complete layers in place. They must be durable already: call [`Layers::flush`] before.
    pub fn commit(&self, drafts: Vec<LayerDraft>) -> Result<()> {
        let any = !drafts.is_empty();
        for draft in drafts {
            let to = self.path(&draft.diff_id);
            let mut renamed = std::fs::rename(draft.root(), &to);
            if renamed.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::NotADirectory) {
                // A file is in its place, which is no layer (see `list`).
                renamed = std::fs::remove_file(&to).and_then(|()| std::fs::rename(draft.root(), &to));
            }
            match renamed {
                Ok(()) => {}
                // Another one had no name until now either, and was first. The same diff ID is the same content.
                Err(_) if self.exists(&draft.diff_id) => {}
                Err(e) => return Err(Error::from(e).wrap(format!("creating `{}`", to.display()))),
            }
        }
        if any {
            atomic::sync_dir(&self.roots.layers())?;
        }
        Ok(())
    }

    /// Makes everything on the file system of the data root durable.
    pub fn flush(&self) -> Result<()> {
        let dir = self.roots.layers();
        let attempt = || -> Result<()> { Ok(rustix::fs::syncfs(File::open(&dir)?.as_fd())?) };
        attempt().with_context(|| format!("flushing the file system of `{}`", dir.display()))
    }

    /// Makes a layer disappear in one step and returns what is left to delete, or `None` when it was not there.
    pub fn detach(&self, diff_id: &str) -> Result<Option<DetachedLayer>> {
        if !self.exists(diff_id) {
            return Ok(None);
        }
        let detached = DetachedLayer { work: WorkDir::random(&self.roots, "removed-layer-")? };
        match std::fs::rename(self.path(diff_id), detached.work.path("root")) {
            Ok(()) => Ok(Some(detached)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::from(e).wrap(format!("removing layer `{diff_id}`"))),
        }
    }
}

/// A layer that nobody can find any more.
#[derive(Debug)]
pub struct DetachedLayer {
    work: WorkDir,
}

impl DetachedLayer {
    /// Deletes its files. The caller must be in the user's user namespace.
    pub fn delete(self) -> Result<()> {
        self.work.remove()
    }
}

/// Whether this is the hexadecimal part of a SHA-256 diff ID.
pub fn is_diff_id(text: &str) -> bool {
    text.len() == 64 && id::is_hex(text)
}

fn set_mode(path: &Path, mode: u32) -> Result<()> {
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(path, permissions).with_context(|| format!("setting the mode of `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(home: &Path) -> Layers {
        Layers::new(&Roots::open(&home.join("data"), &home.join("run")).unwrap())
    }

    #[test]
    fn one_makes_it_and_the_next_finds_it() {
        let home = tempfile::tempdir().unwrap();
        let layers = layers(home.path());
        let diff_id = "a".repeat(64);
        let Claim::Mine(draft) = layers.claim(&diff_id).unwrap() else { panic!("not claimed") };
        assert!(matches!(layers.claim(&diff_id).unwrap(), Claim::Busy));
        std::fs::write(draft.root().join("file"), "x").unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| layers.wait(&diff_id).unwrap());
            layers.flush().unwrap();
            layers.commit(vec![draft]).unwrap();
            assert!(matches!(waiter.join().unwrap(), Claim::Exists));
        });
        assert!(layers.path(&diff_id).join("file").exists());
        assert_eq!(std::fs::read_dir(layers.roots.tmp()).unwrap().count(), 0);
        layers.detach(&diff_id).unwrap().unwrap().delete().unwrap();
        assert!(!layers.exists(&diff_id));
        assert_eq!(std::fs::read_dir(layers.roots.tmp()).unwrap().count(), 0);
    }

    #[test]
    fn what_a_killed_maker_left_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let layers = layers(home.path());
        let diff_id = "b".repeat(64);
        let left = layers.roots.tmp().join(format!("layer-{diff_id}/root/half"));
        std::fs::create_dir_all(&left).unwrap();
        let Claim::Mine(draft) = layers.claim(&diff_id).unwrap() else { panic!("not claimed") };
        assert!(!left.exists());
        drop(draft);
        assert!(matches!(layers.wait(&diff_id).unwrap(), Claim::Mine(_)));
        assert!(layers.claim("../x").is_err());
    }
}
