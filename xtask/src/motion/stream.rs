//! A scene as a network camera would send it: MJPEG over HTTP on loopback, at its pace, once from its beginning.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Result, ensure};
use lookout_testkit::motion::FPS;

/// The time between two pictures.
const STEP: Duration = Duration::from_millis(1000 / FPS as u64);
/// How long somebody may take to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the stream stays open behind its last picture, with nothing more to come.
const LINGER: Duration = Duration::from_millis(700);

/// A server of one scene.
pub struct Stream {
    listener: TcpListener,
    pictures: Vec<Vec<u8>>,
    sent: Arc<Mutex<Vec<SystemTime>>>,
}

impl Stream {
    /// Listens.
    pub fn new(pictures: Vec<Vec<u8>>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, pictures, sent: Arc::default() })
    }

    /// Says where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Sends all pictures to whoever comes, from the first on, and returns when each was sent.
    ///
    /// One that only asks what kind of stream it is, and goes, does not count: the next gets the first picture again.
    pub fn serve(&self) -> Result<Vec<SystemTime>> {
        let deadline = Instant::now() + PATIENCE + STEP * self.pictures.len() as u32;
        loop {
            match self.listener.accept() {
                Ok((socket, _)) => {
                    if self.send(socket).is_ok() {
                        return Ok(self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(5)),
                Err(error) => return Err(error.into()),
            }
            ensure!(Instant::now() < deadline, "nobody watched the scene to its end");
        }
    }

    fn send(&self, mut socket: TcpStream) -> Result<()> {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(STEP * 20))?;
        let mut lines = BufReader::new(socket.try_clone()?).lines();
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=scene\r\n\r\n")?;
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let begin = Instant::now();
        for (number, jpeg) in self.pictures.iter().enumerate() {
            thread::sleep((begin + STEP * number as u32).saturating_duration_since(Instant::now()));
            let head = format!("--scene\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", jpeg.len());
            socket.write_all(&[head.as_bytes(), jpeg, b"\r\n"].concat())?;
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(SystemTime::now());
        }
        thread::sleep(LINGER);
        Ok(())
    }
}

/// Returns in which pictures something was told, by the times of sending and of telling.
///
/// What was told belongs to the newest picture that was sent by then; what came before the first is dropped.
pub fn told(sent: &[SystemTime], told: &[SystemTime]) -> Vec<bool> {
    let mut pictures = vec![false; sent.len()];
    for told in told {
        let before = sent.partition_point(|sent| sent <= told);
        if let Some(picture) = before.checked_sub(1) {
            pictures[picture] = true;
        }
    }
    pictures
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_was_told_belongs_to_the_newest_picture_sent_by_then() {
        let at = |ms: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let sent = [100, 200, 300].map(at);
        assert_eq!(told(&sent, &[50, 200, 299, 900].map(at)), [false, true, true]);
        assert_eq!(told(&sent, &[]), [false; 3]);
    }

    #[test]
    fn one_that_leaves_early_does_not_count_and_the_next_gets_the_whole_scene() {
        let pictures: Vec<Vec<u8>> = (0..4).map(|number| vec![number; 40]).collect();
        let stream = Stream::new(pictures).unwrap();
        let address = stream.address().unwrap();
        let ask = move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            socket
        };
        let watching = thread::spawn(move || {
            ask().read_exact(&mut [0; 20]).unwrap();
            let mut seen = Vec::new();
            ask().read_to_end(&mut seen).unwrap();
            seen
        });
        let sent = stream.serve().unwrap();
        drop(stream);
        let seen = watching.join().unwrap();
        assert_eq!(sent.len(), 4);
        assert!((0..4).all(|number| seen.windows(40).any(|window| window == [number; 40])));
    }
}
