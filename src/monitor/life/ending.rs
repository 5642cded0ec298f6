//! The end of a container: of one run of it, of all of them, and what is cleaned up then.

use super::Life;
use crate::container::volumes::{self, Going};
use crate::container::{State, Status};
use crate::error::Error;
use crate::monitor::client::Clients;
use crate::monitor::{fuse, scratch};
use crate::network;
use crate::storage::atomic::Durability;
use crate::storage::fs;
use crate::sys::process;

impl Life {
    /// Ends what belongs to one run of the container: its process, its network.
    pub(super) fn stop_container(&mut self) {
        let Some(mut container) = self.container.take() else { return };
        if container.ended.is_none() {
            let _ = process::pidfd_kill(&container.started.pidfd, libc::SIGKILL);
            let _ = process::wait(container.started.pid);
        }
        let started = &container.started;
        for fd in [&container.terminal, &started.stdout, &started.stderr, &started.stdin].into_iter().flatten() {
            self.watch.remove(fd);
        }
        if let Some(network) = &mut container.network {
            network.stop();
        }
        self.leaving = container.network.take();
        if let Some(bridges) = container.bridges.take() {
            self.had = bridges.end(&self.watch);
            self.state.network.clear();
        }
        if let Some(place) = &container.place {
            place.signal(libc::SIGKILL);
            let fuse = self.fuse.iter().chain(&self.overlays).map(|child| Some(child.id() as i32));
            let spared: Vec<_> = fuse.chain([self.leaving.as_ref().map(network::Helper::pid)]).collect();
            kill_descendants(&spared);
        }
        self.end_overlays();
    }

    /// Unmounts what was mounted beside the root for this run, and empties what it wrote.
    fn end_overlays(&mut self) {
        for (overlay, child) in self.config.launch.overlays.iter().zip(std::mem::take(&mut self.overlays)) {
            fuse::unmount(overlay, child);
        }
        scratch::end(&self.config.launch.scratch);
    }

    /// The container could not be started: nothing stays but the record, with the reason.
    pub(super) fn never_started(&mut self, error: &Error) {
        // A container that has run before stays what it was.
        let before = self.store.written_state(&self.config.id).ok().flatten().unwrap_or_default();
        if before.finished_at.is_some() {
            self.state = State { status: Status::Exited, ..before };
        } else {
            self.state.exit_code = i32::from(error.kind().exit_code());
            self.state.status = Status::Created;
        }
        self.state.error = error.to_string();
        self.state.pid = 0;
        self.state.monitor_pid = 0;
        self.end_overlays();
        self.unmount();
        self.remove_pid_files();
        self.save(Durability::Process);
    }

    fn remove_pid_files(&self) {
        for path in [&self.config.pid_file, &self.config.monitor_pid_file].into_iter().flatten() {
            let _ = fs::remove_file_if_exists(path);
        }
    }

    /// The end: the last state, the removal, the last word to everybody.
    pub(super) fn end(&mut self) {
        self.unmount();
        self.state.monitor_pid = 0;
        let run_dir = self.store.roots().run_container(&self.config.id);
        let _ = fs::remove_file_if_exists(&run_dir.join("ctl"));
        self.remove_pid_files();
        let mut trash = None;
        let mut image = None;
        let mut going = Going::none();
        if self.config.auto_remove {
            // If it cannot be loaded, somebody removes it already.
            if let Ok(container) = self.store.load(&self.config.id)
                && !self.store.is_needed(&self.config.id)
            {
                image = self.config.auto_remove_image.then_some(container.record.image_id.clone());
                going = volumes::detach_anonymous(&self.store, &container.record).unwrap_or_else(|_| Going::none());
                trash = self.store.detach(&container.record).ok();
                going.release();
            }
        }
        if trash.is_none() {
            self.save(Durability::Power);
        }
        // Whoever hears that it ended may start or remove it at once.
        self.lock = None;
        self.clients.say_exit(self.state.exit_code);
        self.clients = Clients::default();
        if let Some(trash) = trash {
            let _ = trash.delete();
        }
        let _ = going.delete();
        if let Some(image) = image {
            self.remove_image(&image);
        }
    }

    fn remove_image(&self, id: &str) {
        let Ok(images) = crate::image::store::ImageStore::open(self.store.roots()) else { return };
        let _ = crate::container::usage::remove_image(&self.store, &images, id, true);
    }

    fn unmount(&mut self) {
        if let (Some(fuse), Some(child)) = (&self.config.fuse, self.fuse.take()) {
            fuse::unmount(fuse, child);
        }
    }
}

/// Without a PID namespace of its own, what a container leaves behind does not end with its first process. As the monitor
/// is the reaper of its descendants, they become its children, one generation after the other.
fn kill_descendants(spared: &[Option<i32>]) {
    for _ in 0..100 {
        let text = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
        let children = text.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok());
        let left: Vec<i32> = children.filter(|pid| !spared.contains(&Some(*pid))).collect();
        if left.is_empty() {
            return;
        }
        for pid in left {
            let _ = process::kill(pid, libc::SIGKILL);
            let _ = process::wait(pid);
        }
    }
}
