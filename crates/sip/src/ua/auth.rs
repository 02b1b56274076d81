//! Nonces that peers gave us, kept so that the next request needs no challenge.

use std::collections::HashMap;
use std::net::SocketAddr;

use rand::RngCore;

use crate::digest::{AuthSession, AuthTrack, Covered};
use crate::message::{HeaderName, Message};
use crate::types::Credentials;

/// Peers remembered. Losing one costs a round trip, nothing more.
const MAX_PEERS: usize = 4096;

/// All requests to one peer under one name share a nonce, for its count must never go back.
#[derive(Default)]
pub(crate) struct AuthCache {
    peers: HashMap<(SocketAddr, String), Vec<AuthSession>>,
}

impl AuthCache {
    /// Headers that authorise a request, as far as challenges of this peer are known.
    pub(crate) fn authorize(
        &mut self,
        peer: SocketAddr,
        credentials: Option<&Credentials>,
        track: &mut AuthTrack,
        covered: &Covered<'_>,
        rng: &mut impl RngCore,
    ) -> Vec<(HeaderName, String)> {
        let Some(credentials) = credentials else {
            return Vec::new();
        };
        let Some(sessions) = self.peers.get_mut(&(peer, credentials.username.clone())) else {
            return Vec::new();
        };
        AuthSession::authorize_all(sessions, track, credentials, covered, rng)
    }

    /// Takes the challenges of a 401 or 407 and says whether to ask again.
    pub(crate) fn challenged(
        &mut self,
        peer: SocketAddr,
        credentials: Option<&Credentials>,
        track: &mut AuthTrack,
        response: &Message,
    ) -> bool {
        let Some(credentials) = credentials else {
            return false;
        };
        let key = (peer, credentials.username.clone());
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(&key) {
            let Some(victim) = self.peers.keys().next().cloned() else {
                return false;
            };
            self.peers.remove(&victim);
        }
        let sessions = self.peers.entry(key).or_default();
        AuthSession::take_challenges(sessions, track, credentials, response)
    }

    /// Takes over a nonce announced with a success.
    pub(crate) fn succeeded(
        &mut self,
        peer: SocketAddr,
        credentials: Option<&Credentials>,
        response: &Message,
    ) {
        if response.header(HeaderName::AuthenticationInfo).is_none() {
            return;
        }
        if let Some(credentials) = credentials
            && let Some(sessions) = self.peers.get_mut(&(peer, credentials.username.clone()))
        {
            AuthSession::take_next_nonce(sessions, response);
        }
    }
}
