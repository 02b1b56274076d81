//! Recordings of voicemail, streamed from the gateway a piece at a time.
//!
//! Only what the portal takes is fetched: at any time a listener holds the piece it is reading and those that were asked
//! for ahead.

use super::account::session_token;
use super::answer::{ApiError, Failure};
use super::site_call::ask_audio;
use crate::audio::range::{Span, Wish};
use crate::audio::{PIECE_BYTES, PIECES_AHEAD, validators};
use crate::site::rpc::{AudioCall, AudioRefusal};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use ponte_protocol::{MessageId, OwnSound};
use std::time::Duration;
use uuid::Uuid;
use worker::js_sys::Promise;
use worker::wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::web_sys::ReadableStream;
use worker::worker_sys::FixedLengthStream;
use worker::{
    Delay, Env, Error, Headers, Method, Request, Response, ResponseBody, ResponseBuilder, console_warn,
};

/// How long a browser may keep a recording, in seconds: for seeking back and forth, not for ever.
const KEPT_S: u32 = 60;
/// How often a listener that asked too fast in the middle of a recording asks again.
const TRIES: u32 = 10;

/// The message of `/api/messages/<id>/audio`; `None` where the path is another.
pub(crate) fn message_in(path: &str) -> Option<&str> {
    let id = path.strip_prefix("/api/messages/")?.strip_suffix("/audio")?;
    (!id.contains('/')).then_some(id)
}

/// Fetches the pieces of one recording for one session.
#[derive(Clone)]
struct Source {
    env: Env,
    session: String,
    message: MessageId,
    /// In the place of a message.
    own: Option<OwnSound>,
}

impl Source {
    async fn piece(&self, offset: u64, length: u32) -> Result<Result<(u64, Vec<u8>), AudioRefusal>, Failure> {
        let call = AudioCall {
            session: self.session.clone(),
            message: self.message,
            own: self.own,
            offset,
            length,
        };
        ask_audio(&self.env, &call).await
    }

    /// A piece in the middle of a recording. Whatever keeps it away ends the answer before its length, so that the
    /// browser knows.
    async fn later_piece(self, total: u64, offset: u64, length: u32) -> worker::Result<Vec<u8>> {
        for _ in 0..TRIES {
            match self.piece(offset, length).await {
                Ok(Ok((same, bytes))) if same == total => return Ok(bytes),
                Ok(Ok(_)) => return Err(broken("the recording has changed")),
                Ok(Err(AudioRefusal::TooMany { retry_after_ms })) => {
                    Delay::from(Duration::from_millis(retry_after_ms)).await;
                }
                Ok(Err(refusal)) => return Err(broken(&format!("{refusal:?}"))),
                Err(Failure::Fault(fault)) => return Err(fault),
                Err(Failure::Api(_)) => return Err(broken("refused")),
            }
        }
        Err(broken("too many listeners"))
    }
}

fn broken(why: &str) -> Error {
    Error::RustError(format!("a recording ends early: {why}"))
}

fn refused(refusal: AudioRefusal) -> Failure {
    match refusal {
        AudioRefusal::NoSession => ApiError::NotSignedIn,
        AudioRefusal::NotFound => ApiError::NotFound,
        AudioRefusal::Unavailable => ApiError::RecordingUnavailable,
        AudioRefusal::Offline => ApiError::GatewayOffline,
        AudioRefusal::TimedOut => ApiError::GatewayTimeout,
        AudioRefusal::TooMany { retry_after_ms } => ApiError::TooManyRequests { retry_after_ms },
    }
    .into()
}

/// `GET` or `HEAD` of a recording.
pub(crate) async fn recording(request: &Request, env: &Env, id: &str) -> Result<Response, Failure> {
    let message = validators::message_id(id).ok_or(ApiError::Malformed {
        detail: "the message's id is a UUID",
    })?;
    answer(request, env, message, None).await
}

/// `GET` or `HEAD` of the user's own greeting or name. It changes, so nobody keeps it.
pub(crate) async fn own(request: &Request, env: &Env, sound: OwnSound) -> Result<Response, Failure> {
    answer(request, env, MessageId(Uuid::nil()), Some(sound)).await
}

async fn answer(
    request: &Request,
    env: &Env,
    message: MessageId,
    own: Option<OwnSound>,
) -> Result<Response, Failure> {
    let source = Source {
        env: env.clone(),
        session: session_token(request)?.digest(),
        message,
        own,
    };
    let given = |name: &str| request.headers().get(name).ok().flatten();
    let head = request.method() == Method::Head;
    let asked = Wish::read(given("Range").as_deref());
    let opening = if head { 1 } else { asked.opening(PIECE_BYTES) };
    let (total, first) = source.piece(0, opening).await?.map_err(refused)?;

    let headers = Headers::new();
    headers.set("Accept-Ranges", "bytes")?;
    headers.set("Vary", "Cookie")?;
    let etag = own.is_none().then(|| validators::etag(message, total));
    if let Some(etag) = &etag {
        headers.set("Cache-Control", &format!("private, max-age={KEPT_S}"))?;
        headers.set("ETag", etag)?;
        if validators::is_held(given("If-None-Match").as_deref(), etag) {
            return Ok(ResponseBuilder::new()
                .with_status(304)
                .with_headers(headers)
                .empty());
        }
    }
    // Without a validator nothing says that the client's part is of the same sound.
    let holds = match &etag {
        Some(etag) => validators::range_holds(given("If-Range").as_deref(), etag),
        None => given("If-Range").is_none(),
    };
    let wish = if holds { asked } else { Wish::Whole };
    let span = wish
        .resolve(total)
        .map_err(|_| ApiError::RangeNotSatisfiable { total })?;
    headers.set("Content-Type", "audio/wav")?;
    let download = request
        .url()?
        .query_pairs()
        .any(|(name, value)| name == "download" && value == "1");
    if download {
        headers.set("Content-Disposition", &validators::disposition(message))?;
    }
    let status = if wish == Wish::Whole {
        200
    } else {
        headers.set("Content-Range", &span.content_range(total))?;
        206
    };
    let answer = ResponseBuilder::new().with_status(status);
    if head {
        headers.set("Content-Length", &span.length.to_string())?;
        return Ok(answer.with_headers(headers).empty());
    }
    let body = body(source, total, first, span)?;
    Ok(answer.with_headers(headers).stream(body))
}

/// The bytes of a span; `first` is what came with the opening.
fn body(source: Source, total: u64, mut first: Vec<u8>, span: Span) -> Result<ReadableStream, Failure> {
    if span.first == 0 {
        first.truncate(usize::try_from(span.length).unwrap_or(usize::MAX));
    } else {
        first.clear();
    }
    let rest = span.after(first.len() as u64);
    let opening = stream::iter((!first.is_empty()).then_some(Ok(first)));
    let later = stream::iter(rest.pieces(PIECE_BYTES))
        .map(move |(offset, length)| source.clone().later_piece(total, offset, length))
        .buffered(PIECES_AHEAD)
        .inspect_err(|error| console_warn!("{}", error.to_string()));
    fixed_length(opening.chain(later), span.length)
}

/// A stream whose length the answer tells; one that ends before it is an error to the client.
fn fixed_length(
    bytes: impl stream::Stream<Item = worker::Result<Vec<u8>>> + 'static,
    length: u64,
) -> Result<ReadableStream, Failure> {
    let response = Response::from_stream(bytes)?;
    let ResponseBody::Stream(source) = response.body() else {
        return Err(Failure::Fault(broken("it has no stream")));
    };
    // The recordings there are end far below 4 GiB.
    let length = u32::try_from(length).map_err(|_| Failure::Fault(broken("it is too long")))?;
    let pipe = FixedLengthStream::new(length).map_err(|error| Failure::Fault(error.into()))?;
    let done: Promise = source.pipe_to(&pipe.writable());
    // It fails when the client goes away; nobody else need know.
    spawn_local(async move { drop(JsFuture::from(done).await) });
    Ok(pipe.readable())
}
