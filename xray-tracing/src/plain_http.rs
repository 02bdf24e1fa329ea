//! A blocking HTTP/1.1 call without TLS: to the daemon's TCP port and to metadata services.
//!
//! In: one request. Out: status and body of the answer. Owns the connection, for this call alone.
//! Bounded in time (connecting, and in all) and in bytes; whatever the peer sends, it fails rather
//! than waits. Runs on background threads only.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Longest head of an answer.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Most addresses of a name that are tried.
const MAX_ADDRESSES: usize = 4;

/// How long a call may take, and how much it may bring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) connect: Duration,
    pub(crate) total: Duration,
    pub(crate) max_body_bytes: usize,
}

/// A request, to be sent on a connection of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// Host name or IP address, IPv6 without brackets.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) method: &'a str,
    /// Path with query.
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Request<'_> {
    /// Makes the call.
    ///
    /// # Errors
    /// Nobody answers in time, or what comes is no HTTP or too long.
    pub(crate) fn send(&self, bounds: Bounds) -> io::Result<Answer> {
        let until = Instant::now() + bounds.total;
        let mut stream = self.connect(bounds, until)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(left(until)?))?;
        stream.write_all(&self.bytes())?;
        let mut reader = Reader { stream, until, buffer: Vec::new() };
        loop {
            let head = reader.head()?;
            // An interim answer (100, 103) is followed by the real one.
            if head.status >= 200 {
                let body = reader.body(&head, bounds.max_body_bytes)?;
                return Ok(Answer { status: head.status, body });
            }
        }
    }

    fn connect(&self, bounds: Bounds, until: Instant) -> io::Result<TcpStream> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let addresses: Vec<SocketAddr> = (self.host, self.port).to_socket_addrs()?.collect();
        for address in addresses.iter().take(MAX_ADDRESSES) {
            match TcpStream::connect_timeout(address, bounds.connect.min(left(until)?)) {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn bytes(&self) -> Vec<u8> {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.to_owned() };
        let mut text = format!(
            "{} {} HTTP/1.1\r\nHost: {host}:{}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.method,
            self.path,
            self.port,
            self.body.len()
        );
        for (name, value) in self.headers {
            text.push_str(name);
            text.push_str(": ");
            text.push_str(value);
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(self.body);
        bytes
    }
}

/// What the head of an answer says.
struct Head {
    status: u16,
    length: Option<usize>,
    is_chunked: bool,
}

struct Reader {
    stream: TcpStream,
    until: Instant,
    /// Read, and not yet used.
    buffer: Vec<u8>,
}

impl Reader {
    /// Reads more; false at the end of the stream.
    fn fill(&mut self) -> io::Result<bool> {
        self.stream.set_read_timeout(Some(left(self.until)?))?;
        let mut chunk = [0; 8 * 1024];
        let bytes = self.stream.read(&mut chunk)?;
        self.buffer.extend_from_slice(chunk.get(..bytes).unwrap_or_default());
        Ok(bytes > 0)
    }

    /// Takes what stands before `end`, and drops `end`.
    fn take_until(&mut self, end: &[u8], max_bytes: usize) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = memchr::memmem::find(&self.buffer, end) {
                let taken = self.buffer.drain(..at + end.len()).take(at).collect();
                return Ok(taken);
            }
            if self.buffer.len() > max_bytes {
                return Err(not_http("a line or head that is too long"));
            }
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn take(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < bytes {
            if !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..bytes).collect())
    }

    fn head(&mut self) -> io::Result<Head> {
        let head = self.take_until(b"\r\n\r\n", MAX_HEAD_BYTES)?;
        let head = String::from_utf8_lossy(&head);
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(status_of).ok_or_else(|| not_http("no status line"))?;
        let mut read = Head { status, length: None, is_chunked: false };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                let length = value.parse().map_err(|_| not_http("a length that is no number"))?;
                read.length = Some(length);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                read.is_chunked = value.to_ascii_lowercase().ends_with("chunked");
            }
        }
        if matches!(status, 100..=199 | 204 | 304) {
            (read.length, read.is_chunked) = (Some(0), false);
        }
        Ok(read)
    }

    fn body(&mut self, head: &Head, max_bytes: usize) -> io::Result<Vec<u8>> {
        if head.is_chunked {
            return self.chunks(max_bytes);
        }
        if let Some(length) = head.length {
            return if length > max_bytes { Err(too_long(max_bytes)) } else { self.take(length) };
        }
        while self.fill()? {
            if self.buffer.len() > max_bytes {
                return Err(too_long(max_bytes));
            }
        }
        Ok(std::mem::take(&mut self.buffer))
    }

    fn chunks(&mut self, max_bytes: usize) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.take_until(b"\r\n", MAX_HEAD_BYTES)?;
            let line = String::from_utf8_lossy(&line);
            let digits = line.split(';').next().unwrap_or_default().trim();
            let length = usize::from_str_radix(digits, 16)
                .map_err(|_| not_http("a chunk without its length"))?;
            if length == 0 {
                return Ok(body);
            }
            if length > max_bytes || body.len() + length > max_bytes {
                return Err(too_long(max_bytes));
            }
            body.append(&mut self.take(length)?);
            self.take_until(b"\r\n", 2)?;
        }
    }
}

/// `HTTP/1.1 200 OK` is 200.
fn status_of(line: &str) -> Option<u16> {
    let mut words = line.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok().filter(|status| (100..=599).contains(status))
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn not_http(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the answer is not HTTP/1.1: {what}"))
}

fn too_long(max_bytes: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the answer has more than {max_bytes} bytes, more than is read"),
    )
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        connect: Duration::from_secs(5),
        total: Duration::from_secs(5),
        max_body_bytes: 100,
    };

    /// Sends a request to a peer that answers with `bytes`; what came to the peer comes as well.
    fn exchange(bytes: &'static [u8], bounds: Bounds) -> (io::Result<Answer>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut came = Vec::new();
            while !came.ends_with(b"{}") {
                let mut chunk = [0; 1024];
                let read = stream.read(&mut chunk).unwrap();
                came.extend_from_slice(&chunk[..read]);
            }
            // The caller may have gone.
            drop(stream.write_all(bytes));
            came
        });
        let request = Request {
            host: "127.0.0.1",
            port,
            method: "POST",
            path: "/SamplingTargets",
            headers: &[("Content-Type", "application/json")],
            body: b"{}",
        };
        let answer = request.send(bounds);
        (answer, peer.join().unwrap())
    }

    fn answer(bytes: &'static [u8]) -> io::Result<Answer> {
        exchange(bytes, BOUNDS).0
    }

    #[test]
    fn a_request_says_what_it_must() {
        let (answer, came) = exchange(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", BOUNDS);
        assert_eq!(answer.unwrap(), Answer { status: 200, body: b"hi".to_vec() });
        let came = String::from_utf8(came).unwrap();
        assert!(came.starts_with("POST /SamplingTargets HTTP/1.1\r\nHost: 127.0.0.1:"), "{came}");
        assert!(came.ends_with(
            "\r\nConnection: close\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
        ));
    }

    #[test]
    fn a_body_ends_by_length_by_chunks_or_with_the_stream() {
        let bodies: [&[u8]; 4] = [
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            b"HTTP/1.0 200 OK\r\n\r\nhello",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ];
        for bytes in bodies {
            assert_eq!(answer(bytes).unwrap(), Answer { status: 200, body: b"hello".to_vec() });
        }
        assert_eq!(answer(b"HTTP/1.1 204 None\r\n\r\n").unwrap().body, b"");
        assert_eq!(answer(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n").unwrap().status, 403);
    }

    #[test]
    fn what_is_not_an_answer_fails() {
        let bodies: [&[u8]; 7] = [
            b"",
            b"SSH-2.0-OpenSSH\r\n\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ];
        for bytes in bodies {
            assert!(answer(bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        let error = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n").unwrap_err();
        let expected = "the answer has more than 100 bytes, more than is read";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_peer_that_says_nothing_is_left_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let request =
            Request { host: "127.0.0.1", port, method: "GET", path: "/", headers: &[], body: b"" };
        let bounds = Bounds { total: Duration::from_millis(20), ..BOUNDS };
        let error = request.send(bounds).unwrap_err();
        assert!(
            matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
            "{error}"
        );
    }
}
