//! Ports of this machine that a test may have.

use std::{
    net::{SocketAddr, TcpListener},
    process,
    sync::atomic::{AtomicU16, Ordering},
};

/// Returns a port that nobody has, and that the kernel gives to nobody who asks for any.
pub fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(process::id() % 9000).unwrap();
    let mut ports = std::iter::repeat_with(|| 12_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 9000);
    ports.find(|port| TcpListener::bind(on(*port)).is_ok()).unwrap()
}

/// Returns the address of a port of this machine.
pub fn on(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
