//! How the worker asks the site.

use super::answer::Failure;
use crate::site::rpc::{
    AUDIO_PATH, AudioCall, AudioRefusal, CALL_PATH, SiteAnswer, SiteCall, TOTAL_HEADER, UPLOAD_PATH,
    UploadAnswer, UploadCall,
};
use ponte_protocol::SiteId;
use serde::Serialize;
use worker::{Env, Error, Headers, Method, Request, RequestInit, Response, Stub};

/// The binding of the sites.
const SITES: &str = "SITES";

/// The site that portals of this deployment belong to.
pub(crate) fn own_site(env: &Env) -> Result<SiteId, Failure> {
    let name = env.var("SITE")?.to_string();
    name.parse()
        .map_err(|_| Failure::Fault(Error::RustError("SITE is no valid site name".to_owned())))
}

fn stub(env: &Env, site: &SiteId) -> Result<Stub, Failure> {
    Ok(env
        .durable_object(SITES)?
        .id_from_name(site.as_str())?
        .get_stub()?)
}

fn address(path: &str) -> String {
    format!("https://site.internal{path}")
}

async fn post(env: &Env, path: &str, call: &impl Serialize) -> Result<Response, Failure> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(serde_json::to_string(call)?.into()));
    let request = Request::new_with_init(&address(path), &init)?;
    let response = stub(env, &own_site(env)?)?.fetch_with_request(request).await?;
    if response.status_code() != 200 {
        return Err(Failure::Fault(Error::RustError("the site failed".to_owned())));
    }
    Ok(response)
}

/// Asks the portals' site.
pub(crate) async fn ask(env: &Env, call: &SiteCall) -> Result<SiteAnswer, Failure> {
    let mut response = post(env, CALL_PATH, call).await?;
    Ok(serde_json::from_str(&response.text().await?)?)
}

/// Asks the portals' site for a piece of a recording: how long the whole is, and the bytes.
pub(crate) async fn ask_audio(
    env: &Env,
    call: &AudioCall,
) -> Result<Result<(u64, Vec<u8>), AudioRefusal>, Failure> {
    let mut response = post(env, AUDIO_PATH, call).await?;
    match response.headers().get(TOTAL_HEADER)?.map(|total| total.parse()) {
        Some(Ok(total)) => Ok(Ok((total, response.bytes().await?))),
        Some(Err(_)) => Err(Failure::Fault(Error::RustError("the site failed".to_owned()))),
        None => Ok(Err(serde_json::from_str(&response.text().await?)?)),
    }
}

/// Hands a piece of a greeting to the portals' site.
pub(crate) async fn put_piece(env: &Env, call: &UploadCall) -> Result<UploadAnswer, Failure> {
    let mut response = post(env, UPLOAD_PATH, call).await?;
    Ok(serde_json::from_str(&response.text().await?)?)
}

/// Hands a WebSocket over to a site. None of the client's own headers goes with it.
pub(crate) async fn upgrade(
    env: &Env,
    site: &SiteId,
    path: &str,
    facts: &[(&str, &str)],
) -> Result<Response, Failure> {
    let headers = Headers::new();
    headers.set("Upgrade", "websocket")?;
    for (name, value) in facts {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    let request = Request::new_with_init(&address(path), &init)?;
    Ok(stub(env, site)?.fetch_with_request(request).await?)
}
