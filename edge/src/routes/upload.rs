//! A greeting or a name from a portal, handed to the gateway a piece at a time: no more of it is held here than a piece
//! and what the browser sent behind it.

use super::account::session_token;
use super::answer::{ApiError, Failure};
use super::body::check_origin;
use super::site_call::put_piece;
use crate::crypto;
use crate::site::rpc::{UploadAnswer, UploadCall};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use ponte_protocol::upload::{UPLOAD_MAX, UPLOAD_PIECE_MAX};
use ponte_protocol::{OwnSound, Taken};
use std::time::Duration;
use worker::{ByteStream, Delay, Env, Request, Response, ResponseBuilder};

/// How often a piece that came too fast is offered again.
const TRIES: u32 = 5;

/// The sound of `/api/voicemail/<sound>`; `None` where the path is another.
pub(crate) fn sound_in(path: &str) -> Option<OwnSound> {
    match path.strip_prefix("/api/voicemail/")? {
        "greeting" => Some(OwnSound::Greeting),
        "name" => Some(OwnSound::Name),
        _ => None,
    }
}

/// What is sent of one file.
struct Sender<'a> {
    env: &'a Env,
    call: UploadCall,
}

impl Sender<'_> {
    /// Hands over the next bytes; whether the gateway wants more.
    async fn send(&mut self, bytes: &[u8], last: bool) -> Result<bool, Failure> {
        self.call.base64 = STANDARD.encode(bytes);
        self.call.last = last;
        for _ in 0..TRIES {
            let taken = match put_piece(self.env, &self.call).await? {
                UploadAnswer::Taken { taken } => taken,
                UploadAnswer::TooMany { retry_after_ms } if self.call.offset > 0 => {
                    Delay::from(Duration::from_millis(retry_after_ms)).await;
                    continue;
                }
                UploadAnswer::TooMany { retry_after_ms } => {
                    return Err(ApiError::TooManyRequests { retry_after_ms }.into());
                }
                UploadAnswer::NoSession => return Err(ApiError::NotSignedIn.into()),
                UploadAnswer::Offline => return Err(ApiError::GatewayOffline.into()),
                UploadAnswer::TimedOut => return Err(ApiError::GatewayTimeout.into()),
            };
            self.call.offset += bytes.len() as u64;
            return match taken {
                Taken::More => Ok(true),
                Taken::Kept => Ok(false),
                Taken::NotPermitted => Err(ApiError::NotPermitted.into()),
                Taken::NotAudio => Err(ApiError::NotAudio.into()),
                Taken::TooLong => Err(ApiError::SoundTooLong.into()),
                Taken::TooShort => Err(ApiError::SoundTooShort.into()),
                Taken::DiskFull => Err(ApiError::DiskFull.into()),
                Taken::OutOfOrder => Err(ApiError::UploadReplaced.into()),
                Taken::Unavailable => Err(ApiError::RecordingUnavailable.into()),
            };
        }
        Err(ApiError::GatewayTimeout.into())
    }
}

fn too_large() -> Failure {
    ApiError::TooLarge {
        max_bytes: usize::try_from(UPLOAD_MAX).unwrap_or(usize::MAX),
    }
    .into()
}

/// `PUT` of a WAV file.
pub(crate) async fn put(mut request: Request, env: &Env, sound: OwnSound) -> Result<Response, Failure> {
    check_origin(&request, env)?;
    let session = session_token(&request)?.digest();
    let kind = request.headers().get("Content-Type")?.unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if !matches!(
        kind.as_str(),
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave"
    ) {
        return Err(ApiError::UnsupportedMediaType.into());
    }
    let told: Option<u64> = request
        .headers()
        .get("Content-Length")?
        .and_then(|told| told.parse().ok());
    if told.is_some_and(|told| told > UPLOAD_MAX) {
        return Err(too_large());
    }
    if request.inner().body().is_none() {
        return Err(ApiError::NotAudio.into());
    }
    let mut sender = Sender {
        env,
        call: UploadCall {
            session,
            upload: crypto::random_uuid()?,
            sound,
            offset: 0,
            last: false,
            base64: String::new(),
        },
    };
    let mut stream = request.stream()?;
    let sent = send_all(&mut sender, &mut stream).await;
    if sent.is_err() {
        read_off(&mut stream).await;
    }
    sent?;
    Ok(ResponseBuilder::new().with_status(204).empty())
}

/// Hands over what the browser sends, as it comes.
async fn send_all(sender: &mut Sender<'_>, stream: &mut ByteStream) -> Result<(), Failure> {
    let mut held: Vec<u8> = Vec::new();
    while let Some(chunk) = stream.next().await {
        held.extend_from_slice(&chunk?);
        if sender.call.offset + held.len() as u64 > UPLOAD_MAX {
            return Err(too_large());
        }
        while held.len() > UPLOAD_PIECE_MAX {
            let rest = held.split_off(UPLOAD_PIECE_MAX);
            sender.send(&held, false).await?;
            held = rest;
        }
    }
    sender.send(&held, true).await?;
    Ok(())
}

/// Takes what the browser still sends of a file that is refused: a connection that is closed while it sends shows it a
/// failure of the network and not why.
async fn read_off(stream: &mut ByteStream) {
    let mut left = UPLOAD_MAX;
    while let Some(Ok(chunk)) = stream.next().await {
        let Some(rest) = left.checked_sub(chunk.len() as u64) else {
            return;
        };
        left = rest;
    }
}
