//! Client transactions: requests that we sent.

use std::time::Duration;

use bytes::Bytes;

use super::{Core, TimerKey};
use crate::message::{HeaderName, Message, Method, Writer};
use crate::timers::TimerId;
use crate::types::{Flow, Timestamp, Transport};
use crate::ua::Owner;

/// Our branches are 64 random bits, so the branch itself is the key; a CANCEL shares that of its INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientKey {
    pub(crate) branch: u64,
    pub(crate) cancel: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientTimer {
    /// A or E.
    Retransmit,
    /// B or F while waiting; D, K or M afterwards.
    Timeout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing came back yet ("Trying" where the request is no INVITE).
    Calling,
    Proceeding,
    Completed,
    /// A 2xx to an INVITE came; more may, from other branches of a fork.
    Accepted,
}

/// What to do with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Deliver,
    /// A refusal of an INVITE: acknowledge, and hand it up.
    AcknowledgeAndDeliver,
    /// The same refusal again.
    Acknowledge,
    Ignore,
}

pub(crate) struct ClientTransaction {
    pub(crate) owner: Owner,
    pub(crate) method: Method,
    pub(crate) flow: Flow,
    pub(crate) request: Bytes,
    ack: Option<Bytes>,
    state: State,
    interval: Duration,
    retransmit: Option<TimerId>,
    timeout: Option<TimerId>,
    /// Tags of forked answers that were ended already.
    pub(crate) ended_forks: Vec<Box<[u8]>>,
}

impl ClientTransaction {
    fn step(&mut self, status: u16) -> Step {
        let invite = self.method == Method::Invite;
        match (self.state, status) {
            (State::Calling | State::Proceeding, 100..200) => {
                self.state = State::Proceeding;
                Step::Deliver
            }
            (State::Calling | State::Proceeding, 200..300) if invite => {
                self.state = State::Accepted;
                Step::Deliver
            }
            (State::Calling | State::Proceeding, _) => {
                self.state = State::Completed;
                if invite {
                    Step::AcknowledgeAndDeliver
                } else {
                    Step::Deliver
                }
            }
            (State::Accepted, 200..300) => Step::Deliver,
            (State::Completed, 300..) if invite => Step::Acknowledge,
            _ => Step::Ignore,
        }
    }

    /// Whether no final response came yet.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }

    pub(crate) fn is_proceeding(&self) -> bool {
        self.state == State::Proceeding
    }
}

/// A response that the user of a transaction must see.
pub(crate) struct Delivery {
    pub(crate) key: ClientKey,
}

impl Core {
    /// Sends a request and starts its transaction.
    pub(crate) fn start_client(
        &mut self,
        now: Timestamp,
        key: ClientKey,
        method: Method,
        flow: Flow,
        request: Bytes,
        owner: Owner,
    ) {
        self.send(flow, request.clone());
        let interval = self.config.t1;
        let retransmit = (flow.transport == Transport::Udp).then(|| {
            self.timers
                .set(now + interval, TimerKey::Client(key, ClientTimer::Retransmit))
        });
        let timeout = self
            .timers
            .set(now + self.patience(), TimerKey::Client(key, ClientTimer::Timeout));
        self.clients.insert(
            key,
            ClientTransaction {
                owner,
                method,
                flow,
                request,
                ack: None,
                state: State::Calling,
                interval,
                retransmit,
                timeout: Some(timeout),
                ended_forks: Vec::new(),
            },
        );
    }

    /// Whether a transaction of ours is behind a response.
    pub(crate) fn awaits(&self, response: &Message) -> bool {
        let key = || {
            let (_, method) = response.cseq()?;
            let branch = branch_number(response.via()?.branch()?)?;
            Some(ClientKey {
                branch,
                cancel: method == Method::Cancel,
            })
        };
        key().is_some_and(|key| self.clients.contains_key(&key))
    }

    /// Runs a response through its transaction; `None` where nobody above needs it.
    pub(crate) fn client_response(&mut self, now: Timestamp, response: &Message) -> Option<Delivery> {
        let status = response.status()?;
        let (_, method) = response.cseq()?;
        let branch = branch_number(response.via()?.branch()?)?;
        let key = ClientKey {
            branch,
            cancel: method == Method::Cancel,
        };
        let patience = self.patience();
        let transaction = self
            .clients
            .get_mut(&key)
            .filter(|transaction| transaction.method == method)?;
        let step = transaction.step(status);
        match step {
            Step::Ignore => return None,
            Step::Acknowledge => {
                let (flow, ack) = (transaction.flow, transaction.ack.clone()?);
                self.send(flow, ack);
                return None;
            }
            Step::Deliver | Step::AcknowledgeAndDeliver => {}
        }
        let invite = method == Method::Invite;
        match transaction.state {
            State::Proceeding if invite => {
                self.timers.clear(&mut transaction.retransmit);
                self.timers.clear(&mut transaction.timeout);
            }
            State::Proceeding => transaction.interval = self.config.t2,
            State::Completed | State::Accepted => {
                self.timers.clear(&mut transaction.retransmit);
                let udp = transaction.flow.transport == Transport::Udp;
                let linger = match (invite, transaction.state) {
                    (true, State::Accepted) => patience,
                    (true, _) if udp => patience,
                    (false, _) if udp => self.config.t4,
                    _ => Duration::ZERO,
                };
                let timer = TimerKey::Client(key, ClientTimer::Timeout);
                self.timers.reset(&mut transaction.timeout, now + linger, timer);
            }
            State::Calling => {}
        }
        if step == Step::AcknowledgeAndDeliver {
            let ack = acknowledge_refusal(&transaction.request, response);
            transaction.ack.clone_from(&ack);
            let flow = transaction.flow;
            if let Some(ack) = ack {
                self.send(flow, ack);
            }
        }
        Some(Delivery { key })
    }

    /// A timer of a client transaction fired; returns the owner if its request got no final response.
    pub(crate) fn client_timer(
        &mut self,
        now: Timestamp,
        key: ClientKey,
        timer: ClientTimer,
    ) -> Option<Owner> {
        let (t2, invite) = (self.config.t2, self.clients.get(&key)?.method == Method::Invite);
        let transaction = self.clients.get_mut(&key)?;
        match timer {
            ClientTimer::Retransmit => {
                if !transaction.is_open() {
                    return None;
                }
                transaction.interval *= 2;
                if !invite {
                    transaction.interval = transaction.interval.min(t2);
                }
                let at = now + transaction.interval;
                transaction.retransmit = Some(self.timers.set(at, TimerKey::Client(key, timer)));
                let (flow, request) = (transaction.flow, transaction.request.clone());
                self.send(flow, request);
                None
            }
            ClientTimer::Timeout => {
                let open = transaction.is_open();
                let owner = self.end_client(key)?;
                open.then_some(owner)
            }
        }
    }

    /// Drops a client transaction at once.
    pub(crate) fn end_client(&mut self, key: ClientKey) -> Option<Owner> {
        let mut transaction = self.clients.remove(&key)?;
        self.timers.clear(&mut transaction.retransmit);
        self.timers.clear(&mut transaction.timeout);
        Some(transaction.owner)
    }
}

/// The branch parameter for `branch`.
pub(crate) fn branch_text(branch: u64) -> String {
    format!("z9hG4bK{branch:016x}")
}

fn branch_number(text: &[u8]) -> Option<u64> {
    let digits = text
        .strip_prefix(b"z9hG4bK")
        .filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The ACK to a refusal: the INVITE's own Via, target and route, the To of the response (RFC 3261 17.1.1.3).
fn acknowledge_refusal(request: &[u8], response: &Message) -> Option<Bytes> {
    let invite = Message::read(request).ok()?;
    let (number, _) = invite.cseq()?;
    let mut ack = Writer::request("ACK", invite.request_uri());
    ack.header(HeaderName::Via, invite.header(HeaderName::Via)?);
    for route in invite.lines(HeaderName::Route) {
        ack.header(HeaderName::Route, route);
    }
    ack.header_number(HeaderName::MaxForwards, 70)
        .header(HeaderName::From, invite.header(HeaderName::From)?)
        .header(HeaderName::To, response.header(HeaderName::To)?)
        .header(HeaderName::CallId, invite.call_id())
        .name(HeaderName::CSeq)
        .number(u64::from(number))
        .put(b" ACK")
        .end();
    Some(ack.finish(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(method: Method) -> ClientTransaction {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 5060));
        ClientTransaction {
            owner: Owner::Nobody,
            method,
            flow: Flow {
                transport: Transport::Udp,
                local: address,
                remote: address,
            },
            request: Bytes::new(),
            ack: None,
            state: State::Calling,
            interval: Duration::ZERO,
            retransmit: None,
            timeout: None,
            ended_forks: Vec::new(),
        }
    }

    #[test]
    fn what_each_state_does_with_each_response() {
        use Step::{Acknowledge, AcknowledgeAndDeliver, Deliver, Ignore};
        let rows: [(Method, &[(u16, Step)]); 5] = [
            (
                Method::Invite,
                &[
                    (100, Deliver),
                    (180, Deliver),
                    (200, Deliver),
                    (200, Deliver),
                    (180, Ignore),
                    (486, Ignore),
                ],
            ),
            (
                Method::Invite,
                &[
                    (486, AcknowledgeAndDeliver),
                    (486, Acknowledge),
                    (200, Ignore),
                    (180, Ignore),
                ],
            ),
            (
                Method::Invite,
                &[(180, Deliver), (302, AcknowledgeAndDeliver), (302, Acknowledge)],
            ),
            (Method::Bye, &[(200, Deliver), (200, Ignore), (481, Ignore)]),
            (Method::Options, &[(100, Deliver), (404, Deliver), (404, Ignore)]),
        ];
        for (method, steps) in rows {
            let mut transaction = transaction(method);
            for (status, expected) in steps {
                assert_eq!(
                    transaction.step(*status),
                    *expected,
                    "{} {status}",
                    transaction.method
                );
            }
        }
    }

    #[test]
    fn only_branches_of_ours_are_read() {
        assert_eq!(branch_number(branch_text(77).as_bytes()), Some(77));
        for foreign in [
            "",
            "z9hG4bK",
            "z9hG4bK77",
            "z9hG4bKzzzzzzzzzzzzzzzz",
            "000000000000004d",
        ] {
            assert_eq!(branch_number(foreign.as_bytes()), None, "{foreign}");
        }
    }
}
