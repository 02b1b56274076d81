//! Legs that go out: to a number over a trunk, or to every binding of a desk telephone.

use super::Driver;
use super::hops::Hops;
use super::legs::{Branch, Leg, Stage};
use super::writes::Saved;
use crate::config::TrunkSettings;
use crate::store::LegUp;
use ponte_call_core::{
    Caller, CallerNumber, Event, ForwardReason, LegEnd, LegEndKind, LegId, LegTarget, TrunkId,
};
use ponte_media::sdp::LocalSession;
use ponte_media::{Direction, MediaError};
use ponte_protocol::{Cause, CauseReason, DeviceId, LegRole, Pii, UserId};
use ponte_sip::{Binding, DialogId, OutgoingCall, Party, Reason, SipError};
use rand::Rng;

/// Which of our INVITEs come back to us.
pub(super) const INSTANCE_HEADER: &str = "X-Ponte-Instance";

/// What the switch asks for when it opens a leg.
pub(super) struct Opening {
    pub leg: LegId,
    pub user: UserId,
    pub role: LegRole,
    pub target: LegTarget,
    pub caller: Caller,
    /// Why the user's calls are forwarded there, where they are.
    pub forwarded: Option<ForwardReason>,
}

/// Why a leg could not be opened here.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("the trunk {} is not configured", .0.0)]
    NoTrunk(TrunkId),
    #[error("the telephone {0} has no binding")]
    NotRegistered(DeviceId),
    #[error("no tab of the user takes calls")]
    NoBrowser,
    #[error("{0}")]
    Media(#[from] MediaError),
    #[error("{0}")]
    Sip(#[from] SipError),
}

impl OpenError {
    fn end(&self) -> LegEnd {
        match self {
            Self::NotRegistered(_) | Self::NoBrowser => LegEnd {
                kind: LegEndKind::Remote,
                sip: Some(480),
                q850: None,
            },
            _ => LegEnd {
                kind: LegEndKind::Internal,
                sip: None,
                q850: None,
            },
        }
    }
}

/// Where a leg goes: what is kept of it, and its INVITEs without their offer.
struct Route {
    number: String,
    trunk: String,
    calls: Vec<OutgoingCall>,
}

impl Driver {
    pub(super) fn open_leg(&mut self, opening: Opening) {
        let leg = opening.leg;
        if let Err(error) = self.try_open_leg(opening) {
            self.could_not_open(leg, &error);
        }
    }

    fn could_not_open(&mut self, leg: LegId, error: &OpenError) {
        let end = error.end();
        if end.kind == LegEndKind::Internal {
            tracing::error!(%leg, %error, "a leg could not be opened");
            metrics::counter!("ponte_legs_failed_here_total").increment(1);
        } else {
            tracing::info!(%leg, %error, "a leg could not be opened");
        }
        self.tell(Event::LegEnded { leg, end });
    }

    fn try_open_leg(&mut self, opening: Opening) -> Result<(), OpenError> {
        if opening.target == LegTarget::Browser {
            return self.open_browser_leg(&opening);
        }
        let Opening {
            leg,
            user,
            role,
            target,
            caller,
            forwarded,
        } = opening;
        let device = match &target {
            LegTarget::Device { device } => Some(device.clone()),
            _ => None,
        };
        let mut route = match target {
            LegTarget::Trunk { trunk, number } => {
                self.trunk_route(trunk, number.as_str(), |trunk| trunk.write(&number), caller)?
            }
            LegTarget::Emergency { trunk, number } => {
                let number = self.plan.bare_emergency(&number);
                self.trunk_route(trunk, number, |_| number.to_owned(), caller)?
            }
            LegTarget::Device { device } => {
                let caller = self.named_caller(&user, caller);
                self.device_route(device, &user, &caller)?
            }
            LegTarget::Browser => return Err(OpenError::NoBrowser),
        };
        let hops = self.hops_to(leg);
        for call in &mut route.calls {
            call.max_forwards = hops.max_forwards();
        }
        if let Some(reason) = forwarded {
            self.tell_of_forwarding(&mut route, &user, reason, &hops);
        }
        let (endpoint, rtp) = self.media.open(self.media_group(leg))?;
        let mut session = LocalSession::new(rand::rng().random::<u64>() >> 2, rtp);
        let offer = session.offer(Direction::SendRecv);
        for call in &mut route.calls {
            call.sdp = offer.clone();
        }
        let kept = LegUp {
            leg,
            role,
            direction: ponte_protocol::Direction::Outgoing,
            number: route.number,
            trunk: route.trunk,
            device,
            started_at: self.clock.now(),
            ringing_at: None,
            answered_at: None,
            ended: None,
            dialog: None,
        };
        tracing::debug!(%leg, ?role, trunk = %kept.trunk, number = %Pii(&kept.number), "leg opened");
        metrics::counter!("ponte_legs_total", "role" => role_name(role)).increment(1);
        let language = self.language(Some(&user));
        let mut opened = Leg::new(kept.clone(), Stage::Saving(route.calls), language);
        opened.session = Some(session);
        opened.endpoint = Some(endpoint);
        self.legs.insert(opened);
        let written = self.store.save_leg(kept);
        self.writes.after(written, Saved::Leg(leg));
        Ok(())
    }

    /// Tells the carrier who has forwarded the call, and why, in the way that the trunk wants it.
    fn tell_of_forwarding(&self, route: &mut Route, user: &UserId, reason: ForwardReason, hops: &Hops) {
        let settings = self.trunks.get(&TrunkId(route.trunk.clone()));
        let Some((entry, trunk)) = self.users.get(user).zip(settings) else {
            return;
        };
        let settings = &trunk.settings;
        let number = settings.write(&entry.row.caller_id.number);
        let from = format!("sip:{number}@{}", settings.from_domain);
        for call in &mut route.calls {
            let told = hops.told(settings.forwarded_by, reason, &from, &call.request_uri);
            call.headers.extend(told);
        }
    }

    fn trunk_route(
        &self,
        id: TrunkId,
        number: &str,
        write: impl Fn(&TrunkSettings) -> String,
        caller: Caller,
    ) -> Result<Route, OpenError> {
        let Some(trunk) = self.trunks.get(&id) else {
            return Err(OpenError::NoTrunk(id));
        };
        let settings = &trunk.settings;
        let from = match caller.number {
            Some(CallerNumber::E164(number)) => {
                format!("sip:{}@{}", settings.write(&number), settings.from_domain)
            }
            Some(CallerNumber::Extension(extension)) => {
                format!("sip:{}@{}", extension.as_str(), settings.from_domain)
            }
            None => ANONYMOUS.to_owned(),
        };
        let from = Party {
            uri: from,
            display: caller.name,
        };
        let to = format!("sip:{}@{};user=phone", write(settings), trunk.authority());
        let call = OutgoingCall {
            flow: trunk.flow,
            request_uri: to.clone(),
            headers: vec![
                ("P-Asserted-Identity".to_owned(), format!("<{}>", from.uri)),
                (INSTANCE_HEADER.to_owned(), self.instance.clone()),
            ],
            from,
            to: Party::new(to),
            route: Vec::new(),
            contact_user: None,
            max_forwards: OutgoingCall::MAX_FORWARDS,
            sdp: bytes::Bytes::new(),
            credentials: settings.credentials.clone(),
        };
        Ok(Route {
            number: number.to_owned(),
            trunk: settings.id.0.clone(),
            calls: vec![call],
        })
    }

    fn device_route(&self, device: DeviceId, user: &UserId, caller: &Caller) -> Result<Route, OpenError> {
        let bindings = self.agent.bindings(device.as_str());
        if bindings.is_empty() {
            return Err(OpenError::NotRegistered(device));
        }
        let call = |binding: Binding| {
            let host = binding.flow.local;
            let from = match &caller.number {
                Some(number) => format!("sip:{}@{host}", number.as_str()),
                None => ANONYMOUS.to_owned(),
            };
            OutgoingCall {
                flow: binding.flow,
                request_uri: binding.contact,
                from: Party {
                    uri: from,
                    display: caller.name.clone(),
                },
                to: Party::new(format!("sip:{device}@{host}")),
                route: Vec::new(),
                contact_user: None,
                max_forwards: OutgoingCall::MAX_FORWARDS,
                headers: vec![(INSTANCE_HEADER.to_owned(), self.instance.clone())],
                sdp: bytes::Bytes::new(),
                credentials: None,
            }
        };
        let extension = self.users.get(user).map(|entry| entry.row.extension.as_str());
        Ok(Route {
            number: extension.unwrap_or_default().to_owned(),
            trunk: String::new(),
            calls: bindings.into_iter().map(call).collect(),
        })
    }

    /// The store has the leg: its telephones are called.
    pub(super) fn call_saved_leg(&mut self, id: LegId) {
        if self.legs.get(id).is_some_and(|leg| leg.browser.is_some()) {
            return self.ring_browser(id);
        }
        let Some(leg) = self.legs.get_mut(id) else { return };
        let Stage::Saving(calls) = &mut leg.stage else {
            return;
        };
        let calls = std::mem::take(calls);
        leg.stage = Stage::Calling;
        let Some(session) = leg.session.take() else { return };
        let mut failure = None;
        for call in calls {
            match self.agent.invite(self.clock.sip_now(), call) {
                Ok(dialog) => self.legs.add_branch(
                    id,
                    Branch {
                        dialog,
                        session: session.clone(),
                        remote: None,
                    },
                ),
                Err(error) => failure = Some(error),
            }
        }
        let called = self.legs.get(id).is_some_and(|leg| !leg.branches.is_empty());
        if let Some(error) = failure.filter(|_| !called) {
            self.forget_leg(id);
            self.could_not_open(id, &error.into());
        }
    }

    /// Takes a leg out of the table and frees its port.
    pub(super) fn forget_leg(&mut self, id: LegId) -> Option<Leg> {
        let leg = self.legs.remove(id)?;
        if let Some(endpoint) = leg.endpoint {
            self.media.close(endpoint);
        }
        Some(leg)
    }

    /// One telephone answered: the others stop ringing (RFC 3326).
    pub(super) fn cancel_other_branches(&mut self, answered: DialogId) {
        for dialog in self.legs.keep_branch(answered) {
            let reason = Reason::completed_elsewhere();
            drop(self.agent.hang_up(self.clock.sip_now(), dialog, Some(reason)));
        }
    }

    pub(super) fn close_leg(&mut self, id: LegId, cause: Cause) {
        let Some(leg) = self.legs.get_mut(id) else {
            tracing::debug!(leg = %id, "a leg to be closed was gone already");
            return;
        };
        leg.end_kind = Some(LegEndKind::Closed);
        let dialogs = leg.dialogs();
        if dialogs.is_empty() {
            // It is in a browser, or waited for the store and no telephone was called yet.
            self.forget_browser_leg(id);
            let end = LegEnd {
                kind: LegEndKind::Closed,
                sip: None,
                q850: None,
            };
            self.tell(Event::LegEnded { leg: id, end });
            return;
        }
        for dialog in dialogs {
            let closed = self
                .agent
                .hang_up(self.clock.sip_now(), dialog, Some(reason(cause)));
            if closed.is_err() {
                tracing::debug!(leg = %id, "a dialog to be closed was gone already");
            }
        }
    }
}

/// A caller who is not told (RFC 3323 section 4.1.1.3).
pub(super) const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

pub(super) fn role_name(role: LegRole) -> &'static str {
    match role {
        LegRole::User => "user",
        LegRole::Far => "far",
    }
}

/// What the peer is told of the end (RFC 3326).
pub(super) fn reason(cause: Cause) -> Reason {
    if let Some(status) = cause.sip.filter(|_| cause.q850.is_none()) {
        return Reason::sip(status, "");
    }
    match cause.reason {
        CauseReason::NormalClearing => Reason::q850(cause.q850.unwrap_or(16), "Normal call clearing"),
        CauseReason::AnsweredElsewhere => Reason::completed_elsewhere(),
        _ => Reason::q850(cause.q850.unwrap_or(31), ""),
    }
}
