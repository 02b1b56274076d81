//! Server transactions: requests that we received.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::{Core, TimerKey};
use crate::message::{Message, Method, parse_ip};
use crate::timers::TimerId;
use crate::types::{DialogId, Flow, Timestamp, Transport};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerTimer {
    /// G.
    Retransmit,
    /// H, I, J or L.
    Timeout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No final response sent.
    Open,
    /// A final response was sent; an INVITE's waits for its ACK.
    Completed,
    Confirmed,
    /// A 2xx to an INVITE was sent; the dialog repeats it (RFC 6026).
    Accepted,
}

pub(crate) struct ServerTransaction {
    key: Box<[u8]>,
    merged_key: Option<Box<[u8]>>,
    pub(crate) method: Method,
    /// The dialog that an INVITE opened or belongs to, for CANCEL to find.
    pub(crate) dialog: Option<DialogId>,
    /// Where responses go.
    pub(crate) reply: Flow,
    /// Where the request came from, as seen by the host.
    pub(crate) source: SocketAddr,
    /// The request, until it has its final response.
    pub(crate) request: Option<Box<Message>>,
    last: Option<Bytes>,
    state: State,
    interval: Duration,
    retransmit: Option<TimerId>,
    timeout: Option<TimerId>,
}

/// How a request stands to those that came before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Seen before, and dealt with.
    Repeated,
    New,
}

impl Core {
    /// Deals with repeated requests and with ACKs to refusals.
    pub(crate) fn server_received(&mut self, now: Timestamp, request: &Message) -> Received {
        let Some(id) = self.server_of(request, request.method()) else {
            return Received::New;
        };
        let is_ack = request.method() == Some(&Method::Ack);
        let t4 = self.config.t4;
        let Some(transaction) = self.servers.get_mut(&id) else {
            return Received::New;
        };
        if !is_ack {
            if let (State::Open | State::Completed, Some(last)) =
                (transaction.state, transaction.last.clone())
            {
                let reply = transaction.reply;
                self.send(reply, last);
            }
            return Received::Repeated;
        }
        match transaction.state {
            State::Completed => {
                transaction.state = State::Confirmed;
                self.timers.clear(&mut transaction.retransmit);
                let linger = if transaction.reply.transport == Transport::Udp {
                    t4
                } else {
                    Duration::ZERO
                };
                let timer = TimerKey::Server(id, ServerTimer::Timeout);
                self.timers.reset(&mut transaction.timeout, now + linger, timer);
                Received::Repeated
            }
            State::Confirmed => Received::Repeated,
            // An ACK that shares the branch of an accepted INVITE is for the dialog.
            State::Open | State::Accepted => Received::New,
        }
    }

    /// The INVITE transaction that a CANCEL speaks of.
    pub(crate) fn server_to_cancel(&self, cancel: &Message) -> Option<u64> {
        self.server_of(cancel, Some(&Method::Invite))
    }

    /// Notes which dialog a transaction belongs to.
    pub(crate) fn belongs_to(&mut self, transaction: u64, dialog: DialogId) {
        if let Some(transaction) = self.servers.get_mut(&transaction) {
            transaction.dialog = Some(dialog);
        }
    }

    fn server_of(&self, request: &Message, method: Option<&Method>) -> Option<u64> {
        self.server_keys
            .get(&*transaction_key(request, method?)?)
            .copied()
    }

    /// Whether another copy of this request came by another way (RFC 3261 8.2.2.2). An INVITE that was refused is over: a
    /// proxy that tries one target after the other may come here twice.
    pub(crate) fn is_merged(&self, request: &Message) -> bool {
        let other = merged_key(request)
            .and_then(|key| self.merged_keys.get(&key))
            .and_then(|id| self.servers.get(id));
        other.is_some_and(|other| {
            other.method != Method::Invite || matches!(other.state, State::Open | State::Accepted)
        })
    }

    /// Starts a transaction; `None` where the request has no usable key. One that nobody answers is dropped
    /// when its sender must have given up; an INVITE may ring for longer, and its dialog watches over it.
    pub(crate) fn start_server(&mut self, now: Timestamp, flow: Flow, request: Message) -> Option<u64> {
        let method = request.method()?.clone();
        let key = transaction_key(&request, &method)?;
        let merged_key = merged_key(&request);
        let id = self.new_id();
        self.server_keys.insert(key.clone(), id);
        if let Some(key) = &merged_key {
            self.merged_keys.insert(key.clone(), id);
        }
        let timeout = (method != Method::Invite).then(|| {
            let at = now + self.patience();
            self.timers.set(at, TimerKey::Server(id, ServerTimer::Timeout))
        });
        let transaction = ServerTransaction {
            key,
            merged_key,
            method,
            dialog: None,
            reply: reply_flow(flow, &request),
            source: flow.remote,
            request: Some(Box::new(request)),
            last: None,
            state: State::Open,
            interval: Duration::ZERO,
            retransmit: None,
            timeout,
        };
        self.servers.insert(id, transaction);
        Some(id)
    }

    /// Sends a response and keeps it for repetition. After a final one the request is forgotten.
    pub(crate) fn server_respond(&mut self, now: Timestamp, id: u64, status: u16, bytes: Bytes) {
        let (patience, t1) = (self.patience(), self.config.t1);
        let Some(transaction) = self
            .servers
            .get_mut(&id)
            .filter(|transaction| transaction.state == State::Open)
        else {
            return;
        };
        let reply = transaction.reply;
        if status >= 200 {
            let udp = reply.transport == Transport::Udp;
            transaction.request = None;
            let invite = transaction.method == Method::Invite;
            transaction.state = if invite && status < 300 {
                State::Accepted
            } else {
                State::Completed
            };
            if invite && status >= 300 && udp {
                transaction.interval = t1;
                let timer = TimerKey::Server(id, ServerTimer::Retransmit);
                transaction.retransmit = Some(self.timers.set(now + t1, timer));
            }
            let linger = if invite || udp { patience } else { Duration::ZERO };
            let timer = TimerKey::Server(id, ServerTimer::Timeout);
            self.timers.reset(&mut transaction.timeout, now + linger, timer);
        }
        // The dialog repeats a 2xx to an INVITE itself, so no copy is needed here.
        transaction.last = (transaction.state != State::Accepted).then(|| bytes.clone());
        self.send(reply, bytes);
    }

    pub(crate) fn server_timer(&mut self, now: Timestamp, id: u64, timer: ServerTimer) {
        let t2 = self.config.t2;
        let Some(transaction) = self.servers.get_mut(&id) else {
            return;
        };
        match timer {
            ServerTimer::Timeout => self.end_server(id),
            ServerTimer::Retransmit if transaction.state == State::Completed => {
                transaction.interval = (transaction.interval * 2).min(t2);
                let at = now + transaction.interval;
                transaction.retransmit = Some(self.timers.set(at, TimerKey::Server(id, timer)));
                if let Some(last) = transaction.last.clone() {
                    let reply = transaction.reply;
                    self.send(reply, last);
                }
            }
            ServerTimer::Retransmit => {}
        }
    }

    /// Drops a server transaction.
    pub(crate) fn end_server(&mut self, id: u64) {
        let Some(mut transaction) = self.servers.remove(&id) else {
            return;
        };
        self.timers.clear(&mut transaction.retransmit);
        self.timers.clear(&mut transaction.timeout);
        self.server_keys.remove(&transaction.key);
        if let Some(key) = transaction.merged_key
            && self.merged_keys.get(&key) == Some(&id)
        {
            self.merged_keys.remove(&key);
        }
    }
}

/// What makes two requests the same (RFC 3261 17.2.3). `method` stands in for that of an ACK or CANCEL.
fn transaction_key(request: &Message, method: &Method) -> Option<Box<[u8]>> {
    let via = request.via()?;
    let method = if *method == Method::Ack {
        &Method::Invite
    } else {
        method
    };
    let port = via.port.unwrap_or(5060).to_be_bytes();
    let mut key = Vec::with_capacity(128);
    key.extend_from_slice(via.branch().unwrap_or_default());
    // Not every peer makes a unique branch, and those of RFC 2543 make none. A repetition, an ACK to a refusal and a CANCEL
    // have all of these in common with their request.
    key.push(0);
    key.extend_from_slice(request.from()?.tag().unwrap_or_default());
    key.push(0);
    key.extend_from_slice(request.call_id());
    key.push(0);
    key.extend_from_slice(&request.cseq()?.0.to_be_bytes());
    key.push(0);
    key.extend_from_slice(via.host);
    key.extend_from_slice(&port);
    key.extend_from_slice(method.as_str().as_bytes());
    Some(key.into_boxed_slice())
}

/// Call-ID, From tag and `CSeq` of a request outside a dialog.
fn merged_key(request: &Message) -> Option<Box<[u8]>> {
    if request.to()?.tag().is_some() {
        return None;
    }
    let (number, method) = request.cseq()?;
    let tag = request.from()?.tag()?;
    let key = [
        request.call_id(),
        b"\0",
        tag,
        b"\0",
        method.as_str().as_bytes(),
        &number.to_be_bytes(),
    ]
    .concat();
    Some(key.into_boxed_slice())
}

/// Where responses go (RFC 3261 18.2.2, RFC 3581 4). `maddr` is not followed: it would let anyone aim our
/// responses at a third party.
pub(crate) fn reply_flow(flow: Flow, request: &Message) -> Flow {
    if flow.transport.is_stream() {
        return flow;
    }
    let Some(via) = request.via() else { return flow };
    // A sender that names another address than its own is behind a NAT, which only knows the source port.
    if via.param("rport").is_some() || parse_ip(via.host) != Some(flow.remote.ip().to_canonical()) {
        return flow;
    }
    Flow {
        remote: SocketAddr::new(flow.remote.ip(), via.port.unwrap_or(5060)),
        ..flow
    }
}
