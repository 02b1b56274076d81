//! Dialogs: the state that a call has at our end.

mod route;
mod session;
mod snapshot;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub(crate) use route::{next_hop, route_set};
pub(crate) use session::{Agreement, SessionTimer, agree, seconds};
pub use snapshot::DialogSnapshot;

use crate::digest::AuthTrack;
use crate::message::HeaderName;
use crate::timers::TimerId;
use crate::transaction::{ClientKey, Core, TimerKey};
use crate::types::{Credentials, DialogId, EndedBy, Flow, OutgoingCall, Timestamp};
use crate::ua::Job;

/// Early dialogs of one INVITE that are told apart.
pub(crate) const MAX_EARLY: usize = 16;

/// Every wait of a dialog has one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DialogTimer {
    /// The longest an INVITE may stay without final answer.
    Ringing,
    /// After CANCEL: the INVITE must end soon.
    Cancelled,
    /// A reliable provisional response is repeated.
    Reliable,
    /// … and given up.
    ReliableGiveUp,
    /// A provisional response is repeated each minute (RFC 3261 13.3.1.1).
    KeepRinging,
    /// Our 2xx is repeated until its ACK.
    Accepted,
    /// … and given up.
    AcceptedGiveUp,
    /// The session is to be refreshed by us.
    Refresh,
    /// The session was not refreshed.
    Expire,
    /// After a re-INVITE that met 491 the next one may go.
    Glare,
    /// A re-INVITE of ours has no final response.
    Reinvite,
    /// A telephone whose connection broke is waited for, to be told of the end.
    Returning,
    /// The peer is told no longer what comes of its REFER.
    Referring,
}

const TIMER_COUNT: usize = DialogTimer::Referring as usize + 1;

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Our INVITE is out.
    Calling,
    /// Their INVITE waits for our final response.
    Incoming,
    /// We sent 2xx and wait for ACK.
    Accepted,
    Confirmed,
    /// Over; what is left happens in the background.
    Ending,
}

/// The state of offer and answer (RFC 3264, RFC 6337).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Stable,
    /// We offered in a request that waits for its response.
    Local,
    /// We offered in a 2xx or a reliable 1xx, whose ACK or PRACK brings the answer.
    LocalInResponse,
    /// They offered in the transaction with this number.
    Remote(u64),
    /// They want an offer in the response of this transaction.
    Wanted(u64),
}

/// Whether our INVITE is to be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    No,
    /// As soon as a provisional response comes (RFC 3261 9.1).
    Wanted,
    Sent,
}

/// One branch of a fork that rings.
#[derive(Clone, Debug)]
pub(crate) struct Early {
    pub(crate) tag: Box<[u8]>,
    pub(crate) target: Bytes,
    pub(crate) routes: Vec<Bytes>,
    /// The last reliable response that was acknowledged.
    pub(crate) rseq: Option<u32>,
    /// A reliable response carried the answer.
    pub(crate) answered: bool,
    /// What this branch has described of its media last, while that is an answer to our INVITE.
    pub(crate) sdp: Option<Bytes>,
    /// Each dialog counts for itself (RFC 3261 12.1.2), and so do early ones.
    pub(crate) remote_cseq: Option<u32>,
}

/// What only a calling side has.
pub(crate) struct Calling {
    pub(crate) call: OutgoingCall,
    pub(crate) key: ClientKey,
    pub(crate) cseq: u32,
    pub(crate) early: Vec<Early>,
    pub(crate) cancel: Cancel,
    pub(crate) cancel_reason: Option<String>,
    pub(crate) track: AuthTrack,
    /// Session interval and Min-SE proposed; raised by a 422.
    pub(crate) min_se: Option<u32>,
}

impl Calling {
    pub(crate) fn early_mut(&mut self, tag: &[u8]) -> Option<&mut Early> {
        self.early.iter_mut().find(|early| *early.tag == *tag)
    }
}

/// A reliable provisional response on its way.
pub(crate) struct Outstanding {
    pub(crate) rseq: u32,
    pub(crate) bytes: Bytes,
    pub(crate) interval: Duration,
    pub(crate) has_sdp: bool,
}

/// A response that waits until the reliable one before it is acknowledged.
pub(crate) struct Queued {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) sdp: Option<Bytes>,
    pub(crate) headers: Vec<(String, String)>,
}

/// What only a called side has, until it answered.
pub(crate) struct Called {
    pub(crate) transaction: u64,
    pub(crate) cseq: u32,
    /// Provisional responses go reliably.
    pub(crate) reliable: bool,
    pub(crate) next_rseq: u32,
    pub(crate) outstanding: Option<Outstanding>,
    pub(crate) queue: VecDeque<Queued>,
    /// The last provisional response, for [`DialogTimer::KeepRinging`].
    pub(crate) last: Option<(Flow, Bytes)>,
    /// The caller has said how long it waits, and that ends before our own patience.
    pub(crate) expires: bool,
}

/// A BYE that may only go once the ACK to our 2xx came (RFC 3261 15).
pub(crate) struct AwaitedBye {
    pub(crate) reason: Option<String>,
}

/// Our 2xx to an INVITE, until its ACK.
pub(crate) struct Unacknowledged {
    pub(crate) cseq: u32,
    pub(crate) flow: Flow,
    pub(crate) bytes: Bytes,
    pub(crate) interval: Duration,
}

/// A REFER of the peer (RFC 3515), and the subscription that came with it.
pub(crate) struct Referring {
    /// The transaction that waits for the host.
    pub(crate) transaction: Option<u64>,
    /// The Event header's value.
    pub(crate) event: String,
    /// The peer wants to know what comes of it (RFC 4488).
    pub(crate) told: bool,
    pub(crate) expires_at: Timestamp,
    /// Where it stands, as the status of a SIP response.
    pub(crate) status: u16,
    /// Why the subscription ends; the last NOTIFY is on its way or waits.
    pub(crate) ended: Option<&'static str>,
    /// A NOTIFY waits for its response.
    pub(crate) notifying: bool,
    /// Something changed since that NOTIFY.
    pub(crate) stale: bool,
}

pub(crate) struct Dialog {
    pub(crate) id: DialogId,
    pub(crate) state: State,
    /// `Ended` was told: nothing more is.
    pub(crate) told_end: bool,
    /// We made the Call-ID (RFC 3261 14.1 gives us the longer wait).
    pub(crate) owns_call_id: bool,
    pub(crate) call_id: Box<[u8]>,
    pub(crate) local_tag: u64,
    pub(crate) remote_tag: Option<Box<[u8]>>,
    /// From or To value without tag.
    pub(crate) local_party: Box<[u8]>,
    pub(crate) remote_party: Box<[u8]>,
    pub(crate) remote_target: Bytes,
    pub(crate) routes: Vec<Bytes>,
    /// URI of our Contact.
    pub(crate) contact: Box<[u8]>,
    /// Of the telephone at the other end.
    pub(crate) account: Option<Arc<str>>,
    /// The connection to the telephone broke, and it has not come back.
    pub(crate) cut_off: bool,
    /// The BYE that it is to hear when it does.
    pub(crate) unheard_bye: Option<Box<Job>>,
    /// The flow of the INVITE.
    pub(crate) origin: Flow,
    /// Where in-dialog requests go.
    pub(crate) flow: Flow,
    /// The peer's Contact is an address that we cannot reach: stay on the flow.
    pub(crate) behind_nat: bool,
    pub(crate) local_cseq: u32,
    pub(crate) remote_cseq: Option<u32>,
    pub(crate) calling: Option<Box<Calling>>,
    pub(crate) called: Option<Box<Called>>,
    pub(crate) unacknowledged: Option<Unacknowledged>,
    /// A final response to a request of ours other than the first INVITE is awaited.
    pub(crate) reinvite: Option<ClientKey>,
    /// … and was cancelled.
    pub(crate) reinvite_cancelled: bool,
    pub(crate) offer: Offer,
    /// What we last described; sent again in a refresh.
    pub(crate) local_sdp: Bytes,
    /// An offer met 491: none may be made until [`DialogTimer::Glare`].
    pub(crate) glare: bool,
    /// The host has an offer to make as soon as one may be made.
    pub(crate) offer_wanted: bool,
    pub(crate) session: SessionTimer,
    pub(crate) peer_allows_update: bool,
    pub(crate) credentials: Option<Credentials>,
    /// Headers that authorised the last INVITE; its ACK repeats them (RFC 3261 22.1).
    pub(crate) invite_auth: Vec<(HeaderName, String)>,
    /// End by BYE once the ACK to our 2xx came.
    pub(crate) bye_after_ack: Option<AwaitedBye>,
    pub(crate) referring: Option<Box<Referring>>,
    /// The peer has sent a REFER before.
    pub(crate) was_referred: bool,
    timers: [Option<TimerId>; TIMER_COUNT],
}

impl Dialog {
    pub(crate) fn new(
        id: DialogId,
        state: State,
        call_id: Box<[u8]>,
        local_tag: u64,
        local_party: Box<[u8]>,
        remote_party: Box<[u8]>,
        flow: Flow,
    ) -> Self {
        Self {
            id,
            state,
            told_end: false,
            owns_call_id: false,
            call_id,
            local_tag,
            remote_tag: None,
            local_party,
            remote_party,
            remote_target: Bytes::new(),
            routes: Vec::new(),
            contact: Box::default(),
            account: None,
            cut_off: false,
            unheard_bye: None,
            origin: flow,
            flow,
            behind_nat: false,
            local_cseq: 0,
            remote_cseq: None,
            calling: None,
            called: None,
            unacknowledged: None,
            reinvite: None,
            reinvite_cancelled: false,
            offer: Offer::Stable,
            local_sdp: Bytes::new(),
            glare: false,
            offer_wanted: false,
            session: SessionTimer::default(),
            peer_allows_update: false,
            credentials: None,
            invite_auth: Vec::new(),
            bye_after_ack: None,
            referring: None,
            was_referred: false,
            timers: [None; TIMER_COUNT],
        }
    }

    /// Whether an offer of ours would be the only one (RFC 3261 14.1).
    pub(crate) fn may_offer(&self) -> bool {
        self.offer == Offer::Stable && self.reinvite.is_none() && self.unacknowledged.is_none() && !self.glare
    }

    /// Whether a tag is that of the peer, in any of its early dialogs.
    pub(crate) fn knows_tag(&self, tag: &[u8]) -> bool {
        if let Some(remote) = &self.remote_tag {
            return **remote == *tag;
        }
        self.calling
            .as_ref()
            .is_some_and(|calling| calling.early.iter().any(|early| *early.tag == *tag))
    }

    /// The peer's `CSeq` that was seen last under a tag of it, `None` before the first.
    pub(crate) fn remote_cseq_of(&mut self, tag: &[u8]) -> &mut Option<u32> {
        match self
            .calling
            .as_deref_mut()
            .and_then(|calling| calling.early_mut(tag))
        {
            Some(early) => &mut early.remote_cseq,
            None => &mut self.remote_cseq,
        }
    }

    pub(crate) fn set_timer(&mut self, core: &mut Core, timer: DialogTimer, at: Timestamp) {
        core.timers.reset(
            &mut self.timers[timer as usize],
            at,
            TimerKey::Dialog(self.id, timer),
        );
    }

    pub(crate) fn clear_timer(&mut self, core: &mut Core, timer: DialogTimer) {
        core.timers.clear(&mut self.timers[timer as usize]);
    }

    pub(crate) fn clear_timers(&mut self, core: &mut Core) {
        for slot in &mut self.timers {
            core.timers.clear(slot);
        }
    }

    /// Points in-dialog requests at the first route or the remote target.
    pub(crate) fn choose_flow(&mut self, core: &Core) {
        self.flow = next_hop(
            &core.config,
            self.origin,
            self.behind_nat,
            &self.routes,
            &self.remote_target,
        );
    }

    /// What status an end by `by` leaves in the record.
    pub(crate) const fn silent_status(by: EndedBy) -> Option<u16> {
        match by {
            EndedBy::Timeout => Some(408),
            EndedBy::Transport => Some(503),
            EndedBy::Local | EndedBy::Remote => None,
        }
    }
}

/// A tag of ours, as text.
pub(crate) fn tag_text(tag: u64) -> String {
    format!("{tag:016x}")
}

/// A tag of ours, read back.
pub(crate) fn tag_number(text: &[u8]) -> Option<u64> {
    if text.len() != 16 {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}
