//! Sockets: a portal's, and a gateway's.

use super::account::{network, session_token};
use super::answer::{ApiError, Failure};
use super::body::check_origin;
use super::site_call::{own_site, upgrade};
use crate::crypto::Token;
use crate::link::keys::LinkKeys;
use crate::site::rpc::{LINK_PATH, NETWORK_HEADER, PORTAL_PATH, SESSION_HEADER, SITE_HEADER, TICKET_HEADER};
use ponte_protocol::SiteId;
use ponte_protocol::frames::{SUBPROTOCOL, TICKET_SUBPROTOCOL_PREFIX};
use worker::{Env, Error, Request, Response};

fn check_upgrade(request: &Request) -> Result<(), Failure> {
    let upgrade = request.headers().get("Upgrade")?.unwrap_or_default();
    if upgrade.eq_ignore_ascii_case("websocket") {
        Ok(())
    } else {
        Err(ApiError::UpgradeRequired.into())
    }
}

fn ticket(request: &Request) -> Result<Token, Failure> {
    let offered = request
        .headers()
        .get("Sec-WebSocket-Protocol")?
        .unwrap_or_default();
    let mut protocols = offered.split(',').map(str::trim);
    let speaks = protocols.clone().any(|protocol| protocol == SUBPROTOCOL);
    let ticket = protocols
        .find_map(|protocol| protocol.strip_prefix(TICKET_SUBPROTOCOL_PREFIX))
        .and_then(Token::parse);
    ticket
        .filter(|_| speaks)
        .ok_or_else(|| ApiError::BadTicket.into())
}

pub(crate) async fn portal(request: &Request, env: &Env) -> Result<Response, Failure> {
    check_upgrade(request)?;
    check_origin(request, env)?;
    let session = session_token(request)?.digest();
    let ticket = ticket(request)?.digest();
    let facts = [
        (TICKET_HEADER, ticket.as_str()),
        (SESSION_HEADER, session.as_str()),
    ];
    let response = upgrade(env, &own_site(env)?, PORTAL_PATH, &facts).await?;
    match response.status_code() {
        101 => Ok(response),
        401 => Err(ApiError::BadTicket.into()),
        429 => Err(ApiError::TooManySockets.into()),
        _ => Err(Failure::Fault(Error::RustError(
            "the site refused a portal".to_owned(),
        ))),
    }
}

pub(crate) async fn link(request: &Request, env: &Env) -> Result<Response, Failure> {
    check_upgrade(request)?;
    let url = request.url()?;
    let named: Option<SiteId> = url
        .query_pairs()
        .find(|(name, _)| name == "site")
        .and_then(|(_, value)| value.parse().ok());
    let site = named.ok_or(ApiError::Malformed {
        detail: "site: the name of a site",
    })?;
    // A site nobody knows is challenged like any other, by the one object that is there anyway: a stranger cannot find
    // out which sites exist, nor have objects made.
    let known = env
        .secret("LINK_KEYS")
        .ok()
        .and_then(|text| LinkKeys::parse(&text.to_string()).ok())
        .is_some_and(|keys| keys.get(&site).is_some());
    let host = if known { site.clone() } else { own_site(env)? };
    let network = network(request)?;
    let facts = [(SITE_HEADER, site.as_str()), (NETWORK_HEADER, network.as_str())];
    let response = upgrade(env, &host, LINK_PATH, &facts).await?;
    match response.status_code() {
        101 => Ok(response),
        429 => Err(ApiError::TooManySockets.into()),
        _ => Err(Failure::Fault(Error::RustError(
            "the site refused a link".to_owned(),
        ))),
    }
}
