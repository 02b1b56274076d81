//! A second, smaller description of what the switch must do.
//!
//! It is told every event and every effect, and knows no timer table, no phase and no queue: what it knows of a call
//! follows from its legs. From that it foretells the reply to each command, which legs each event opens and closes, the
//! phase that portals are shown, and what the user must hear; [`Reference::step`] panics where the switch does otherwise.

mod commands;
mod events;
mod patience;

use ponte_call_core::{
    Effect, Event, LegId, LegTarget, NumberClass, Playback, PlaybackToken, Timeouts, UserConfig,
};
use ponte_protocol::{
    CallId, CallPhase, CallView, CommandId, EventBody, LegRole, Mode, Outcome, UnixMillis, UserId,
};
use std::collections::BTreeMap;

#[derive(Debug)]
struct Leg {
    id: LegId,
    role: LegRole,
    opened_at: UnixMillis,
    /// When its time to answer began.
    alerted_at: UnixMillis,
    heard: bool,
    alerting: bool,
    proven: bool,
    early_media: bool,
    answered_at: Option<UnixMillis>,
    closed_at: Option<UnixMillis>,
    ended: bool,
}

impl Leg {
    fn is_active(&self) -> bool {
        self.closed_at.is_none() && !self.ended
    }
}

#[derive(Debug)]
struct Call {
    id: CallId,
    user: UserId,
    confirm: bool,
    confirmed: bool,
    user_patience_ms: u64,
    legs: Vec<Leg>,
    connected_at: Option<UnixMillis>,
    ending_at: Option<UnixMillis>,
    failed_at: Option<UnixMillis>,
    /// The announcement that is being spoken.
    speaking: Option<PlaybackToken>,
    bridged: bool,
    sounding: bool,
    counted: bool,
}

impl Call {
    fn active(&self, role: LegRole) -> Option<&Leg> {
        self.legs
            .iter()
            .rev()
            .find(|leg| leg.role == role && leg.is_active())
    }

    /// The whole state diagram: the phase follows from the legs.
    fn phase(&self) -> &'static str {
        let Some(user) = self.active(LegRole::User) else {
            return "ending";
        };
        match self.active(LegRole::Far) {
            _ if user.answered_at.is_none() => "calling user",
            Some(far) if far.answered_at.is_some() => "connected",
            Some(_) => "calling far",
            None if self.confirm && !self.confirmed => "confirming",
            None => "far failed",
        }
    }

    fn holds_line(&self) -> bool {
        self.legs
            .iter()
            .any(|leg| leg.role == LegRole::User && !leg.ended)
    }
}

#[derive(Debug)]
struct User {
    config: UserConfig,
    mode: Mode,
    class: NumberClass,
    dials: Vec<UnixMillis>,
    talks: Vec<(UnixMillis, UnixMillis)>,
    removed: bool,
}

/// What an event must do to the legs of one call.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    opens: Vec<(CallId, LegRole)>,
    closes: Vec<LegId>,
}

/// The reference; trunks have no limits in it.
#[derive(Debug)]
pub struct Reference {
    timeouts: Timeouts,
    users: BTreeMap<UserId, User>,
    calls: Vec<Call>,
    trunks: BTreeMap<String, bool>,
    trunk_of: BTreeMap<LegId, String>,
    far_from: BTreeMap<CallId, usize>,
    writable: bool,
    outcome: Option<(CommandId, Outcome)>,
}

impl Reference {
    pub fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            users: BTreeMap::new(),
            calls: Vec::new(),
            trunks: BTreeMap::new(),
            trunk_of: BTreeMap::new(),
            far_from: BTreeMap::new(),
            writable: true,
            outcome: None,
        }
    }

    /// Takes in an event and what the switch did about it.
    pub fn step(&mut self, now: UnixMillis, event: &Event, effects: &[Effect]) {
        let expected = self.foretell(now, event);
        let mut actual = Expected::default();
        for effect in effects {
            match effect {
                Effect::OpenLeg { leg, role, .. } => actual.opens.push((leg.call, *role)),
                Effect::CloseLeg { leg, .. } => actual.closes.push(*leg),
                Effect::Reply { reply, .. } => {
                    let foretold = self.outcome.take();
                    assert_eq!(
                        foretold,
                        Some((reply.id, reply.outcome.clone())),
                        "the reply to {event:?}"
                    );
                }
                _ => {}
            }
        }
        actual.closes.sort_unstable();
        assert_eq!(actual, expected, "legs opened and closed by {event:?}");
        self.take_in(now, effects);
    }

    /// Takes in what the switch did because time passed; `now` must not be later than the switch was told.
    pub fn timeout(&mut self, now: UnixMillis, effects: &[Effect]) {
        for effect in effects {
            if let Effect::CloseLeg { leg, .. } = effect {
                assert!(
                    self.may_give_up(now, leg.call),
                    "leg {leg} was closed before its time"
                );
            }
        }
        self.take_in(now, effects);
        let close = self.timeouts.close;
        for leg in self.calls.iter_mut().flat_map(|call| &mut call.legs) {
            if leg.closed_at.is_some_and(|at| now.since(at) >= close) {
                leg.ended = true;
            }
        }
        self.calls
            .retain(|call| call.phase() != "ending" || call.legs.iter().any(|leg| !leg.ended));
        for call in &self.calls {
            self.check_patience(now, call);
        }
    }

    /// Compares what the switch shows of a user's calls.
    pub fn check_views(&self, user: &UserId, views: &[CallView]) {
        let mine: Vec<_> = self.calls.iter().filter(|call| call.user == *user).collect();
        assert_eq!(views.len(), mine.len(), "calls of {user}: {views:?}");
        for (view, call) in views.iter().zip(mine) {
            let shown = match view.phase {
                CallPhase::CallingUser => "calling user",
                CallPhase::Confirming { .. } => "confirming",
                CallPhase::CallingFar => "calling far",
                CallPhase::Connected { .. } => "connected",
                CallPhase::FarFailed { .. } => "far failed",
                CallPhase::Ending => "ending",
                CallPhase::Ringing
                | CallPhase::Waiting { .. }
                | CallPhase::Held { .. }
                | CallPhase::Voicemail { .. } => "a phase of an incoming call",
                // Who is lost is called again in the histories of a whole site.
                CallPhase::Rejoining { .. } => "lost",
                CallPhase::Transferring { .. } | CallPhase::Transferred { .. } | CallPhase::Parked { .. } => {
                    "given away"
                }
                CallPhase::Unknown => "unknown",
            };
            assert_eq!((view.id, shown), (call.id, call.phase()), "{call:?}");
            // Rule T5: never silence.
            match shown {
                "calling far" | "far failed" => assert!(call.bridged || call.sounding, "silence: {call:?}"),
                "connected" => assert!(call.bridged && !call.sounding, "not connected: {call:?}"),
                _ => {}
            }
        }
    }

    fn any_trunk(&self) -> bool {
        self.trunks.values().any(|up| *up)
    }

    fn take_in(&mut self, now: UnixMillis, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::OpenLeg {
                    leg,
                    role,
                    target: LegTarget::Trunk { trunk, .. },
                    ..
                } => {
                    assert_eq!(
                        self.trunks.get(&trunk.0),
                        Some(&true),
                        "a leg over a trunk that is not up"
                    );
                    self.trunk_of.insert(*leg, trunk.0.clone());
                    if let Some(call) = self.call_mut(leg.call) {
                        call.failed_at = None;
                        call.legs.push(Leg {
                            id: *leg,
                            role: *role,
                            opened_at: now,
                            alerted_at: now,
                            heard: false,
                            alerting: false,
                            proven: false,
                            early_media: false,
                            answered_at: None,
                            closed_at: None,
                            ended: false,
                        });
                    }
                }
                Effect::CloseLeg { leg, .. } => {
                    if let Some(leg) = self.leg_mut(*leg) {
                        leg.closed_at = Some(now);
                    }
                }
                Effect::Connect { a, .. } => self.listen(a.call, |call| call.bridged = true),
                Effect::Disconnect { leg } => self.listen(leg.call, |call| call.bridged = false),
                Effect::Play { leg, playback } => self.listen(leg.call, |call| {
                    call.sounding = true;
                    call.speaking = match playback {
                        Playback::Announcements { token, .. } | Playback::Greeting { token, .. } => {
                            Some(*token)
                        }
                        Playback::Tone(_)
                        | Playback::Message { .. }
                        | Playback::Own { .. }
                        | Playback::Draft { .. } => None,
                    };
                }),
                Effect::StopPlaying { leg } => self.listen(leg.call, |call| call.sounding = false),
                Effect::Notify {
                    body: EventBody::CallEnded { call, .. },
                    ..
                } => self.count_talk(now, *call, true),
                _ => {}
            }
        }
        for call in &mut self.calls {
            match call.phase() {
                "far failed" => {
                    call.failed_at.get_or_insert(now);
                }
                "ending" => {
                    call.ending_at.get_or_insert(now);
                }
                _ => {}
            }
        }
        let waiting: Vec<CallId> = self
            .calls
            .iter()
            .filter(|call| !call.holds_line())
            .map(|call| call.id)
            .collect();
        for call in waiting {
            self.count_talk(now, call, false);
        }
    }

    fn listen(&mut self, call: CallId, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.call_mut(call) {
            change(call);
        }
    }

    fn count_talk(&mut self, now: UnixMillis, id: CallId, over: bool) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.id == id) {
            let to = call.ending_at.unwrap_or(now);
            if let (Some(from), false, Some(user)) =
                (call.connected_at, call.counted, self.users.get_mut(&call.user))
            {
                user.talks.push((from, to));
                call.counted = true;
            }
        }
        if over {
            self.calls.retain(|call| call.id != id);
        }
    }

    fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.iter().find(|call| call.id == id)
    }

    fn call_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.id == id)
    }

    fn leg(&self, id: LegId) -> Option<&Leg> {
        self.call(id.call)?.legs.get(usize::from(id.index))
    }

    fn leg_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.call_mut(id.call)?.legs.get_mut(usize::from(id.index))
    }

    /// What is being spoken on which leg, for a host that plays it.
    pub fn announcements(effects: &[Effect]) -> impl Iterator<Item = (LegId, PlaybackToken)> {
        effects.iter().filter_map(|effect| match effect {
            Effect::Play {
                leg,
                playback: Playback::Announcements { token, .. } | Playback::Greeting { token, .. },
            } => Some((*leg, *token)),
            _ => None,
        })
    }
}
