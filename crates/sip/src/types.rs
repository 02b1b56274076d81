//! The vocabulary of the user agent's interface.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::message::{Message, Method};
use crate::registrar::Binding;
use crate::subscribe::{EventPackage, PublishedPresence};

/// A moment, as the time since an epoch of the caller's choice. It never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub Duration);

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

impl Timestamp {
    /// Time passed since `earlier`, zero if `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// What carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// Datagrams: the user agent retransmits.
    Udp,
    /// A stream: the user agent sends each message once.
    Tcp,
    /// A stream inside TLS (RFC 3261 26.2).
    Tls,
}

impl Transport {
    /// Whether messages arrive in order and once, so that none is repeated.
    pub const fn is_stream(self) -> bool {
        !matches!(self, Self::Udp)
    }
}

/// Where a message came from, or goes to.
///
/// For TCP the host maps `remote` to a connection, and opens one where there is none. TLS is served to
/// telephones only: a flow over it whose connection is gone has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flow {
    pub transport: Transport,
    /// The address written into Via and Contact: the one peers reach, not `0.0.0.0`, and for a stream the
    /// listening port, not that of an outgoing connection.
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

/// One call as this side sees it: an INVITE and the dialog it makes. Never reused within a `UserAgent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialogId(pub(crate) u64);

/// A request sent outside a dialog with [`crate::UserAgent::send_request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(crate) u64);

/// A request received outside a dialog that waits for [`crate::UserAgent::respond_request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncomingRequestId(pub(crate) u64);

/// A subscription of a telephone, from [`Event::Subscribe`] on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub(crate) u64);

/// How in-dialog requests find their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InDialogRouting {
    /// To the first Route or the remote target where that is an IP address (RFC 3261 12.2.1.1); along the
    /// flow of the INVITE where it is a name, or a private address seen from a public one (NAT).
    #[default]
    Auto,
    /// Always along the flow of the INVITE.
    Flow,
}

/// Settings of a [`crate::UserAgent`].
#[derive(Clone, Debug)]
pub struct UaConfig {
    /// Value of User-Agent and Server.
    pub user_agent: String,
    /// Host written into Via and Contact instead of [`Flow::local`]'s, for a gateway behind a static NAT.
    pub advertised_ip: Option<IpAddr>,
    /// Round-trip estimate (RFC 3261 17.1.1.1). 64 × T1 ends a transaction. Default 500 ms.
    pub t1: Duration,
    /// Longest interval between retransmissions. Default 4 s.
    pub t2: Duration,
    /// Longest time a message stays in the network. Default 5 s.
    pub t4: Duration,
    /// Session-Expires that we propose (RFC 4028). `None` turns our own proposal off. Default 1800 s.
    pub session_expires: Option<Duration>,
    /// Smallest session interval that we accept. RFC 4028 allows no less than 90 s, the default.
    pub min_se: Duration,
    /// Longest time an INVITE may stay without final answer before it is cancelled (ours) or refused with
    /// 480 (theirs). Default 5 min.
    pub max_ringing: Duration,
    /// Calls at once, those that are ending included. The next gets 503 with Retry-After. Default 10,000.
    pub max_dialogs: usize,
    /// Transactions at once, both roles together; the next request gets 503. Default 100,000.
    pub max_transactions: usize,
    /// Bytes of the largest message accepted. Default 65,535.
    pub max_message: usize,
    /// Retry-After of our own 503, in seconds. Default 5.
    pub overload_retry_after: u32,
    /// Methods outside a dialog that are handed up as [`Event::Request`] instead of being answered 405.
    pub handled_methods: Vec<Method>,
    pub in_dialog_routing: InDialogRouting,
    /// Sends provisional responses reliably (RFC 3262) also to peers that only support it, so that early media
    /// is negotiated for certain. Default: only to those that require it.
    pub reliable_where_supported: bool,
}

impl Default for UaConfig {
    fn default() -> Self {
        Self {
            user_agent: "Ponte".to_owned(),
            advertised_ip: None,
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            session_expires: Some(Duration::from_mins(30)),
            min_se: Duration::from_secs(90),
            max_ringing: Duration::from_mins(5),
            max_dialogs: 10_000,
            max_transactions: 100_000,
            max_message: 65_535,
            overload_retry_after: 5,
            handled_methods: Vec::new(),
            in_dialog_routing: InDialogRouting::Auto,
            reliable_where_supported: false,
        }
    }
}

/// A URI with the name shown beside it, as in From, To and P-Asserted-Identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// `sip:user@host`, `tel:+39…`; no angle brackets.
    pub uri: String,
    pub display: Option<String>,
}

impl Party {
    /// A party without a display name.
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            display: None,
        }
    }
}

/// What answers a digest challenge.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: String,
    /// Answer only challenges for this realm. `None`: any realm.
    pub realm: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// An INVITE to send.
#[derive(Clone, Debug)]
pub struct OutgoingCall {
    pub flow: Flow,
    /// Request-URI, and the key of routing at the peer.
    pub request_uri: String,
    pub from: Party,
    pub to: Party,
    /// Route set known beforehand (an outbound proxy): URIs, without brackets; `;lr` is added where missing.
    pub route: Vec<String>,
    /// User part of our Contact. Default: that of `from`.
    pub contact_user: Option<String>,
    /// How many servers it may pass (RFC 3261 section 8.1.1.6): [`Self::MAX_FORWARDS`] for a call that begins here, one
    /// less than it came with for one that is passed on (RFC 7332 section 4).
    pub max_forwards: u8,
    /// Further headers, such as P-Asserted-Identity. Those the layer writes itself are refused.
    pub headers: Vec<(String, String)>,
    /// The offer.
    pub sdp: Bytes,
    pub credentials: Option<Credentials>,
}

impl OutgoingCall {
    /// The Max-Forwards of a call that begins here (RFC 3261 section 8.1.1.6).
    pub const MAX_FORWARDS: u8 = 70;
}

/// A request to send outside a dialog: OPTIONS, REGISTER, MESSAGE …
#[derive(Clone, Debug)]
pub struct OutgoingRequest {
    pub flow: Flow,
    pub method: Method,
    pub request_uri: String,
    pub from: Party,
    pub to: Party,
    pub route: Vec<String>,
    /// User part of a Contact; `None` sends no Contact.
    pub contact_user: Option<String>,
    /// Value of Expires, in seconds. A REGISTER with 0 removes the binding.
    pub expires: Option<u32>,
    pub headers: Vec<(String, String)>,
    /// Content-Type and body.
    pub body: Option<(String, Bytes)>,
    pub credentials: Option<Credentials>,
}

/// One value of the Reason header (RFC 3326).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub protocol: ReasonProtocol,
    pub cause: Option<u16>,
    pub text: Option<String>,
}

/// The protocol a [`Reason`] speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReasonProtocol {
    /// `cause` is a SIP status.
    Sip,
    /// `cause` is a Q.850 cause, 1 to 127.
    Q850,
    Other(String),
}

impl std::fmt::Display for Reason {
    /// The header's value, for [`crate::UserAgent::respond`].
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::reason::format_reason(self))
    }
}

impl Reason {
    /// A Q.850 cause.
    pub fn q850(cause: u8, text: &str) -> Self {
        Self {
            protocol: ReasonProtocol::Q850,
            cause: Some(u16::from(cause)),
            text: (!text.is_empty()).then(|| text.to_owned()),
        }
    }

    /// Another telephone took the call: whoever is cancelled for this shows no missed call.
    pub fn completed_elsewhere() -> Self {
        Self::sip(200, "Call completed elsewhere")
    }

    /// A SIP status.
    pub fn sip(status: u16, text: &str) -> Self {
        Self {
            protocol: ReasonProtocol::Sip,
            cause: Some(status),
            text: (!text.is_empty()).then(|| text.to_owned()),
        }
    }
}

/// Who or what ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// BYE, CANCEL or a final response of the peer.
    Remote,
    /// [`crate::UserAgent::hang_up`] or a refusal given to [`crate::UserAgent::respond`].
    Local,
    /// The peer fell silent: no response, no ACK, no PRACK, no session refresh.
    Timeout,
    /// The host reported that the flow failed.
    Transport,
}

/// Why a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndCause {
    pub by: EndedBy,
    /// The final status of the INVITE, where that is what ended the call; 408 when nothing was answered,
    /// 487 after CANCEL.
    pub status: Option<u16>,
    /// Every Reason value that came with the end.
    pub reasons: Vec<Reason>,
    /// Q.850 cause: from the Reason header, else mapped from the status (RFC 3398, RFC 4497), else 16.
    pub q850: u8,
    /// Retry-After of the response.
    pub retry_after: Option<Duration>,
    /// Contact URIs of a 3xx, best `q` first.
    pub redirect: Vec<String>,
}

/// A message that ends an INVITE that is not answered, as it can be stored: see [`crate::UserAgent::farewell`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farewell {
    pub flow: Flow,
    /// The whole message. It names both parties.
    pub message: String,
}

impl std::fmt::Debug for Farewell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Farewell")
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}

/// An INVITE that reached us.
#[derive(Clone, Debug)]
pub struct IncomingCall {
    pub dialog: DialogId,
    pub flow: Flow,
    /// The account that the caller has proven to be, whatever `from` says. `None` from a trusted address, and
    /// where no accounts are served: see [`crate::UserAgent::serve_accounts`].
    pub account: Option<String>,
    pub request_uri: String,
    pub from: Party,
    pub to: Party,
    pub call_id: String,
    /// P-Asserted-Identity (RFC 3325), in order. Believe it only from a trusted peer.
    pub asserted_identity: Vec<Party>,
    /// Diversion (RFC 5806), most recent first.
    pub diversion: Vec<Party>,
    /// The offer; `None` when we are to offer.
    pub sdp: Option<Bytes>,
    /// What it is to take the place of: refuse it, or answer it and end that. Only where `account` is known.
    pub replaces: Option<Replacing>,
    /// The request, for any header not named above.
    pub message: Message,
}

/// What an INVITE wants to take over (RFC 3891 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacing {
    pub replaces: Replaces,
    /// What is answered already is not to be taken.
    pub early_only: bool,
    /// The call of ours that it names, whose end has not been told. `None`: there is none; the host may know another by such
    /// a name, as one that it gave in [`crate::WatchedCall::name`].
    pub dialog: Option<DialogId>,
}

/// The final response to an [`OutgoingRequest`].
#[derive(Clone, Debug)]
pub struct ResponseInfo {
    pub id: RequestId,
    pub status: u16,
    pub reason: String,
    /// For REGISTER: seconds our binding stays, from our Contact's `expires`, else the Expires header.
    pub expires: Option<u32>,
    /// Contact URIs.
    pub contacts: Vec<String>,
    pub message: Message,
}

/// A request outside a dialog, of a method listed in [`UaConfig::handled_methods`].
#[derive(Clone, Debug)]
pub struct IncomingRequest {
    pub id: IncomingRequestId,
    pub flow: Flow,
    /// As [`IncomingCall::account`]; `None` also for methods that need no proof.
    pub account: Option<String>,
    pub message: Message,
}

/// A peer asks that the call be moved to somebody else: REFER (RFC 3515).
#[derive(Clone, Debug)]
pub struct Referral {
    /// The call to move.
    pub dialog: DialogId,
    /// As [`IncomingCall::account`].
    pub account: Option<String>,
    /// The URI of Refer-To without its headers: `sip:`, `sips:` or `tel:`.
    pub target: String,
    /// The call of the target that is to be taken over: a consulted transfer.
    pub replaces: Option<Replaces>,
    /// The request, for any header not named above.
    pub message: Message,
}

/// A dialog, as a Replaces names it to the one whose dialog it is (RFC 3891): see [`crate::UserAgent::replaced_dialog`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    pub call_id: String,
    /// The tag of the one that is asked.
    pub to_tag: String,
    /// The tag of the other party.
    pub from_tag: String,
}

/// A SUBSCRIBE of a telephone that wants to watch something.
#[derive(Clone, Debug)]
pub struct IncomingSubscription {
    pub id: SubscriptionId,
    /// Who has proven to ask; whether it may is the host's to say.
    pub account: String,
    pub package: EventPackage,
    /// What is to be watched: the user part of the Request-URI, such as an extension.
    pub resource: String,
    pub message: Message,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A call came in. Answer with [`crate::UserAgent::respond`] or [`crate::UserAgent::hang_up`].
    IncomingCall(Box<IncomingCall>),
    /// A provisional response to our INVITE other than 100. A reliable one has been acknowledged by PRACK.
    Progress {
        dialog: DialogId,
        status: u16,
        sdp: Option<Bytes>,
        /// Which early dialog speaks: forks have different tags. Empty in a 100.
        tag: String,
    },
    /// Our INVITE was answered and the ACK is on its way. `sdp` is `None` when the answer already came
    /// with a reliable provisional response of this dialog.
    Answered { dialog: DialogId, sdp: Option<Bytes> },
    /// The ACK to our 2xx came. `sdp` is the answer when our 2xx carried the offer.
    Confirmed { dialog: DialogId, sdp: Option<Bytes> },
    /// The peer offers (re-INVITE, UPDATE, PRACK), or asks for our offer (`None`). Settle it with
    /// [`crate::UserAgent::answer_offer`] or [`crate::UserAgent::reject_offer`].
    Offer { dialog: DialogId, sdp: Option<Bytes> },
    /// Our offer was answered.
    OfferAnswered { dialog: DialogId, sdp: Bytes },
    /// Our offer was refused; the session goes on as it was. 491: it crossed one of the peer's, and
    /// [`Self::OfferPossible`] follows after the wait of RFC 3261 14.1.
    OfferFailed { dialog: DialogId, status: u16 },
    /// An offer that could not be made ([`SipError::OfferPending`]), or that met 491, can be made now. What the session
    /// is may have changed meanwhile: describe it anew, or leave it.
    OfferPossible { dialog: DialogId },
    /// The call is over. Comes exactly once for each `DialogId`, and nothing for that dialog after it.
    Ended { dialog: DialogId, cause: EndCause },
    /// A key sent by INFO. `signal` is `0`–`9`, `*`, `#` or `A`–`D`.
    Dtmf {
        dialog: DialogId,
        signal: char,
        duration: Option<Duration>,
    },
    /// The peer wants the call moved to somebody else. Settle it with [`crate::UserAgent::refer_progress`]. Comes only in a
    /// call that is up, and not again before the last word on it.
    Referred(Box<Referral>),
    /// The final response to a request outside a dialog.
    Response(Box<ResponseInfo>),
    /// A request outside a dialog got no final response in 64 × T1.
    Timeout { id: RequestId },
    /// A request outside a dialog could not be sent.
    TransportFailed { id: RequestId },
    /// A request that the host handles.
    Request(Box<IncomingRequest>),
    /// The bindings of an account changed: one came, was refreshed, removed, or ran out. These are all that
    /// are left; store them for [`crate::UserAgent::restore_bindings`].
    Bindings { account: String, bindings: Vec<Binding> },
    /// A telephone can be reached where it could not, or the other way round.
    Registration { account: String, registered: bool },
    /// A telephone wants to watch something. Settle it with [`crate::UserAgent::accept_subscription`] or
    /// [`crate::UserAgent::reject_subscription`]. Renewals are granted without asking.
    Subscribe(Box<IncomingSubscription>),
    /// What a telephone says of its user's presence; `None` when it has taken all of it back, or let it run out.
    Published {
        account: String,
        presence: Option<PublishedPresence>,
    },
}

/// What the host has to do.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send these bytes, one whole message.
    Send {
        flow: Flow,
        bytes: Bytes,
    },
    Event(Event),
}

/// Why a command was refused. A refused command had no effect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SipError {
    /// [`UaConfig::max_dialogs`] or [`UaConfig::max_transactions`] is reached.
    #[error("too many calls at once")]
    TooManyDialogs,
    /// The call is over, or never was.
    #[error("no such dialog")]
    UnknownDialog,
    /// No request waits under this id.
    #[error("no such request")]
    UnknownRequest,
    /// No account has this name, or no accounts are served.
    #[error("no such account")]
    UnknownAccount,
    /// The command does not fit the state of the call, such as an answer where no offer is open.
    #[error("not possible in this state of the call")]
    WrongState,
    /// An offer of ours or of the peer is still open.
    #[error("an offer is still open")]
    OfferPending,
    /// A URI does not parse, or holds bytes that would break the message.
    #[error("invalid URI")]
    InvalidUri,
    /// A header name or value holds bytes that would break the message, or names a header the layer owns.
    #[error("invalid header")]
    InvalidHeader,
    /// Status outside 100–699, or of a class that does not fit.
    #[error("invalid status {0}")]
    InvalidStatus(u16),
}
