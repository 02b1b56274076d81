//! Answers of the API: typed errors, and the headers on everything.

use crate::auth::password::Weakness;
use crate::crypto::NoRandomness;
use crate::headers::API_HEADERS;
use crate::push::endpoint::EndpointFault;
use ponte_protocol::Refusal;
use serde::Serialize;
use worker::{Headers, Response, ResponseBuilder, Result};

/// An error that the client can act on; `{"error":{"type":…}}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum ApiError {
    NotFound,
    MethodNotAllowed {
        #[serde(skip)]
        allow: String,
    },
    /// The body is no JSON of the right shape.
    Malformed {
        detail: &'static str,
    },
    TooLarge {
        max_bytes: usize,
    },
    UnsupportedMediaType,
    /// The `Origin` is not the portal's.
    ForeignOrigin,
    WrongCredentials,
    NotSignedIn,
    TooManyAttempts {
        retry_after_ms: u64,
    },
    WeakPassword {
        reason: Weakness,
    },
    UnknownInvitation,
    /// Used before, or too old.
    InvitationGone,
    UpgradeRequired,
    /// The socket's ticket is unknown, used, too old or of another session.
    BadTicket,
    TooManySockets,
    /// The token to dial with is unknown or revoked.
    BadToken,
    TooManyTokens {
        max: u32,
    },
    /// The telephone system does not dial.
    Refused {
        refusal: Refusal,
    },
    TooManyRequests {
        retry_after_ms: u64,
    },
    /// The recording has no byte that the range names.
    RangeNotSatisfiable {
        #[serde(skip)]
        total: u64,
    },
    /// The gateway is not connected.
    GatewayOffline,
    /// The gateway did not answer in time.
    GatewayTimeout,
    /// The gateway cannot read the recording now.
    RecordingUnavailable,
    /// Nothing is sent to a push service of this address.
    BadEndpoint {
        reason: EndpointFault,
    },
    /// The user has no voicemail.
    NotPermitted,
    /// The file is no sound that the gateway can read.
    NotAudio,
    SoundTooLong,
    SoundTooShort,
    /// Another upload has taken the place of this one.
    UploadReplaced,
    /// The gateway's disk is full.
    DiskFull,
    Internal,
}

impl ApiError {
    fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } => 400,
            Self::WrongCredentials | Self::NotSignedIn | Self::BadTicket | Self::BadToken => 401,
            Self::ForeignOrigin | Self::NotPermitted => 403,
            Self::NotFound | Self::UnknownInvitation => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::UploadReplaced | Self::TooManyTokens { .. } | Self::Refused { .. } => 409,
            Self::InvitationGone => 410,
            Self::TooLarge { .. } => 413,
            Self::UnsupportedMediaType => 415,
            Self::WeakPassword { .. }
            | Self::NotAudio
            | Self::SoundTooLong
            | Self::SoundTooShort
            | Self::BadEndpoint { .. } => 422,
            Self::UpgradeRequired => 426,
            Self::RangeNotSatisfiable { .. } => 416,
            Self::TooManyAttempts { .. } | Self::TooManyRequests { .. } | Self::TooManySockets => 429,
            Self::Internal => 500,
            Self::GatewayOffline | Self::RecordingUnavailable => 503,
            Self::GatewayTimeout => 504,
            Self::DiskFull => 507,
        }
    }
}

/// Why a request failed: the client's doing, or ours.
#[derive(Debug)]
pub(crate) enum Failure {
    Api(ApiError),
    Fault(worker::Error),
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<worker::Error> for Failure {
    fn from(error: worker::Error) -> Self {
        Self::Fault(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<NoRandomness> for Failure {
    fn from(error: NoRandomness) -> Self {
        Self::Fault(worker::Error::RustError(error.to_string()))
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: &'a ApiError,
}

/// The response that tells an error.
pub(crate) fn error(error: &ApiError) -> Result<Response> {
    let response = Response::from_json(&Envelope { error })?.with_status(error.status());
    match error {
        ApiError::MethodNotAllowed { allow } => response.headers().set("Allow", allow)?,
        ApiError::RangeNotSatisfiable { total } => {
            response
                .headers()
                .set("Content-Range", &format!("bytes */{total}"))?;
        }
        ApiError::TooManyAttempts { retry_after_ms } | ApiError::TooManyRequests { retry_after_ms } => {
            response
                .headers()
                .set("Retry-After", &retry_after_ms.div_ceil(1000).to_string())?;
        }
        ApiError::BadToken => response.headers().set("WWW-Authenticate", "Bearer")?,
        ApiError::UpgradeRequired => response.headers().set("Upgrade", "websocket")?,
        _ => {}
    }
    Ok(response)
}

/// 204, with a cookie set.
pub(crate) fn no_content(cookie: &str) -> Result<Response> {
    let headers = Headers::new();
    headers.set("Set-Cookie", cookie)?;
    Ok(ResponseBuilder::new()
        .with_status(204)
        .with_headers(headers)
        .empty())
}

/// Puts the security headers on; a WebSocket's answer has no page to protect.
pub(crate) fn harden(response: Response) -> Result<Response> {
    if response.status_code() == 101 {
        return Ok(response);
    }
    for (name, value) in API_HEADERS {
        // A recording says itself how long it may be kept.
        if name != "Cache-Control" || !response.headers().has(name)? {
            response.headers().set(name, value)?;
        }
    }
    Ok(response)
}
