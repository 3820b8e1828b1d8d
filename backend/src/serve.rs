//! Connections: so many at once and no more, none that dawdles over its request's head, and an end at a stop that
//! lets what is being answered be answered.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use metrics::gauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long a connection may take to bring a whole head, and may idle between requests. Clients of ours let go
/// of theirs sooner.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest head of a request, and the unit in which bodies are read.
const BUFFER_BYTES: usize = 128 << 10;
/// How long to wait where a connection cannot be taken, as there are no more files to be had.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Serves until told to stop, then until what is in flight is answered, at most for `patience`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    stopping: CancellationToken,
    patience: Duration,
) {
    let places = Arc::new(Semaphore::new(max_connections));
    let connections = TaskTracker::new();
    loop {
        // At the bound, further connections wait in the kernel until one ends.
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        let (stream, peer, place) = tokio::select! {
            (accepted, place) = accepted => match (accepted, place) {
                (Ok((stream, peer)), Ok(place)) => (stream, peer, place),
                (Err(error), _) => {
                    tracing::debug!(%error, "a connection could not be taken");
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                    continue;
                }
                (_, Err(_)) => return,
            },
            () = stopping.cancelled() => break,
        };
        let (router, stopping) = (router.clone(), stopping.clone());
        connections.spawn(async move {
            gauge!("lilac_http_connections").increment(1);
            if let Err(error) = attend(stream, peer, router, stopping).await {
                tracing::debug!(%error, "a connection ended badly");
            }
            gauge!("lilac_http_connections").decrement(1);
            drop(place);
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(patience, connections.wait()).await.is_err() {
        tracing::warn!("requests were still in flight; stopping all the same");
    }
}

/// Serves one connection to its end. At a stop, what is being answered is its last request. One that becomes a
/// WebSocket leaves here, and counts by what it is for from then on.
async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stopping: CancellationToken,
) -> hyper::Result<()> {
    // Answers are small and wanted at once.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return result,
        () = stopping.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
