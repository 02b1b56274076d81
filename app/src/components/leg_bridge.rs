//! The two telephones of a call and the bridge between them, each with its own state (rule T7).

use crate::components::icon::Icon;
use crate::format;
use crate::i18n::{I18n, text};
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CallPhase, CallView, LegRole, LegState, LegView};

/// Both legs of a call.
#[component]
pub fn LegBridge(call: Memo<Option<CallView>>) -> impl IntoView {
    let i18n = I18n::expect();
    let leg = move |role| Memo::new(move |_| call.get().and_then(|call| call.leg(role).cloned()));
    let (user, far) = (leg(LegRole::User), leg(LegRole::Far));
    let joined = move || {
        matches!(
            call.get().map(|call| call.phase),
            Some(CallPhase::Connected { .. })
        )
    };
    let far_name = move || call.get().map(|call| words::far_party(&call)).unwrap_or_default();
    let user_name = move || text::leg::user(i18n.locale()).to_owned();
    view! {
        <div class="bridge" data-joined=move || joined().to_string()>
            <LegEnd role=LegRole::User leg=user name=Signal::derive(user_name) />
            <svg class="bridge-span" viewBox="0 0 200 48" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <path class="span-half" data-state=move || words::leg_state_name(user.get().map(|leg| leg.state))
                    d="M0 40 C 34 14, 68 6, 100 6" />
                <path class="span-half" data-state=move || words::leg_state_name(far.get().map(|leg| leg.state))
                    d="M100 6 C 132 6, 166 14, 200 40" />
            </svg>
            <LegEnd role=LegRole::Far leg=far name=Signal::derive(far_name) />
        </div>
    }
}

#[component]
fn LegEnd(role: LegRole, leg: Memo<Option<LegView>>, name: Signal<String>) -> impl IntoView {
    let i18n = I18n::expect();
    let testid = match role {
        LegRole::User => "leg-user",
        LegRole::Far => "leg-far",
    };
    let icon = match role {
        LegRole::User => "home-phone",
        LegRole::Far => "person",
    };
    let state = move || {
        let locale = i18n.locale();
        match leg.get() {
            Some(LegView {
                state: LegState::Terminated,
                cause: Some(cause),
                ..
            }) => words::cause(locale, role, cause.reason),
            leg => words::leg_state(locale, leg.map(|leg| leg.state)),
        }
    };
    let number = move || {
        let number = leg
            .get()
            .map(|leg| format::number(&leg.number))
            .unwrap_or_default();
        if number == name.get() {
            String::new()
        } else {
            number
        }
    };
    let silent = move || leg.get().is_some_and(|leg| leg.no_audio);
    view! {
        <div class="leg" data-testid=testid data-state=move || words::leg_state_name(leg.get().map(|leg| leg.state))>
            <span class="leg-icon"><Icon name=icon /></span>
            <p class="leg-words">
                <span class="leg-name">{name}</span>
                <span class="visually-hidden">": "</span>
                <span class="leg-state">{state}</span>
            </p>
            <p class="leg-number">{number}</p>
            <Show when=silent>
                <p class="leg-warning" data-testid="no-audio" role="alert">
                    <Icon name="no-audio" />{i18n.t(text::leg::no_audio)}
                </p>
            </Show>
        </div>
    }
}
