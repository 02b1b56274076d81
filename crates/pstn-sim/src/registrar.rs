//! REGISTER: which gateways are registered at a trunk (RFC 3261 §10.3).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rsipstack::sip::prelude::{HeadersExt, ToTypedHeader};
use rsipstack::sip::{Header, Param, Request, StatusCode};
use serde::{Deserialize, Serialize};

use crate::call::lock;

const MIN_EXPIRES_S: u32 = 30;
const MAX_EXPIRES_S: u32 = 3600;
const MAX_ACCOUNTS: usize = 1000;

/// One registered contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// User part of the address of record.
    pub account: String,
    /// The contact's URI.
    pub contact: String,
    /// Seconds until it ends.
    pub expires_s: u64,
}

#[derive(Debug, Clone)]
struct Binding {
    contact: String,
    until: Instant,
}

/// All contacts of one trunk.
#[derive(Debug, Default)]
pub(crate) struct Bindings(Mutex<HashMap<String, Binding>>);

impl Bindings {
    /// Takes one REGISTER and gives the headers of its answer. An account has one contact: the last one.
    pub(crate) fn register(
        &self,
        request: &Request,
        now: Instant,
    ) -> Result<Vec<Header>, (StatusCode, Vec<Header>)> {
        let bad = || (StatusCode::BadRequest, Vec::new());
        let account = request
            .to_header()
            .ok()
            .and_then(|to| to.clone().typed().ok())
            .and_then(|to| to.uri.user().map(str::to_owned))
            .ok_or_else(bad)?;
        let mut bindings = lock(&self.0);
        bindings.retain(|_, binding| binding.until > now);
        let default = request
            .expires_header()
            .and_then(|expires| expires.value().trim().parse::<u32>().ok());
        for contact in request.contact_headers() {
            if contact.value().trim() == "*" {
                if default != Some(0) {
                    return Err(bad());
                }
                bindings.remove(&account);
                continue;
            }
            let typed = contact.clone().typed().map_err(|_| bad())?;
            let expires = typed
                .params
                .iter()
                .find_map(|param| match param {
                    Param::Expires(expires) => expires.value().parse::<u32>().ok(),
                    _ => None,
                })
                .or(default)
                .unwrap_or(MAX_EXPIRES_S);
            if expires == 0 {
                bindings.remove(&account);
                continue;
            }
            if expires < MIN_EXPIRES_S {
                let header = Header::MinExpires(MIN_EXPIRES_S.to_string().into());
                return Err((StatusCode::IntervalTooBrief, vec![header]));
            }
            if bindings.len() >= MAX_ACCOUNTS && !bindings.contains_key(&account) {
                return Err((StatusCode::ServiceUnavailable, Vec::new()));
            }
            let until = now + Duration::from_secs(u64::from(expires.min(MAX_EXPIRES_S)));
            bindings.insert(
                account.clone(),
                Binding {
                    contact: typed.uri.to_string(),
                    until,
                },
            );
        }
        Ok(bindings
            .get(&account)
            .map(|binding| {
                let left = binding.until.duration_since(now).as_secs();
                vec![
                    Header::Contact(format!("<{}>;expires={left}", binding.contact).into()),
                    Header::Expires(left.to_string().into()),
                ]
            })
            .unwrap_or_default())
    }

    pub(crate) fn list(&self, now: Instant) -> Vec<Registration> {
        let mut list: Vec<Registration> = lock(&self.0)
            .iter()
            .filter(|(_, binding)| binding.until > now)
            .map(|(account, binding)| Registration {
                account: account.clone(),
                contact: binding.contact.clone(),
                expires_s: binding.until.duration_since(now).as_secs(),
            })
            .collect();
        list.sort_by(|a, b| a.account.cmp(&b.account));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn register(contact: &str, expires: &str) -> Request {
        let text = format!(
            "REGISTER sip:carrier.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\nFrom: <sip:ponte@carrier.example>;tag=1\r\nTo: <sip:ponte@carrier.example>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n{contact}{expires}Content-Length: 0\r\n\r\n"
        );
        Request::try_from(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_binding_is_made_shown_and_removed() {
        let bindings = Bindings::default();
        let now = Instant::now();
        let contact = "Contact: <sip:ponte@127.0.0.1:5060>\r\n";
        let headers = bindings
            .register(&register(contact, "Expires: 120\r\n"), now)
            .unwrap();
        assert_eq!(
            headers[0].value().trim(),
            "<sip:ponte@127.0.0.1:5060>;expires=120"
        );
        assert_eq!(bindings.list(now).len(), 1);
        assert!(bindings.list(now + Duration::from_secs(121)).is_empty());
        bindings
            .register(&register("Contact: *\r\n", "Expires: 0\r\n"), now)
            .unwrap();
        assert!(bindings.list(now).is_empty());
    }

    #[test]
    fn a_short_time_is_refused_and_a_long_one_shortened() {
        let bindings = Bindings::default();
        let now = Instant::now();
        let brief = register("Contact: <sip:ponte@127.0.0.1>;expires=5\r\n", "");
        assert_eq!(
            bindings.register(&brief, now).unwrap_err().0,
            StatusCode::IntervalTooBrief
        );
        let long = register("Contact: <sip:ponte@127.0.0.1>;expires=99999\r\n", "");
        let headers = bindings.register(&long, now).unwrap();
        assert_eq!(headers[1].value().trim(), "3600");
    }
}
