//! One request and its answer.

use super::error::{ApiError, classify};
use futures_util::future::{Either, select};
use gloo_net::http::{Request, Response};
use gloo_timers::future::TimeoutFuture;
use js_sys::Uint8Array;
use ponte_protocol::json::{self, FromJson, ToJson};
use std::future::Future;
use std::pin::pin;

/// How long an answer may take, in milliseconds.
const TIMEOUT_MS: u32 = 15_000;
/// The same for a sound, over a slow line.
const UPLOAD_MS: u32 = 120_000;

pub(super) async fn get(path: &str) -> Result<Response, ApiError> {
    let request = Request::get(path).build().map_err(|_| ApiError::Unreachable)?;
    checked(request.send(), TIMEOUT_MS).await
}

pub(super) async fn post(path: &str, body: &dyn ToJson) -> Result<Response, ApiError> {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(json::write(body))
        .map_err(|_| ApiError::Unreachable)?;
    checked(request.send(), TIMEOUT_MS).await
}

/// Sends a WAV file as the user's own greeting or name.
///
/// # Errors
/// [`ApiError`]; what the file lacks is told by the status alone.
pub async fn put_sound(name: &str, file: &Uint8Array) -> Result<(), ApiError> {
    let request = Request::put(&format!("/api/voicemail/{name}"))
        .header("Content-Type", "audio/wav")
        .body(file)
        .map_err(|_| ApiError::Unreachable)?;
    checked(request.send(), UPLOAD_MS).await.map(drop)
}

pub(super) async fn read<T: FromJson>(response: Response) -> Result<T, ApiError> {
    let status = response.status();
    let unexpected = ApiError::Unexpected { status };
    let text = response.text().await.map_err(|_| unexpected)?;
    json::read(&text).map_err(|_| unexpected)
}

/// A file as it is.
///
/// # Errors
/// [`ApiError::Unreachable`], or [`ApiError::Unexpected`] where there is none.
pub async fn text(path: &str) -> Result<String, ApiError> {
    let response = get(path).await?;
    let status = response.status();
    response.text().await.map_err(|_| ApiError::Unexpected { status })
}

async fn checked(
    sent: impl Future<Output = Result<Response, gloo_net::Error>>,
    timeout_ms: u32,
) -> Result<Response, ApiError> {
    let answer = match select(pin!(sent), TimeoutFuture::new(timeout_ms)).await {
        Either::Left((answer, _)) => answer.map_err(|_| ApiError::Unreachable)?,
        Either::Right(_) => return Err(ApiError::Unreachable),
    };
    if answer.ok() {
        return Ok(answer);
    }
    let retry_after = answer.headers().get("retry-after");
    let body = answer.text().await.unwrap_or_default();
    Err(classify(answer.status(), retry_after.as_deref(), &body))
}
