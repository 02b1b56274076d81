//! A call that is up.

use crate::browser;
use crate::components::accept_banner::AcceptBanner;
use crate::components::account::AccountLine;
use crate::components::browser_place::BrowserProblem;
use crate::components::call_actions::CallActions;
use crate::components::call_control::CallControl;
use crate::components::conference_panel::ConferencePlace;
use crate::components::countdown::CountdownBar;
use crate::components::dial_pad::call_again;
use crate::components::dtmf_pad::DtmfPad;
use crate::components::icon::Icon;
use crate::components::leg_bridge::LegBridge;
use crate::components::quality_panel::QualityPanel;
use crate::components::shown::Shown;
use crate::design::{Button, Look};
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{barred, derived, live, memo};
use crate::names;
use crate::state::Portal;
use crate::words;
use leptos::html;
use leptos::prelude::*;
use ponte_protocol::{CallId, CallPhase, CallView, Cause, Direction, LegRole, UnixMillis};

/// The card. It shows what the gateway last told of the call, and nothing else.
#[component]
pub fn CallCard(id: CallId) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let call = portal.call(id);
    let phase = memo(move || call.get().map(|call| call.phase));
    let hanging_up = portal.hanging_up(id);
    let connected = memo(move || matches!(phase.get(), Some(CallPhase::Connected { .. })));
    let keypad = RwSignal::new(false);
    let card: NodeRef<html::Article> = NodeRef::new();
    // On a small screen the pad that dialled lies below the card.
    card.on_load(|card| browser::bring_into_view(&card));

    let party = move || {
        let locale = i18n.locale();
        call.get()
            .map(|call| words::far_party(locale, &call))
            .unwrap_or_default()
    };
    let number = move || call.get().map(|call| shown_number(&call)).unwrap_or_default();
    // A call that waits for nobody else waits for the leg that stays up (rule T15).
    let alone = memo(move || portal.calls().with(|calls| calls.len() == 1));
    let direction = move || {
        let locale = i18n.locale();
        call.get().map(|call| match (call.direction, call.phase) {
            (_, CallPhase::Waiting { .. }) if !alone.get() => text::call::second(locale),
            (Direction::Outgoing, _) => text::call::outgoing(locale),
            (Direction::Incoming, _) => text::call::incoming(locale),
        })
    };
    let dialled = move || {
        let incoming = call.get().filter(|call| call.direction == Direction::Incoming)?;
        let number = format::number(incoming.dialled.as_str());
        Some(text::call::dialled(i18n.locale(), number))
    };
    let duration = move || {
        let (CallPhase::Connected { since } | CallPhase::Held { since } | CallPhase::Voicemail { since }) =
            phase.get()?
        else {
            return None;
        };
        Some(format::duration(portal.server_now().since(since)))
    };
    let phase_words = move || {
        let locale = i18n.locale();
        match (hanging_up.get(), phase.get()) {
            (true, _) => Some(text::call::hanging_up(locale)),
            // The line above the name says it already.
            (false, Some(CallPhase::Ringing | CallPhase::Waiting { .. })) => None,
            (false, phase) => phase.map(|phase| words::phase(locale, &phase)),
        }
    };
    let rings_here = move || portal.telephone().rings(id);
    let hint =
        move |words: fn(_) -> &'static str| view! { <p class="call-hint">{i18n.t(words)}</p> }.into_any();

    view! {
        <article class="card call-card" node_ref=card data-testid="call-card" aria-label=live(move || text::call::with(i18n.locale(), party()))
            data-phase=live(move || phase.get().map(|phase| names::phase(&phase)))>
            <header class="call-head">
                <div class="call-who">
                    <p class="call-direction">{live(direction)}</p>
                    <h2 class="call-party" data-testid="call-party">{live(party)}</h2>
                    <p class="call-number">{live(number)}</p>
                    <p class="call-dialled" data-testid="call-dialled">{live(dialled)}</p>
                </div>
                <div class="call-clock">
                    <p class="call-phase">{live(phase_words)}</p>
                    <p class="call-duration" data-testid="call-duration" role="timer">{live(duration)}</p>
                </div>
            </header>
            <LegBridge call />
            <AccountLine call=id booked=derived(move || call.with(|call| call.as_ref().and_then(|call| call.account_code.clone()))) />
            <QualityPanel call />
            {live(move || match phase.get() {
                Some(CallPhase::Confirming { until }) => view! { <AcceptBanner call=id until /> }.into_any(),
                Some(CallPhase::Waiting { until }) => view! { <WaitingLeft until attaches=alone /> }.into_any(),
                Some(CallPhase::FarFailed { cause, until }) => view! { <FarFailed call cause until /> }.into_any(),
                Some(CallPhase::Parked { slot, .. }) => view! { <ParkedHint place=slot /> }.into_any(),
                Some(CallPhase::Ringing | CallPhase::CallingUser) if rings_here() => {
                    view! { <AnswerHere call=id /> }.into_any()
                }
                Some(CallPhase::Ringing) => hint(text::call::answer_there),
                Some(CallPhase::Voicemail { .. }) => hint(text::call::leaving_message),
                _ => ().into_any(),
            })}
            <Shown when=derived(move || connected.get() && keypad.get())>
                <DtmfPad call=id />
            </Shown>
            <ConferencePlace call />
            <CallControl call />
            <CallActions call keypad />
        </article>
    }
}

/// Where a parked call waits.
#[component]
fn ParkedHint(place: u16) -> impl IntoView {
    let i18n = I18n::expect();
    view! { <p class="call-hint">{live(move || text::control::parked_at(i18n.locale(), place))}</p> }
}

/// The button that takes a call in this tab.
#[component]
fn AnswerHere(call: CallId) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let telephone = portal.telephone();
    view! {
        <div class="button-row">
            <button type="button" class="button call large" data-testid="browser-answer"
                aria-disabled=barred(move || telephone.is_busy())
                on:click=move |_| telephone.accept(portal, call)>
                <Icon name="phone" />
                {i18n.t(text::here::answer)}
            </button>
        </div>
        <BrowserProblem />
    }
}

/// The number below a name; empty where the number is the name already.
fn shown_number(call: &CallView) -> String {
    let named = call.leg(LegRole::Far).filter(|leg| leg.name.is_some());
    named.map(|leg| format::number(&leg.number)).unwrap_or_default()
}

/// How long a second call still waits (rule T8), and what becomes of it then (rule T9).
#[component]
fn WaitingLeft(until: UnixMillis, attaches: Memo<bool>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let words = move || {
        let locale = i18n.locale();
        let left = format::seconds_left(until.since(portal.server_now()));
        if attaches.get() {
            text::call::attaches(locale, left)
        } else if portal.has_voicemail() {
            text::call::waiting_left(locale, left)
        } else {
            text::call::waiting_left_busy(locale, left)
        }
    };
    view! {
        <div class="waiting-left">
            <p class="accept-left">{live(words)}</p>
            <CountdownBar until />
        </div>
    }
}

/// The other party was not reached, the user's telephone is still on the line (rule T5).
#[component]
fn FarFailed(call: Memo<Option<CallView>>, cause: Cause, until: UnixMillis) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let left = move || format::seconds_left(until.since(portal.server_now()));
    view! {
        <div class="failed">
            <p class="failed-cause" data-testid="cause" data-reason=names::reason(cause.reason) role="alert">
                {live(move || words::cause(i18n.locale(), LegRole::Far, cause.reason))}
            </p>
            <p>{live(move || text::call::dial_again_hint(i18n.locale(), left()))}</p>
            <CountdownBar until />
            <div class="button-row">
                <Button label=text::call::again icon="phone" testid="call-again"
                    press=Callback::new(move |()| {
                    if let Some(call) = call.get_untracked() {
                        call_again(portal, call.dialled.as_str());
                    }
                }) />
                <Button label=text::call::another_number look=Look::Quiet
                    press=Callback::new(move |()| {
                    portal.dial_text().set(String::new());
                    browser::focus("dial-input");
                }) />
            </div>
        </div>
    }
}
