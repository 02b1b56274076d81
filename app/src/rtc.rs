//! This browser as the telephone (rule T2): which tab takes calls, and the audio of the one that is up.
//!
//! A tab asks for the microphone when the user chooses it, so that a call that rings finds it allowed. The call's audio is
//! one peer connection, made when the call is taken and gone when the gateway says that the session is over.

pub(crate) mod devices;
pub(crate) mod meter;
pub(crate) mod microphone;
mod session;
mod stall;
mod system;
mod voice;

use crate::browser;
use crate::live::memo;
use crate::socket::Input;
use crate::state::Portal;
use leptos::prelude::*;
use leptos::reactive::owner::LocalStorage;
use leptos::task::spawn_local;
use ponte_protocol::{
    CallId, CallView, CommandBody, Destination, DestinationChoice, Mode, Relay, RtcRequest, RtcSignal, Sdp,
};
use session::Session;
use system::{Announced, Key};
use uuid::Uuid;

/// Kept once the user has allowed the microphone: this browser may offer itself again without a question.
const ALLOWED_KEY: &str = "ponte.microphone";

/// Whether calls ring in this tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Not asked, or not answered yet.
    #[default]
    Unknown,
    Here,
    /// In another tab, or another browser.
    Elsewhere,
}

/// Why this browser cannot be a telephone now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The user, or the system, does not allow the microphone.
    NotAllowed,
    /// There is no microphone, or another program has it.
    NoMicrophone,
    /// The connection of the audio could not be made.
    Connection,
}

/// The telephone in this tab.
#[derive(Clone, Copy)]
pub struct BrowserTelephone {
    tab: StoredValue<Uuid>,
    place: RwSignal<Place>,
    /// The call that rings in this tab.
    ringing: RwSignal<Option<CallId>>,
    problem: RwSignal<Option<Problem>>,
    /// The microphone is being asked for, or a call taken.
    busy: RwSignal<bool>,
    /// What the user dialled in this tab: its own leg is taken without a question.
    dialled: StoredValue<Option<CallId>>,
    /// The call that the user moves to this tab, as long as it is here.
    moved: RwSignal<Option<CallId>>,
    /// The call whose audio is in this tab.
    talks: RwSignal<Option<CallId>>,
    session: StoredValue<Option<Session>, LocalStorage>,
    announced: StoredValue<Option<Announced>, LocalStorage>,
    /// Ways around a network that lets no UDP through, for the call that rings.
    relays: StoredValue<Vec<Relay>>,
}

impl BrowserTelephone {
    pub(crate) fn new(tab: Uuid) -> Self {
        Self {
            tab: StoredValue::new(tab),
            place: RwSignal::new(Place::default()),
            ringing: RwSignal::new(None),
            problem: RwSignal::new(None),
            busy: RwSignal::new(false),
            dialled: StoredValue::new(None),
            moved: RwSignal::new(None),
            talks: RwSignal::new(None),
            session: StoredValue::new_local(None),
            announced: StoredValue::new_local(None),
            relays: StoredValue::new(Vec::new()),
        }
    }

    /// Whether calls ring in this tab, tracked.
    pub fn place(self) -> Place {
        self.place.get()
    }

    /// What stands in the way, tracked.
    pub fn problem(self) -> Option<Problem> {
        self.problem.get()
    }

    /// Whether something is under way that the user started, tracked.
    pub fn is_busy(self) -> bool {
        self.busy.get()
    }

    /// Whether the call rings in this tab, tracked.
    pub fn rings(self, call: CallId) -> bool {
        self.ringing.get() == Some(call)
    }

    /// The user dialled here.
    pub(crate) fn dialled(self, call: CallId) {
        self.dialled.set_value(Some(call));
    }

    /// Whether the audio of the call is in this tab, tracked.
    pub fn has(self, call: CallId) -> bool {
        self.talks.get() == Some(call)
    }

    /// Asks for the microphone, then for calls to ring here; `enter` makes the browser the destination first.
    pub fn take_calls(self, portal: Portal, enter: bool) {
        self.open_microphone(move || {
            if enter {
                let destination = DestinationChoice::Browser;
                portal.ask(CommandBody::EnterTelecommuter { destination });
            }
            self.register(portal, true);
        });
    }

    /// Asks for the microphone, then for the call to go on here.
    pub fn move_here(self, portal: Portal, call: CallId) {
        self.open_microphone(move || {
            self.moved.set(Some(call));
            self.register(portal, true);
            let to = DestinationChoice::Browser;
            portal.ask(CommandBody::Move { call, to });
        });
    }

    fn open_microphone(self, then: impl FnOnce() + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.problem.set(None);
        spawn_local(async move {
            let opened = microphone::open().await;
            if self.busy.try_set(false).is_some() {
                // The page went away meanwhile.
                return;
            }
            match opened {
                Ok(stream) => {
                    // It is opened again for each call: no light shines at the user in between.
                    microphone::close(&stream);
                    browser::storage_set(ALLOWED_KEY, "allowed");
                    then();
                }
                Err(problem) => self.problem.set(Some(problem)),
            }
        });
    }

    fn register(self, portal: Portal, take_over: bool) {
        let tab = self.tab.get_value();
        self.say(portal, RtcRequest::TakeCalls { tab, take_over });
    }

    #[allow(clippy::unused_self)]
    fn say(self, portal: Portal, request: RtcRequest) {
        portal.tell(Input::Rtc(request));
    }

    /// Offers this tab again whenever the telephone system can hear of it, and withdraws it when calls go elsewhere.
    pub(crate) fn follow(self, portal: Portal) {
        let allowed = portal.browser_allowed();
        let wanted = memo(move || {
            let chosen = portal.mode().with(|mode| {
                matches!(
                    mode,
                    Some(Mode::Telecommuting {
                        destination: Destination::Browser,
                        ..
                    })
                )
            });
            allowed.get() && (chosen || self.moved.get().is_some())
        });
        let connected = memo(move || portal.badge().get() == crate::socket::Badge::Connected);
        Effect::new(move || match (wanted.get(), connected.get()) {
            (true, true) if browser::storage_get(ALLOWED_KEY).is_some() => self.register(portal, false),
            (false, true) if self.place.get_untracked() == Place::Here => {
                let tab = self.tab.get_value();
                self.say(portal, RtcRequest::StopCalls { tab });
                self.place.set(Place::Unknown);
            }
            _ => {}
        });
        // After the tab is known again: what it asks for a call is taken from it alone.
        Effect::new(move || {
            if connected.get() {
                self.with_session(Session::linked);
            }
        });
    }

    fn with_session(self, then: impl FnOnce(&Session)) {
        self.session.with_value(|session| {
            if let Some(session) = session {
                then(session);
            }
        });
    }

    /// Takes what the gateway says to this tab.
    pub(crate) fn hear(self, portal: Portal, signal: RtcSignal) {
        match signal {
            RtcSignal::Here { tab } if tab == self.tab.get_value() => self.place.set(Place::Here),
            RtcSignal::Elsewhere => self.place.set(Place::Elsewhere),
            RtcSignal::Ring { call, relays } => {
                self.ringing.set(Some(call));
                self.relays.set_value(relays);
                if self.dialled.get_value() == Some(call) || self.is_moved_here(portal, call) {
                    self.accept(portal, call);
                }
            }
            RtcSignal::Answer { call, sdp } => {
                let answered = self.session.with_value(|session| {
                    session
                        .as_ref()
                        .filter(|session| session.call() == call)
                        .and_then(|session| session.answer(&sdp))
                });
                if let Some(answered) = answered {
                    spawn_local(async move {
                        if answered.await.is_err() {
                            let _ = self.problem.try_set(Some(Problem::Connection));
                        }
                    });
                }
            }
            RtcSignal::Refused { call, .. } => {
                self.end(call);
                self.problem.set(Some(Problem::Connection));
            }
            RtcSignal::Over { call } => self.end(call),
            RtcSignal::Here { .. } | RtcSignal::Unknown => {}
        }
    }

    /// Whether the user has moved the call here; a conference rings by the call that stands for it.
    fn is_moved_here(self, portal: Portal, call: CallId) -> bool {
        let here = |call: &CallView| call.moving.as_ref().is_some_and(|moving| moving.leg.browser);
        let Some(moved) = self.moved.get_untracked() else {
            return false;
        };
        let same = moved == call || untrack(|| portal.call_now(call)).as_ref().is_some_and(here);
        if same {
            self.moved.set(Some(call));
        }
        same
    }

    /// Takes a call that rings here.
    pub fn accept(self, portal: Portal, call: CallId) {
        if self.ringing.get_untracked() != Some(call) || self.busy.get_untracked() {
            return;
        }
        self.busy.set(true);
        self.problem.set(None);
        spawn_local(async move {
            let restart = move |sdp: String| {
                let sdp = Sdp(sdp);
                self.say(portal, RtcRequest::Offer { call, sdp });
            };
            let doubt = move || portal.tell(Input::Doubt);
            let trouble = move |problem| {
                let _ = self.problem.try_set(problem);
            };
            let made = Session::open(call, &self.relays.get_value(), restart, doubt, trouble).await;
            if self.busy.try_set(false).is_some() {
                return;
            }
            let (session, offer) = match made {
                Ok(made) => made,
                Err(problem) => {
                    self.problem.set(Some(problem));
                    return;
                }
            };
            // The caller may have gone while the user was asked for the microphone.
            if self.ringing.get_untracked() != Some(call) {
                return;
            }
            self.ringing.set(None);
            self.session.set_value(Some(session));
            self.talks.set(Some(call));
            let pressed = move |key| self.pressed(portal, key);
            self.announced.set_value(Some(Announced::new(pressed)));
            let sdp = Sdp(offer);
            self.say(portal, RtcRequest::Offer { call, sdp });
        });
    }

    /// A key of the headset, or of what the system shows of the call.
    fn pressed(self, portal: Portal, key: Key) {
        let Some(call) = self.talks.get_untracked() else {
            return;
        };
        let body = match key {
            Key::HangUp => CommandBody::HangUp { call },
            Key::Mute => {
                let view = untrack(|| portal.call_now(call));
                let muted = !view.is_some_and(|view| view.muted);
                CommandBody::Mute { call, muted }
            }
        };
        portal.ask(body);
    }

    /// The page can be seen again.
    pub(crate) fn seen_again(self) {
        self.announced.with_value(|announced| {
            if let Some(announced) = announced {
                announced.seen_again();
            }
        });
    }

    /// Another microphone or loudspeaker was chosen: a call that is up goes on with it.
    pub(crate) fn devices_changed(self) {
        self.with_session(Session::devices_changed);
    }

    fn end(self, call: CallId) {
        if self.talks.get_untracked() == Some(call) {
            self.announced.set_value(None);
        }
        for signal in [self.moved, self.talks] {
            if signal.get_untracked() == Some(call) {
                signal.set(None);
            }
        }
        if self.ringing.get_untracked() == Some(call) {
            self.ringing.set(None);
        }
        self.session.update_value(|session| {
            if session.as_ref().is_some_and(|session| session.call() == call) {
                *session = None;
            }
        });
    }
}
