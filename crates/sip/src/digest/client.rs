//! The client's role: choosing a challenge, answering it, counting the uses of its nonce.

use std::fmt::Write;

use rand::RngCore;

use super::{Algorithm, Covered, Inputs, Params, Qop, answer, ha1, hex, parse_params, quote};
use crate::message::{HeaderName, Message};
use crate::types::Credentials;

/// A challenge that was chosen, and how often its nonce was used.
#[derive(Clone, Debug)]
pub(crate) struct AuthSession {
    /// Answered with Proxy-Authorization in place of Authorization.
    proxy: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// Whether to name the algorithm: an RFC 2617 server that named none may not know the parameter.
    algorithm_named: bool,
    qop: Qop,
    uses: u32,
}

/// How one request fared with challenges, over all its attempts.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuthTrack {
    /// What the last attempt was authorised with.
    used: Vec<(bool, String, String)>,
    /// Nonces that challenges to this very request brought.
    obtained: Vec<String>,
    attempts: u8,
}

/// Attempts of one request, the first included: one without credentials, one refused for a nonce of an
/// earlier request, two for nonces that grew stale.
const MAX_ATTEMPTS: u8 = 4;

impl AuthSession {
    fn from_challenge(proxy: bool, params: &Params) -> Option<Self> {
        let algorithm = match params.get("algorithm") {
            None => Algorithm::Md5,
            Some(name) => Algorithm::from_text(name)?,
        };
        let qop = match params.get("qop") {
            None => Qop::Legacy,
            Some(list) => {
                let offers = |name: &str| list.split(',').any(|item| item.trim().eq_ignore_ascii_case(name));
                if offers("auth") {
                    Qop::Auth
                } else if offers("auth-int") {
                    Qop::AuthInt
                } else {
                    return None;
                }
            }
        };
        Some(Self {
            proxy,
            realm: params.get("realm")?.to_owned(),
            nonce: params.get("nonce")?.to_owned(),
            opaque: params.get("opaque").map(ToOwned::to_owned),
            algorithm,
            algorithm_named: params.get("algorithm").is_some(),
            qop,
            uses: 0,
        })
    }

    fn is_for(&self, other: &Self) -> bool {
        self.proxy == other.proxy && self.realm == other.realm
    }

    /// The header that answers the challenge for one more request.
    pub(crate) fn authorize(
        &mut self,
        credentials: &Credentials,
        covered: &Covered<'_>,
        rng: &mut impl RngCore,
    ) -> (HeaderName, String) {
        self.uses = self.uses.saturating_add(1);
        let nc = format!("{:08x}", self.uses);
        let mut random = [0; 8];
        rng.fill_bytes(&mut random);
        let cnonce = hex(&random);
        let inputs = Inputs {
            algorithm: self.algorithm,
            qop: self.qop,
            nonce: &self.nonce,
            nc: &nc,
            cnonce: &cnonce,
        };
        let ha1 = ha1(
            self.algorithm,
            &credentials.username,
            &self.realm,
            &credentials.password,
        );
        let response = answer(&ha1, &inputs, covered);
        let mut value = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            quote(&credentials.username),
            quote(&self.realm),
            quote(&self.nonce),
            quote(&String::from_utf8_lossy(covered.uri)),
        );
        if self.algorithm_named {
            value.push_str(", algorithm=");
            value.push_str(self.algorithm.as_str());
        }
        if self.qop != Qop::Legacy {
            let _ = write!(value, ", qop={}, nc={nc}, cnonce=\"{cnonce}\"", self.qop.as_str());
        } else if self.algorithm.is_session() {
            let _ = write!(value, ", cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(", opaque=");
            value.push_str(&quote(opaque));
        }
        let name = if self.proxy {
            HeaderName::ProxyAuthorization
        } else {
            HeaderName::Authorization
        };
        (name, value)
    }

    /// Answers every challenge known for this peer.
    pub(crate) fn authorize_all(
        sessions: &mut [Self],
        track: &mut AuthTrack,
        credentials: &Credentials,
        covered: &Covered<'_>,
        rng: &mut impl RngCore,
    ) -> Vec<(HeaderName, String)> {
        track.used.clear();
        sessions
            .iter_mut()
            .filter(|session| {
                credentials
                    .realm
                    .as_ref()
                    .is_none_or(|realm| *realm == session.realm)
            })
            .map(|session| {
                track
                    .used
                    .push((session.proxy, session.realm.clone(), session.nonce.clone()));
                session.authorize(credentials, covered, rng)
            })
            .collect()
    }

    /// Judges the challenges of a 401 or 407 and says whether to ask again. A nonce refused as stale may be
    /// replaced; so may one carried over from an earlier request, for its server may have forgotten it.
    /// Anything else means that the credentials are wrong, and asking again would only lock the account.
    pub(crate) fn take_challenges(
        sessions: &mut Vec<Self>,
        track: &mut AuthTrack,
        credentials: &Credentials,
        response: &Message,
    ) -> bool {
        let headers = [
            (HeaderName::WwwAuthenticate, false),
            (HeaderName::ProxyAuthenticate, true),
        ];
        let mut chosen: Vec<(Self, bool)> = Vec::new();
        for (name, proxy) in headers {
            for params in response.lines(name).flat_map(parse_params).take(16) {
                let Some(session) = Self::from_challenge(proxy, &params) else {
                    continue;
                };
                if credentials
                    .realm
                    .as_ref()
                    .is_some_and(|realm| *realm != session.realm)
                {
                    continue;
                }
                let stale = params
                    .get("stale")
                    .is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
                match chosen.iter_mut().find(|(known, _)| known.is_for(&session)) {
                    Some((known, _)) if known.algorithm >= session.algorithm => {}
                    Some(known) => *known = (session, stale),
                    None => chosen.push((session, stale)),
                }
            }
        }
        track.attempts += 1;
        if chosen.is_empty() || track.attempts >= MAX_ATTEMPTS {
            return false;
        }
        for (session, stale) in chosen {
            let used = track
                .used
                .iter()
                .find(|(proxy, realm, _)| *proxy == session.proxy && *realm == session.realm);
            if let Some((_, _, nonce)) = used {
                let carried_over = !track.obtained.contains(nonce);
                if !(stale || carried_over) || *nonce == session.nonce {
                    sessions.retain(|known| !known.is_for(&session));
                    return false;
                }
            }
            track.obtained.push(session.nonce.clone());
            sessions.retain(|known| !known.is_for(&session));
            sessions.push(session);
        }
        true
    }

    /// Takes over a `nextnonce` (RFC 7616 3.5).
    pub(crate) fn take_next_nonce(sessions: &mut [Self], response: &Message) {
        let Some(value) = response.header(HeaderName::AuthenticationInfo) else {
            return;
        };
        let prefixed = [b"Digest ", value].concat();
        let next = parse_params(&prefixed)
            .first()
            .and_then(|params| params.get("nextnonce").map(ToOwned::to_owned));
        if let (Some(next), [session]) = (next, sessions)
            && next != session.nonce
        {
            session.nonce = next;
            session.uses = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn challenge(status: u16, headers: &str) -> Message {
        let text = format!(
            "SIP/2.0 {status} X\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        Message::parse(text.as_bytes()).unwrap()
    }

    fn credentials() -> Credentials {
        Credentials {
            username: "bob".into(),
            password: "pw".into(),
            realm: None,
        }
    }

    fn authorize(sessions: &mut [AuthSession], track: &mut AuthTrack) -> (HeaderName, String) {
        let covered = Covered {
            method: "INVITE",
            uri: b"sip:b@h",
            body: b"",
        };
        let mut rng = StdRng::seed_from_u64(1);
        AuthSession::authorize_all(sessions, track, &credentials(), &covered, &mut rng).remove(0)
    }

    #[test]
    fn the_strongest_known_challenge_is_answered() {
        let response = challenge(
            407,
            "Proxy-Authenticate: Digest realm=\"r\", nonce=\"m\", algorithm=MD5, qop=\"auth\"\r\n\
             Proxy-Authenticate: Digest realm=\"r\", nonce=\"s\", algorithm=SHA-256, qop=\"auth,auth-int\"\r\n\
             Proxy-Authenticate: Digest realm=\"r\", nonce=\"q\", algorithm=SHA-9, qop=\"auth\"\r\n",
        );
        let (mut sessions, mut track) = (Vec::new(), AuthTrack::default());
        assert!(AuthSession::take_challenges(
            &mut sessions,
            &mut track,
            &credentials(),
            &response
        ));
        let (name, value) = authorize(&mut sessions, &mut track);
        assert_eq!(name, HeaderName::ProxyAuthorization);
        assert!(
            value.contains("nonce=\"s\"") && value.contains("algorithm=SHA-256, qop=auth, nc=00000001"),
            "{value}"
        );
        let (_, value) = authorize(&mut sessions, &mut track);
        assert!(value.contains("nc=00000002"), "{value}");
    }

    #[test]
    fn the_same_credentials_are_not_tried_twice() {
        let with = |nonce: &str, stale: &str| {
            challenge(
                401,
                &format!("WWW-Authenticate: Digest realm=\"r\", nonce=\"{nonce}\"{stale}, qop=\"auth\"\r\n"),
            )
        };
        let take = |sessions: &mut Vec<_>, track: &mut AuthTrack, message: &Message| {
            AuthSession::take_challenges(sessions, track, &credentials(), message)
        };
        let (mut sessions, mut track) = (Vec::new(), AuthTrack::default());
        assert!(take(&mut sessions, &mut track, &with("1", "")));
        authorize(&mut sessions, &mut track);
        assert!(
            !take(&mut sessions.clone(), &mut track.clone(), &with("2", "")),
            "wrong password"
        );
        assert!(
            take(
                &mut sessions.clone(),
                &mut track.clone(),
                &with("2", ", stale=true")
            ),
            "stale nonce"
        );

        let mut next = AuthTrack::default();
        authorize(&mut sessions, &mut next);
        assert!(
            !take(&mut sessions.clone(), &mut next.clone(), &with("1", "")),
            "the very same nonce"
        );
        assert!(
            take(&mut sessions, &mut next, &with("3", "")),
            "a nonce of an earlier request"
        );
        authorize(&mut sessions, &mut next);
        assert!(!take(&mut sessions, &mut next, &with("4", "")), "but only once");

        let other_realm = Credentials {
            realm: Some("elsewhere".into()),
            ..credentials()
        };
        let mut track = AuthTrack::default();
        assert!(!AuthSession::take_challenges(
            &mut Vec::new(),
            &mut track,
            &other_realm,
            &with("1", "")
        ));
    }
}
