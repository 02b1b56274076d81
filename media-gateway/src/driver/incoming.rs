//! Legs that come in: who is calling whom, and the answers that the switch gives.

use super::Driver;
use super::hops::Hops;
use super::legs::{Branch, Leg, Stage};
use super::opening::{INSTANCE_HEADER, reason};
use super::warning::Warning;
use super::writes::Saved;
use crate::numbers::NumberingPlan;
use crate::store::LegUp;
use bytes::Bytes;
use ponte_call_core::{CallSource, Caller, CallerNumber, Dialled, Event, LegEndKind, LegId};
use ponte_media::Direction;
use ponte_media::sdp::{LocalSession, SdpError};
use ponte_protocol::{AccountCode, CallId, Cause, DialString, E164, LegRole, Pii};
use ponte_sip::message::{HeaderName, Uri, Via};
use ponte_sip::{DialogId, IncomingCall, Party, ReasonProtocol};
use rand::Rng;
use std::net::SocketAddr;

/// The most characters of a caller's name.
const NAME_MAX: usize = 64;

/// Why an INVITE is refused before the switch hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Stranger,
    Loop,
    NoNumber,
    /// Nothing that a Replaces could name.
    NoDialog,
    NoMedia(Warning),
}

impl Refused {
    fn status(self) -> (u16, &'static str) {
        match self {
            Self::Stranger => (403, "Forbidden"),
            Self::Loop => (482, "Loop Detected"),
            Self::NoNumber => (404, "Not Found"),
            Self::NoDialog => (481, "Call/Transaction Does Not Exist"),
            Self::NoMedia(_) => (488, "Not Acceptable Here"),
        }
    }

    fn headers(self) -> Vec<(String, String)> {
        match self {
            Self::NoMedia(warning) => vec![warning.header()],
            _ => Vec::new(),
        }
    }
}

/// Who is calling what.
struct Origin {
    source: CallSource,
    caller: Caller,
    typed: DialString,
    dialled: Dialled,
    /// What a telephone has dialled before the number.
    account_code: Option<AccountCode>,
}

impl Driver {
    pub(super) fn incoming(&mut self, call: &IncomingCall) {
        if let Err(refused) = self.admit(call) {
            let (status, phrase) = refused.status();
            metrics::counter!("ponte_incoming_refused_total").increment(1);
            tracing::info!(remote = %call.flow.remote, status, ?refused, "an incoming call was refused");
            let responded = self.agent.respond(
                self.clock.sip_now(),
                call.dialog,
                status,
                phrase,
                None,
                &refused.headers(),
            );
            if let Err(error) = responded {
                tracing::debug!(%error, "a refusal could not be sent");
            }
        }
    }

    fn admit(&mut self, call: &IncomingCall) -> Result<(), Refused> {
        if is_loop(call, &self.instance) {
            return Err(Refused::Loop);
        }
        let typed = called_number(&self.plan, &call.request_uri);
        // Whoever calls for help takes no other call over (rule T17).
        let for_help = |typed: &DialString| self.plan.read(typed) == Dialled::Emergency;
        if let Some(asked) = &call.replaces
            && !typed.as_ref().is_some_and(for_help)
        {
            return self.admit_taker(call, asked);
        }
        let typed = typed.ok_or(Refused::NoNumber)?;
        let hops = Hops::of(&call.message);
        let origin = match &call.account {
            Some(account) => self.telephone_origin(account, typed)?,
            None => self.trunk_origin(call, typed)?,
        };
        if let CallSource::Trunk { trunk } = &origin.source
            && self.has_come_back(&hops, &origin.dialled, trunk)
        {
            return Err(Refused::Loop);
        }
        could_be_answered(call)?;
        let Origin {
            source,
            caller,
            typed,
            dialled,
            account_code,
        } = origin;
        let number = caller.number.as_ref().map(CallerNumber::as_str);
        let leg = self.came_in(call, &source, number.unwrap_or_default().to_owned());
        tracing::debug!(%leg, to = %Pii(&typed), "a call came in");
        metrics::counter!("ponte_incoming_total").increment(1);
        let forwarded = hops.forwarded();
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.hops = hops;
        }
        self.tell(Event::IncomingCall {
            leg,
            forwarded,
            source,
            caller,
            typed,
            dialled,
            account_code,
        });
        Ok(())
    }

    /// The leg of an INVITE, which nobody has answered. `number`: of whoever sent it.
    pub(super) fn came_in(&mut self, call: &IncomingCall, source: &CallSource, number: String) -> LegId {
        let leg = LegId {
            call: CallId(uuid::Uuid::now_v7()),
            index: 0,
        };
        let (role, trunk, device) = match source {
            CallSource::Trunk { trunk } => (LegRole::Far, trunk.0.clone(), None),
            CallSource::Device { device } => (LegRole::User, String::new(), Some(device.clone())),
        };
        let kept = LegUp {
            leg,
            role,
            direction: ponte_protocol::Direction::Incoming,
            number,
            trunk,
            device,
            started_at: self.clock.now(),
            ringing_at: None,
            answered_at: None,
            ended: None,
            dialog: None,
        };
        tracing::debug!(
            %leg,
            trunk = %kept.trunk,
            device = kept.device.as_ref().map(tracing::field::display),
            from = %Pii(&kept.number),
            "a leg came in"
        );
        let stage = Stage::Called {
            offer: call.sdp.clone(),
        };
        let at_telephone = match source {
            CallSource::Device { device } => self.switch.logged_on(device).cloned(),
            CallSource::Trunk { .. } => None,
        };
        let mut incoming = Leg::new(kept, stage, self.language(at_telephone.as_ref()));
        if let CallSource::Trunk { trunk } = source {
            // A trunk may challenge the BYE of a call that it has made itself.
            let credentials = self
                .trunks
                .get(trunk)
                .and_then(|trunk| trunk.settings.credentials.clone());
            drop(self.agent.set_credentials(call.dialog, credentials));
        }
        // The port is opened when there is something to say or to hear.
        let unspecified = SocketAddr::new(call.flow.local.ip(), 9);
        incoming.branches.push(Branch {
            dialog: call.dialog,
            session: LocalSession::new(rand::rng().random::<u64>() >> 2, unspecified),
            remote: None,
        });
        self.legs.insert(incoming);
        leg
    }

    fn trunk_origin(&self, call: &IncomingCall, typed: DialString) -> Result<Origin, Refused> {
        let trunk = self.trunks.by_address(call.flow.remote);
        let settings = &trunk.ok_or(Refused::Stranger)?.settings;
        Ok(Origin {
            caller: trunk_caller(&self.plan, call, settings.trusts_identity),
            dialled: self.plan.read_incoming(&typed, &settings.id),
            typed,
            account_code: None,
            source: CallSource::Trunk {
                trunk: settings.id.clone(),
            },
        })
    }

    /// The account is proven; who is calling is whoever is logged on.
    fn telephone_origin(&self, account: &str, typed: DialString) -> Result<Origin, Refused> {
        let device = account.parse().map_err(|_| Refused::Stranger)?;
        if self.telephones.get(&device).is_none() {
            return Err(Refused::Stranger);
        }
        let user = self.switch.logged_on(&device);
        let entry = user.and_then(|user| self.users.get(user));
        let (typed, dialled, account_code) = self.plan.read_booked(typed);
        Ok(Origin {
            caller: entry.map_or_else(Caller::default, |entry| Caller {
                number: Some(CallerNumber::Extension(entry.row.extension.clone())),
                name: Some(entry.row.display_name.clone()),
            }),
            typed,
            dialled,
            account_code,
            source: CallSource::Device { device },
        })
    }

    /// The caller is to hear ringing.
    pub(super) fn ring_leg(&mut self, id: LegId) {
        let now = self.clock.now();
        let Some(leg) = self.legs.get_mut(id) else { return };
        let Stage::Called { .. } = leg.stage else { return };
        leg.kept.ringing_at.get_or_insert(now);
        if Self::keep_end_of(&self.agent, leg) {
            drop(self.store.save_leg(leg.kept.clone()));
        }
        let Some(dialog) = leg.branches.first().map(|branch| branch.dialog) else {
            return;
        };
        self.respond(id, dialog, 180, None);
    }

    /// The caller is to hear what the leg is connected to, before the answer.
    pub(super) fn early_media_leg(&mut self, id: LegId) {
        let Some(Stage::Called { offer }) = self.legs.get(id).map(|leg| &leg.stage) else {
            return;
        };
        // Without an offer there is nothing to answer yet, and telephones ring by themselves on a 180.
        let Some(offer) = offer.clone() else {
            return self.ring_leg(id);
        };
        match self.answer_offer_of(id, &offer) {
            Ok(body) => {
                let Some(leg) = self.legs.get_mut(id) else { return };
                leg.stage = Stage::Called { offer: None };
                if let Some(dialog) = leg.branches.first().map(|branch| branch.dialog) {
                    self.respond(id, dialog, 183, Some(body));
                }
            }
            Err(error) => self.cannot_answer(id, &error),
        }
    }

    /// The leg can be played to at once; the caller is told once the store knows how to end the leg after a crash.
    pub(super) fn answer_leg(&mut self, id: LegId) {
        let Some(leg) = self.legs.get(id) else { return };
        let Stage::Called { offer } = &leg.stage else {
            return;
        };
        let offer = offer.clone();
        let agreed = leg.branches.first().is_some_and(|branch| branch.remote.is_some());
        let settled = match offer {
            // The answer went with the early media.
            None if agreed => Ok(None),
            None => self.offer_to(id).map(Some),
            Some(offer) => self.answer_offer_of(id, &offer).map(Some),
        };
        let body = match settled {
            Ok(body) => body,
            Err(error) => return self.cannot_answer(id, &error),
        };
        let now = self.clock.now();
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.stage = Stage::Answering { body };
        leg.kept.answered_at = Some(now);
        Self::keep_end_of(&self.agent, leg);
        let written = self.store.save_leg(leg.kept.clone());
        self.writes.after(written, Saved::Answer(id));
    }

    pub(super) fn answer_saved_leg(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(id) else { return };
        let Stage::Answering { body } = &mut leg.stage else {
            return;
        };
        let body = body.take();
        leg.stage = Stage::Accepted;
        if let Some(dialog) = leg.branches.first().map(|branch| branch.dialog) {
            self.respond(id, dialog, 200, body);
        }
    }

    /// The caller is told why there is no answer.
    pub(super) fn reject_leg(&mut self, id: LegId, status: u16, cause: Cause) {
        let Some(dialog) = self
            .legs
            .get(id)
            .filter(|leg| matches!(leg.stage, Stage::Called { .. }))
            .and_then(|leg| leg.branches.first())
            .map(|branch| branch.dialog)
        else {
            return self.close_leg(id, cause);
        };
        let reason = reason(cause);
        let header = match (&reason.protocol, reason.cause) {
            (ReasonProtocol::Q850, Some(cause)) => {
                vec![("Reason".to_owned(), format!("Q.850;cause={cause}"))]
            }
            _ => Vec::new(),
        };
        let status = if (300..700).contains(&status) { status } else { 480 };
        if let Some(leg) = self.legs.get_mut(id) {
            leg.end_kind = Some(LegEndKind::Closed);
        }
        let responded = self
            .agent
            .respond(self.clock.sip_now(), dialog, status, "", None, &header);
        if let Err(error) = responded {
            tracing::debug!(leg = %id, %error, "a refusal could not be sent");
        }
    }

    /// The ACK came: the leg is answered.
    pub(super) fn confirmed(&mut self, dialog: DialogId, sdp: Option<&Bytes>) {
        if let Some(sdp) = sdp {
            self.agree(dialog, sdp);
        }
        let Some(leg) = self.legs.by_dialog(dialog) else {
            return;
        };
        let Stage::Accepted = leg.stage else { return };
        let Some(remote) = leg.branch_mut(dialog).and_then(|branch| branch.remote) else {
            return self.hang_up_incompatible(dialog);
        };
        leg.stage = Stage::Answered;
        let (leg, hold) = (leg.id, leg.told.began(remote.direction));
        self.tell_answered(leg, hold);
    }

    fn respond(&mut self, leg: LegId, dialog: DialogId, status: u16, sdp: Option<Bytes>) {
        let responded = self
            .agent
            .respond(self.clock.sip_now(), dialog, status, "", sdp, &[]);
        if let Err(error) = responded {
            tracing::debug!(%leg, status, %error, "an incoming call could not be answered");
        }
    }

    /// Opens a port for a leg that came in, unless it has one.
    fn open_endpoint(&mut self, id: LegId) -> Result<(), AnswerError> {
        if self.legs.endpoint(id).is_some() {
            return Ok(());
        }
        let (endpoint, rtp) = self.media.open(self.media_group(id))?;
        self.legs.set_endpoint(id, endpoint);
        if let Some(branch) = self.legs.get_mut(id).and_then(|leg| leg.branches.first_mut()) {
            branch.session = LocalSession::new(rand::rng().random::<u64>() >> 2, rtp);
        }
        Ok(())
    }

    fn answer_offer_of(&mut self, id: LegId, offer: &Bytes) -> Result<Bytes, AnswerError> {
        self.open_endpoint(id)?;
        let leg = self.legs.get_mut(id).ok_or(AnswerError::Gone)?;
        let endpoint = leg.endpoint.ok_or(AnswerError::Gone)?;
        let branch = leg.branches.first_mut().ok_or(AnswerError::Gone)?;
        let answer = branch.session.answer(offer, Direction::SendRecv)?;
        branch.remote = Some(answer.remote);
        self.media.set_remote(endpoint, answer.remote);
        Ok(answer.body)
    }

    fn offer_to(&mut self, id: LegId) -> Result<Bytes, AnswerError> {
        self.open_endpoint(id)?;
        let leg = self.legs.get_mut(id).ok_or(AnswerError::Gone)?;
        let branch = leg.branches.first_mut().ok_or(AnswerError::Gone)?;
        Ok(branch.session.offer(Direction::SendRecv))
    }

    fn cannot_answer(&mut self, id: LegId, error: &AnswerError) {
        tracing::error!(leg = %id, %error, "an incoming call could not be answered");
        let (kind, status) = match error {
            AnswerError::Sdp(_) => (LegEndKind::IncompatibleMedia, 488),
            AnswerError::Media(_) | AnswerError::Gone => (LegEndKind::Internal, 503),
        };
        let Some(leg) = self.legs.get_mut(id) else { return };
        leg.end_kind = Some(kind);
        if let Some(dialog) = leg.branches.first().map(|branch| branch.dialog) {
            self.respond(id, dialog, status, None);
        }
    }
}

/// Why an incoming call could not be answered.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error("{0}")]
    Media(#[from] ponte_media::MediaError),
    #[error("{0}")]
    Sdp(#[from] SdpError),
    #[error("the call is over")]
    Gone,
}

/// Refuses an INVITE whose offer nothing can be made of.
pub(super) fn could_be_answered(call: &IncomingCall) -> Result<(), Refused> {
    let answered = call
        .sdp
        .as_ref()
        .map_or(Ok(()), |offer| could_answer(offer, call.flow.local));
    answered.map_err(|error| {
        tracing::info!(%error, "an offer cannot be answered");
        Refused::NoMedia(Warning::of(&error))
    })
}

/// Whether an offer can be answered at all, so that no telephone rings for a call without audio.
fn could_answer(offer: &Bytes, local: SocketAddr) -> Result<(), SdpError> {
    let unspecified = SocketAddr::new(local.ip(), 9);
    LocalSession::new(0, unspecified)
        .answer(offer, Direction::SendRecv)
        .map(|_| ())
}

/// Whether the INVITE is one of ours that came back: it bears our mark, or passed through here.
fn is_loop(call: &IncomingCall, instance: &str) -> bool {
    let marked = call
        .message
        .lines_named(INSTANCE_HEADER)
        .any(|value| value == instance.as_bytes());
    let local = call.flow.local;
    let passed = call.message.values(HeaderName::Via).any(|value| {
        Via::parse(value).is_some_and(|via| {
            let host = String::from_utf8_lossy(via.host);
            let ip = host.trim_start_matches('[').trim_end_matches(']').parse();
            ip == Ok(local.ip()) && via.port.unwrap_or(5060) == local.port()
        })
    });
    marked || passed
}

/// The number that a Request-URI asks for: that of an address, or of a service (RFC 5031).
pub(super) fn called_number(plan: &NumberingPlan, uri: &str) -> Option<DialString> {
    match Uri::parse(uri.as_bytes())?.service() {
        Some(service) => plan.emergency_service(&service),
        None => dialled_number(uri),
    }
}

/// The number that an address names.
pub(super) fn dialled_number(uri: &str) -> Option<DialString> {
    let uri = Uri::parse(uri.as_bytes())?;
    let user = uri.user()?;
    // Parameters of a telephone number may stand in the user part (RFC 3261 section 19.1.6).
    user.split(';').next()?.parse().ok()
}

fn international(typed: &DialString) -> Option<DialString> {
    let digits = typed.as_str();
    (!digits.starts_with(['+', '0', '*', '#']))
        .then(|| format!("+{digits}").parse().ok())
        .flatten()
}

/// Who a carrier says is calling. Its P-Asserted-Identity is believed only by agreement (RFC 3325 section 5).
fn trunk_caller(plan: &NumberingPlan, call: &IncomingCall, trusted: bool) -> Caller {
    let withheld = call.message.lines_named("Privacy").any(|value| {
        String::from_utf8_lossy(value)
            .split(';')
            .any(|token| token.trim().eq_ignore_ascii_case("id"))
    });
    if withheld || is_anonymous(&call.from) {
        return Caller::default();
    }
    let asserted = call.asserted_identity.iter().find(|_| trusted);
    let party = asserted.unwrap_or(&call.from);
    let number = party_number(plan, party);
    let name = party.display.as_deref().or(call.from.display.as_deref());
    let name = name.and_then(clean_name).filter(|name| {
        // Many carriers repeat the number where they know no name.
        let same =
            |number: &CallerNumber| name.trim_start_matches('+') == number.as_str().trim_start_matches('+');
        !number.as_ref().is_some_and(same)
    });
    Caller { number, name }
}

fn is_anonymous(party: &Party) -> bool {
    let Some(uri) = Uri::parse(party.uri.as_bytes()) else {
        return false;
    };
    uri.host().eq_ignore_ascii_case("anonymous.invalid")
        || uri.user().is_some_and(|user| {
            ["anonymous", "unknown", "restricted", "unavailable"]
                .iter()
                .any(|word| user.eq_ignore_ascii_case(word))
        })
}

/// The number of a party outside; an extension that a carrier claims is none.
fn party_number(plan: &NumberingPlan, party: &Party) -> Option<CallerNumber> {
    number_outside(plan, &dialled_number(&party.uri)?)
}

/// A number outside as a carrier writes it: in E.164, as it would be dialled here, or without its `+`.
pub(super) fn number_outside(plan: &NumberingPlan, typed: &DialString) -> Option<CallerNumber> {
    if let Ok(number) = typed.as_str().parse::<E164>() {
        return Some(CallerNumber::E164(number));
    }
    if let Dialled::External { number, .. } = plan.read(typed) {
        return Some(CallerNumber::E164(number));
    }
    match plan.read(&international(typed)?) {
        Dialled::External { number, .. } => Some(CallerNumber::E164(number)),
        Dialled::Own { .. } => international(typed)?
            .as_str()
            .parse()
            .ok()
            .map(CallerNumber::E164),
        _ => None,
    }
}

/// A name as portals and telephones may show it: one line without control characters or marks that turn the text.
fn clean_name(name: &str) -> Option<String> {
    let turns = |c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    let kept: String = name
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !turns(*c))
        .take(NAME_MAX)
        .collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_name_is_one_clean_line() {
        assert_eq!(
            clean_name(" Mario\r\nRossi\u{7}").as_deref(),
            Some("Mario  Rossi")
        );
        assert_eq!(clean_name("\u{202E}evil").as_deref(), Some("evil"));
        assert_eq!(clean_name(" \t"), None);
        assert_eq!(
            clean_name(&"x".repeat(200)).map(|name| name.len()),
            Some(NAME_MAX)
        );
    }

    #[test]
    fn the_number_of_an_address_is_its_user_part() {
        let number = |uri: &str| dialled_number(uri).map(|number| number.as_str().to_owned());
        assert_eq!(
            number("sip:+390266600201@gw;user=phone").as_deref(),
            Some("+390266600201")
        );
        assert_eq!(
            number("sip:%2B390266600201;npdi=yes@gw").as_deref(),
            Some("+390266600201")
        );
        assert_eq!(number("tel:+39-02-66600201").as_deref(), Some("+390266600201"));
        assert_eq!(
            number("tel:66600201;phone-context=+3902;isub=12").as_deref(),
            Some("66600201")
        );
        assert_eq!(
            number("sip:+39(02)666-00.201;ext=1@gw:5060;user=phone;transport=udp").as_deref(),
            Some("+390266600201")
        );
        assert_eq!(number("sips:%2331%23112@gw").as_deref(), Some("#31#112"));
        assert_eq!(number("sip:201:secret@gw?Subject=x").as_deref(), Some("201"));
        assert_eq!(number("sip:*98@gw").as_deref(), Some("*98"));
        assert_eq!(number("sip:anna@gw"), None);
        assert_eq!(number("sip:gw"), None);
    }

    #[test]
    fn who_hides_is_anonymous() {
        for uri in [
            "sip:anonymous@anonymous.invalid",
            "sip:Anonymous@carrier.example",
            "sip:x@anonymous.invalid",
        ] {
            assert!(is_anonymous(&Party::new(uri)), "{uri}");
        }
        assert!(!is_anonymous(&Party::new("sip:+390212345678@carrier.example")));
    }
}
