//! Which legs an event must open and close.

use super::{Expected, Reference, User};
use ponte_call_core::{Event, LegEnd, LegEndKind, LegId, NumberClass, PlaybackToken, Secret, UserConfig};
use ponte_protocol::{CallId, LegRole, Mode, UnixMillis};

impl Reference {
    pub(super) fn foretell(&mut self, now: UnixMillis, event: &Event) -> Expected {
        match event {
            Event::UserConfigured { config } => {
                self.configure(config);
                Expected::default()
            }
            Event::UserRemoved { user } => {
                let mut expected = Expected::default();
                if let Some(known) = self.users.get_mut(user) {
                    known.removed = true;
                    known.mode = Mode::Office;
                    let mine: Vec<CallId> = self
                        .calls
                        .iter()
                        .filter(|call| call.user == *user)
                        .map(|call| call.id)
                        .collect();
                    for call in mine {
                        expected.closes.extend(self.close_all(now, call).closes);
                    }
                }
                expected
            }
            Event::TrunksConfigured { trunks } => {
                let before = std::mem::take(&mut self.trunks);
                self.trunks = trunks
                    .iter()
                    .map(|trunk| {
                        (
                            trunk.id.0.clone(),
                            before.get(&trunk.id.0).copied().unwrap_or(true),
                        )
                    })
                    .collect();
                Expected::default()
            }
            Event::TrunkState { trunk, up } => {
                if let Some(known) = self.trunks.get_mut(&trunk.0) {
                    *known = *up;
                }
                Expected::default()
            }
            Event::StoreState { writable } => {
                self.writable = *writable;
                Expected::default()
            }
            Event::Command { user, id, command } => self.foretell_command(now, user, *id, command),
            Event::LegProgress {
                leg,
                status,
                early_media,
            } => {
                self.progress(now, *leg, *status, *early_media);
                Expected::default()
            }
            Event::LegAnswered { leg } => self.answered(now, *leg),
            Event::LegEnded { leg, end } => self.ended(now, *leg, *end),
            Event::Dtmf {
                leg,
                digit: Secret('1'),
            } => {
                let is_user = self
                    .leg(*leg)
                    .is_some_and(|leg| leg.role == LegRole::User && leg.is_active());
                match self.call(leg.call) {
                    Some(call) if is_user && call.phase() == "confirming" => self.confirm(leg.call),
                    _ => Expected::default(),
                }
            }
            Event::PlaybackFinished { leg, token } => {
                self.spoken(now, *leg, *token);
                Expected::default()
            }
            Event::AudioMissing { leg, since_ms } => {
                let over = self
                    .leg(*leg)
                    .is_some_and(|leg| leg.is_active() && leg.answered_at.is_some())
                    && *since_ms >= self.timeouts.no_audio_end;
                if over {
                    self.close_all(now, leg.call)
                } else {
                    Expected::default()
                }
            }
            _ => Expected::default(),
        }
    }

    fn configure(&mut self, config: &UserConfig) {
        let user = self
            .users
            .entry(config.profile.user.clone())
            .or_insert_with(|| User {
                config: config.clone(),
                mode: Mode::Office,
                class: NumberClass::Other,
                dials: Vec::new(),
                talks: Vec::new(),
                removed: false,
            });
        user.removed = false;
        user.config = config.clone();
        if !config.profile.telecommuter_allowed {
            user.mode = Mode::Office;
        }
    }

    fn progress(&mut self, now: UnixMillis, id: LegId, status: u16, early_media: bool) {
        if let Some(leg) = self.leg_mut(id)
            && leg.is_active()
            && leg.answered_at.is_none()
            && (100..200).contains(&status)
        {
            leg.heard = true;
            leg.early_media |= early_media;
            leg.proven |= early_media || (180..190).contains(&status);
            if (early_media || status == 180) && !std::mem::replace(&mut leg.alerting, true) {
                leg.alerted_at = now;
            }
        }
    }

    fn answered(&mut self, now: UnixMillis, id: LegId) -> Expected {
        let Some(leg) = self.leg_mut(id) else {
            return Expected::default();
        };
        if !leg.is_active() || leg.answered_at.is_some() {
            return Expected::default();
        }
        leg.answered_at = Some(now);
        let role = leg.role;
        match self.call_mut(id.call) {
            Some(call) if role == LegRole::Far => {
                call.connected_at = Some(now);
                Expected::default()
            }
            Some(call) if !call.confirm => self.far_opens(id.call),
            _ => Expected::default(),
        }
    }

    pub(super) fn confirm(&mut self, id: CallId) -> Expected {
        if let Some(call) = self.call_mut(id) {
            call.confirmed = true;
        }
        self.far_opens(id)
    }

    /// The time to dial again begins when the reason was spoken.
    fn spoken(&mut self, now: UnixMillis, id: LegId, token: PlaybackToken) {
        let answered = self
            .leg(id)
            .is_some_and(|leg| leg.is_active() && leg.answered_at.is_some());
        if let Some(call) = self.call_mut(id.call)
            && answered
            && call.speaking == Some(token)
        {
            call.speaking = None;
            if call.phase() == "far failed" {
                call.failed_at = Some(now);
            }
        }
    }

    /// The far telephone is called, if any trunk is up.
    pub(super) fn far_opens(&mut self, id: CallId) -> Expected {
        let legs = self.call(id).map_or(0, |call| call.legs.len());
        self.far_from.insert(id, legs);
        if let Some(call) = self.call_mut(id) {
            call.failed_at = None;
        }
        let mut expected = Expected::default();
        if self.any_trunk() {
            expected.opens.push((id, LegRole::Far));
        }
        expected
    }

    fn ended(&mut self, now: UnixMillis, id: LegId, end: LegEnd) -> Expected {
        let Some(leg) = self.leg_mut(id) else {
            return Expected::default();
        };
        let (was_active, answered, proven, role) =
            (leg.is_active(), leg.answered_at.is_some(), leg.proven, leg.role);
        leg.ended = true;
        if !was_active {
            return Expected::default();
        }
        if !answered && !proven && is_route_failure(end) && self.untried_trunk(id.call, role) {
            return Expected {
                opens: vec![(id.call, role)],
                closes: Vec::new(),
            };
        }
        if role == LegRole::Far && !answered {
            return Expected::default();
        }
        self.close_all(now, id.call)
    }

    fn untried_trunk(&self, call: CallId, role: LegRole) -> bool {
        let from = match role {
            LegRole::User => 0,
            LegRole::Far => self.far_from.get(&call).copied().unwrap_or(0),
        };
        let tried: Vec<&String> = self
            .call(call)
            .into_iter()
            .flat_map(|call| &call.legs[from..])
            .filter(|leg| leg.role == role)
            .map(|leg| &self.trunk_of[&leg.id])
            .collect();
        self.trunks.iter().any(|(id, up)| *up && !tried.contains(&id))
    }

    pub(super) fn close_all(&mut self, now: UnixMillis, id: CallId) -> Expected {
        let mut expected = Expected::default();
        if let Some(call) = self.call_mut(id) {
            call.ending_at.get_or_insert(now);
            expected.closes = call
                .legs
                .iter()
                .filter(|leg| leg.is_active())
                .map(|leg| leg.id)
                .collect();
        }
        expected
    }
}

/// A failure of the network that says nothing of the person called.
fn is_route_failure(end: LegEnd) -> bool {
    let about_the_person = matches!(end.q850, Some(1 | 17..=22 | 27..=29));
    match end.kind {
        LegEndKind::Timeout | LegEndKind::Transport => true,
        LegEndKind::Remote => matches!(end.sip, Some(408 | 500 | 502 | 503 | 504)) && !about_the_person,
        _ => false,
    }
}
