//! Reads the body of a request, within limits.

use super::answer::{ApiError, Failure};
use crate::auth::origin;
use crate::limits::BODY_MAX;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use worker::{Env, Request};

/// Refuses a request that another site's page made.
pub(crate) fn check_origin(request: &Request, env: &Env) -> Result<(), Failure> {
    let given = request.headers().get("Origin")?;
    let own = request.url().ok().map(|url| url.origin().ascii_serialization());
    let configured = env.var("PUBLIC_ORIGIN").ok().map(|value| value.to_string());
    if origin::is_own(given.as_deref(), own.as_deref(), configured.as_deref()) {
        Ok(())
    } else {
        Err(ApiError::ForeignOrigin.into())
    }
}

/// The JSON body of a request; `None` where there is no body at all.
pub(crate) async fn json_or_nothing<T: DeserializeOwned>(
    request: &mut Request,
) -> Result<Option<T>, Failure> {
    let bytes = bytes(request).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let kind = request.headers().get("Content-Type")?.unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::UnsupportedMediaType.into());
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|_| {
        ApiError::Malformed {
            detail: "the body is not the JSON expected here",
        }
        .into()
    })
}

/// The JSON body of a request.
pub(crate) async fn json<T: DeserializeOwned>(request: &mut Request) -> Result<T, Failure> {
    json_or_nothing(request).await?.ok_or_else(|| {
        ApiError::Malformed {
            detail: "there is no body",
        }
        .into()
    })
}

async fn bytes(request: &mut Request) -> Result<Vec<u8>, Failure> {
    if request.inner().body().is_none() {
        return Ok(Vec::new());
    }
    let mut stream = request.stream()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
        if bytes.len() > BODY_MAX {
            return Err(ApiError::TooLarge { max_bytes: BODY_MAX }.into());
        }
    }
    Ok(bytes)
}
