//! One call as a witness tells it, and the book of all calls.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::clock::Mark;
use crate::media::MediaReport;
use crate::sdp::Local;
use crate::tape::Tape;

/// Messages remembered for one call.
const MAX_WIRE: usize = 200;

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallDirection {
    /// The gateway called a telephone of this simulator.
    ToTelephone,
    /// A telephone of this simulator called the gateway.
    FromTelephone,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// The INVITE is there, nothing or only 100 was said.
    Trying,
    /// 180 is out.
    Ringing,
    /// 183 is out.
    Early,
    /// 200 is out, its ACK is not here.
    Answered,
    /// 200 and ACK.
    Confirmed,
    /// Over.
    Ended,
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The gateway, by BYE.
    Peer,
    /// The caller, by CANCEL.
    Cancel,
    /// The telephone's behaviour, by BYE or a final refusal.
    Telephone,
    /// The control API.
    Control,
    /// The called gateway refused.
    Refused,
    /// The trunk refused before any telephone was asked.
    Trunk,
    /// Nobody acknowledged, refreshed or answered in time.
    Timeout,
    /// The simulator was stopped, or had a fault of its own.
    Simulator,
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// To the simulator.
    In,
    /// From the simulator.
    Out,
}

/// One SIP message of a call. Retransmissions that the transaction layer absorbs are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WireEvent {
    /// When it passed.
    pub at: Mark,
    /// Which way.
    pub way: Way,
    /// The method of a request, or `180 INVITE` for a response.
    pub what: String,
}

/// All that is known about one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallReport {
    /// Number of the call in this simulator, from 1.
    pub id: u64,
    /// Who called whom.
    pub direction: CallDirection,
    /// The trunk's name.
    pub trunk: String,
    /// The telephone's number.
    pub number: String,
    /// What a telephone of the simulator dialled.
    pub dialled: Option<String>,
    /// The telephone's behaviour, by kind; empty when no telephone was asked.
    pub behaviour: String,
    /// The tone the telephone sends, in hertz.
    pub tone_hz: Option<f64>,
    /// How far the call is.
    pub state: CallState,
    /// The INVITE that was let in.
    pub invite_at: Mark,
    /// First 180.
    pub ringing_at: Option<Mark>,
    /// First 183.
    pub early_at: Option<Mark>,
    /// 200.
    pub answered_at: Option<Mark>,
    /// ACK of the 200.
    pub acked_at: Option<Mark>,
    /// CANCEL.
    pub cancelled_at: Option<Mark>,
    /// First BYE.
    pub bye_at: Option<Mark>,
    /// The end: BYE, CANCEL or a final refusal.
    pub ended_at: Option<Mark>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// Final status of the INVITE.
    pub status: Option<u16>,
    /// `Reason` (RFC 3326) of the other side's final refusal or BYE: why it ended the call.
    pub reason: Option<String>,
    /// User part of the caller's `From`.
    pub from: String,
    /// Display name of the caller's `From`.
    pub from_name: Option<String>,
    /// `P-Asserted-Identity` (RFC 3325).
    pub p_asserted_identity: Option<String>,
    /// `Call-ID`.
    pub call_id: String,
    /// Headers of the INVITE, without credentials.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The messages of the call, in order.
    pub wire: Vec<WireEvent>,
    /// What the telephone sent and heard.
    pub media: MediaReport,
}

/// What the control API asks of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallCommand {
    HangUp,
    Press(String),
}

/// A call that the simulator works on or remembers.
pub(crate) struct Call {
    pub(crate) id: u64,
    report: Mutex<CallReport>,
    pub(crate) media: Arc<Mutex<MediaReport>>,
    commands: mpsc::Sender<CallCommand>,
    /// The To tag of our responses: the SIP stack's own 487 would carry another.
    pub(crate) local_tag: Mutex<Option<String>>,
    /// The `RSeq` that a PRACK must name, while a reliable response waits for one.
    pub(crate) prack: tokio::sync::watch::Sender<Option<u32>>,
    tape: Arc<Tape>,
    /// Who answers an offer that comes in a 200: the SIP stack's own ACK has no body.
    pub(crate) ack_answer: Mutex<Option<AckAnswer>>,
}

/// What is needed to answer an offer in the ACK.
pub(crate) struct AckAnswer {
    pub(crate) local: Local,
    pub(crate) codecs: Vec<crate::behaviour::Codec>,
    pub(crate) offer: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn new(report: CallReport) -> (Arc<Self>, mpsc::Receiver<CallCommand>) {
        let (commands, receiver) = mpsc::channel(16);
        let call = Self {
            id: report.id,
            media: Arc::new(Mutex::new(report.media.clone())),
            report: Mutex::new(report),
            commands,
            local_tag: Mutex::new(None),
            prack: tokio::sync::watch::Sender::new(None),
            ack_answer: Mutex::new(None),
            tape: Arc::default(),
        };
        (Arc::new(call), receiver)
    }

    pub(crate) fn report(&self) -> CallReport {
        let mut report = lock(&self.report).clone();
        report.media = lock(&self.media).clone();
        report
    }

    /// Where what the telephone hears is kept, if it is.
    pub(crate) fn tape(&self) -> Arc<Tape> {
        Arc::clone(&self.tape)
    }

    /// Reads or changes the report, whose `media` is not filled in.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut CallReport) -> T) -> T {
        work(&mut lock(&self.report))
    }

    /// Hands a command to the call's task. False when the call is over.
    pub(crate) fn command(&self, command: CallCommand) -> bool {
        self.commands.try_send(command).is_ok()
    }

    /// Ends the report once; later ends do not change it.
    pub(crate) fn end(&self, at: Mark, by: EndedBy) {
        self.with(|report| {
            if report.state != CallState::Ended {
                report.state = CallState::Ended;
                report.ended_at.get_or_insert(at);
                report.ended_by = Some(by);
            }
        });
    }
}

impl CallReport {
    /// A call of which nothing but its INVITE is known.
    pub(crate) fn new(
        id: u64,
        direction: CallDirection,
        trunk: &str,
        number: &str,
        call_id: &str,
        invite_at: Mark,
    ) -> Self {
        Self {
            id,
            direction,
            trunk: trunk.to_owned(),
            number: number.to_owned(),
            dialled: None,
            behaviour: String::new(),
            tone_hz: None,
            state: CallState::Trying,
            invite_at,
            ringing_at: None,
            early_at: None,
            answered_at: None,
            acked_at: None,
            cancelled_at: None,
            bye_at: None,
            ended_at: None,
            ended_by: None,
            status: None,
            reason: None,
            from: String::new(),
            from_name: None,
            p_asserted_identity: None,
            call_id: call_id.to_owned(),
            headers: BTreeMap::new(),
            wire: Vec::new(),
            media: MediaReport::default(),
        }
    }

    /// Notes a request of this call.
    pub(crate) fn note_request(&mut self, at: Mark, way: Way, method: &str) {
        self.note(at, way, method.to_owned());
        match method {
            "ACK" if self.answered_at.is_some() => {
                self.acked_at.get_or_insert(at);
                if self.state == CallState::Answered {
                    self.state = CallState::Confirmed;
                }
            }
            "CANCEL" => {
                self.cancelled_at.get_or_insert(at);
            }
            "BYE" => {
                self.bye_at.get_or_insert(at);
                self.ended_at.get_or_insert(at);
            }
            _ => {}
        }
    }

    /// Notes a response of this call; `first` says whether it belongs to the INVITE that made the call.
    pub(crate) fn note_response(&mut self, at: Mark, way: Way, method: &str, status: u16, first: bool) {
        self.note(at, way, format!("{status} {method}"));
        if !first || self.status.is_some() {
            return;
        }
        match status {
            180 => {
                self.ringing_at.get_or_insert(at);
                self.state = CallState::Ringing;
            }
            183 => {
                self.early_at.get_or_insert(at);
                self.state = CallState::Early;
            }
            200..=299 => {
                self.status = Some(status);
                self.answered_at = Some(at);
                self.state = CallState::Answered;
            }
            // A challenge is answered by the next INVITE of the same call.
            401 | 407 => {}
            300.. => {
                self.status = Some(status);
                self.ended_at.get_or_insert(at);
            }
            _ => {}
        }
    }

    fn note(&mut self, at: Mark, way: Way, what: String) {
        if self.wire.len() < MAX_WIRE {
            self.wire.push(WireEvent { at, way, what });
        }
    }
}

/// All calls: those that are up and the last ones that are over.
pub(crate) struct Calls {
    max: usize,
    kept: usize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    last_id: u64,
    active: BTreeMap<u64, Arc<Call>>,
    finished: VecDeque<Arc<Call>>,
    by_call_id: HashMap<String, Arc<Call>>,
}

impl Calls {
    pub(crate) fn new(max: usize, kept: usize) -> Self {
        Self {
            max,
            kept,
            inner: Mutex::default(),
        }
    }

    /// Enters a new call under the next id. `None` when there are as many as allowed.
    pub(crate) fn open(
        &self,
        report: impl FnOnce(u64) -> CallReport,
    ) -> Option<(Arc<Call>, mpsc::Receiver<CallCommand>)> {
        let mut inner = lock(&self.inner);
        if inner.active.len() >= self.max {
            return None;
        }
        let (call, commands) = inner.enter(report);
        inner.active.insert(call.id, Arc::clone(&call));
        Some((call, commands))
    }

    /// Enters a call that nobody will work on. It takes no place among the calls that are up.
    pub(crate) fn note(&self, report: impl FnOnce(u64) -> CallReport) -> Arc<Call> {
        let mut inner = lock(&self.inner);
        let (call, _) = inner.enter(report);
        inner.finish(&call, self.kept);
        call
    }

    /// Moves a call to those that are over, and forgets the oldest of them.
    pub(crate) fn close(&self, call: &Arc<Call>) {
        let mut inner = lock(&self.inner);
        if inner.active.remove(&call.id).is_none() {
            return;
        }
        inner.finish(call, self.kept);
    }

    pub(crate) fn by_call_id(&self, call_id: &str) -> Option<Arc<Call>> {
        lock(&self.inner).by_call_id.get(call_id).cloned()
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<Call>> {
        let inner = lock(&self.inner);
        inner
            .active
            .get(&id)
            .or_else(|| inner.finished.iter().find(|call| call.id == id))
            .cloned()
    }

    pub(crate) fn active(&self) -> usize {
        lock(&self.inner).active.len()
    }

    /// All calls in the order of their ids.
    pub(crate) fn all(&self) -> Vec<Arc<Call>> {
        let inner = lock(&self.inner);
        let mut calls: Vec<Arc<Call>> = inner
            .finished
            .iter()
            .chain(inner.active.values())
            .cloned()
            .collect();
        calls.sort_by_key(|call| call.id);
        calls
    }

    /// Forgets the calls that are over.
    pub(crate) fn forget_finished(&self) -> usize {
        let mut inner = lock(&self.inner);
        let finished = std::mem::take(&mut inner.finished);
        for call in &finished {
            inner.forget(call);
        }
        finished.len()
    }
}

impl Inner {
    fn enter(&mut self, report: impl FnOnce(u64) -> CallReport) -> (Arc<Call>, mpsc::Receiver<CallCommand>) {
        self.last_id += 1;
        let report = report(self.last_id);
        let call_id = report.call_id.clone();
        let (call, commands) = Call::new(report);
        self.by_call_id.insert(call_id, Arc::clone(&call));
        (call, commands)
    }

    fn finish(&mut self, call: &Arc<Call>, kept: usize) {
        self.finished.push_back(Arc::clone(call));
        while self.finished.len() > kept {
            if let Some(old) = self.finished.pop_front() {
                self.forget(&old);
            }
        }
    }

    fn forget(&mut self, call: &Arc<Call>) {
        let call_id = lock(&call.report).call_id.clone();
        if self
            .by_call_id
            .get(&call_id)
            .is_some_and(|known| known.id == call.id)
        {
            self.by_call_id.remove(&call_id);
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(id: u64, call_id: &str) -> CallReport {
        let number = "+390212345601";
        CallReport::new(id, CallDirection::ToTelephone, "main", number, call_id, mark(1))
    }

    fn mark(order: u64) -> Mark {
        Mark {
            order,
            ms: order,
            us: order * 1000,
        }
    }

    #[test]
    fn a_call_is_told_in_order() {
        let mut report = report(1, "a");
        report.note_response(mark(2), Way::Out, "INVITE", 180, true);
        report.note_response(mark(3), Way::Out, "INVITE", 200, true);
        assert_eq!(report.state, CallState::Answered);
        report.note_request(mark(4), Way::In, "ACK");
        report.note_response(mark(5), Way::Out, "INVITE", 200, false);
        report.note_request(mark(6), Way::In, "BYE");
        assert_eq!(report.state, CallState::Confirmed);
        assert_eq!(report.ringing_at, Some(mark(2)));
        assert_eq!(report.answered_at, Some(mark(3)));
        assert_eq!(report.acked_at, Some(mark(4)));
        assert_eq!(report.ended_at, Some(mark(6)));
        let what: Vec<&str> = report.wire.iter().map(|event| event.what.as_str()).collect();
        assert_eq!(what, ["180 INVITE", "200 INVITE", "ACK", "200 INVITE", "BYE"]);
    }

    #[test]
    fn calls_are_bounded_and_old_ones_forgotten() {
        let calls = Calls::new(2, 1);
        let (first, _a) = calls.open(|id| report(id, "a")).unwrap();
        let (second, _b) = calls.open(|id| report(id, "b")).unwrap();
        assert!(calls.open(|id| report(id, "c")).is_none());
        calls.close(&first);
        calls.close(&first);
        calls.close(&second);
        assert_eq!(calls.active(), 0);
        let left: Vec<u64> = calls.all().iter().map(|call| call.id).collect();
        assert_eq!(left, [second.id]);
        assert!(calls.by_call_id("a").is_none());
        assert!(calls.get(second.id).is_some());
        assert_eq!(calls.forget_finished(), 1);
        assert!(calls.by_call_id("b").is_none());
    }

    #[test]
    fn the_first_end_counts() {
        let (call, _commands) = Call::new(report(1, "a"));
        call.end(mark(5), EndedBy::Cancel);
        call.end(mark(6), EndedBy::Telephone);
        let report = call.report();
        assert_eq!(report.ended_by, Some(EndedBy::Cancel));
        assert_eq!(report.ended_at, Some(mark(5)));
    }
}
