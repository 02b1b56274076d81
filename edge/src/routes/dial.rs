//! Click to dial: the tokens that a user makes and revokes, and the dialling that programs do with them. Described for them
//! in docs/openapi.json, which is served too.

use super::account::{network, session_token, unexpected};
use super::answer::{ApiError, Failure};
use super::body::{check_origin, json};
use super::site_call::ask;
use crate::crypto::{Token, random_uuid};
use crate::site::rpc::{SiteAnswer, SiteCall};
use ponte_protocol::{AccountCode, CommandId, DialString, Outcome, Refusal};
use serde::Deserialize;
use std::time::Duration;
use uuid::Uuid;
use worker::{Delay, Env, Request, Response};

/// Where calls are dialled.
pub(crate) const DIAL_PATH: &str = "/api/dial";
/// The description, `OpenAPI` 3.1.
const OPENAPI: &str = include_str!("../../../docs/openapi.json");
/// How long an answer of the telephone system is waited for, in steps of these milliseconds.
const WAITS_MS: [u64; 7] = [50, 100, 200, 400, 800, 1500, 2000];
/// The longest name of a token, in characters.
const LABEL_MAX: usize = 60;

#[derive(Deserialize)]
struct NewToken {
    label: String,
}

#[derive(Deserialize)]
struct Revoked {
    id: Uuid,
}

#[derive(Deserialize)]
struct Dial {
    number: String,
    /// Made by the client: the same identifier is one call, however often it is sent.
    #[serde(default)]
    id: Option<Uuid>,
    #[serde(default)]
    account_code: Option<String>,
}

/// The call that a path `/api/dial/<id>` names.
pub(crate) fn call_in(path: &str) -> Option<CommandId> {
    let id = path.strip_prefix(DIAL_PATH)?.strip_prefix('/')?;
    id.parse().ok().map(CommandId)
}

pub(crate) fn description() -> Result<Response, Failure> {
    let response = Response::ok(OPENAPI)?;
    response.headers().set("Content-Type", "application/json")?;
    Ok(response)
}

pub(crate) async fn tokens(request: &Request, env: &Env) -> Result<Response, Failure> {
    let session = session_token(request)?.digest();
    match ask(env, &SiteCall::DialTokens { session }).await? {
        SiteAnswer::DialTokens { tokens } => {
            Ok(Response::from_json(&serde_json::json!({ "tokens": tokens }))?)
        }
        SiteAnswer::NoSession => Err(ApiError::NotSignedIn.into()),
        other => Err(unexpected(&other)),
    }
}

pub(crate) async fn make_token(mut request: Request, env: &Env) -> Result<Response, Failure> {
    check_origin(&request, env)?;
    let session = session_token(&request)?.digest();
    let NewToken { label } = json(&mut request).await?;
    let label = label.trim().to_owned();
    if label.is_empty() || label.chars().count() > LABEL_MAX || label.chars().any(char::is_control) {
        let detail = "label: 1 to 60 characters";
        return Err(ApiError::Malformed { detail }.into());
    }
    let (id, token) = (random_uuid()?, Token::random()?);
    let call = SiteCall::KeepDialToken {
        session,
        id,
        token: token.digest(),
        label: label.clone(),
    };
    match ask(env, &call).await? {
        SiteAnswer::Done => {
            let body = serde_json::json!({ "id": id, "label": label, "token": token.reveal() });
            Ok(Response::from_json(&body)?)
        }
        SiteAnswer::Full { max } => Err(ApiError::TooManyTokens { max }.into()),
        SiteAnswer::NoSession => Err(ApiError::NotSignedIn.into()),
        other => Err(unexpected(&other)),
    }
}

pub(crate) async fn revoke_token(mut request: Request, env: &Env) -> Result<Response, Failure> {
    check_origin(&request, env)?;
    let session = session_token(&request)?.digest();
    let Revoked { id } = json(&mut request).await?;
    match ask(env, &SiteCall::RevokeDialToken { session, id }).await? {
        SiteAnswer::Done => Ok(Response::empty()?.with_status(204)),
        SiteAnswer::NoSession => Err(ApiError::NotSignedIn.into()),
        other => Err(unexpected(&other)),
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 section 2.1). It is no cookie, which other sites' pages could
/// make a browser send: no origin is asked for.
fn bearer(request: &Request) -> Result<String, Failure> {
    let header = request.headers().get("Authorization")?.unwrap_or_default();
    let token = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Token::parse(token.trim()),
        _ => None,
    };
    Ok(token.ok_or(ApiError::BadToken)?.digest())
}

pub(crate) async fn dial(mut request: Request, env: &Env) -> Result<Response, Failure> {
    let token = bearer(&request)?;
    let network = network(&request)?;
    let Dial {
        number,
        id,
        account_code,
    } = json(&mut request).await?;
    let number: DialString = number.parse().map_err(|_| ApiError::Malformed {
        detail: "number: digits, `+`, `*` and `#`",
    })?;
    let account_code: Option<AccountCode> =
        account_code
            .map(|code| code.parse())
            .transpose()
            .map_err(|_| ApiError::Malformed {
                detail: "account_code: 1 to 16 digits",
            })?;
    let id = match id {
        Some(id) => CommandId(id),
        None => CommandId(random_uuid()?),
    };
    let call = SiteCall::Dial {
        token: token.clone(),
        network: network.clone(),
        id,
        number,
        account_code,
    };
    let mut outcome = outcome_of(ask(env, &call).await?)?;
    for wait in WAITS_MS {
        if outcome.is_some() {
            break;
        }
        Delay::from(Duration::from_millis(wait)).await;
        let (token, network) = (token.clone(), network.clone());
        outcome = outcome_of(ask(env, &SiteCall::Dialled { token, network, id }).await?)?;
    }
    tell(id, outcome)
}

pub(crate) async fn dialled(request: &Request, env: &Env, id: CommandId) -> Result<Response, Failure> {
    let (token, network) = (bearer(request)?, network(request)?);
    let outcome = outcome_of(ask(env, &SiteCall::Dialled { token, network, id }).await?)?;
    tell(id, outcome)
}

fn outcome_of(answer: SiteAnswer) -> Result<Option<Outcome>, Failure> {
    match answer {
        SiteAnswer::Command { outcome } => Ok(outcome),
        SiteAnswer::UnknownCommand => Err(ApiError::NotFound.into()),
        SiteAnswer::NoSession => Err(ApiError::BadToken.into()),
        SiteAnswer::TooMany { retry_after_ms } => Err(ApiError::TooManyRequests { retry_after_ms }.into()),
        other => Err(unexpected(&other)),
    }
}

fn tell(id: CommandId, outcome: Option<Outcome>) -> Result<Response, Failure> {
    match outcome {
        Some(Outcome::Refused { refusal }) => Err(match refusal {
            Refusal::TooFast { retry_after_ms } => ApiError::TooManyRequests { retry_after_ms },
            Refusal::GatewayOffline => ApiError::GatewayOffline,
            Refusal::Expired => ApiError::GatewayTimeout,
            Refusal::Internal => ApiError::Internal,
            refusal => ApiError::Refused { refusal },
        }
        .into()),
        Some(Outcome::Accepted { call }) => Ok(Response::from_json(
            &serde_json::json!({ "id": id, "call": call }),
        )?),
        Some(_) => Err(ApiError::Internal.into()),
        // Not answered yet.
        None => Ok(Response::from_json(&serde_json::json!({ "id": id }))?.with_status(202)),
    }
}
