//! "Someone answered your telephone. Is it you?" (rule T14).

use crate::components::countdown::CountdownBar;
use crate::components::icon::Icon;
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{barred, live};
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{CallId, CommandBody, UnixMillis};

/// The question, with the time left to answer it.
#[component]
pub fn AcceptBanner(call: CallId, until: UnixMillis) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let accepting = portal.awaits(|body| matches!(body, CommandBody::Accept { .. }));
    let left = move || format::seconds_left(until.since(portal.server_now()));
    view! {
        <div class="accept">
            <div class="accept-words" role="alert">
                <p class="accept-question">{i18n.t(text::accept::question)}</p>
                <p>{i18n.t(text::accept::hint)}</p>
            </div>
            <button
                type="button" class="button call large" data-testid="call-accept" aria-disabled=barred(move || accepting.get())
                on:click=move |_| { portal.ask(CommandBody::Accept { call }); }
            >
                <Icon name="check" />
                {i18n.t(text::accept::accept)}
            </button>
            <p class="accept-left">{live(move || text::accept::left(i18n.locale(), left()))}</p>
            <CountdownBar until />
        </div>
    }
}
