//! What is stored of a confirmed dialog, so that it can be ended or gone on with after a crash.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Dialog, SessionTimer, State, tag_number, tag_text};
use crate::message::Uri;
use crate::types::{DialogId, Flow, SipError};

/// How far the `CSeq` is moved on when a dialog is taken back: above all that was sent after the snapshot.
const CSEQ_GAP: u32 = 1 << 16;

/// A dialog as it can be stored: confirmed, or of an INVITE that came in and is about to be answered. Passwords are not in it; see
/// [`crate::UserAgent::set_credentials`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialogSnapshot {
    pub call_id: String,
    pub local_tag: String,
    pub remote_tag: String,
    /// From or To value of our side, without tag.
    pub local_party: String,
    pub remote_party: String,
    pub remote_target: String,
    pub route_set: Vec<String>,
    /// URI of our Contact.
    pub contact: String,
    pub local_cseq: u32,
    pub remote_cseq: Option<u32>,
    /// Flow of the INVITE.
    pub flow: Flow,
    /// Whether in-dialog requests stay on that flow because of a NAT.
    pub behind_nat: bool,
    /// Of the telephone at the other end, which may come back by another connection.
    #[serde(default)]
    pub account: Option<String>,
    /// Whether we sent the INVITE.
    pub owns_call_id: bool,
    pub peer_allows_update: bool,
    /// Session interval in seconds (RFC 4028), and whether we refresh.
    pub session_interval: Option<u32>,
    pub session_ours: bool,
    /// The session description that we last sent.
    pub local_sdp: String,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Dialog {
    pub(crate) fn snapshot(&self) -> Option<DialogSnapshot> {
        if self.state == State::Calling || self.state == State::Ending || self.told_end {
            return None;
        }
        Some(DialogSnapshot {
            call_id: text(&self.call_id),
            local_tag: tag_text(self.local_tag),
            remote_tag: text(self.remote_tag.as_deref().unwrap_or_default()),
            local_party: text(&self.local_party),
            remote_party: text(&self.remote_party),
            remote_target: text(&self.remote_target),
            route_set: self.routes.iter().map(|route| text(route)).collect(),
            contact: text(&self.contact),
            local_cseq: self.local_cseq,
            remote_cseq: self.remote_cseq,
            flow: self.origin,
            behind_nat: self.behind_nat,
            account: self.account.as_deref().map(str::to_owned),
            owns_call_id: self.owns_call_id,
            peer_allows_update: self.peer_allows_update,
            session_interval: self.session.interval,
            session_ours: self.session.ours,
            local_sdp: text(&self.local_sdp),
        })
    }

    pub(crate) fn from_snapshot(id: DialogId, snapshot: DialogSnapshot) -> Result<Self, SipError> {
        let lines = [
            &snapshot.call_id,
            &snapshot.remote_tag,
            &snapshot.local_party,
            &snapshot.remote_party,
            &snapshot.contact,
        ];
        let broken = |line: &String| line.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        if lines.into_iter().chain(&snapshot.route_set).any(broken) {
            return Err(SipError::InvalidHeader);
        }
        Uri::parse(snapshot.remote_target.as_bytes()).ok_or(SipError::InvalidUri)?;
        let local_tag = tag_number(snapshot.local_tag.as_bytes()).ok_or(SipError::InvalidHeader)?;
        let boxed = |text: String| text.into_bytes().into_boxed_slice();
        let mut dialog = Self::new(
            id,
            State::Confirmed,
            boxed(snapshot.call_id),
            local_tag,
            boxed(snapshot.local_party),
            boxed(snapshot.remote_party),
            snapshot.flow,
        );
        dialog.remote_tag = Some(boxed(snapshot.remote_tag));
        dialog.remote_target = Bytes::from(snapshot.remote_target);
        dialog.routes = snapshot.route_set.into_iter().map(Bytes::from).collect();
        dialog.contact = boxed(snapshot.contact);
        dialog.local_cseq = snapshot.local_cseq.saturating_add(CSEQ_GAP);
        dialog.remote_cseq = snapshot.remote_cseq;
        dialog.behind_nat = snapshot.behind_nat;
        dialog.account = snapshot.account.map(Into::into);
        dialog.owns_call_id = snapshot.owns_call_id;
        dialog.peer_allows_update = snapshot.peer_allows_update;
        dialog.session = SessionTimer {
            interval: snapshot.session_interval,
            ours: snapshot.session_ours,
            raised: false,
        };
        dialog.local_sdp = Bytes::from(snapshot.local_sdp);
        Ok(dialog)
    }
}
