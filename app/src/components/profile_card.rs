//! Profiles: one click changes everything about how the user is reached.

use crate::components::shown::Shown;
use crate::design::Card;
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, derived, live, memo};
use crate::logic::profiles;
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::treatment::PROFILE_NAME_MAX;
use ponte_protocol::{CallProfile, CommandBody};

/// The chips and, on demand, what changes them. Nothing while the telephone system knows no profiles.
#[component]
pub fn ProfileCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let known = memo(move || portal.profiles().with(|all| !all.is_empty()));
    let live_name = portal.live_profile();
    let locked = memo(move || {
        portal.badge().get() != Badge::Connected
            || portal
                .awaits(|body| matches!(body, CommandBody::SwitchProfile { .. }))
                .get()
    });
    let chips = move || {
        let locale = i18n.locale();
        let all = portal.profiles().get().into_iter();
        all.map(|profile| chip(portal, locale, profile, locked))
            .collect_view()
    };
    let detected = move || {
        let locale = i18n.locale();
        match live_name.get() {
            Some(name) => text::profile::on(locale, shown_name(locale, &name)),
            None => text::profile::detected(locale).to_owned(),
        }
    };
    view! {
        <Shown when=derived(move || known.get())>
            <Card id="profiles" title=text::profile::title class="card profiles">
                <div class="chips" role="group" aria-labelledby="profiles-title">{live(chips)}</div>
                <p class="hint" data-testid="profile-live" aria-live="polite">{live(detected)}</p>
                <details class="profile-keep">
                    <summary>{i18n.t(text::profile::change)}</summary>
                    <KeepForm />
                </details>
            </Card>
        </Shown>
    }
}

fn chip(portal: Portal, locale: Locale, profile: CallProfile, locked: Memo<bool>) -> AnyView {
    let complete = profiles::is_complete(&profile);
    let name = StoredValue::new(profile.name);
    let shown = shown_name(locale, &name.get_value());
    let live_name = portal.live_profile();
    let on = move || name.with_value(|name| live_name.with(|live| live.as_ref() == Some(name)));
    view! {
        <button type="button" class="button small chip" data-testid="profile" aria-pressed=live(move || on().to_string())
            aria-disabled=barred(move || !complete || locked.get())
            title=(!complete).then(|| text::profile::incomplete(locale))
            on:click=move |_| { portal.ask(CommandBody::SwitchProfile { name: name.get_value() }); }>
            {shown}
        </button>
    }
    .into_any()
}

/// Keeps the present settings under a name, and deletes what the user made.
#[component]
fn KeepForm() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let name = RwSignal::new(String::new());
    // A name that stands for a built-in profile in the reader's language is that profile.
    let wire_name = move || {
        let locale = i18n.locale_now();
        let typed = name.get_untracked().trim().to_owned();
        let known = portal.profiles().get_untracked();
        let same = known
            .iter()
            .find(|profile| shown_name(locale, &profile.name).eq_ignore_ascii_case(&typed));
        same.map_or(typed, |profile| profile.name.clone())
    };
    let valid = move || {
        let length = name.with(|name| name.trim().chars().count());
        (1..=PROFILE_NAME_MAX).contains(&length)
    };
    let keep = move || {
        if let Some(profile) = portal
            .present_profile(&wire_name())
            .map(Box::new)
            .filter(|_| valid())
        {
            portal.ask(CommandBody::SaveProfile { profile });
            name.set(String::new());
        }
    };
    let names = move || {
        let locale = i18n.locale();
        let all = portal.profiles().get().into_iter();
        all.map(|profile| view! { <option value=shown_name(locale, &profile.name) /> })
            .collect_view()
    };
    let own = move || {
        let locale = i18n.locale();
        let all = portal.profiles().get().into_iter();
        all.filter(|profile| !profile.is_built_in())
            .map(|profile| {
                let label = text::profile::delete(locale, &profile.name);
                view! {
                    <button type="button" class="button small quiet" data-testid="profile-delete"
                        on:click=move |_| portal.delete_profile(&profile)>
                        {label}
                    </button>
                }
            })
            .collect_view()
    };
    view! {
        <form class="profile-form" on:submit=move |event| { event.prevent_default(); keep(); }>
            <label class="field">
                <span>{i18n.t(text::profile::name)}</span>
                <input class="input" data-testid="profile-name" list="profile-names" autocomplete="off" maxlength="40"
                    prop:value=live(move || name.get()) on:input:target=move |event| name.set(event.target().value()) />
            </label>
            <datalist id="profile-names">{live(names)}</datalist>
            <button type="submit" class="button" data-testid="profile-save" aria-disabled=barred(move || !valid())>
                {i18n.t(text::profile::keep)}
            </button>
        </form>
        <p class="hint">{i18n.t(text::profile::keep_hint)}</p>
        <div class="button-row">{live(own)}</div>
    }
}

/// Built-in profiles are called in the reader's language, the user's own as the user called them.
pub fn shown_name(locale: Locale, name: &str) -> String {
    match name {
        "office" => text::profile::office(locale).to_owned(),
        "home" => text::profile::home(locale).to_owned(),
        "mobile" => text::profile::mobile(locale).to_owned(),
        own => own.to_owned(),
    }
}
