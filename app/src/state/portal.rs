//! The one place through which components see the state and speak.

use crate::browser;
use crate::i18n::{I18n, text};
use crate::logic::dial::{self, Blocked};
use crate::socket::{Badge, Input, Link};
use crate::state::store::{Notice, Store};
use crate::state::toasts::{ToastKind, Toasts};
use crate::words;
use futures_channel::mpsc::UnboundedSender;
use leptos::prelude::*;
use ponte_protocol::frames::Resume;
use ponte_protocol::{
    CallId, CallRecord, CallView, Command, CommandBody, CommandId, Destination, Mode, Refusal,
    SavedDestination, ServerFrame, UnixMillis, UserProfile,
};
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
    entered: RwSignal<u32>,
    profile: Memo<Option<UserProfile>>,
    mode: Memo<Option<Mode>>,
    destinations: Memo<Vec<SavedDestination>>,
    calls: Memo<Vec<CallId>>,
    records: Memo<Vec<CallRecord>>,
    more_records: Memo<bool>,
    ended: Memo<Option<CallRecord>>,
    badge: Memo<Badge>,
    blocked: Memo<Option<Blocked>>,
    dialling: Memo<bool>,
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
    store: RwSignal<Store>,
    link_signal: RwSignal<Link>,
    now: RwSignal<UnixMillis>,
    toasts: Toasts,
    i18n: I18n,
    /// Why the last dial was refused; shown at the dial field.
    pub dial_refusal: RwSignal<Option<Refusal>>,
    /// What stands in the dial field.
    pub dial_text: RwSignal<String>,
    /// How often a choice of telephone was taken; also where it was the one in use already.
    pub entered: RwSignal<u32>,
    /// What the administrator set; `None` until the edge knows it.
    pub profile: Memo<Option<UserProfile>>,
    /// How the user works now; `None` until the edge knows it.
    pub mode: Memo<Option<Mode>>,
    /// The telephones the user keeps.
    pub destinations: Memo<Vec<SavedDestination>>,
    /// The calls that are up, oldest first.
    pub calls: Memo<Vec<CallId>>,
    /// The call log as far as it is loaded, newest first.
    pub records: Memo<Vec<CallRecord>>,
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
}

impl Portal {
    /// An empty state whose wishes go to `outbox`, as the context's.
    pub fn provide(outbox: UnboundedSender<Input>, toasts: Toasts) -> Self {
        let store = RwSignal::new(Store::default());
        let link = RwSignal::new(Link::default());
        let user = move |store: &Store| store.user.clone();
        let portal = Self(StoredValue::new(Parts {
            store,
            link_signal: link,
            now: RwSignal::new(browser::now()),
            outbox,
            toasts,
            i18n: I18n::expect(),
            dial_refusal: RwSignal::new(None),
            dial_text: RwSignal::new(String::new()),
            entered: RwSignal::new(0),
            profile: Memo::new(move |_| store.with(user).map(|user| user.profile)),
            mode: Memo::new(move |_| store.with(user).map(|user| user.mode)),
            destinations: Memo::new(move |_| {
                store.with(user).map(|user| user.destinations).unwrap_or_default()
            }),
            calls: Memo::new(move |_| {
                store.with(|store| {
                    store
                        .user
                        .iter()
                        .flat_map(|user| &user.calls)
                        .map(|call| call.id)
                        .collect()
                })
            }),
            records: Memo::new(move |_| store.with(|store| store.log.records().to_vec())),
            more_records: Memo::new(move |_| store.with(|store| store.log.may_have_more())),
            ended: Memo::new(move |_| store.with(|store| store.ended.clone())),
            badge: Memo::new(move |_| Badge::of(link.get(), store.with(|store| store.gateway_connected))),
            blocked: Memo::new(move |_| {
                let connected = link.get() == Link::Connected;
                store.with(|store| dial::blocked(connected, store.gateway_connected, store.user.as_ref()))
            }),
            dialling: Memo::new(move |_| {
                store.with(|store| {
                    store
                        .commands
                        .any(|body| matches!(body, CommandBody::Dial { .. }))
                })
            }),
        }));
        Effect::new(move || {
            if let Some(command) = toasts.take_undone() {
                portal.ask(command);
            }
        });
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
        }
        if let Some(command) = self.store().try_update(|store| store.issue(id, body, now)) {
            self.tell(Input::Send(command));
        }
        id
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
        Memo::new(move |_| self.call_now(id))
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

    /// Whether a command of this kind awaits its answer, tracked.
    pub fn awaits(self, kind: fn(&CommandBody) -> bool) -> Memo<bool> {
        let store = self.store();
        Memo::new(move |_| store.with(|store| store.commands.any(kind)))
    }

    /// Whether this call was asked to end, tracked.
    pub fn hanging_up(self, call: CallId) -> Memo<bool> {
        let store = self.store();
        Memo::new(move |_| store.with(|store| store.commands.hanging_up(call)))
    }

    /// The server's time, ticking.
    pub fn server_now(self) -> UnixMillis {
        let now = self.now().get();
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
        let notice = self
            .store()
            .try_update(|store| store.receive(frame, browser::now()))
            .flatten();
        match &notice {
            Some(Notice::Done(body)) => self.say_done(body),
            Some(Notice::Refused(body, refusal)) => self.say_refused(body, refusal),
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
        notice
    }

    fn say_done(self, body: &CommandBody) {
        let locale = self.i18n().locale_now();
        match body {
            CommandBody::SaveDestination { label, .. } => {
                self.toasts()
                    .show(ToastKind::Success, text::toast::saved(locale, label));
            }
            CommandBody::EnterTelecommuter { .. } => {
                self.entered().update(|times| *times += 1);
                self.toasts()
                    .show(ToastKind::Success, text::toast::entered(locale));
            }
            CommandBody::LeaveTelecommuter => {
                self.toasts().show(ToastKind::Success, text::toast::left(locale));
            }
            // What was dialled is shown by the call now; it must not be dialled again by a stray Enter.
            CommandBody::Dial { .. } => self.dial_text().set(String::new()),
            _ => {}
        }
    }

    fn say_refused(self, body: &CommandBody, refusal: &Refusal) {
        let locale = self.i18n().locale_now();
        let why = words::refusal(locale, refusal);
        if matches!(body, CommandBody::Dial { .. }) {
            self.dial_refusal().set(Some(refusal.clone()));
        }
        self.toasts()
            .show(ToastKind::Error, format!("{} {why}", failed(locale, body)));
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

    /// The number that calls go to now.
    pub fn destination(self) -> Option<Destination> {
        match self.mode().get()? {
            Mode::Telecommuting { destination, .. } => Some(destination),
            Mode::Office | Mode::Unknown => None,
        }
    }
}

/// What did not work, as the start of a message.
fn failed(locale: crate::i18n::Locale, body: &CommandBody) -> &'static str {
    match body {
        CommandBody::EnterTelecommuter { .. } => text::toast::enter_failed(locale),
        CommandBody::LeaveTelecommuter => text::toast::leave_failed(locale),
        CommandBody::SaveDestination { .. } => text::toast::save_failed(locale),
        CommandBody::DeleteDestination { .. } => text::toast::delete_failed(locale),
        CommandBody::Dial { .. } => text::toast::dial_failed(locale),
        CommandBody::HangUp { .. } => text::toast::hang_up_failed(locale),
        CommandBody::Accept { .. } => text::toast::accept_failed(locale),
        CommandBody::SendDtmf { .. } => text::toast::dtmf_failed(locale),
        CommandBody::FetchLog { .. } => text::toast::log_failed(locale),
        _ => text::toast::failed(locale),
    }
}

/// A `UUIDv7` of this moment.
fn new_id(now: UnixMillis) -> Uuid {
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
