//! What the picker of the presence opens: the choices, and the status message.

use crate::browser;
use crate::components::icon::Icon;
use crate::components::presence_picker::{CHOICES, name, words};
use crate::components::shown::Shown;
use crate::design::{Button, Field, Look};
use crate::i18n::{I18n, Locale, text};
use crate::live::{derived, live, memo};
use crate::logic::presence::Expiry;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::presence::STATUS_MAX;
use ponte_protocol::{Availability, CommandBody, Presence};

fn expiry_words(locale: Locale, expiry: Expiry) -> &'static str {
    match expiry {
        Expiry::HalfHour => text::presence::half_hour(locale),
        Expiry::Hour => text::presence::hour(locale),
        Expiry::Today => text::presence::today(locale),
        Expiry::Never => text::presence::never(locale),
    }
}

/// Choices and status message.
#[component]
pub fn PresencePanel() -> impl IntoView {
    view! {
        <Choices />
        <Status />
    }
}

#[component]
fn Choices() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let presence = portal.presence();
    let choose = move |availability| {
        let Presence {
            status, status_until, ..
        } = presence.get_untracked();
        portal.ask(CommandBody::SetPresence {
            availability,
            status,
            status_until,
        });
    };
    let choice = move |availability: Availability| {
        let told = move || presence.get().availability == availability;
        view! {
            <label class="presence-choice" data-presence=name(availability)>
                <input
                    type="radio" name="presence" data-testid=format!("presence-{}", name(availability)) prop:checked=live(told)
                    on:change:target=move |event| {
                        // What is shown is what was told, not what was clicked.
                        event.target().set_checked(untrack(told));
                        choose(availability);
                    }
                />
                <span class="presence-dot" aria-hidden="true"></span>
                <span>
                    {live(move || words(i18n.locale(), availability))}
                    {(availability == Availability::DoNotDisturb).then(|| view! {
                        <span class="hint presence-hint">{i18n.t(text::presence::do_not_disturb_hint)}</span>
                    })}
                </span>
            </label>
        }
    };
    view! {
        <fieldset class="presence-choices">
            <legend class="visually-hidden">{i18n.t(text::presence::title)}</legend>
            {CHOICES.map(choice).collect_view()}
        </fieldset>
    }
}

#[component]
fn Status() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let presence = portal.presence();
    let typed = RwSignal::new(String::new());
    let expiry = RwSignal::new(Expiry::Never);
    // The field follows what is told, from whichever client.
    let told = memo(move || presence.get().status);
    Effect::new(move || typed.set(told.get()));
    let until = move || {
        let at = presence.get().status_until?;
        let time = browser::clock_time(&i18n.region(), at);
        Some(text::presence::until(i18n.locale(), time))
    };
    let set = move |status: String, expiry: Expiry| {
        let now = untrack(move || portal.server_now());
        let status_until = expiry
            .until(now, browser::next_midnight(now))
            .filter(|_| !status.is_empty());
        portal.ask(CommandBody::SetPresence {
            availability: presence.get_untracked().availability,
            status,
            status_until,
        });
    };
    view! {
        <form class="stack" on:submit=move |event| {
            event.prevent_default();
            set(typed.get_untracked().trim().to_owned(), expiry.get_untracked());
        }>
            <Field id="presence-status" label=text::presence::status>
                <input id="presence-status" class="input" data-testid="presence-status" type="text" autocomplete="off"
                    maxlength=STATUS_MAX placeholder=i18n.t(text::presence::example)
                    prop:value=live(move || typed.get())
                    on:input:target=move |event| typed.set(event.target().value()) />
                <p class="hint" data-testid="presence-until">{live(until)}</p>
            </Field>
            <Field id="presence-expiry" label=text::presence::clear>
                <select id="presence-expiry" class="input" data-testid="presence-expiry"
                    on:change:target=move |event| expiry.set(Expiry::from_name(&event.target().value()))>
                    {Expiry::ALL.map(|expiry| view! {
                        <option value=expiry.name()>{live(move || expiry_words(i18n.locale(), expiry))}</option>
                    }).collect_view()}
                </select>
            </Field>
            <div class="button-row">
                <button type="submit" class="button primary" data-testid="presence-save">
                    <Icon name="check" />{i18n.t(text::presence::save)}
                </button>
                <Shown when=derived(move || !told.with(String::is_empty))>
                    <Button label=text::presence::remove look=Look::Quiet testid="presence-clear"
                        press=Callback::new(move |()| set(String::new(), Expiry::Never)) />
                </Shown>
            </div>
        </form>
    }
}
