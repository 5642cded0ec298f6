//! The monitor's event loop: what happens between the start of a container's process and its end.

use std::os::fd::{AsFd as _, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::SocketFlags;

use super::client::Role;
use super::life::Life;
use super::log::Stream;
use super::pause;
use super::protocol::{ATTACH_STDIN, MAX_MESSAGE, kind};
use super::watch::Token;
use crate::container::Status;
use crate::error::{Error, Result};
use crate::runtime::child::join::Container;
use crate::storage::atomic::Durability;
use crate::sys::process;

/// How long the output of a container that has ended may wait for a client that does not read.
const PATIENCE: Duration = Duration::from_secs(10);

/// A monitor that has had nothing to do for as long as this should be small rather than quick.
const SETTLING: Duration = Duration::from_secs(1);

/// How often a stream is read after the end.
const DRAIN: usize = 64;

impl Life {
    /// Serves until the container has ended and all of its output is where it belongs. Its exit code.
    pub(super) fn serve_until_end(&mut self) -> i32 {
        let mut ended_at = None;
        loop {
            let ended = self.container.as_ref().and_then(|c| c.ended);
            if let Some(code) = ended {
                let since = *ended_at.get_or_insert_with(Instant::now);
                if since.elapsed() > PATIENCE {
                    self.clients.give_up_pending();
                }
                self.drain();
                if !self.clients.is_behind() {
                    self.log.finish(Stream::Stdout);
                    self.log.finish(Stream::Stderr);
                    return code;
                }
            }
            let kill_at = self.container.as_ref().and_then(|c| c.kill_at);
            if kill_at.is_some_and(|at| at <= Instant::now()) {
                self.timed_out();
                continue;
            }
            let retry_at = self.network_retry();
            if retry_at.is_some_and(|at| at <= Instant::now()) {
                self.reconnect();
                continue;
            }
            let patience = ended_at.map(|at| at + PATIENCE + Duration::from_millis(1));
            let deadline = [kill_at, patience, retry_at].into_iter().flatten().min();
            let settled = Instant::now() + SETTLING;
            match self.watch.wait(Some(deadline.map_or(settled, |at| at.min(settled)))) {
                // Nothing happened for a while.
                Ok(tokens) if tokens.is_empty() && settled <= Instant::now() => self.watch.sleep(deadline),
                Ok(tokens) => tokens.into_iter().for_each(|token| self.handle(token)),
                // An epoll that does not work: kill rather than spin.
                Err(_) => self.kill_container(libc::SIGKILL),
            }
        }
    }

    /// Waits before a restart. Whether there is to be one.
    pub(super) fn rest(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if self.state.stopped_by_user {
                return false;
            }
            if std::mem::take(&mut self.hurry) {
                break;
            }
            match self.watch.wait(Some(until)) {
                Ok(tokens) => tokens.into_iter().for_each(|token| self.handle(token)),
                Err(_) => return false,
            }
        }
        !self.state.stopped_by_user
    }

    fn timed_out(&mut self) {
        if let Some(container) = &mut self.container {
            container.kill_at = None;
            container.timed_out = true;
        }
        self.state.stopped_by_user = true;
        self.kill_container(libc::SIGKILL);
    }

    fn kill_container(&mut self, signal: i32) {
        if let Some(container) = &mut self.container {
            container.killed |= signal == libc::SIGKILL;
            let _ = process::pidfd_kill(&container.started.pidfd, signal);
        }
    }

    fn handle(&mut self, token: Token) {
        match token {
            Token::Signal => self.signals_arrived(),
            Token::Listener => self.accept(),
            Token::Stdout => {
                self.read_output(Stream::Stdout);
                // A terminal is one descriptor for both directions.
                if !self.input.is_empty() {
                    self.write_input();
                }
            }
            Token::Stderr => drop(self.read_output(Stream::Stderr)),
            Token::Stdin => self.write_input(),
            Token::Client(slot) => self.client_is_ready(slot),
            Token::Exec(slot) => self.sessions.hear(&self.watch, &mut self.clients, slot),
            Token::Network => self.network_spoke(),
        }
    }

    fn signals_arrived(&mut self) {
        while let Ok(Some(_)) = self.signals.read_signal() {}
        while let Some((pid, status)) = process::reap() {
            let code = process::exit_code(status);
            if let Some(container) = &mut self.container
                && container.started.pid == pid
            {
                container.ended = Some(code);
            } else {
                self.sessions.ended(&self.watch, &mut self.clients, pid, code);
            }
        }
    }

    fn accept(&mut self) {
        if let Ok(socket) = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            self.clients.add(&self.watch, socket, Role::New);
        }
    }

    /// The container's end of a stream: the terminal for both directions, where there is one.
    fn output_of(&self, stream: Stream) -> Option<&OwnedFd> {
        let container = self.container.as_ref()?;
        match (stream, &container.terminal) {
            (Stream::Stdout, Some(terminal)) => Some(terminal),
            (Stream::Stdout, None) => container.started.stdout.as_ref(),
            (Stream::Stderr, _) => container.started.stderr.as_ref(),
        }
    }

    /// Reads once, logs it, and gives it to the clients. Whether there may be more.
    fn read_output(&mut self, stream: Stream) -> bool {
        if self.clients.is_behind() {
            self.watch_output(false);
            return false;
        }
        let mut packet = [0_u8; MAX_MESSAGE];
        packet[0] = if stream == Stream::Stdout { kind::STDOUT } else { kind::STDERR };
        let Some(fd) = self.output_of(stream) else { return false };
        let room = packet.get_mut(1..).unwrap_or_default();
        match rustix::io::read(fd, room) {
            Ok(0) => self.output_ended(stream),
            Ok(length) => {
                let bytes = packet.get(..=length).unwrap_or_default();
                self.log.write(stream, bytes.get(1..).unwrap_or_default());
                self.clients.output(&self.watch, bytes);
                return true;
            }
            Err(Errno::AGAIN | Errno::INTR) => {}
            // EIO: nobody has the terminal's other end open. Somebody may open it again, but not after PID 1's end.
            Err(Errno::IO) => {
                if self.container.as_ref().is_some_and(|c| c.ended.is_some()) {
                    self.output_ended(stream);
                }
                if let Some(fd) = self.output_of(stream) {
                    self.watch.remove(fd);
                }
            }
            Err(_) => self.output_ended(stream),
        }
        false
    }

    fn output_ended(&mut self, stream: Stream) {
        if let Some(fd) = self.output_of(stream) {
            self.watch.remove(fd);
        }
        let Some(container) = &mut self.container else { return };
        match stream {
            Stream::Stdout if container.terminal.is_some() => container.terminal = None,
            Stream::Stdout => container.started.stdout = None,
            Stream::Stderr => container.started.stderr = None,
        }
    }

    /// Stops or resumes reading output, while a client is behind.
    fn watch_output(&self, on: bool) {
        for (stream, token) in [(Stream::Stdout, Token::Stdout), (Stream::Stderr, Token::Stderr)] {
            if let Some(fd) = self.output_of(stream) {
                if on {
                    // A terminal that has not taken all of the input yet is watched for that as well.
                    let output =
                        self.container.as_ref().is_some_and(|c| c.terminal.is_some()) && !self.input.is_empty();
                    self.watch.change(fd, token, true, output);
                } else {
                    self.watch.remove(fd);
                }
            }
        }
    }

    /// After the end: everything that is still in the pipes.
    fn drain(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            // As much as a pipe can hold, and then some: with `--pid host` a process left behind may write for ever.
            for _ in 0..DRAIN {
                if !self.read_output(stream) {
                    break;
                }
            }
        }
    }

    fn client_is_ready(&mut self, slot: u32) {
        let was_behind = self.clients.is_behind();
        self.clients.flush(&self.watch, slot);
        // Input waits in its socket while the container does not take it.
        let waits =
            matches!(self.clients.get(slot).map(|c| c.role), Some(Role::Attach { .. })) && !self.input.is_empty();
        if !waits {
            let mut buffer = [0_u8; MAX_MESSAGE];
            match self.clients.receive(slot, &mut buffer) {
                None => {}
                Some((0, _)) => {
                    let holds = self.clients.get(slot).is_some_and(|c| c.role == Role::Hold);
                    self.clients.close(&self.watch, slot);
                    if holds {
                        // Whoever wanted it paused was killed.
                        let _ = self.pause(false);
                    }
                }
                Some((length, descriptors)) => {
                    let packet = buffer.get(..length).unwrap_or_default();
                    self.message(slot, packet, descriptors);
                }
            }
        } else {
            self.clients.suspend_input(&self.watch, slot);
        }
        if was_behind && !self.clients.is_behind() {
            self.watch_output(true);
        }
    }

    fn message(&mut self, slot: u32, packet: &[u8], descriptors: Vec<OwnedFd>) {
        let Some((&what, payload)) = packet.split_first() else { return };
        let role = self.clients.get(slot).map(|c| c.role);
        match (role, what) {
            (Some(Role::Attach { flags }), _) => self.message_of_attached(flags, what, payload),
            (Some(Role::New), kind::ATTACH) => {
                let flags = payload.first().copied().unwrap_or(0);
                self.clients.set_role(slot, Role::Attach { flags });
                self.clients.send(&self.watch, slot, &[kind::ATTACHED]);
            }
            (Some(Role::New), kind::WAIT) => self.clients.set_role(slot, Role::Wait),
            (Some(Role::New), kind::EXEC) => self.begin_exec(slot, payload, descriptors),
            (Some(Role::New), kind::KILL) => {
                let signal = payload.get(..4).and_then(|b| b.try_into().ok()).map_or(0, i32::from_le_bytes);
                let by_user = payload.get(4) == Some(&1);
                let result = self.kill(signal, by_user);
                self.answer(slot, result);
            }
            (Some(Role::New), kind::START) => match self.begin_waiting_command() {
                Ok(result) => self.answer(slot, result),
                Err(error) => self.refuse(slot, &error),
            },
            (Some(Role::New), kind::NETWORK) => self.network_changed(slot),
            (Some(Role::New), kind::PAUSE) => {
                let result = self.pause(true);
                match (payload, result) {
                    ([1], Ok(())) => self.hold(slot),
                    _ => self.answer(slot, result),
                }
            }
            (Some(Role::New), kind::UNPAUSE) => {
                let result = self.pause(false);
                self.clients.end_holds();
                self.answer(slot, result);
            }
            _ => self.clients.close(&self.watch, slot),
        }
    }

    fn message_of_attached(&mut self, flags: u8, what: u8, payload: &[u8]) {
        match what {
            kind::INPUT if flags & ATTACH_STDIN != 0 => {
                self.input.extend_from_slice(payload);
                self.write_input();
            }
            kind::END_OF_INPUT if flags & ATTACH_STDIN != 0 => {
                self.input_ended = true;
                self.write_input();
            }
            kind::WINDOW => {
                let number =
                    |at: usize| payload.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes);
                let size =
                    rustix::termios::Winsize { ws_row: number(0), ws_col: number(2), ws_xpixel: 0, ws_ypixel: 0 };
                if let Some(terminal) = self.container.as_ref().and_then(|c| c.terminal.as_ref()) {
                    let _ = rustix::termios::tcsetwinsize(terminal, size);
                }
            }
            _ => {}
        }
    }

    /// Gives the container as much input as it takes.
    fn write_input(&mut self) {
        let Some(container) = &mut self.container else {
            self.input.clear();
            return;
        };
        let Some(fd) = container.terminal.as_ref().or(container.started.stdin.as_ref()) else {
            self.input.clear();
            return;
        };
        while !self.input.is_empty() {
            match rustix::io::write(fd, &self.input) {
                Ok(written) => drop(self.input.drain(..written)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let terminal = container.terminal.is_some();
                    let token = if terminal { Token::Stdout } else { Token::Stdin };
                    self.watch.change(fd, token, terminal, true);
                    if terminal {
                        break;
                    }
                    return;
                }
                // Nobody reads it any more.
                Err(_) => self.input.clear(),
            }
        }
        if container.terminal.is_none() {
            self.watch.remove(fd);
            if self.input_ended {
                container.started.stdin = None;
            }
        } else if self.input.is_empty() {
            self.watch.change(fd, Token::Stdout, true, false);
        }
        self.clients.resume_input(&self.watch);
    }

    pub(super) fn answer(&mut self, slot: u32, result: std::result::Result<(), i32>) {
        let mut packet = vec![kind::DONE];
        packet.extend(result.err().unwrap_or(0).to_le_bytes());
        self.clients.send(&self.watch, slot, &packet);
        self.clients.close(&self.watch, slot);
    }

    fn kill(&mut self, signal: i32, by_user: bool) -> std::result::Result<(), i32> {
        if by_user {
            self.state.stopped_by_user = true;
        }
        match &mut self.container {
            Some(container) if container.ended.is_none() => {
                container.killed |= signal == libc::SIGKILL;
                process::pidfd_kill(&container.started.pidfd, signal).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))
            }
            // Between two runs: not to restart is all there is to do.
            _ if by_user => Ok(()),
            _ => Err(libc::ESRCH),
        }
    }

    /// The outer error is why the command could not be executed.
    fn begin_waiting_command(&mut self) -> Result<std::result::Result<(), i32>> {
        match &self.container {
            Some(container) if container.waiting => {}
            Some(_) => return Ok(Err(libc::EALREADY)),
            // Between two runs: the next one begins now.
            None => {
                self.hurry = true;
                return Ok(Ok(()));
            }
        }
        self.execute().inspect_err(|error| self.state.error = error.to_string()).map(Ok)
    }

    pub(super) fn refuse(&mut self, slot: u32, error: &Error) {
        let mut packet = vec![kind::FAILED];
        packet.extend(crate::runtime::channel::encode_error(error));
        self.clients.send(&self.watch, slot, &packet);
        self.clients.close(&self.watch, slot);
    }

    fn pause(&mut self, on: bool) -> std::result::Result<(), i32> {
        let Some(container) = self.container.as_ref().filter(|c| c.ended.is_none() && !c.waiting) else {
            return Err(libc::ESRCH);
        };
        let (wanted, act): (Status, fn(&OwnedFd) -> Result<()>) =
            if on { (Status::Running, pause::pause) } else { (Status::Paused, pause::unpause) };
        if self.state.status != wanted {
            return Err(libc::EINVAL);
        }
        match &container.place {
            Some(place) => place.signal(if on { libc::SIGSTOP } else { libc::SIGCONT }),
            None => act(&container.started.pidfd).map_err(|_| libc::EIO)?,
        }
        self.state.status = if on { Status::Paused } else { Status::Running };
        self.save(Durability::Process);
        Ok(())
    }

    /// The container is paused for as long as this connection is there.
    fn hold(&mut self, slot: u32) {
        let mut packet = vec![kind::DONE];
        packet.extend(0_i32.to_le_bytes());
        self.clients.set_role(slot, Role::Hold);
        self.clients.send(&self.watch, slot, &packet);
        if self.clients.get(slot).is_none() {
            let _ = self.pause(false);
        }
    }

    fn begin_exec(&mut self, slot: u32, request: &[u8], descriptors: Vec<OwnedFd>) {
        let running = self.container.as_ref().filter(|c| c.ended.is_none() && !c.waiting);
        let refused = match (running, self.state.status) {
            (None, _) => Some("can only execute in a running container: container state improper"),
            (Some(_), Status::Paused) => Some("the container is paused: container state improper"),
            _ => None,
        };
        if let Some(reason) = refused {
            return self.refuse(slot, &Error::new(reason));
        }
        let Some(container) = running else { return };
        let init = container.started.pidfd.as_fd();
        let Ok(init) = init.try_clone_to_owned() else { return self.clients.close(&self.watch, slot) };
        let secrets = self.secrets.as_ref().map(AsRawFd::as_raw_fd);
        let launch = &self.config.launch;
        let userns = launch.userns.as_ref();
        let container = Container { init: &init, namespaces: launch.foreign(), secrets, userns };
        self.sessions.begin(&self.watch, &mut self.clients, slot, request, container, descriptors);
    }
}
