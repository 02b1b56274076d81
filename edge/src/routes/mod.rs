//! The worker's HTTP interface. It is stateless: whatever must be remembered is the site's.

mod account;
mod answer;
mod assets;
mod audio;
mod body;
mod dial;
mod invitation;
mod push;
mod site_call;
mod socket;
mod upload;

use crate::assets::is_lasting;
use answer::{ApiError, Failure};
use worker::{Context, Env, Method, Request, Response, Result, console_error, event};

/// The version the health check tells.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let lasting = is_lasting(&request.path());
    let outcome = if lasting {
        assets::lasting(&request, &env).await
    } else {
        route(request, &env).await
    };
    let response = match outcome {
        // Files have their headers from public/_headers.
        Ok(response) if lasting => return Ok(response),
        Ok(response) => response,
        Err(Failure::Api(error)) => answer::error(&error)?,
        Err(Failure::Fault(error)) => {
            console_error!("request: {}", error.to_string());
            answer::error(&ApiError::Internal)?
        }
    };
    answer::harden(response)
}

async fn route(request: Request, env: &Env) -> std::result::Result<Response, Failure> {
    let path = request.path();
    if let Some(sound) = upload::sound_in(&path) {
        return match request.method() {
            Method::Get | Method::Head => audio::own(&request, env, sound).await,
            Method::Put => upload::put(request, env, sound).await,
            _ => Err(ApiError::MethodNotAllowed {
                allow: "GET, PUT".to_owned(),
            }
            .into()),
        };
    }
    if path == push::PUSH_PATH {
        return match request.method() {
            Method::Get | Method::Head => push::key(&request, env).await,
            Method::Post => push::subscribe(request, env).await,
            Method::Delete => push::unsubscribe(&request, env).await,
            _ => Err(ApiError::MethodNotAllowed {
                allow: "GET, POST, DELETE".to_owned(),
            }
            .into()),
        };
    }
    let allowed = match path.as_str() {
        "/api/health" | "/api/session" | "/api/socket" | "/api/openapi.json" | "/link" => Method::Get,
        "/api/dial-tokens" if request.method() != Method::Post => Method::Get,
        "/api/sign-in"
        | "/api/sign-out"
        | "/api/ticket"
        | "/api/invitation"
        | "/api/invitation/check"
        | dial::DIAL_PATH
        | "/api/dial-tokens"
        | "/api/dial-tokens/revoke" => Method::Post,
        other if dial::call_in(other).is_some() => Method::Get,
        other if audio::message_in(other).is_some() => Method::Get,
        _ => return Err(ApiError::NotFound.into()),
    };
    let head_for_get = allowed == Method::Get && request.method() == Method::Head && path != "/link";
    if request.method() != allowed && !head_for_get {
        return Err(ApiError::MethodNotAllowed {
            allow: allowed.to_string(),
        }
        .into());
    }
    match path.as_str() {
        "/api/health" => Ok(Response::from_json(
            &serde_json::json!({ "ok": true, "version": VERSION }),
        )?),
        "/api/session" => account::session(&request, env).await,
        "/api/sign-in" => account::sign_in(request, env).await,
        "/api/sign-out" => account::sign_out(request, env).await,
        "/api/ticket" => account::ticket(request, env).await,
        "/api/invitation" => invitation::accept(request, env).await,
        "/api/invitation/check" => invitation::check(request, env).await,
        "/api/openapi.json" => dial::description(),
        "/api/dial-tokens" if allowed == Method::Get => dial::tokens(&request, env).await,
        "/api/dial-tokens" => dial::make_token(request, env).await,
        "/api/dial-tokens/revoke" => dial::revoke_token(request, env).await,
        dial::DIAL_PATH => dial::dial(request, env).await,
        "/api/socket" => socket::portal(&request, env).await,
        "/link" => socket::link(&request, env).await,
        other => match (audio::message_in(other), dial::call_in(other)) {
            (_, Some(call)) => dial::dialled(&request, env, call).await,
            (Some(message), None) => audio::recording(&request, env, message).await,
            (None, None) => Err(ApiError::NotFound.into()),
        },
    }
}
