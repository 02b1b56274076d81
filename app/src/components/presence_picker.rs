//! Whether the user wants to be reached, shown and changed (rule T12).

use crate::components::later::{Later, Part};
use crate::components::shown::Shown;
use crate::i18n::{I18n, Locale, text};
use crate::live::{derived, live};
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{Availability, Presence};

/// What can be chosen, in this order.
pub const CHOICES: [Availability; 4] = [
    Availability::Available,
    Availability::Busy,
    Availability::Away,
    Availability::DoNotDisturb,
];

/// For attributes.
pub const fn name(availability: Availability) -> &'static str {
    match availability {
        Availability::Available => "available",
        Availability::Busy => "busy",
        Availability::Away => "away",
        Availability::DoNotDisturb => "do_not_disturb",
        Availability::Unknown => "unknown",
    }
}

/// What it is called.
pub fn words(locale: Locale, availability: Availability) -> &'static str {
    match availability {
        Availability::Available => text::presence::available(locale),
        Availability::Busy => text::presence::busy(locale),
        Availability::Away => text::presence::away(locale),
        Availability::DoNotDisturb => text::presence::do_not_disturb(locale),
        Availability::Unknown => text::presence::unknown(locale),
    }
}

/// The button of the bar, and the panel that it opens.
#[component]
pub fn PresencePicker() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let presence = portal.presence();
    let opened = RwSignal::new(false);
    let shown = move || match presence.get() {
        Presence { on_call: true, .. } => "on_call",
        Presence { availability, .. } => name(availability),
    };
    let said = move || {
        let locale = i18n.locale();
        match presence.get() {
            Presence { on_call: true, .. } => text::presence::on_call(locale),
            Presence { availability, .. } => words(locale, availability),
        }
    };
    view! {
        <button type="button" class="button quiet presence-button" data-testid="presence" popovertarget="presence-panel"
            on:click=move |_| opened.set(true)
            data-presence=live(shown) title=live(move || presence.get().status)>
            <span class="presence-dot" aria-hidden="true"></span>
            <span class="visually-hidden">{i18n.t(text::presence::title)} ": "</span>
            <span class="presence-word">{live(said)}</span>
        </button>
        <div id="presence-panel" class="presence-panel" popover="auto" role="dialog" aria-label=i18n.t(text::presence::title)>
            <Shown when=derived(move || opened.get())><Later part=Part::Presence /></Shown>
        </div>
    }
}
