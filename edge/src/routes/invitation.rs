//! Invitations: a link that sets a user's password, once.

use super::account::{signed_in, unexpected};
use super::answer::{ApiError, Failure};
use super::body::{check_origin, json};
use super::site_call::ask;
use crate::auth::password;
use crate::crypto::{Token, sha256_hex};
use crate::site::rpc::{SiteAnswer, SiteCall};
use ponte_protocol::{UnixMillis, UserId};
use serde::Deserialize;
use worker::{Env, Error, Request, Response};

#[derive(Deserialize)]
struct Check {
    token: String,
}

#[derive(Deserialize)]
struct Acceptance {
    token: String,
    password: String,
}

struct Invited {
    user: UserId,
    display_name: String,
    expires_at: UnixMillis,
}

async fn look_up(env: &Env, token: &str) -> Result<Invited, Failure> {
    match ask(
        env,
        &SiteCall::CheckInvitation {
            token: sha256_hex(token.as_bytes()),
        },
    )
    .await?
    {
        SiteAnswer::Invitation {
            user,
            display_name,
            expires_at,
        } => Ok(Invited {
            user,
            display_name,
            expires_at,
        }),
        SiteAnswer::InvitationUnknown => Err(ApiError::UnknownInvitation.into()),
        SiteAnswer::InvitationGone => Err(ApiError::InvitationGone.into()),
        other => Err(unexpected(&other)),
    }
}

pub(crate) async fn check(mut request: Request, env: &Env) -> Result<Response, Failure> {
    check_origin(&request, env)?;
    let Check { token } = json(&mut request).await?;
    let invited = look_up(env, &token).await?;
    Ok(Response::from_json(&serde_json::json!({
        "user": invited.user,
        "display_name": invited.display_name,
        "expires_at": invited.expires_at,
    }))?)
}

pub(crate) async fn accept(mut request: Request, env: &Env) -> Result<Response, Failure> {
    check_origin(&request, env)?;
    let Acceptance { token, password } = json(&mut request).await?;
    let invited = look_up(env, &token).await?;
    password::check_new(&invited.user, &password).map_err(|reason| ApiError::WeakPassword { reason })?;
    let phc = password::hash(&password).map_err(|error| Error::RustError(error.to_string()))?;
    let session = Token::random()?;
    let call = SiteCall::UseInvitation {
        token: sha256_hex(token.as_bytes()),
        phc,
        session: session.digest(),
    };
    match ask(env, &call).await? {
        SiteAnswer::Done => signed_in(&session),
        SiteAnswer::InvitationUnknown => Err(ApiError::UnknownInvitation.into()),
        SiteAnswer::InvitationGone => Err(ApiError::InvitationGone.into()),
        other => Err(unexpected(&other)),
    }
}
