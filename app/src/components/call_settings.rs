//! How incoming calls are treated (rules T8 and T9).

use crate::components::switch::Switch;
use crate::design::Card;
use crate::i18n::{I18n, text};
use crate::live::{derived, live, memo};
use crate::logic::ringing;
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::settings::NO_ANSWER_MS;
use ponte_protocol::{CallSettings, CommandBody, UserProfile};

/// The card.
#[component]
pub fn CallSettingsCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let settings = memo(move || portal.settings().get().unwrap_or_default());
    let saving = portal.awaits(|body| matches!(body, CommandBody::SetCallSettings { .. }));
    let locked = move || {
        saving.get() || portal.badge().get() != Badge::Connected || portal.settings().with(Option::is_none)
    };
    let allowed = move |right: fn(&UserProfile) -> bool| {
        memo(move || {
            portal
                .profile()
                .with(|profile| profile.as_ref().is_some_and(right))
        })
    };
    let voicemail_allowed = allowed(|profile| profile.voicemail_allowed);
    let waiting_allowed = allowed(|profile| profile.call_waiting_allowed);
    let change = move |changed: fn(&mut CallSettings, bool)| {
        Callback::new(move |on| {
            let mut settings = settings.get_untracked();
            changed(&mut settings, on);
            portal.ask(CommandBody::SetCallSettings { settings });
        })
    };
    let hint = move |allowed: Memo<bool>, yes: fn(_) -> &'static str, no: fn(_) -> &'static str| {
        derived(move || {
            let locale = i18n.locale();
            if allowed.get() { yes(locale) } else { no(locale) }
        })
    };
    view! {
        <Card id="call-settings" title=text::settings::incoming class="card settings">
            <NoAnswer settings locked=Signal::derive(locked) />
            <Switch
                testid="setting-voicemail" label=text::settings::voicemail
                hint=hint(voicemail_allowed, text::settings::voicemail_hint, text::settings::voicemail_missing)
                on=derived(move || voicemail_allowed.get() && settings.get().voicemail)
                disabled=derived(move || locked() || !voicemail_allowed.get())
                ask=change(|settings, on| settings.voicemail = on)
            />
            <Switch
                testid="setting-call-waiting" label=text::settings::call_waiting
                hint=hint(waiting_allowed, text::settings::call_waiting_hint, text::settings::not_allowed)
                on=derived(move || waiting_allowed.get() && settings.get().call_waiting)
                disabled=derived(move || locked() || !waiting_allowed.get())
                ask=change(|settings, on| settings.call_waiting = on)
            />
        </Card>
    }
}

/// How long the telephone rings.
#[component]
fn NoAnswer(settings: Memo<CallSettings>, locked: Signal<bool>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    // While the slider moves, its own place is shown.
    let moving = RwSignal::new(None::<u64>);
    let told = memo(move || settings.get().no_answer_ms);
    Effect::new(move || {
        told.track();
        if !locked.get() {
            moving.set(None);
        }
    });
    let shown = move || moving.get().unwrap_or_else(|| told.get());
    let words = move || {
        let millis = shown();
        let rings = portal.profile().with(|profile| {
            let country = profile.as_ref().map_or("", |profile| profile.country.as_str());
            ringing::rings(country, millis)
        });
        let locale = i18n.locale();
        let rings = text::settings::rings(locale, rings);
        text::settings::no_answer_time(locale, rings, millis / 1_000)
    };
    let read = |value: String| value.parse::<u64>().ok().map(|seconds| seconds * 1_000);
    view! {
        <div class="setting">
            <label class="setting-label" for="no-answer">{i18n.t(text::settings::no_answer)}</label>
            <output class="setting-value" for="no-answer" data-testid="no-answer-words">{live(words)}</output>
            <input
                id="no-answer" class="slider" type="range" data-testid="setting-no-answer" aria-describedby="no-answer-hint"
                min=NO_ANSWER_MS.start() / 1_000 max=NO_ANSWER_MS.end() / 1_000 step="1" aria-valuetext=live(words)
                prop:value=live(move || (shown() / 1_000).to_string())
                disabled=live(move || portal.settings().with(Option::is_none))
                on:input:target=move |event| moving.set(read(event.target().value()))
                on:change:target=move |event| {
                    if let Some(no_answer_ms) = read(event.target().value()) {
                        moving.set(Some(no_answer_ms));
                        portal.ask(CommandBody::SetCallSettings {
                            settings: CallSettings { no_answer_ms, ..settings.get_untracked() },
                        });
                    }
                }
            />
            <p class="hint" id="no-answer-hint">{i18n.t(text::settings::no_answer_hint)}</p>
        </div>
    }
}
