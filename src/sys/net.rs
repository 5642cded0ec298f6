//! Interfaces, and what must be done between fork and exec for a network helper.

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::process::Pid;

/// Sets the loopback interface of this process's network namespace up.
pub fn loopback_up() -> io::Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: all zeroes is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the descriptor is open and the request a valid ifreq with a terminated name.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// setsockopt(2) of a number at the level of netlink (NETLINK_EXT_ACK, NETLINK_ADD_MEMBERSHIP, ...).
pub fn set_netlink_option(socket: BorrowedFd<'_>, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `value` is a readable number of that length.
    let result =
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_NETLINK, option, (&raw const value).cast(), length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The inode number of the user namespace that owns a network namespace (ioctl_ns(2)).
///
/// # Errors
/// It is neither the caller's nor one below it.
pub fn owner_of(namespace: BorrowedFd<'_>) -> io::Result<u64> {
    const NS_GET_USERNS: libc::c_ulong = 0xb701;
    // SAFETY: the request takes no argument and returns a new descriptor.
    let fd = unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_USERNS as _) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was made just now and is nobody else's.
    let owner = unsafe { <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(fd) };
    Ok(rustix::fs::fstat(&owner)?.st_ino)
}

/// A packet socket (packet(7)) of the interface with this index: what is written to it is a frame as it goes over the wire, and all
/// frames are read. For tests of what hostile containers do.
pub fn packet_socket(interface: u32) -> io::Result<std::os::fd::OwnedFd> {
    let all = (libc::ETH_P_ALL as u16).to_be();
    let protocol = std::num::NonZeroU32::new(u32::from(all)).map(rustix::net::Protocol::from_raw);
    let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
    // SAFETY: all zeroes is a valid sockaddr_ll.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = all;
    address.sll_ifindex = interface.cast_signed();
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: `address` is a sockaddr_ll of that length.
    let result = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(socket) }
}

/// The user of the process that connected a UNIX socket, in the caller's user namespace.
pub fn peer_uid(socket: BorrowedFd<'_>) -> io::Result<u32> {
    // SAFETY: all zeroes is a valid ucred.
    let mut peer: libc::ucred = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    let to = (&raw mut peer).cast();
    // SAFETY: `peer` is a writable structure of that length.
    let result =
        unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, to, &raw mut length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(peer.uid) }
}

/// An address of an interface that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceAddress {
    pub interface: String,
    pub address: IpAddr,
    pub loopback: bool,
}

/// The addresses of all interfaces that are up, in the kernel's order.
pub fn interface_addresses() -> io::Result<Vec<InterfaceAddress>> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: `list` is a valid place for the result, which is freed below.
    if unsafe { libc::getifaddrs(&raw mut list) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let mut addresses = Vec::new();
    let mut next = list;
    // SAFETY: `next` is null or an element of the list, which lives until it is freed below.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        if entry.ifa_flags & libc::IFF_UP as libc::c_uint == 0 {
            continue;
        }
        if let Some(address) = ip_of(entry.ifa_addr) {
            // SAFETY: ifa_name is a terminated string that lives as long as the list.
            let name = unsafe { CStr::from_ptr(entry.ifa_name) };
            let interface = name.to_string_lossy().into_owned();
            let loopback = entry.ifa_flags & libc::IFF_LOOPBACK as libc::c_uint != 0;
            addresses.push(InterfaceAddress { interface, address, loopback });
        }
    }
    // SAFETY: the list came from getifaddrs and is not used any more.
    unsafe { libc::freeifaddrs(list) };
    Ok(addresses)
}

/// The IP address in a socket address that getifaddrs returned.
fn ip_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: null, or a socket address with at least its family.
    let family = i32::from(unsafe { address.as_ref() }?.sa_family);
    match family {
        libc::AF_INET => {
            // SAFETY: the family says that it is a sockaddr_in; read without assuming its alignment.
            let inet = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from_bits(u32::from_be(inet.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is a sockaddr_in6; read without assuming its alignment.
            let inet6 = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(inet6.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

/// Makes `command` inherit standard input, output and error and `inherit`, and no other descriptor, even one that
/// lacks CLOEXEC; and lets it open as many as the hard limit allows.
///
/// With `die_with_parent` it is killed when the thread that starts it ends. (An exec that gains capabilities, and a
/// change of credentials, cancel that.)
pub fn prepare_helper(command: &mut Command, inherit: &[RawFd], die_with_parent: bool) {
    let inherit: Vec<RawFd> = inherit.to_vec();
    let parent = std::process::id();
    let setup = move || {
        // SAFETY: a plain system call on numbers.
        if unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) } < 0 {
            return Err(io::Error::last_os_error());
        }
        for fd in &inherit {
            // SAFETY: a plain system call on numbers.
            if unsafe { libc::fcntl(*fd, libc::F_SETFD, 0) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        raise_descriptor_limit();
        if die_with_parent { follow_parent(parent) } else { Ok(()) }
    };
    // SAFETY: the closure makes only system calls that are safe after fork, and allocates nothing.
    unsafe { command.pre_exec(setup) };
}

/// Forks a process that runs `body` and exits: named `name`, with no descriptor but `keep` and /dev/null for the standard
/// three, no signal blocked, killed when the calling thread ends.
///
/// The caller should be single-threaded: `body` may allocate.
pub fn fork_helper(name: &CStr, keep: &[BorrowedFd<'_>], body: impl FnOnce()) -> io::Result<Pid> {
    let parent = std::process::id();
    // SAFETY: the child goes on with the one thread that called, and leaves by _exit without unwinding into the caller.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    if let Some(child) = Pid::from_raw(pid) {
        return Ok(child);
    }
    let run = || {
        follow_parent(parent)?;
        keep_only(keep)?;
        raise_descriptor_limit();
        // SAFETY: the set is initialised by sigemptyset; the name is a terminated string.
        unsafe {
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            libc::prctl(libc::PR_SET_NAME, name.as_ptr());
        }
        body();
        io::Result::Ok(())
    };
    // A panic must not unwind into what the parent was doing.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    let status = if matches!(result, Ok(Ok(()))) { 0 } else { 1 };
    // SAFETY: ends this process at once.
    unsafe { libc::_exit(status) }
}

/// Asks to be killed when the parent ends. For use after fork: no allocation.
fn follow_parent(parent: u32) -> io::Result<()> {
    // SAFETY: plain system calls on numbers.
    unsafe {
        if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
            return Err(io::Error::last_os_error());
        }
        // It may have ended before the request, and that is not signalled any more.
        if libc::getppid().unsigned_abs() != parent {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
    }
    Ok(())
}

/// Sets the soft limit of open descriptors to the hard one; a helper has one for each published port and connection.
pub fn raise_descriptor_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit; failing changes nothing.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

/// Closes all descriptors but `keep`, and puts /dev/null where the standard three were.
fn keep_only(keep: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut numbers: Vec<u32> = keep.iter().map(|fd| fd.as_raw_fd().unsigned_abs()).collect();
    numbers.sort_unstable();
    let mut first = 3;
    for number in numbers {
        close_range(first, number.checked_sub(1))?;
        first = first.max(number.saturating_add(1));
    }
    close_range(first, Some(u32::MAX))?;
    // SAFETY: a terminated path, and plain numbers.
    unsafe {
        let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        if null < 0 {
            return Err(io::Error::last_os_error());
        }
        for standard in 0..3 {
            if libc::dup2(null, standard) < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        if null > 2 {
            libc::close(null);
        }
    }
    Ok(())
}

fn close_range(first: u32, last: Option<u32>) -> io::Result<()> {
    match last {
        // SAFETY: a plain system call on numbers; nobody uses those descriptors in this process.
        Some(last) if first <= last && unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } < 0 => {
            Err(io::Error::last_os_error())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_among_the_addresses() {
        let addresses = interface_addresses().unwrap();
        let lo = addresses.iter().find(|a| a.address == IpAddr::V4(Ipv4Addr::LOCALHOST)).expect("127.0.0.1");
        assert!(lo.loopback);
        assert_eq!(lo.interface, "lo");
    }

    #[test]
    fn only_named_descriptors_are_inherited() {
        let (read, write) = rustix::pipe::pipe().unwrap();
        let mut command = Command::new("/bin/ls");
        command.arg("/proc/self/fd").stdin(std::process::Stdio::null());
        prepare_helper(&mut command, &[write.as_raw_fd()], true);
        let output = command.output().unwrap();
        let listed = String::from_utf8(output.stdout).unwrap();
        let fds: Vec<&str> = listed.split_whitespace().collect();
        assert!(fds.contains(&write.as_raw_fd().to_string().as_str()), "{fds:?}");
        // 0, 1, 2, the inherited one, and the directory that ls itself opened.
        assert_eq!(fds.len(), 5, "{fds:?}, and not {}", read.as_raw_fd());
    }
}
