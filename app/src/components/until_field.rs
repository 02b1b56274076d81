//! When telecommuter mode ends by itself.

use crate::browser;
use crate::i18n::{I18n, text};
use crate::live::{live, memo};
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, Mode, UnixMillis};

/// The field, for a user who telecommutes; an empty one means that it does not end by itself.
#[component]
pub fn UntilField() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let until = memo(move || match portal.mode().get() {
        Some(Mode::Telecommuting { until, .. }) => until,
        _ => None,
    });
    let locked = memo(move || {
        portal.badge().get() != Badge::Connected
            || portal
                .awaits(|body| matches!(body, CommandBody::LeaveAt { .. }))
                .get()
    });
    let leave_at = move |at: Option<UnixMillis>| {
        portal.ask(CommandBody::LeaveAt { at });
    };
    let chosen = move |time: String| {
        if time.is_empty() {
            return leave_at(None);
        }
        if let Some(at) = browser::next_at(browser::now(), &time) {
            // The field speaks of the clock on the wall here, the command of the server's.
            let ahead = at.since(browser::now());
            leave_at(Some(portal.server_now_untracked().plus(ahead)));
        }
    };
    let shown = move || until.get().map(browser::field_time).unwrap_or_default();
    view! {
        <label class="until">
            <span>{i18n.t(text::reach::until)}</span>
            <input class="input" type="time" data-testid="leave-at" disabled=live(move || locked.get())
                prop:value=live(shown) on:change:target=move |event| chosen(event.target().value()) />
        </label>
    }
}
