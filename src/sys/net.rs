//! Interfaces, and what must be done between fork and exec for a network helper.

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

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
/// lacks CLOEXEC.
///
/// With `die_with_parent` it is killed when the thread that starts it ends. (An exec that gains capabilities, and a
/// change of credentials, cancel that.)
pub fn prepare_helper(command: &mut Command, inherit: &[RawFd], die_with_parent: bool) {
    let inherit: Vec<RawFd> = inherit.to_vec();
    let parent = rustix::process::getpid().as_raw_nonzero().get();
    let setup = move || {
        // SAFETY: plain system calls on numbers; nothing is allocated or locked.
        unsafe {
            if libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) < 0 {
                return Err(io::Error::last_os_error());
            }
            for fd in &inherit {
                if libc::fcntl(*fd, libc::F_SETFD, 0) < 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            if die_with_parent {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) < 0 {
                    return Err(io::Error::last_os_error());
                }
                if libc::getppid() != parent {
                    // The parent died before the request: its death will not be signalled any more.
                    return Err(io::Error::from_raw_os_error(libc::ESRCH));
                }
            }
        }
        Ok(())
    };
    // SAFETY: the closure makes only system calls that are safe after fork, and allocates nothing.
    unsafe { command.pre_exec(setup) };
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
