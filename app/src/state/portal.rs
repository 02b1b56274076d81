//! The one place through which components see the state and speak.

use crate::browser;
use crate::i18n::{I18n, text};
use crate::live::{derived, memo};
use crate::logic::call;
use crate::logic::dial::{self, Blocked, Entry};
use crate::logic::profiles;
use crate::rtc::BrowserTelephone;
use crate::socket::{Badge, Input, Link};
use crate::state::store::{Notice, Store};
use crate::state::toasts::{ToastKind, Toasts};
use crate::state::verification::Verification;
use crate::words;
use futures_channel::mpsc::UnboundedSender;
use futures_channel::oneshot;
use leptos::prelude::*;
use ponte_protocol::frames::Resume;
use ponte_protocol::{
    CallId, CallProfile, CallQuality, CallRecord, CallRules, CallSettings, CallView, Command, CommandBody,
    CommandId, DeskUse, Destination, DestinationId, DeviceId, DialString, Explanation, Mode, Outcome,
    OwnSoundState, ParkedCall, PersistentLeg, Presence, Refusal, SavedDestination, ScheduleEntry,
    ServerFrame, StationView, UnixMillis, UserProfile, UserState, VoiceMessage,
};
use std::sync::Arc;
use uuid::{NoContext, Timestamp, Uuid};

/// The state of the signed-in user, and the way to ask for something.
#[derive(Clone, Copy)]
pub struct Portal(StoredValue<Parts>);

/// What a [`Portal`] stands for; kept apart so that the handle, which every closure of the page holds, is small.
#[derive(Clone)]
struct Parts {
    store: RwSignal<Store>,
    link_signal: RwSignal<Link>,
    /// The local clock, ticking.
    now: RwSignal<UnixMillis>,
    outbox: UnboundedSender<Input>,
    toasts: Toasts,
    i18n: I18n,
    dial_refusal: RwSignal<Option<Refusal>>,
    dial_text: RwSignal<String>,
    account_text: RwSignal<String>,
    entered: RwSignal<u32>,
    unproven: RwSignal<Option<DialString>>,
    wants_pad: RwSignal<bool>,
    profile: Memo<Option<UserProfile>>,
    mode: Memo<Option<Mode>>,
    destinations: Memo<Vec<SavedDestination>>,
    stations: Memo<Vec<StationView>>,
    presence: Memo<Presence>,
    settings: Memo<Option<CallSettings>>,
    rules: Memo<CallRules>,
    profiles: Memo<Vec<CallProfile>>,
    schedule: Memo<Vec<ScheduleEntry>>,
    live_profile: Memo<Option<String>>,
    unheard: Memo<u32>,
    quota_left_s: Memo<u32>,
    own_sounds: Memo<[OwnSoundState; 2]>,
    messages: Memo<Vec<VoiceMessage>>,
    more_messages: Memo<bool>,
    verification: Memo<Option<Verification>>,
    explained: Memo<Option<Explanation>>,
    calls: Memo<Vec<CallId>>,
    call_views: Memo<Vec<CallView>>,
    parked: Memo<Vec<ParkedCall>>,
    persistent_leg: Memo<PersistentLeg>,
    desk_used: Memo<Option<DeskUse>>,
    foremost: Memo<Option<CallView>>,
    records: Memo<Arc<Vec<CallRecord>>>,
    more_records: Memo<bool>,
    ended: Memo<Option<CallRecord>>,
    badge: Memo<Badge>,
    blocked: Memo<Option<Blocked>>,
    dialling: Memo<bool>,
    telephone: BrowserTelephone,
    /// Who waits for the answer to a command of their own.
    waiting: StoredValue<Vec<(CommandId, oneshot::Sender<Outcome>)>>,
}

/// The parts, each to be had by its name.
macro_rules! parts {
    ($($(#[$doc:meta])* $visibility:vis $name:ident: $type:ty,)*) => {
        impl Portal {
            $($(#[$doc])* $visibility fn $name(self) -> $type {
                self.0.with_value(|parts| parts.$name)
            })*
        }
    };
}

parts! {
    pub(super) store: RwSignal<Store>,
    link_signal: RwSignal<Link>,
    now: RwSignal<UnixMillis>,
    pub(super) toasts: Toasts,
    pub(super) i18n: I18n,
    /// Why the last dial was refused; shown at the dial field.
    pub dial_refusal: RwSignal<Option<Refusal>>,
    /// What stands in the dial field.
    pub dial_text: RwSignal<String>,
    /// What stands in the field for the account code of the call that is dialled next.
    pub account_text: RwSignal<String>,
    /// How often a choice of telephone was taken; also where it was the one in use already.
    pub entered: RwSignal<u32>,
    /// A number that was to be entered and must be proven first.
    pub unproven: RwSignal<Option<DialString>>,
    /// A number was filled in on a page without a dial pad.
    pub wants_pad: RwSignal<bool>,
    /// What the administrator set; `None` until the edge knows it.
    pub profile: Memo<Option<UserProfile>>,
    /// How the user works now; `None` until the edge knows it.
    pub mode: Memo<Option<Mode>>,
    /// The telephones the user keeps.
    pub destinations: Memo<Vec<SavedDestination>>,
    /// The desk telephones of the user: logged on to, or to be logged on to (rule T11).
    pub stations: Memo<Vec<StationView>>,
    /// Whether the user wants to be reached (rule T12).
    pub presence: Memo<Presence>,
    /// How incoming calls are treated; `None` until the edge knows it.
    pub settings: Memo<Option<CallSettings>>,
    /// Forwarding, and who gets through to a user who wants no calls.
    pub rules: Memo<CallRules>,
    /// The user's profiles; empty until the telephone system tells of them.
    pub profiles: Memo<Vec<CallProfile>>,
    /// When the user is switched to a profile by the clock.
    pub schedule: Memo<Vec<ScheduleEntry>>,
    /// The profile that the live settings match.
    pub live_profile: Memo<Option<String>>,
    /// Voicemail messages not listened to.
    pub unheard: Memo<u32>,
    /// Seconds of recording left.
    pub quota_left_s: Memo<u32>,
    /// The user's greeting and name.
    pub own_sounds: Memo<[OwnSoundState; 2]>,
    /// Voicemail as far as it is loaded, newest first, the bin included.
    pub messages: Memo<Vec<VoiceMessage>>,
    /// Whether older messages may exist.
    pub more_messages: Memo<bool>,
    /// The proof of a saved number that is under way (rule T2).
    pub verification: Memo<Option<Verification>>,
    /// Which rule the number dialled last fell under.
    pub explained: Memo<Option<Explanation>>,
    /// The calls that have a card, oldest first.
    pub calls: Memo<Vec<CallId>>,
    /// The same, whole.
    pub call_views: Memo<Vec<CallView>>,
    /// The calls of the site that anybody can fetch.
    pub parked: Memo<Vec<ParkedCall>>,
    /// The leg that stays up (rule T15).
    pub persistent_leg: Memo<PersistentLeg>,
    /// A telephone at the desk was tried: perhaps the user is back (rule T3).
    pub desk_used: Memo<Option<DeskUse>>,
    /// The call to speak of first.
    pub foremost: Memo<Option<CallView>>,
    /// The call log as far as it is loaded, newest first.
    pub records: Memo<Arc<Vec<CallRecord>>>,
    /// Whether older records may exist.
    pub more_records: Memo<bool>,
    /// The call that ended last, until it is put away.
    pub ended: Memo<Option<CallRecord>>,
    /// What the connection badge says.
    pub badge: Memo<Badge>,
    /// Why nothing can be dialled now.
    pub blocked: Memo<Option<Blocked>>,
    /// Whether a dial awaits its answer.
    pub dialling: Memo<bool>,
    /// The telephone in this tab.
    pub telephone: BrowserTelephone,
}

impl Portal {
    /// An empty state whose wishes go to `outbox`, as the context's.
    pub fn provide(outbox: UnboundedSender<Input>, toasts: Toasts) -> Self {
        let store = RwSignal::new(Store::default());
        let link = RwSignal::new(Link::default());
        let portal = Self(StoredValue::new(Parts {
            store,
            link_signal: link,
            now: RwSignal::new(browser::now()),
            outbox,
            toasts,
            i18n: I18n::expect(),
            dial_refusal: RwSignal::new(None),
            dial_text: RwSignal::new(String::new()),
            account_text: RwSignal::new(String::new()),
            entered: RwSignal::new(0),
            unproven: RwSignal::new(None),
            wants_pad: RwSignal::new(false),
            profile: of_user(store, |user| Some(user.profile.clone())),
            mode: of_user(store, |user| Some(user.mode.clone())),
            destinations: of_user(store, |user| user.destinations.clone()),
            stations: of_user(store, |user| user.stations.clone()),
            presence: of_user(store, |user| user.presence.clone()),
            settings: of_user(store, |user| Some(user.settings.clone())),
            rules: of_user(store, |user| user.rules.clone()),
            profiles: of_user(store, |user| user.profiles.clone()),
            schedule: of_user(store, |user| user.schedule.clone()),
            live_profile: of_user(store, |user| {
                user.live_profile().map(|profile| profile.name.clone())
            }),
            unheard: of_user(store, |user| user.mailbox.unheard),
            quota_left_s: of_user(store, |user| user.mailbox.quota_left_s),
            own_sounds: of_user(store, |user| [user.mailbox.greeting, user.mailbox.name]),
            messages: memo(move || store.with(|store| store.messages.list().to_vec())),
            more_messages: memo(move || store.with(|store| store.messages.may_have_more())),
            verification: memo(move || store.with(|store| store.verification.clone())),
            explained: memo(move || store.with(|store| store.explained.clone())),
            calls: of_user(store, |user| call::cards(&user.calls)),
            call_views: of_user(store, |user| user.calls.clone()),
            parked: of_user(store, |user| user.parked.clone()),
            persistent_leg: of_user(store, |user| user.persistent_leg),
            desk_used: of_user(store, |user| user.desk_used.clone()),
            foremost: of_user(store, |user| call::foremost(&user.calls).cloned()),
            records: memo(move || store.with(|store| store.log.shared())),
            more_records: memo(move || store.with(|store| store.log.may_have_more())),
            ended: memo(move || store.with(|store| store.ended.clone())),
            badge: memo(move || Badge::of(link.get(), store.with(|store| store.gateway_connected))),
            blocked: memo(move || {
                let connected = link.get() == Link::Connected;
                store.with(|store| dial::blocked(connected, store.gateway_connected, store.user.as_ref()))
            }),
            dialling: memo(move || {
                store.with(|store| {
                    store
                        .commands
                        .any(|body| matches!(body, CommandBody::Dial { .. }))
                })
            }),
            telephone: BrowserTelephone::new(new_id(browser::now())),
            waiting: StoredValue::new(Vec::new()),
        }));
        Effect::new(move || {
            if let Some(command) = toasts.take_undone() {
                portal.ask(command);
            }
        });
        portal.telephone().follow(portal);
        provide_context(portal);
        portal
    }

    /// The context's portal.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Asks for something. The returned identifier is the command's.
    pub fn ask(self, body: CommandBody) -> CommandId {
        let now = browser::now();
        let id = CommandId(new_id(now));
        if matches!(body, CommandBody::Dial { .. }) {
            self.dial_refusal().set(None);
            self.telephone().dialled(CallId(id.0));
        }
        if let Some(command) = self.store().try_update(|store| store.issue(id, body, now)) {
            self.tell(Input::Send(command));
        }
        id
    }

    /// Asks for something and waits for the answer, of which the user is told nothing here; `None` where none came in
    /// time.
    pub async fn ask_for(self, body: CommandBody) -> Option<Outcome> {
        let (sender, answer) = oneshot::channel();
        let id = self.ask(body);
        self.0
            .with_value(|parts| parts.waiting)
            .update_value(|waiting| waiting.push((id, sender)));
        answer.await.ok()
    }

    /// Gives an answer to who waits for it; `false` where nobody does.
    fn hand_over(self, frame: &ServerFrame) -> bool {
        let ServerFrame::Reply { reply } = frame else {
            return false;
        };
        let waiting = self.0.with_value(|parts| parts.waiting);
        let Some(place) = waiting.with_value(|all| all.iter().position(|(id, _)| *id == reply.id)) else {
            return false;
        };
        self.store().update(|store| {
            store.commands.settle(reply);
        });
        if let Some((_, sender)) = waiting.try_update_value(|all| all.swap_remove(place)) {
            // Who waited may have gone with the page.
            let _ = sender.send(reply.outcome.clone());
        }
        true
    }

    /// Tells the socket something.
    pub fn tell(self, input: Input) {
        self.0.with_value(|Parts { outbox, .. }| {
            // Only a socket that has ended for good does not hear; the page goes with it.
            let _ = outbox.unbounded_send(input);
        });
    }

    /// A call that is up, tracked.
    pub fn call(self, id: CallId) -> Memo<Option<CallView>> {
        memo(move || self.call_now(id))
    }

    /// A call that is up as it is now, tracked; to be used inside a memo.
    pub fn call_now(self, id: CallId) -> Option<CallView> {
        self.store().with(|store| {
            store
                .user
                .iter()
                .flat_map(|user| &user.calls)
                .find(|call| call.id == id)
                .cloned()
        })
    }

    /// How well a call is heard, where that is known, tracked; to be used inside a memo.
    pub fn quality(self, id: CallId) -> Option<CallQuality> {
        self.store().with(|store| {
            let all = store.user.iter().flat_map(|user| &user.quality);
            all.into_iter().find(|quality| quality.call == id).cloned()
        })
    }

    /// Whether a command of this kind awaits its answer, tracked.
    pub fn awaits(self, kind: fn(&CommandBody) -> bool) -> Memo<bool> {
        let store = self.store();
        memo(move || store.with(|store| store.commands.any(kind)))
    }

    /// Whether this call was asked to end, tracked.
    pub fn hanging_up(self, call: CallId) -> Memo<bool> {
        let store = self.store();
        memo(move || store.with(|store| store.commands.hanging_up(call)))
    }

    /// The server's time, ticking.
    pub fn server_now(self) -> UnixMillis {
        let now = self.now().get();
        self.store().with_untracked(|store| store.clock.server(now))
    }

    /// The server's time as it is now, for commands.
    pub fn server_now_untracked(self) -> UnixMillis {
        let now = browser::now();
        self.store().with_untracked(|store| store.clock.server(now))
    }

    /// The local time, ticking.
    pub fn local_now(self) -> UnixMillis {
        self.now().get()
    }

    /// How the link stands, tracked.
    pub fn link(self) -> Link {
        self.link_signal().get()
    }

    /// Puts the ended call away.
    pub fn dismiss_ended(self) {
        self.store().update(|store| store.ended = None);
    }

    /// Where the next page of the log starts.
    pub fn oldest_record(self) -> Option<UnixMillis> {
        self.store().with_untracked(|store| store.log.oldest())
    }

    /// Where the next page of voicemail starts.
    pub fn oldest_message(self) -> Option<UnixMillis> {
        self.store().with_untracked(|store| store.messages.oldest())
    }

    /// To be called several times a second: clocks tick, and what nobody answered is told.
    pub fn tick(self) {
        let now = browser::now();
        self.now().set(now);
        self.toasts().tick(now);
        if self.store().with_untracked(|store| store.commands.any(|_| true)) {
            let mut expired = Vec::new();
            self.store().maybe_update(|store| {
                expired = store.expire(now);
                !expired.is_empty()
            });
            if !expired.is_empty() {
                let store = self.store();
                let waiting = self.0.with_value(|parts| parts.waiting);
                waiting.update_value(|all| {
                    all.retain(|(id, _)| store.with_untracked(|store| store.commands.awaits(*id)));
                });
                let locale = self.i18n().locale_now();
                self.toasts()
                    .show(ToastKind::Error, text::toast::unanswered(locale));
            }
        }
    }

    pub(crate) fn set_link(self, link: Link) {
        if self.link_signal().get_untracked() != link {
            self.link_signal().set(link);
        }
    }

    pub(crate) fn position(self) -> Option<Resume> {
        self.store().with_untracked(Store::position)
    }

    pub(crate) fn unanswered(self) -> Vec<Command> {
        self.store()
            .with_untracked(|store| store.unanswered(browser::now()))
    }

    pub(crate) fn in_call(self) -> bool {
        self.store()
            .with_untracked(|store| store.user.as_ref().is_some_and(|user| !user.calls.is_empty()))
    }

    pub(crate) fn pong(self, at: UnixMillis, sent: UnixMillis, now: UnixMillis) {
        self.store().maybe_update(|store| {
            store.clock.pong(at, sent, now);
            false
        });
    }

    pub(crate) fn receive(self, frame: ServerFrame) -> Option<Notice> {
        if self.hand_over(&frame) {
            return None;
        }
        let (notice, wishes) = self
            .store()
            .try_update(|store| (store.receive(frame, browser::now()), store.take_wishes()))
            .unwrap_or_default();
        match &notice {
            Some(Notice::Done(body)) => self.say_done(body),
            Some(Notice::Refused(body, refusal)) => self.say_refused(body, refusal),
            Some(Notice::Rtc(signal)) => self.telephone().hear(self, signal.clone()),
            Some(Notice::TooFast { retry_after_ms }) => {
                let refusal = Refusal::TooFast {
                    retry_after_ms: *retry_after_ms,
                };
                self.toasts().show(
                    ToastKind::Error,
                    words::refusal(self.i18n().locale_now(), &refusal),
                );
            }
            _ => {}
        }
        for wish in wishes {
            self.ask(wish);
        }
        notice
    }

    /// Removes a saved destination and offers to bring it back.
    pub fn delete_destination(self, saved: &SavedDestination) {
        self.ask(CommandBody::DeleteDestination {
            destination: saved.id,
        });
        if let Ok(number) = saved.number.as_str().parse() {
            let undo = CommandBody::SaveDestination {
                label: saved.label.clone(),
                number,
                confirm: Some(saved.confirm),
            };
            self.toasts()
                .show_with_undo(text::toast::deleted(self.i18n().locale_now(), &saved.label), undo);
        }
    }

    /// What `name` would hold if the live settings were kept under it.
    pub fn present_profile(self, name: &str) -> Option<CallProfile> {
        self.store()
            .with_untracked(|store| store.user.as_ref().map(|user| profiles::present(user, name)))
    }

    /// Deletes a profile and offers to bring it back.
    pub fn delete_profile(self, profile: &CallProfile) {
        let name = profile.name.clone();
        let said = text::profile::deleted(self.i18n().locale_now(), &name);
        self.ask(CommandBody::DeleteProfile { name });
        let undo = CommandBody::SaveProfile {
            profile: Box::new(profile.clone()),
        };
        self.toasts().show_with_undo(said, undo);
    }

    /// Saves a number and begins its proof; `enter`: calls are to go to it as soon as it is proven.
    pub fn save_destination(self, label: &str, number: DialString, confirm: Option<bool>, enter: bool) {
        let CommandId(id) = self.ask(CommandBody::SaveDestination {
            label: label.trim().to_owned(),
            number,
            confirm,
        });
        self.set_verification(Some(Verification::saving(DestinationId(id), enter)));
    }

    /// Begins the proof of a number, or gives it up.
    pub fn set_verification(self, verification: Option<Verification>) {
        self.store().update(|store| store.verification = verification);
    }

    /// The name of a desk telephone, tracked; its identifier where it is none of the user's.
    pub fn station_name(self, device: &DeviceId) -> String {
        self.stations().with(|stations| {
            stations
                .iter()
                .find(|station| station.device == *device)
                .map_or_else(|| device.to_string(), |station| station.name.clone())
        })
    }

    /// Whether callers reach the user's voicemail, tracked.
    pub fn has_voicemail(self) -> bool {
        self.profile_says(|profile| profile.voicemail_allowed).get()
            && self
                .settings()
                .with(|settings| settings.as_ref().is_some_and(|settings| settings.voicemail))
    }

    /// Whether the user may see what belongs to the whole site, tracked.
    pub fn is_administrator(self) -> Signal<bool> {
        self.profile_says(|profile| profile.administrator)
    }

    /// Whether a browser may be the user's telephone (rule T2), tracked.
    pub fn browser_allowed(self) -> Signal<bool> {
        self.profile_says(|profile| profile.browser_allowed)
    }

    /// Whether the administrator set it so; `false` until the edge knows it.
    fn profile_says(self, so: fn(&UserProfile) -> bool) -> Signal<bool> {
        let profile = self.profile();
        derived(move || profile.with(|profile| profile.as_ref().is_some_and(so)))
    }

    /// What a field that takes a number holds, by what the user's telephone system takes for one; followed as it is typed.
    pub fn reads(self, typed: RwSignal<String>) -> Memo<Entry> {
        memo(move || typed.with(|typed| self.read(typed)))
    }

    /// The same of a text, tracked.
    pub fn read(self, typed: &str) -> Entry {
        self.profile().with(|profile| dial::read(typed, profile.as_ref()))
    }

    /// The number that calls go to now.
    pub fn destination(self) -> Option<Destination> {
        match self.mode().get()? {
            Mode::Telecommuting { destination, .. } => Some(destination),
            Mode::Office | Mode::Unknown => None,
        }
    }
}

/// What a part of the user's state is; its default until the edge knows it.
fn of_user<T>(store: RwSignal<Store>, part: fn(&UserState) -> T) -> Memo<T>
where
    T: Clone + Default + PartialEq + Send + Sync + 'static,
{
    memo(move || store.with(|store| store.user.as_ref().map(part).unwrap_or_default()))
}

/// A `UUIDv7` of this moment.
pub(super) fn new_id(now: UnixMillis) -> Uuid {
    let (seconds, millis) = (now.0 / 1000, (now.0 % 1000) as u32);
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, millis * 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_version_7_of_the_moment_and_differ() {
        let (one, two) = (
            new_id(UnixMillis(1_790_000_000_123)),
            new_id(UnixMillis(1_790_000_000_123)),
        );
        assert_eq!(one.get_version_num(), 7);
        assert_eq!(one.as_u128() >> 80, 1_790_000_000_123);
        assert_ne!(one, two);
    }
}
