//! The user agent: what the host calls.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::dialog::DialogSnapshot;
use crate::message::Message;
use crate::types::{
    DialogId, Event, Flow, IncomingRequestId, OutgoingCall, OutgoingRequest, Output, Reason, RequestId,
    SipError, Timestamp, UaConfig,
};

/// The state machine. See the crate's documentation for how it is driven.
pub struct UserAgent {
    config: UaConfig,
    out: VecDeque<Output>,
}

#[allow(unused_variables, clippy::unused_self, clippy::missing_const_for_fn)]
impl UserAgent {
    /// A user agent without calls. `seed` makes tags, branches and nonces; take it from the system's
    /// generator outside tests, for whoever knows it can guess them.
    pub fn new(config: UaConfig, seed: u64) -> Self {
        Self {
            config,
            out: VecDeque::new(),
        }
    }

    /// Takes in one UDP datagram, or one TCP message framed by [`crate::StreamFramer`]. Never fails: what
    /// cannot be understood is answered as RFC 3261 says, or dropped.
    pub fn handle_message(&mut self, now: Timestamp, flow: Flow, bytes: &[u8]) {}

    /// Lets time pass: fires every timer due at `now`.
    pub fn handle_timeout(&mut self, now: Timestamp) {}

    /// When [`Self::handle_timeout`] is next needed.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }

    /// What the host has to do next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// The host could not send along `flow`, or its connection broke: what waits for an answer there fails
    /// at once ([`crate::EndedBy::Transport`]). Confirmed calls stay.
    pub fn flow_failed(&mut self, now: Timestamp, flow: &Flow) {}

    /// Calls at this moment, those that are ending included.
    pub fn dialog_count(&self) -> usize {
        0
    }

    /// Sends an INVITE. Challenges are answered from `call.credentials`.
    pub fn invite(&mut self, now: Timestamp, call: OutgoingCall) -> Result<DialogId, SipError> {
        Err(SipError::TooManyDialogs)
    }

    /// Ends a call in whatever state it is, with [`Event::Ended`] at once: CANCEL (after the first
    /// provisional response, RFC 3261 9.1) or BYE. An unanswered incoming call is refused with the status
    /// of a [`crate::ReasonProtocol::Sip`] reason, else with 480. What the network still has to be told is
    /// told in the background.
    pub fn hang_up(
        &mut self,
        now: Timestamp,
        dialog: DialogId,
        reason: Option<Reason>,
    ) -> Result<(), SipError> {
        Err(SipError::UnknownDialog)
    }

    /// Offers anew in a confirmed call, by re-INVITE. Ends in [`Event::OfferAnswered`] or
    /// [`Event::OfferFailed`]; a glare (491) is retried by itself.
    pub fn reinvite(&mut self, now: Timestamp, dialog: DialogId, sdp: Bytes) -> Result<(), SipError> {
        Err(SipError::UnknownDialog)
    }

    /// Sends a request outside a dialog. A REGISTER to the same registrar and To goes on with the Call-ID,
    /// the CSeq and the nonce of the last one.
    pub fn send_request(&mut self, now: Timestamp, request: OutgoingRequest) -> Result<RequestId, SipError> {
        Err(SipError::TooManyDialogs)
    }

    /// Answers an incoming INVITE. 1xx goes reliably where the peer requires it (RFC 3262); a 2xx is
    /// repeated until its ACK comes; 300 and above ends the call ([`Event::Ended`] by `Local`).
    ///
    /// `reason` is the phrase of the status line; the usual one if empty.
    pub fn respond(
        &mut self,
        now: Timestamp,
        dialog: DialogId,
        status: u16,
        reason: &str,
        sdp: Option<Bytes>,
        headers: &[(String, String)],
    ) -> Result<(), SipError> {
        Err(SipError::UnknownDialog)
    }

    /// Settles an [`Event::Offer`]: the answer, or our offer where the peer made none.
    pub fn answer_offer(&mut self, now: Timestamp, dialog: DialogId, sdp: Bytes) -> Result<(), SipError> {
        Err(SipError::UnknownDialog)
    }

    /// Refuses an [`Event::Offer`] with `status` (488 as a rule); the session goes on as it was.
    pub fn reject_offer(&mut self, now: Timestamp, dialog: DialogId, status: u16) -> Result<(), SipError> {
        Err(SipError::UnknownDialog)
    }

    /// Answers an [`Event::Request`] with a final response. `body` is Content-Type and content.
    pub fn respond_request(
        &mut self,
        now: Timestamp,
        id: IncomingRequestId,
        status: u16,
        reason: &str,
        headers: &[(String, String)],
        body: Option<(&str, Bytes)>,
    ) -> Result<(), SipError> {
        Err(SipError::UnknownRequest)
    }

    /// What is needed to end or revive a confirmed call after a crash; `None` before it is confirmed.
    pub fn dialog_snapshot(&self, dialog: DialogId) -> Option<DialogSnapshot> {
        None
    }

    /// Takes a dialog back from a snapshot, confirmed, with a CSeq well above any that was sent since.
    pub fn restore_dialog(&mut self, now: Timestamp, snapshot: DialogSnapshot) -> Result<DialogId, SipError> {
        Err(SipError::TooManyDialogs)
    }
}

#[allow(dead_code)]
fn keep(_: &Message, _: &Event) {}
