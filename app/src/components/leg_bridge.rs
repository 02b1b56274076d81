//! The two telephones of a call and the bridge between them, each with its own state (rule T7).

use crate::components::icon::Icon;
use crate::components::shown::Shown;
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{live, memo};
use crate::names;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CallPhase, CallView, LegRole, LegState, LegView};

/// Both legs of a call.
#[component]
pub fn LegBridge(call: Memo<Option<CallView>>) -> impl IntoView {
    let i18n = I18n::expect();
    let leg = move |role| memo(move || call.get().and_then(|call| call.leg(role).cloned()));
    let (user, far) = (leg(LegRole::User), leg(LegRole::Far));
    let joined = move || {
        matches!(
            call.get().map(|call| call.phase),
            Some(CallPhase::Connected { .. })
        )
    };
    let far_name = move || {
        let locale = i18n.locale();
        call.get()
            .map(|call| words::far_party(locale, &call))
            .unwrap_or_default()
    };
    let user_name = move || text::leg::user(i18n.locale()).to_owned();
    view! {
        <div class="bridge" data-joined=live(move || joined().to_string())>
            <LegEnd call role=LegRole::User leg=user name=Signal::derive(user_name) />
            <svg class="bridge-span" viewBox="0 0 200 48" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                <path class="span-half" data-state=live(move || names::leg_state(user.get().map(|leg| leg.state)))
                    d="M0 40 C 34 14, 68 6, 100 6" />
                <path class="span-half" data-state=live(move || names::leg_state(far.get().map(|leg| leg.state)))
                    d="M100 6 C 132 6, 166 14, 200 40" />
            </svg>
            <LegEnd call role=LegRole::Far leg=far name=Signal::derive(far_name) />
        </div>
        <OtherTelephones call />
    }
}

/// A desk telephone's name, else the label that the user gave the number; empty where the leg has neither.
fn telephone(portal: Portal, leg: &LegView) -> String {
    if leg.browser {
        return text::here::choose(I18n::expect().locale()).to_owned();
    }
    match &leg.device {
        Some(device) => portal.station_name(device),
        None => leg.name.clone().unwrap_or_default(),
    }
}

/// The other telephones that ring for the user beside the one of the bridge.
#[component]
fn OtherTelephones(call: Memo<Option<CallView>>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let others = move || {
        let call = call.get()?;
        let locale = i18n.locale();
        let shown = call.leg(LegRole::User)?;
        let words: Vec<String> = call
            .legs
            .iter()
            .filter(|leg| leg.role == LegRole::User && leg.state != LegState::Terminated)
            .filter(|leg| *leg != shown)
            .map(|leg| {
                let name = telephone(portal, leg);
                let name = if name.is_empty() {
                    format::number(&leg.number)
                } else {
                    name
                };
                format!("{name}: {}", words::leg_in_call(locale, &call, leg))
            })
            .collect();
        (!words.is_empty()).then(|| words.join(" · "))
    };
    move || others().map(|words| view! { <p class="hint leg-others" data-testid="leg-others">{words}</p> })
}

#[component]
fn LegEnd(
    call: Memo<Option<CallView>>,
    role: LegRole,
    leg: Memo<Option<LegView>>,
    name: Signal<String>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let testid = match role {
        LegRole::User => "leg-user",
        LegRole::Far => "leg-far",
    };
    let icon = move || match role {
        LegRole::User if leg.with(|leg| leg.as_ref().is_some_and(|leg| leg.device.is_some())) => "desk-phone",
        LegRole::User => "home-phone",
        LegRole::Far => "person",
    };
    let state = move || {
        let locale = i18n.locale();
        match (call.get(), leg.get()) {
            (Some(call), Some(leg)) => words::leg_in_call(locale, &call, &leg),
            _ => words::leg_state(locale, None),
        }
    };
    let number = move || {
        let Some(leg) = leg.get() else {
            return String::new();
        };
        let parts = match role {
            LegRole::User => [telephone(portal, &leg), format::number(&leg.number)],
            LegRole::Far => [String::new(), format::number(&leg.number)],
        };
        let shown = name.get();
        let parts = parts
            .into_iter()
            .filter(|part| !part.is_empty() && *part != shown);
        parts.collect::<Vec<_>>().join("\n")
    };
    let silent = move || leg.get().is_some_and(|leg| leg.no_audio);
    view! {
        <div class="leg" data-testid=testid data-state=live(move || names::leg_state(leg.get().map(|leg| leg.state)))>
            <span class="leg-icon">{live(move || view! { <Icon name=icon() /> })}</span>
            <p class="leg-words">
                <span class="leg-name">{name}</span>
                <span class="visually-hidden">": "</span>
                <span class="leg-state">{live(state)}</span>
            </p>
            <p class="leg-number">{live(number)}</p>
            <Shown when=Signal::derive(silent)>
                <p class="leg-warning" data-testid="no-audio" role="alert">
                    <Icon name="no-audio" />{i18n.t(text::leg::no_audio)}
                </p>
            </Shown>
        </div>
    }
}
