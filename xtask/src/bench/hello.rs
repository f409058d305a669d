//! What a bare hyper costs a request: one thread, one task a connection, five bytes of answer.

use std::convert::Infallible;

use anyhow::Result;
use http_body_util::Full;
use hyper::{Response, body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime};

/// Serves until it is killed, saying on the first line where.
pub fn run() -> Result<()> {
    runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}

async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", serde_json::json!({ "http": listener.local_addr()? }));
    loop {
        let (socket, _) = listener.accept().await?;
        let answer = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello")))));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
    }
}
