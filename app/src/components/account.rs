//! What a call is booked to, where the site has account codes.

use crate::components::later::{Later, Part};
use crate::components::shown::Shown;
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
use crate::logic::account;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{BookedCode, CallId};

/// What the chooser is for.
#[derive(Clone, Copy)]
pub struct Booking {
    /// A call that is up, or over; `None` for the one that is dialled next.
    pub call: Option<CallId>,
    /// Whether the chooser is there.
    pub open: RwSignal<bool>,
}

/// The chooser, which is loaded later.
#[component]
pub fn AccountPlace(booking: Booking) -> impl IntoView {
    provide_context(booking);
    view! { <Later part=Part::Account /> }
}

/// The chooser at the dial pad.
#[component]
pub fn AccountAtPad() -> impl IntoView {
    let portal = Portal::expect();
    let booking = Booking {
        call: None,
        open: RwSignal::new(true),
    };
    view! {
        <Shown when=derived(move || portal.books())>
            <AccountPlace booking />
        </Shown>
    }
    .into_any()
}

/// The code of a call of the user's own, and the way to set it.
#[component]
pub fn AccountLine(call: CallId, booked: Signal<Option<BookedCode>>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let open = RwSignal::new(false);
    let booking = Booking {
        call: Some(call),
        open,
    };
    let code = move || booked.with(|booked| booked.as_ref().map(account::shown));
    view! {
        <Shown when=derived(move || portal.books() || booked.with(Option::is_some))>
            <div class="account-line">
                <span class="account-booked" data-testid="account-booked">{live(code)}</span>
                <Shown when=derived(move || portal.books())>
                    <button type="button" class="button small quiet" data-testid="account-set"
                        aria-expanded=live(move || open.get().to_string())
                        on:click=move |_| open.update(|open| *open = !*open)>
                        {live(move || {
                            let locale = i18n.locale();
                            if booked.with(Option::is_some) { text::account::change(locale) } else { text::account::label(locale) }
                        })}
                    </button>
                </Shown>
            </div>
            <Shown when=derived(move || open.get())>
                <AccountPlace booking />
            </Shown>
        </Shown>
    }
    .into_any()
}
