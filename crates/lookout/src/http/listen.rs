//! Accepts connections, within bounds, and carries each through its one request.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use lookout_core::{access::peers::is_near, head::Method};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant as Deadline, timeout, timeout_at},
};

use super::{
    caps::Place,
    conn::{Conn, Revocable},
    push::{Fans, Push},
    request::{self, Request},
    respond::{Answer, Body, Status, Then},
    upload::Upload,
};
use crate::{app::App, cgi, privacy::Pass, tls::Tls, watchdog::Loop};

/// How long a log line about refused connections is not repeated.
const QUIET: Duration = Duration::from_secs(1);
/// How long the answer to a restart waits for the listeners to close.
const SHUT: Duration = Duration::from_secs(1);
/// How long a client may take to take an answer that is no stream.
const ANSWER: Duration = Duration::from_secs(30);
/// How long, and how many bytes, what a client still sends is read after the answer: closing before would make its
/// system throw the answer away.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 64 * 1024);
/// The same of a body that nobody wanted, while it comes: many a client looks at the answer only when it has sent all.
const LINGER_BODY: (Duration, usize) = (Duration::from_secs(10), 33 << 20);
/// How long such a client may be silent.
const SILENT: Duration = Duration::from_secs(3);
/// What of a push stream may wait in the kernel unsent, bytes. A slow viewer then gets a fresh picture next, not the
/// pictures of the last seconds.
const UNSENT: u32 = 16 * 1024;
/// The longest body that is copied behind its head, bytes.
const SHORT: usize = 16 * 1024;
/// What a connection gets for which there is no place.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

/// Accepts connections on one socket for ever.
pub async fn serve(listener: Arc<TcpListener>, tls: Option<Arc<Tls>>, app: Arc<App>) {
    let mut turn = tokio::time::interval(app.watchdog.pace());
    let mut full = None::<Instant>;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => admit(&app, socket, peer.ip().to_canonical(), tls.clone()),
                Err(error) => {
                    // Out of descriptors: waiting a little costs less than trying again and again.
                    if full.is_none_or(|at| at.elapsed() > QUIET) {
                        tracing::warn!("cannot accept a connection: {error}");
                        full = Some(Instant::now());
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            _ = turn.tick() => {}
        }
        app.watchdog.beat(Loop::Http);
    }
}

fn admit(app: &Arc<App>, socket: TcpStream, peer: IpAddr, tls: Option<Arc<Tls>>) {
    let place = match app.caps.admit(peer) {
        Ok(place) => place,
        Err(why) => {
            app.metrics.refused(why);
            if tls.is_none() {
                // The socket is fresh: its buffer takes these bytes at once, or the client goes without.
                let _ = socket.try_write(FULL);
            }
            return;
        }
    };
    let app = app.clone();
    let here = socket.local_addr().ok();
    let near = here.is_some_and(|here| is_near(peer, here.ip()));
    let from = From { peer, here, near, accepted: Instant::now() };
    tokio::spawn(async move {
        let setup =
            socket.set_nodelay(true).and_then(|()| socket2::SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT));
        if let Err(error) = setup {
            tracing::debug!("a socket option was refused: {error}");
        }
        // One for the handshake and the head together.
        let deadline = Deadline::now() + app.config.http.head_timeout;
        let conn = match tls {
            None => Conn::Plain(socket),
            Some(tls) => match timeout_at(deadline, tls.acceptor().accept(socket)).await {
                Ok(Ok(stream)) => Conn::Tls(Box::new(stream)),
                Ok(Err(_)) | Err(_) => return,
            },
        };
        converse(app, conn, deadline, from, place).await;
    });
}

/// Where a connection comes from.
struct From {
    peer: IpAddr,
    here: Option<SocketAddr>,
    near: bool,
    accepted: Instant,
}

/// Reads one request and answers it.
async fn converse(app: Arc<App>, mut conn: Conn, deadline: Deadline, from: From, place: Place) {
    let head = timeout_at(deadline, request::read(&mut conn)).await;
    let answering = app.answering.read().await;
    let (answer, bodiless, sends_body) = match head.unwrap_or(Err(Status::Timeout)) {
        Ok(None) => return,
        Err(status) => (Answer::page(status, "The camera does not understand this request."), false, false),
        Ok(Some((head, begun))) => {
            let (bodiless, sends_body) = (head.method == Method::Head, head.body_length() > Some(0));
            let secure = matches!(conn, Conn::Tls(_));
            let From { peer, here, near, accepted } = from;
            let request = Request { head, peer, here, near, secure, accepted, arrived: Instant::now() };
            (cgi::answer(&app, &request, Upload::new(&mut conn, begun)).await, bodiless, sends_body)
        }
    };
    app.metrics.answered(answer.status.number());
    let then = answer.then;
    if then == Some(Then::Restart) {
        shut(&app).await;
    }
    let head = answer.head(&app.config.http.server, SystemTime::now());
    let body = if bodiless { Body::Whole(Bytes::new()) } else { answer.body };
    match answer.pass.filter(|_| !bodiless) {
        Some(pass) => {
            drop(answering);
            show(&app, conn, head.as_bytes(), body, pass, place).await;
        }
        // Without a pass there is no more of a stream than its head.
        None => {
            drop(send(&mut conn, head.as_bytes(), body).await);
            drop(answering);
            if then == Some(Then::RestartMachine) {
                app.network.restart();
            }
            if sends_body {
                drain(&mut conn, LINGER_BODY).await;
            }
        }
    }
}

/// Has the camera start anew once this request is answered. Nobody is let in before: whoever reads the answer and comes
/// back at once is the next daemon's.
async fn shut(app: &App) {
    let mut shut = app.shut.subscribe();
    app.restart.notify_one();
    // Without an end of it, whoever restarts is told so all the same.
    let _ = timeout(SHUT, shut.wait_for(|shut| *shut)).await;
}

/// Sends a picture, or begins a stream, as long as the pass is good.
async fn show(app: &App, conn: Conn, head: &[u8], body: Body, pass: Pass, place: Place) {
    let Ok(mut conn) = Revocable::new(conn) else { return };
    let sent = async {
        let push = send(&mut conn, head, body).await;
        if push.is_none() {
            conn.taken(app.config.http.stall).await;
        }
        push
    };
    let push = tokio::select! {
        () = pass.ended() => None,
        push = sent => push,
    };
    if let Some(push) = push {
        Fans::join(*push, conn, place);
    }
}

/// Sends an answer, of a stream the beginning; returns the stream if there is somebody to watch it.
///
/// A client that left or does not read has no answer to complain about.
async fn send(conn: &mut Conn, head: &[u8], body: Body) -> Option<Box<Push>> {
    match body {
        Body::Whole(body) => {
            let _ = timeout(ANSWER, finish(conn, head, &body)).await;
            None
        }
        Body::Slice(slice) => {
            let sent = timeout(ANSWER, conn.write_all(head)).await.is_ok_and(|sent| sent.is_ok());
            if sent && slice.send(conn, ANSWER).await.is_ok() {
                let _ = timeout(ANSWER, close(conn)).await;
            }
            None
        }
        Body::Push(push) => {
            let begin = [head, &push.begin].concat();
            timeout(ANSWER, conn.write_all(&begin)).await.is_ok_and(|sent| sent.is_ok()).then_some(push)
        }
    }
}

async fn finish(conn: &mut Conn, head: &[u8], body: &[u8]) -> io::Result<()> {
    // A short answer goes out as one piece; a long one is not copied for it, however many take their time over it.
    if body.len() <= SHORT {
        conn.write_all(&[head, body].concat()).await?;
    } else {
        conn.write_all(head).await?;
        conn.write_all(body).await?;
    }
    close(conn).await
}

/// Ends the answer, and reads what the client still sends.
async fn close(conn: &mut Conn) -> io::Result<()> {
    conn.flush().await?;
    conn.shutdown().await?;
    drain(conn, LINGER).await;
    Ok(())
}

/// Reads what a client still sends, and throws it away.
async fn drain(conn: &mut Conn, (time, mut bytes): (Duration, usize)) {
    let mut rest = [0; 4096];
    let drain = async {
        while bytes > 0 {
            match timeout(SILENT, conn.read(&mut rest)).await {
                Ok(Ok(read @ 1..)) => bytes = bytes.saturating_sub(read),
                Ok(Ok(0) | Err(_)) | Err(_) => break,
            }
        }
    };
    let _ = timeout(time, drain).await;
}
