//! Datagrams with the local address that they came to or shall leave from (ip(7) IP_PKTINFO, ipv6(7) IPV6_PKTINFO), and
//! sockets that speak for others (IP_TRANSPARENT).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd as _};

/// A datagram that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived {
    /// Bytes of it that are in the buffer.
    pub length: usize,
    pub from: SocketAddr,
    pub local: Option<Local>,
}

/// The local end of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Local {
    pub address: IpAddr,
    /// The index of the interface where the address has a meaning on it only; otherwise 0.
    pub interface: u32,
}

/// Room for one control message with an address, aligned as cmsghdr wants it.
#[repr(C, align(8))]
struct Control([u8; 64]);

/// Lets a socket be bound to addresses of others, and receive what is for them. Needs CAP_NET_ADMIN or CAP_NET_RAW over the
/// network namespace.
pub fn set_transparent(socket: impl AsFd, ipv6: bool) -> io::Result<()> {
    match ipv6 {
        false => set(socket, libc::SOL_IP, libc::IP_TRANSPARENT),
        true => set(socket, libc::SOL_IPV6, libc::IPV6_TRANSPARENT),
    }
}

/// A port that bind(2) leaves open is chosen when the socket is connected, so that it need only differ for that peer.
pub fn choose_port_late(socket: impl AsFd) -> io::Result<()> {
    set(socket, libc::SOL_IP, libc::IP_BIND_ADDRESS_NO_PORT)
}

/// Lets [`receive`] know where datagrams came to.
pub fn ask_for_local_address(socket: impl AsFd, ipv6: bool) -> io::Result<()> {
    match ipv6 {
        false => set(socket, libc::SOL_IP, libc::IP_PKTINFO),
        true => set(socket, libc::SOL_IPV6, libc::IPV6_RECVPKTINFO),
    }
}

fn set(socket: impl AsFd, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open; the value is an int that lives across the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            option,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// recvmsg(2), without waiting.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Arrived> {
    // SAFETY: all zeroes is a valid sockaddr_storage and a valid msghdr.
    let (mut name, mut message): (libc::sockaddr_storage, libc::msghdr) = unsafe { std::mem::zeroed() };
    let mut control = Control([0; 64]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = size_of_val(&name) as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    // SAFETY: the descriptor is open; all that `message` points to lives across the call and has the lengths that it says.
    let result = unsafe { libc::recvmsg(socket.as_fd().as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    let length = usize::try_from(result).map_err(|_| io::Error::last_os_error())?;
    let from = read_address(&name).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Arrived { length, from, local: local_of(&message) })
}

/// The local address in the control messages that the kernel has written.
fn local_of(message: &libc::msghdr) -> Option<Local> {
    // SAFETY: `message` is as recvmsg left it, and its control buffer lives.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(message) };
    // SAFETY: null, or a header inside of the control buffer.
    while let Some(header) = unsafe { next.as_ref() } {
        // SAFETY: points behind the header; it is only read below, if the kernel wrote that structure there.
        let data = unsafe { libc::CMSG_DATA(header) };
        match (header.cmsg_level, header.cmsg_type) {
            (libc::SOL_IP, libc::IP_PKTINFO) => {
                // SAFETY: the kernel wrote an in_pktinfo; read without assuming its alignment.
                let info = unsafe { data.cast::<libc::in_pktinfo>().read_unaligned() };
                let address = Ipv4Addr::from_bits(u32::from_be(info.ipi_spec_dst.s_addr));
                return Some(Local { address: address.into(), interface: 0 });
            }
            (libc::SOL_IPV6, libc::IPV6_PKTINFO) => {
                // SAFETY: the kernel wrote an in6_pktinfo; read without assuming its alignment.
                let info = unsafe { data.cast::<libc::in6_pktinfo>().read_unaligned() };
                let address = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                let interface = if address.is_unicast_link_local() { info.ipi6_ifindex } else { 0 };
                return Some(Local { address: address.into(), interface });
            }
            _ => {}
        }
        // SAFETY: `header` is inside of the control buffer of `message`.
        next = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    None
}

/// sendmsg(2) to `to`, without waiting, from the local address if one is given.
pub fn send(socket: impl AsFd, bytes: &[u8], to: SocketAddr, local: Option<Local>) -> io::Result<()> {
    // SAFETY: all zeroes is a valid sockaddr_storage and a valid msghdr.
    let (mut name, mut message): (libc::sockaddr_storage, libc::msghdr) = unsafe { std::mem::zeroed() };
    let mut control = Control([0; 64]);
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    message.msg_namelen = write_address(&mut name, to);
    message.msg_name = (&raw mut name).cast();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    if let Some(local) = local {
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control.0.len() as _;
        message.msg_controllen = write_local(&message, local) as _;
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the descriptor is open; all that `message` points to lives across the call and has the lengths that it says.
    if unsafe { libc::sendmsg(socket.as_fd().as_raw_fd(), &raw const message, flags) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Writes one control message; its length. The buffer is known to be large enough for either.
fn write_local(message: &libc::msghdr, local: Local) -> usize {
    // SAFETY: the control buffer of `message` is zeroed, aligned, and has room for a header and the larger structure; the
    // pointers are valid while it lives.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(message);
        match local.address {
            IpAddr::V4(address) => {
                let mut info: libc::in_pktinfo = std::mem::zeroed();
                info.ipi_spec_dst.s_addr = address.to_bits().to_be();
                let size = size_of_val(&info) as libc::c_uint;
                (*header).cmsg_level = libc::SOL_IP;
                (*header).cmsg_type = libc::IP_PKTINFO;
                (*header).cmsg_len = libc::CMSG_LEN(size) as _;
                libc::CMSG_DATA(header).cast::<libc::in_pktinfo>().write_unaligned(info);
                libc::CMSG_SPACE(size) as usize
            }
            IpAddr::V6(address) => {
                let mut info: libc::in6_pktinfo = std::mem::zeroed();
                info.ipi6_addr.s6_addr = address.octets();
                info.ipi6_ifindex = local.interface;
                let size = size_of_val(&info) as libc::c_uint;
                (*header).cmsg_level = libc::SOL_IPV6;
                (*header).cmsg_type = libc::IPV6_PKTINFO;
                (*header).cmsg_len = libc::CMSG_LEN(size) as _;
                libc::CMSG_DATA(header).cast::<libc::in6_pktinfo>().write_unaligned(info);
                libc::CMSG_SPACE(size) as usize
            }
        }
    }
}

fn read_address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that it is a sockaddr_in, and a sockaddr_storage has room and alignment for it.
            let inet = unsafe { (&raw const *name).cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from_bits(u32::from_be(inet.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(inet.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that it is a sockaddr_in6, and a sockaddr_storage has room and alignment for it.
            let inet6 = unsafe { (&raw const *name).cast::<libc::sockaddr_in6>().read() };
            let ip = Ipv6Addr::from(inet6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(inet6.sin6_port), 0, inet6.sin6_scope_id).into())
        }
        _ => None,
    }
}

/// Puts the address into `name`; its length.
fn write_address(name: &mut libc::sockaddr_storage, address: SocketAddr) -> libc::socklen_t {
    match address {
        SocketAddr::V4(v4) => {
            // SAFETY: all zeroes is a valid sockaddr_in.
            let mut inet: libc::sockaddr_in = unsafe { std::mem::zeroed() };
            inet.sin_family = libc::AF_INET as libc::sa_family_t;
            inet.sin_port = v4.port().to_be();
            inet.sin_addr.s_addr = v4.ip().to_bits().to_be();
            // SAFETY: a sockaddr_storage has room and alignment for it.
            unsafe { (&raw mut *name).cast::<libc::sockaddr_in>().write(inet) };
            size_of_val(&inet) as libc::socklen_t
        }
        SocketAddr::V6(v6) => {
            // SAFETY: all zeroes is a valid sockaddr_in6.
            let mut inet6: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
            inet6.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            inet6.sin6_port = v6.port().to_be();
            inet6.sin6_addr.s6_addr = v6.ip().octets();
            inet6.sin6_scope_id = v6.scope_id();
            // SAFETY: a sockaddr_storage has room and alignment for it.
            unsafe { (&raw mut *name).cast::<libc::sockaddr_in6>().write(inet6) };
            size_of_val(&inet6) as libc::socklen_t
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn answers_leave_from_where_the_question_went() {
        for (bound, asked) in
            [("0.0.0.0:0", "127.0.0.9"), ("[::]:0", "::1"), ("[::]:0", "127.0.0.9"), ("[::1]:0", "::1")]
        {
            let server = UdpSocket::bind(bound).unwrap();
            ask_for_local_address(&server, bound.starts_with('[')).unwrap();
            let asked: IpAddr = asked.parse().unwrap();
            let client = UdpSocket::bind((asked, 0)).unwrap();
            // Only answers from the right address are received.
            client.connect((asked, server.local_addr().unwrap().port())).unwrap();
            client.send(b"question").unwrap();
            client.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
            let mut buffer = [0; 100];
            let arrived = loop {
                match receive(&server, &mut buffer) {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
                    other => break other.unwrap(),
                }
            };
            assert_eq!(&buffer[..arrived.length], b"question");
            assert_eq!(arrived.local.unwrap().address.to_canonical(), asked, "{bound}");
            assert_eq!(arrived.from.port(), client.local_addr().unwrap().port());
            send(&server, b"answer", arrived.from, arrived.local).unwrap();
            assert_eq!(client.recv(&mut buffer).unwrap(), 6, "{bound} {asked}");
        }
    }
}
