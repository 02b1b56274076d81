//! Files of the portal that browsers keep, in the coding that the client wants most.
//!
//! Cloudflare compresses by itself what is not coded, as it passes. What the build compressed takes its time once and is a
//! tenth smaller; it passes as it is.

use super::answer::{ApiError, Failure};
use crate::assets::{Coding, compressed_type};
use js_sys::Reflect;
use worker::{EncodeBody, Env, Headers, Method, Request, RequestInit, Response, Result};

/// `GET` or `HEAD` of a file whose name changes with its content.
pub(crate) async fn lasting(request: &Request, env: &Env) -> std::result::Result<Response, Failure> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return Err(ApiError::MethodNotAllowed {
            allow: "GET, HEAD".to_owned(),
        }
        .into());
    }
    let path = request.path();
    let Some(kind) = compressed_type(&path) else {
        return found(fetched(request, env, Coding::Identity).await?);
    };
    let chosen = match request.headers().get("Range")? {
        // A range of what is coded is of use to nobody.
        Some(_) => Coding::Identity,
        None => Coding::chosen(&accepted(request)?),
    };
    let mut coding = chosen;
    let mut file = fetched(request, env, chosen).await?;
    // Builds for development are not compressed.
    if is_page(&file)? && chosen != Coding::Identity {
        coding = Coding::Identity;
        file = fetched(request, env, coding).await?;
    }
    let response = found(file)?;
    let headers = response.headers();
    headers.set("Vary", "Accept-Encoding")?;
    if response.status_code() == 304 {
        return Ok(response);
    }
    headers.set("Content-Type", kind)?;
    match coding.name() {
        Some(name) => {
            headers.set("Content-Encoding", name)?;
            Ok(response.with_encode_body(EncodeBody::Manual))
        }
        None => Ok(response),
    }
}

/// What the client accepts. Cloudflare puts a header of its own in the place of the client's, and tells that apart.
fn accepted(request: &Request) -> Result<String> {
    let cf = Reflect::get(request.inner(), &"cf".into())?;
    let told = if cf.is_object() {
        Reflect::get(&cf, &"clientAcceptEncoding".into())?.as_string()
    } else {
        None
    };
    match told {
        Some(accepted) => Ok(accepted),
        None => Ok(request.headers().get("Accept-Encoding")?.unwrap_or_default()),
    }
}

/// The file as it lies beside the worker. Its tag is that of the coding, so that each is held for itself.
async fn fetched(request: &Request, env: &Env, coding: Coding) -> Result<Response> {
    let mut url = request.url()?;
    url.set_query(None);
    let path = format!("{}{}", url.path(), coding.suffix());
    url.set_path(&path);
    let headers = Headers::new();
    if let Some(held) = request.headers().get("If-None-Match")? {
        headers.set("If-None-Match", &held)?;
    }
    let mut init = RequestInit::new();
    init.with_method(request.method()).with_headers(headers);
    let response = env.assets("ASSETS")?.fetch(url, Some(init)).await?;
    // Those of an answer that was fetched cannot be changed.
    let headers = response.headers().clone();
    Ok(response.with_headers(headers))
}

/// A file that is not there, which another build has taken the place of, is answered with the page of the portal: that would
/// be kept for a year under the file's name.
fn found(file: Response) -> std::result::Result<Response, Failure> {
    if is_page(&file)? {
        return Err(ApiError::NotFound.into());
    }
    Ok(file)
}

fn is_page(file: &Response) -> Result<bool> {
    let kind = file.headers().get("Content-Type")?.unwrap_or_default();
    Ok(kind.starts_with("text/html"))
}
