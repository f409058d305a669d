//! What the system knows of a TCP connection.

use std::{
    io,
    os::fd::{AsFd, AsRawFd as _},
};

/// Returns how many bytes of what was written to a TCP socket its peer's system has not acknowledged (tcp(7), `SIOCOUTQ`).
///
/// # Errors
/// It is no connected TCP socket.
pub fn unacknowledged(socket: impl AsFd) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: `TIOCOUTQ`, which is `SIOCOUTQ`, writes one integer to where the pointer says, which is a live one.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(bytes).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[test]
    fn what_the_peer_has_not_taken_is_counted_until_it_has() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut here, _) = listener.accept().unwrap();
        assert_eq!(unacknowledged(&here).unwrap(), 0);
        here.set_nonblocking(true).unwrap();
        let mut written = 0;
        while let Ok(more) = here.write(&[0; 64 * 1024]) {
            written += more;
        }
        assert!(unacknowledged(&here).unwrap() > 0);
        there.read_exact(&mut vec![0; written]).unwrap();
        while unacknowledged(&here).unwrap() > 0 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_file_is_no_socket() {
        assert!(unacknowledged(std::fs::File::open("/dev/null").unwrap()).is_err());
    }
}
