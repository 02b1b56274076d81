//! Offers notifications of incoming calls, once there are calls to come.

use crate::components::icon::Icon;
use crate::components::shown::Shown;
use crate::i18n::{I18n, text};
use crate::live::{derived, memo};
use crate::state::{Portal, Preferences};
use leptos::prelude::*;
use ponte_protocol::Mode;

/// The offer: shown while the user telecommutes and has not answered it in this browser.
#[component]
pub fn AlertsOffer() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let preferences = Preferences::expect();
    let offered = memo(move || {
        preferences.may_offer()
            && portal
                .mode()
                .with(|mode| matches!(mode, Some(Mode::Telecommuting { .. })))
    });
    let answer = move |on: bool, class: &'static str, testid: &'static str, words: fn(_) -> &'static str| {
        view! {
            <button type="button" class=class data-testid=testid on:click=move |_| preferences.set_notify(on)>
                {i18n.t(words)}
            </button>
        }
    };
    view! {
        <Shown when=derived(move || offered.get())>
            <section class="card offer" data-testid="alerts-offer" aria-labelledby="offer-title">
                <h2 id="offer-title"><Icon name="bell" />{i18n.t(text::alerts::offer)}</h2>
                <p>{i18n.t(text::alerts::offer_hint)}</p>
                <div class="button-row">
                    {answer(true, "button", "alerts-allow", text::alerts::allow)}
                    {answer(false, "button quiet", "alerts-refuse", text::alerts::not_now)}
                </div>
            </section>
        </Shown>
    }
}
