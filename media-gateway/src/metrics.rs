//! Metrics for Prometheus on `/metrics`, and the state of health on `/health`.

use crate::config::MetricsConfig;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

/// Between two tidyings of the histograms, which grow until then.
const UPKEEP: Duration = Duration::from_secs(5);
/// Bounds of the buckets of every histogram in seconds, from a signalling step to a long call.
const BUCKETS: [f64; 16] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 600.0, 3_600.0,
];

/// There is one recorder in a process, however many gateways a test starts in it.
static RECORDER: OnceCell<PrometheusHandle> = OnceCell::const_new();

/// Why metrics are not served.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    #[error(
        "metrics.listen: {address} cannot be used: {source}; where another program listens there, give another port"
    )]
    Listen { address: SocketAddr, source: io::Error },
    #[error("metrics cannot be collected: {0}")]
    Recorder(#[from] BuildError),
}

/// Collects what the `metrics` macros tell from now on, and serves it in the background for as long as the process
/// lives. `/health` answers 200 while `healthy`, else 503.
///
/// Returns where it listens: the port that the system chose, where the configuration says 0.
pub async fn serve(config: &MetricsConfig, healthy: Arc<AtomicBool>) -> Result<SocketAddr, MetricsError> {
    let failed = |source| MetricsError::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let recorder = RECORDER.get_or_try_init(|| async { install() }).await?.clone();
    let app = Router::new()
        .route("/metrics", get(render))
        .with_state(recorder)
        .route("/health", get(health))
        .with_state(healthy);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "metrics are no longer served");
        }
    });
    Ok(address)
}

fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .install_recorder()?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        let mut interval = tokio::time::interval(UPKEEP);
        loop {
            interval.tick().await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

async fn render(State(recorder): State<PrometheusHandle>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        recorder.render(),
    )
}

async fn health(State(healthy): State<Arc<AtomicBool>>) -> impl IntoResponse {
    let (status, text) = if healthy.load(Ordering::Relaxed) {
        (StatusCode::OK, r#"{"healthy":true}"#)
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, r#"{"healthy":false}"#)
    };
    (status, [(header::CONTENT_TYPE, "application/json")], text)
}
