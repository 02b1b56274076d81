//! Sign-in, sign-out, the session, and tickets for sockets.

use super::answer::{ApiError, Failure, no_content};
use super::body::{check_origin, json, json_or_nothing};
use super::site_call::ask;
use crate::auth::{cookie, network::network_of, password, session as lifetime};
use crate::crypto::Token;
use crate::site::rpc::{SiteAnswer, SiteCall};
use ponte_protocol::UserId;
use serde::Deserialize;
use worker::{Env, Error, Request, Response};

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

#[derive(Default, Deserialize)]
struct SignOut {
    #[serde(default)]
    everywhere: bool,
}

/// The network a request comes from.
pub(crate) fn network(request: &Request) -> Result<String, Failure> {
    Ok(network_of(request.headers().get("CF-Connecting-IP")?.as_deref()))
}

/// An answer of the site that does not belong to the question.
pub(crate) fn unexpected(answer: &SiteAnswer) -> Failure {
    let kind = std::mem::discriminant(answer);
    Failure::Fault(Error::RustError(format!(
        "the site gave an answer that does not fit: {kind:?}"
    )))
}

/// The session token a request carries.
pub(crate) fn session_token(request: &Request) -> Result<Token, Failure> {
    cookie::read(request.headers().get("Cookie")?.as_deref()).ok_or_else(|| ApiError::NotSignedIn.into())
}

/// 204 and the cookie of a new session.
pub(crate) fn signed_in(token: &Token) -> Result<Response, Failure> {
    Ok(no_content(&cookie::set(token, lifetime::ABSOLUTE_MS))?)
}

pub(crate) async fn sign_in(mut request: Request, env: &Env) -> Result<Response, Failure> {
    check_origin(&request, env)?;
    let network = network(&request)?;
    let credentials: Credentials = json(&mut request).await?;
    let user: Option<UserId> = credentials.user.parse().ok();
    let call = SiteCall::BeginSignIn {
        user: user.clone(),
        network: network.clone(),
    };
    let phc = match ask(env, &call).await? {
        SiteAnswer::Check { phc } => phc,
        SiteAnswer::TooMany { retry_after_ms } => {
            return Err(ApiError::TooManyAttempts { retry_after_ms }.into());
        }
        other => return Err(unexpected(&other)),
    };
    let matched = password::verify(phc.as_deref(), &credentials.password);
    let (Some(user), Some(phc), true) = (user, phc, matched) else {
        return Err(ApiError::WrongCredentials.into());
    };
    let token = Token::random()?;
    let call = SiteCall::FinishSignIn {
        user,
        network,
        phc,
        session: token.digest(),
    };
    match ask(env, &call).await? {
        SiteAnswer::Done => signed_in(&token),
        SiteAnswer::NoSession => Err(ApiError::WrongCredentials.into()),
        other => Err(unexpected(&other)),
    }
}

pub(crate) async fn sign_out(mut request: Request, env: &Env) -> Result<Response, Failure> {
    check_origin(&request, env)?;
    let wish: SignOut = json_or_nothing(&mut request).await?.unwrap_or_default();
    if let Ok(token) = session_token(&request) {
        let call = SiteCall::SignOut {
            session: token.digest(),
            everywhere: wish.everywhere,
        };
        ask(env, &call).await?;
    }
    Ok(no_content(&cookie::clear())?)
}

/// Who is signed in, else `null`: every visit begins with this question, and "nobody" is an answer to it, no error.
pub(crate) async fn session(request: &Request, env: &Env) -> Result<Response, Failure> {
    let nobody = || Ok(Response::from_json(&serde_json::Value::Null)?);
    let Some(token) = cookie::read(request.headers().get("Cookie")?.as_deref()) else {
        return nobody();
    };
    match ask(
        env,
        &SiteCall::Session {
            session: token.digest(),
        },
    )
    .await?
    {
        SiteAnswer::Session { user, display_name } => Ok(Response::from_json(
            &serde_json::json!({ "user": user, "display_name": display_name }),
        )?),
        SiteAnswer::NoSession => nobody(),
        other => Err(unexpected(&other)),
    }
}

pub(crate) async fn ticket(request: Request, env: &Env) -> Result<Response, Failure> {
    check_origin(&request, env)?;
    let session = session_token(&request)?;
    let ticket = Token::random()?;
    let call = SiteCall::Ticket {
        session: session.digest(),
        ticket: ticket.digest(),
    };
    match ask(env, &call).await? {
        SiteAnswer::Ticket { expires_at } => {
            let body = serde_json::json!({ "ticket": ticket.reveal(), "expires_at": expires_at });
            Ok(Response::from_json(&body)?)
        }
        SiteAnswer::NoSession => Err(ApiError::NotSignedIn.into()),
        SiteAnswer::TooMany { retry_after_ms } => Err(ApiError::TooManyAttempts { retry_after_ms }.into()),
        other => Err(unexpected(&other)),
    }
}
