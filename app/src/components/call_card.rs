//! A call that is up.

use crate::browser;
use crate::components::accept_banner::AcceptBanner;
use crate::components::countdown::CountdownBar;
use crate::components::dial_pad::call_again;
use crate::components::dtmf_pad::DtmfPad;
use crate::components::icon::Icon;
use crate::components::leg_bridge::LegBridge;
use crate::format;
use crate::i18n::{I18n, text};
use crate::state::Portal;
use crate::words;
use leptos::html;
use leptos::prelude::*;
use ponte_protocol::{CallId, CallPhase, CallView, Cause, CommandBody, Direction, LegRole, UnixMillis};

/// The card. It shows what the gateway last told of the call, and nothing else.
#[component]
pub fn CallCard(id: CallId) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let call = portal.call(id);
    let phase = Memo::new(move |_| call.get().map(|call| call.phase));
    let hanging_up = portal.hanging_up(id);
    let ending = move || matches!(phase.get(), Some(CallPhase::Ending));
    let connected = Memo::new(move |_| matches!(phase.get(), Some(CallPhase::Connected { .. })));
    let (keypad, set_keypad) = signal(false);
    let card: NodeRef<html::Article> = NodeRef::new();
    // On a small screen the pad that dialled lies below the card.
    card.on_load(|card| browser::bring_into_view(&card));

    let party = move || call.get().map(|call| words::far_party(&call)).unwrap_or_default();
    let number = move || call.get().map(|call| shown_number(&call)).unwrap_or_default();
    let duration = move || {
        let CallPhase::Connected { since } = phase.get()? else {
            return None;
        };
        Some(format::duration(portal.server_now().since(since)))
    };
    let phase_words = move || {
        let locale = i18n.locale();
        match (hanging_up.get(), phase.get()) {
            (true, _) => Some(text::call::hanging_up(locale)),
            (false, phase) => phase.map(|phase| words::phase(locale, &phase)),
        }
    };

    view! {
        <article class="card call-card" node_ref=card data-testid="call-card" aria-label=move || text::call::with(i18n.locale(), party())
            data-phase=move || phase.get().map(|phase| words::phase_name(&phase))>
            <header class="call-head">
                <div class="call-who">
                    <p class="call-direction">{move || {
                        let locale = i18n.locale();
                        call.get().map(|call| match call.direction {
                            Direction::Outgoing => text::call::outgoing(locale),
                            Direction::Incoming => text::call::incoming(locale),
                        })
                    }}</p>
                    <h2 class="call-party" data-testid="call-party">{party}</h2>
                    <p class="call-number">{number}</p>
                </div>
                <div class="call-clock">
                    <p class="call-phase">{phase_words}</p>
                    <p class="call-duration" data-testid="call-duration" role="timer">{duration}</p>
                </div>
            </header>
            <LegBridge call />
            {move || match phase.get() {
                Some(CallPhase::Confirming { until }) => view! { <AcceptBanner call=id until /> }.into_any(),
                Some(CallPhase::FarFailed { cause, until }) => view! { <FarFailed call cause until /> }.into_any(),
                _ => ().into_any(),
            }}
            <Show when=move || connected.get() && keypad.get()>
                <DtmfPad call=id />
            </Show>
            <div class="button-row call-actions">
                <Show when=move || connected.get()>
                    <button
                        type="button" class="button" data-testid="dtmf-open" aria-expanded=move || keypad.get().to_string()
                        on:click=move |_| set_keypad.update(|open| *open = !*open)
                    >
                        <Icon name="keypad" />
                        {i18n.t(text::call::keypad)}
                    </button>
                </Show>
                <button
                    type="button" class="button hang-up" data-testid="call-hangup"
                    disabled=move || hanging_up.get() || ending()
                    on:click=move |_| { portal.ask(CommandBody::HangUp { call: id }); }
                >
                    <Icon name="hang-up" />
                    {i18n.t(text::call::hang_up)}
                </button>
            </div>
        </article>
    }
}

/// The number below a name; empty where the number is the name already.
fn shown_number(call: &CallView) -> String {
    let leg = call.leg(LegRole::Far);
    let number = leg.map_or(call.dialled.as_str(), |leg| leg.number.as_str());
    let number = format::number(number);
    if number == words::far_party(call) {
        String::new()
    } else {
        number
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
            <p class="failed-cause" data-testid="cause" data-reason=words::reason_name(cause.reason) role="alert">
                {move || words::cause(i18n.locale(), LegRole::Far, cause.reason)}
            </p>
            <p>{move || text::call::dial_again_hint(i18n.locale(), left())}</p>
            <CountdownBar until />
            <div class="button-row">
                <button type="button" class="button" data-testid="call-again" on:click=move |_| {
                    if let Some(call) = call.get_untracked() {
                        call_again(portal, call.dialled.as_str());
                    }
                }>
                    <Icon name="phone" />
                    {i18n.t(text::call::again)}
                </button>
                <button type="button" class="button quiet" on:click=move |_| {
                    portal.dial_text().set(String::new());
                    browser::focus("dial-input");
                }>
                    {i18n.t(text::call::another_number)}
                </button>
            </div>
        </div>
    }
}
