//! The calls that wait for anybody of the site.

use crate::components::icon::Icon;
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{barred, live};
use crate::socket::Badge;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, ParkedCall};

/// The card; nothing while no call is parked.
#[component]
pub fn ParkedCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    live(move || {
        let parked = portal.parked().get();
        (!parked.is_empty()).then(|| {
            let rows = parked
                .into_iter()
                .map(|call| view! { <Parked call /> })
                .collect_view();
            view! {
                <section class="card parked" aria-labelledby="parked-title" data-testid="parked">
                    <h2 id="parked-title">{i18n.t(text::control::parked)}</h2>
                    <ul class="members">{rows}</ul>
                </section>
            }
            .into_any()
        })
    })
}

#[component]
fn Parked(call: ParkedCall) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let fetching = portal.awaits(|body| matches!(body, CommandBody::Fetch { .. }));
    let ParkedCall {
        slot,
        number,
        name,
        by,
        since,
    } = call;
    let who = name.unwrap_or_else(|| words::caller(i18n.locale_now(), &number));
    let waits = move || {
        let waited = format::duration(portal.server_now().since(since));
        text::control::parked_by(i18n.locale(), &by, waited)
    };
    view! {
        <li class="member" data-testid="parked-call">
            <span class="member-name">
                {who}
                <span class="hint">{live(waits)}</span>
            </span>
            <button type="button" class="button call small" data-testid="parked-fetch"
                aria-disabled=barred(move || fetching.get() || portal.badge().get() != Badge::Connected)
                on:click=move |_| { portal.ask(CommandBody::Fetch { slot }); }>
                <Icon name="phone" />
                {i18n.t(text::control::fetch)}
            </button>
        </li>
    }
}
