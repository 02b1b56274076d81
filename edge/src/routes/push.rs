//! Web Push: a browser asks for the site's key, subscribes, and unsubscribes.

use super::account::{session_token, unexpected};
use super::answer::{ApiError, Failure};
use super::body::{check_origin, json};
use super::site_call::ask;
use crate::push::endpoint;
use crate::push::subscription::{Keys, is_language};
use crate::push::webcrypto;
use crate::site::rpc::{SiteAnswer, SiteCall};
use serde::Deserialize;
use worker::{Env, Request, Response, Url};

/// The subscription of the browser that asks.
pub(crate) const PUSH_PATH: &str = "/api/push";

#[derive(Deserialize)]
struct Subscription {
    endpoint: String,
    keys: Keys,
    #[serde(default)]
    language: Option<String>,
}

pub(crate) async fn key(request: &Request, env: &Env) -> Result<Response, Failure> {
    let session = session_token(request)?.digest();
    match ask(env, &SiteCall::PushKey { session }).await? {
        SiteAnswer::PushKey { key } => Ok(Response::from_json(&serde_json::json!({ "key": key }))?),
        SiteAnswer::NoSession => Err(ApiError::NotSignedIn.into()),
        other => Err(unexpected(&other)),
    }
}

pub(crate) async fn subscribe(mut request: Request, env: &Env) -> Result<Response, Failure> {
    check_origin(&request, env)?;
    let session = session_token(&request)?.digest();
    // It is the portal's, as was just checked.
    let contact = request.headers().get("Origin")?.unwrap_or_default();
    let Subscription {
        endpoint,
        keys,
        language,
    } = json(&mut request).await?;
    let own = Url::parse(&contact)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    let exempt = env.var("PUSH_TEST_ORIGIN").ok().map(|origin| origin.to_string());
    endpoint::check(&endpoint, own.as_deref(), exempt.as_deref())
        .map_err(|reason| ApiError::BadEndpoint { reason })?;
    if !webcrypto::are_usable(&keys).await {
        let detail = "keys: p256dh, a point on P-256, and auth, 16 bytes, in base64url";
        return Err(ApiError::Malformed { detail }.into());
    }
    if language.as_deref().is_some_and(|language| !is_language(language)) {
        let detail = "language: two or three letters";
        return Err(ApiError::Malformed { detail }.into());
    }
    let call = SiteCall::KeepSubscription {
        session,
        endpoint,
        keys,
        language,
        contact,
    };
    done(ask(env, &call).await?)
}

pub(crate) async fn unsubscribe(request: &Request, env: &Env) -> Result<Response, Failure> {
    check_origin(request, env)?;
    let session = session_token(request)?.digest();
    done(ask(env, &SiteCall::DropSubscription { session }).await?)
}

fn done(answer: SiteAnswer) -> Result<Response, Failure> {
    match answer {
        SiteAnswer::Done => Ok(Response::empty()?.with_status(204)),
        SiteAnswer::NoSession => Err(ApiError::NotSignedIn.into()),
        SiteAnswer::TooMany { retry_after_ms } => Err(ApiError::TooManyRequests { retry_after_ms }.into()),
        other => Err(unexpected(&other)),
    }
}
