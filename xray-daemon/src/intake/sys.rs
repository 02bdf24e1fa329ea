//! The Linux calls that intake needs and no crate offers: the only `unsafe` of the daemon.
//!
//! In: sockets. Out: many datagrams per call (`recvmmsg`), readiness of many sockets (`poll`), the
//! kernel's drop counter (`SO_MEMINFO`), and the program that spreads datagrams over a group of
//! sockets (`SO_ATTACH_REUSEPORT_CBPF`). Owns the receive buffer. Why not a crate: `socket2` and
//! `std` read one datagram a call, which costs three times the CPU at 50,000 a second.

#![expect(
    unsafe_code,
    reason = "system calls without a safe wrapper; each block says why it holds"
)]

use std::ffi::{c_int, c_void};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;
use std::{mem, ptr};

use super::receiver::Datagram;

/// Datagrams per call: more than arrive in one round at 20,000 a second.
pub(super) const SLOTS: usize = 64;
/// More than the largest datagram, so that none is cut. Pages that are never written to take no
/// memory, so with usual documents the buffer takes 4 kB a slot.
const SLOT_BYTES: usize = 64 * 1024;

/// Place of the drop counter in what `SO_MEMINFO` returns (`linux/sock_diag.h`).
const MEMINFO_DROPS: usize = 8;
const MEMINFO_VALUES: usize = 9;

/// Lets the kernel pick one of the `sockets` of this socket's group at random, for each datagram.
pub(super) fn choose_socket_at_random(socket: &UdpSocket, sockets: u32) -> io::Result<()> {
    // ld [random]; mod sockets; ret A   (linux/filter.h: SKF_AD_OFF + SKF_AD_RANDOM)
    let mut program = [
        libc::sock_filter { code: 0x20, jt: 0, jf: 0, k: (-0x1000_i32 + 56) as u32 },
        libc::sock_filter { code: 0x94, jt: 0, jf: 0, k: sockets },
        libc::sock_filter { code: 0x16, jt: 0, jf: 0, k: 0 },
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the option's value is a `sock_fprog` of that size; it and the program it points to
    // live until the call returns, and the kernel copies both.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_REUSEPORT_CBPF,
            ptr::from_ref(&filter).cast::<c_void>(),
            mem::size_of_val(&filter) as libc::socklen_t,
        )
    };
    check(result).map(drop)
}

/// Datagrams that the kernel has thrown away at this socket, modulo 2^32.
pub(super) fn kernel_drops(socket: &UdpSocket) -> io::Result<u32> {
    let mut values = [0_u32; MEMINFO_VALUES];
    let mut bytes = mem::size_of_val(&values) as libc::socklen_t;
    // SAFETY: the kernel writes at most `bytes` bytes to `values`, any bits of which are valid.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            values.as_mut_ptr().cast::<c_void>(),
            &mut bytes,
        )
    };
    check(result)?;
    Ok(values[MEMINFO_DROPS])
}

/// Whether `recvmmsg` is there at all: some sandboxes know it not. Reads nothing.
pub(super) fn knows_batches(socket: &UdpSocket) -> bool {
    // SAFETY: no message is named, so the kernel reads and writes none.
    let result = unsafe {
        let flags = libc::MSG_DONTWAIT as _;
        libc::recvmmsg(socket.as_raw_fd(), ptr::null_mut(), 0, flags, ptr::null_mut())
    };
    check(result).is_ok()
}

/// Waits for many files at once.
#[derive(Debug)]
pub(super) struct Poller {
    files: Vec<libc::pollfd>,
}

impl Poller {
    pub(super) fn new(files: impl IntoIterator<Item = RawFd>) -> Self {
        let entry = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        Self { files: files.into_iter().map(entry).collect() }
    }

    /// Waits until a file is readable, or for `timeout`; `None`: for ever.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        // Rounded up, or the last millisecond would be waited for in a busy loop.
        let millis = timeout.map_or(-1, |timeout| {
            c_int::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX)
        });
        // SAFETY: `files` is valid for reads and writes of that many entries during the call.
        let result = unsafe {
            libc::poll(self.files.as_mut_ptr(), self.files.len() as libc::nfds_t, millis)
        };
        match check(result) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.files.iter_mut().for_each(|file| file.revents = 0);
                Ok(())
            }
            result => result.map(drop),
        }
    }

    /// Whether the last wait found the file in this place readable, or broken.
    pub(super) fn is_ready(&self, place: usize) -> bool {
        self.files.get(place).is_some_and(|file| file.revents != 0)
    }

    /// Waits for the file in this place no more.
    pub(super) fn ignore(&mut self, place: usize) {
        if let Some(file) = self.files.get_mut(place) {
            // A negative number is skipped by the kernel.
            file.fd = -1;
            file.revents = 0;
        }
    }
}

/// Room for [`SLOTS`] datagrams, filled by one or several calls.
pub(super) struct ReceiveBuffer {
    /// The kernel writes here, through the pointers in `vectors`.
    bytes: Vec<u8>,
    /// Boxed: `messages` points here.
    _vectors: Box<[libc::iovec]>,
    /// Boxed: `messages` points here.
    addresses: Box<[libc::sockaddr_storage]>,
    messages: Box<[libc::mmsghdr]>,
    filled: usize,
}

impl ReceiveBuffer {
    pub(super) fn new() -> Self {
        let mut bytes = vec![0; SLOTS * SLOT_BYTES];
        let start = bytes.as_mut_ptr();
        let mut vectors: Box<[_]> = (0..SLOTS)
            .map(|slot| libc::iovec {
                iov_base: start.wrapping_add(slot * SLOT_BYTES).cast::<c_void>(),
                iov_len: SLOT_BYTES,
            })
            .collect();
        // SAFETY: both are plain C structures for which all zeroes are a valid value.
        let (address, message) =
            unsafe { (mem::zeroed::<libc::sockaddr_storage>(), mem::zeroed::<libc::mmsghdr>()) };
        let mut addresses = vec![address; SLOTS].into_boxed_slice();
        let mut messages = vec![message; SLOTS].into_boxed_slice();
        for ((message, vector), address) in
            messages.iter_mut().zip(&mut vectors).zip(&mut addresses)
        {
            message.msg_hdr.msg_iov = vector;
            message.msg_hdr.msg_iovlen = 1;
            message.msg_hdr.msg_name = ptr::from_mut(address).cast::<c_void>();
            message.msg_hdr.msg_namelen = ADDRESS_BYTES;
        }
        Self { bytes, _vectors: vectors, addresses, messages, filled: 0 }
    }

    /// Whether there is no room for another datagram.
    pub(super) fn is_full(&self) -> bool {
        self.filled == SLOTS
    }

    /// Reads what `socket` has, as far as there is room; returns whether it may have more.
    pub(super) fn read(&mut self, socket: &UdpSocket) -> io::Result<bool> {
        let free = self.messages.get_mut(self.filled..).unwrap_or_default();
        // SAFETY: every entry of `free` names an address and a vector that this structure owns,
        // neither moved nor freed while it lives; each vector names its own part of `bytes`, which
        // nobody else reads or writes during the call. Without a time-out the last pointer may be
        // null.
        let result = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                free.as_mut_ptr(),
                free.len() as u32,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        match check(result) {
            Ok(read) => {
                let read = usize::try_from(read).unwrap_or(0);
                let all = read == free.len();
                self.filled += read;
                Ok(all)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// What was read since the last [`clear`](Self::clear).
    pub(super) fn datagrams(&self) -> impl Iterator<Item = Datagram<'_>> + Clone {
        let slots = self.bytes.chunks_exact(SLOT_BYTES).zip(&self.addresses);
        self.messages.iter().zip(slots).take(self.filled).map(|(message, (slot, address))| {
            let size_bytes = usize::try_from(message.msg_len).unwrap_or(0).min(SLOT_BYTES);
            Datagram {
                bytes: slot.get(..size_bytes).unwrap_or_default(),
                sender: sender(address),
                cut: message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            }
        })
    }

    /// Makes room.
    pub(super) fn clear(&mut self) {
        for message in self.messages.iter_mut().take(self.filled) {
            // The kernel has set it to the length of the address that it wrote.
            message.msg_hdr.msg_namelen = ADDRESS_BYTES;
        }
        self.filled = 0;
    }
}

const ADDRESS_BYTES: libc::socklen_t = size_of::<libc::sockaddr_storage>() as libc::socklen_t;

fn sender(address: &libc::sockaddr_storage) -> SocketAddr {
    match c_int::from(address.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the kernel wrote a `sockaddr_in`, which is smaller and
            // no more aligned than the storage.
            let address = unsafe { &*ptr::from_ref(address).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
            (ip, u16::from_be(address.sin_port)).into()
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for `sockaddr_in6`.
            let address = unsafe { &*ptr::from_ref(address).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(address.sin6_addr.s6_addr);
            // An IPv4 sender on a socket for both is shown as what it is.
            match ip.to_ipv4_mapped() {
                Some(ip) => (ip, u16::from_be(address.sin6_port)).into(),
                None => {
                    let port = u16::from_be(address.sin6_port);
                    SocketAddrV6::new(ip, port, 0, address.sin6_scope_id).into()
                }
            }
        }
        _ => (Ipv4Addr::UNSPECIFIED, 0).into(),
    }
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(address: &str) -> (UdpSocket, UdpSocket) {
        let receiver = UdpSocket::bind(address).unwrap();
        let sender = UdpSocket::bind(address).unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        (sender, receiver)
    }

    #[test]
    fn many_datagrams_are_read_in_one_call_with_their_senders() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(_) = UdpSocket::bind(address) else { continue };
            let (sender, receiver) = pair(address);
            for text in ["one", "", "three"] {
                sender.send(text.as_bytes()).unwrap();
            }
            let mut buffer = ReceiveBuffer::new();
            assert!(!buffer.read(&receiver).unwrap());
            let from = sender.local_addr().unwrap();
            let read: Vec<_> =
                buffer.datagrams().map(|datagram| (datagram.bytes, datagram.sender)).collect();
            assert_eq!(read, [(b"one".as_slice(), from), (b"", from), (b"three", from)]);
        }
    }

    #[test]
    fn the_largest_datagram_is_not_cut_and_slots_are_used_again() {
        let (sender, receiver) = pair("127.0.0.1:0");
        let mut buffer = ReceiveBuffer::new();
        for fill in [b'a', b'b'] {
            sender.send(&vec![fill; 65_507]).unwrap();
            buffer.read(&receiver).unwrap();
            let datagram = buffer.datagrams().next().unwrap();
            assert_eq!((datagram.bytes.len(), datagram.cut), (65_507, false));
            assert!(datagram.bytes.iter().all(|byte| *byte == fill));
            assert_eq!(datagram.sender, sender.local_addr().unwrap());
            buffer.clear();
        }
        assert_eq!(buffer.datagrams().count(), 0);
    }

    #[test]
    fn a_full_buffer_says_that_there_may_be_more() {
        let (sender, receiver) = pair("127.0.0.1:0");
        for number in 0..SLOTS + 1 {
            sender.send(&[number as u8]).unwrap();
        }
        let mut buffer = ReceiveBuffer::new();
        assert!(buffer.read(&receiver).unwrap());
        assert!(buffer.is_full());
        buffer.clear();
        assert!(!buffer.read(&receiver).unwrap());
        assert_eq!(buffer.datagrams().next().unwrap().bytes, [SLOTS as u8]);
    }

    #[test]
    fn waiting_ends_with_a_datagram_or_in_time() {
        let (sender, receiver) = pair("127.0.0.1:0");
        let mut poller = Poller::new([receiver.as_raw_fd()]);
        poller.wait(Some(Duration::from_millis(1))).unwrap();
        assert!(!poller.is_ready(0));
        sender.send(b"x").unwrap();
        poller.wait(None).unwrap();
        assert!(poller.is_ready(0));
        poller.ignore(0);
        poller.wait(Some(Duration::ZERO)).unwrap();
        assert!(!poller.is_ready(0));
    }

    #[test]
    fn the_kernel_counts_what_it_throws_away() {
        let (sender, receiver) = pair("127.0.0.1:0");
        assert_eq!(kernel_drops(&receiver).unwrap(), 0);
        socket2::SockRef::from(&receiver).set_recv_buffer_size(4096).unwrap();
        let sent = 200;
        for _ in 0..sent {
            sender.send(&[0; 1000]).unwrap();
        }
        let mut buffer = ReceiveBuffer::new();
        let mut read = 0;
        while buffer.read(&receiver).unwrap() || buffer.datagrams().next().is_some() {
            read += buffer.datagrams().count() as u32;
            buffer.clear();
        }
        assert_eq!(kernel_drops(&receiver).unwrap(), sent - read);
        assert!(read < sent);
    }
}
