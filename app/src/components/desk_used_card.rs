//! "Are you back at your desk?": a telephone of the user's was tried while the user telecommutes (rule T3).

use crate::browser;
use crate::design::{Button, Look};
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::CommandBody;

/// The card; nothing while there is no such question.
#[component]
pub fn DeskUsedCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let busy = portal.awaits(|body| matches!(body, CommandBody::LeaveTelecommuter | CommandBody::Stay));
    let locked = move || busy.get() || portal.badge().get() != Badge::Connected;
    live(move || {
        portal.desk_used().get().map(|used| {
            let words = move || {
                let at = browser::clock_time(&i18n.region(), used.at);
                text::desk_used::tried(i18n.locale(), &used.name, at)
            };
            view! {
                <section class="card notice stack" role="alert" aria-labelledby="desk-used-title" data-testid="desk-used">
                    <h2 id="desk-used-title">{i18n.t(text::desk_used::title)}</h2>
                    <p>{live(words)}</p>
                    <div class="button-row">
                        <Button label=text::desk_used::leave look=Look::Primary testid="desk-used-leave" disabled=derived(locked)
                            press=Callback::new(move |()| { portal.ask(CommandBody::LeaveTelecommuter); }) />
                        <Button label=text::desk_used::stay testid="desk-used-stay" disabled=derived(locked)
                            press=Callback::new(move |()| { portal.ask(CommandBody::Stay); }) />
                    </div>
                </section>
            }
            .into_any()
        })
    })
}
