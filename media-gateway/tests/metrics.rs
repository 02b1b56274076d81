//! Metrics and health over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use ponte_gateway::config::MetricsConfig;
use ponte_gateway::metrics::{MetricsError, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn metrics_and_health_are_served_and_a_taken_port_is_named() {
    let any_port = MetricsConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
    };
    let healthy = Arc::new(AtomicBool::new(false));
    let address = serve(&any_port, Arc::clone(&healthy)).await.unwrap();
    // A second gateway in one process, as tests start it, shares the recorder.
    serve(&any_port, Arc::clone(&healthy)).await.unwrap();
    metrics::counter!("ponte_test_total", "kind" => "a").increment(3);
    metrics::histogram!("ponte_test_seconds").record(0.3);

    let text = get(address, "/metrics").await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(text.contains("ponte_test_total{kind=\"a\"} 3"), "{text}");
    assert!(text.contains("ponte_test_seconds_bucket{le=\"0.5\"} 1"), "{text}");

    assert!(get(address, "/health").await.starts_with("HTTP/1.1 503"));
    healthy.store(true, Ordering::Relaxed);
    let health = get(address, "/health").await;
    assert!(
        health.starts_with("HTTP/1.1 200") && health.ends_with("{\"healthy\":true}"),
        "{health}"
    );
    assert!(get(address, "/").await.starts_with("HTTP/1.1 404"));

    let taken = serve(&MetricsConfig { listen: address }, healthy)
        .await
        .unwrap_err();
    assert!(matches!(taken, MetricsError::Listen { .. }));
    assert!(taken.to_string().contains("metrics.listen"), "{taken}");
}
