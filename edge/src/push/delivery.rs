//! One message to one push service.

use super::endpoint;
use super::subscription::Keys;
use super::vapid::VapidKey;
use super::webcrypto;
use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use ponte_protocol::UnixMillis;
use std::pin::pin;
use std::time::Duration;
use worker::{
    AbortController, Delay, Error, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Result,
};

/// How long a push service may take to answer, in milliseconds.
const ANSWER_MS: u64 = 5_000;

/// A message.
pub(crate) struct Push {
    pub(crate) endpoint: String,
    pub(crate) keys: Keys,
    pub(crate) text: String,
    /// For how long the service keeps it for a browser that is away, in seconds.
    pub(crate) ttl_s: u32,
    /// A later message of this topic takes its place with the service; at most 32 characters of base64url.
    pub(crate) topic: String,
}

/// Who sends.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) key: VapidKey,
    /// An address at which the operator of a push service finds whoever sends.
    pub(crate) contact: String,
    /// The origin that a test exempts from the rules of [`endpoint`].
    pub(crate) exempt: Option<String>,
}

/// What the push service said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Taken,
    /// The browser has unsubscribed (RFC 8030 section 7.3).
    Gone,
    /// Anything else: too much, too large, a fault, a redirection, which is not followed.
    Refused(u16),
    /// It said nothing in time.
    Silent,
}

/// Sends a message. Nothing of the answer is read but its status.
pub(crate) async fn deliver(push: &Push, sender: &Sender, now: UnixMillis) -> Result<Verdict> {
    let url = endpoint::check(&push.endpoint, None, sender.exempt.as_deref())
        .map_err(|fault| Error::RustError(format!("an address that must not be called: {fault:?}")))?;
    let audience = url.origin().ascii_serialization();
    let body = webcrypto::encrypt(&push.keys, &push.text).await?;
    let headers = Headers::new();
    let authorization = webcrypto::authorization(&sender.key, &audience, &sender.contact, now).await?;
    for (name, value) in [
        ("Authorization", authorization.as_str()),
        ("Content-Encoding", "aes128gcm"),
        ("Content-Type", "application/octet-stream"),
        ("TTL", push.ttl_s.to_string().as_str()),
        ("Urgency", "high"),
        ("Topic", push.topic.as_str()),
    ] {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(Uint8Array::from(body.as_slice()).into()));
    let request = Request::new_with_init(url.as_str(), &init)?;

    let controller = AbortController::default();
    let signal = controller.signal();
    let answer = {
        let sent = Fetch::Request(request);
        let sent = pin!(sent.send_with_signal(&signal));
        match select(sent, pin!(Delay::from(Duration::from_millis(ANSWER_MS)))).await {
            Either::Left((answer, _)) => Some(answer.map(|answer| answer.status_code())),
            Either::Right(_) => None,
        }
    };
    // Ends the connection, whatever else would come over it.
    controller.abort();
    Ok(match answer.transpose()? {
        None => Verdict::Silent,
        Some(200..=299) => Verdict::Taken,
        Some(404 | 410) => Verdict::Gone,
        Some(status) => Verdict::Refused(status),
    })
}
