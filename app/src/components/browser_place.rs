//! Where calls ring while "this browser" is the destination.

use crate::components::shown::Shown;
use crate::design::{Button, Look};
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
use crate::rtc::{Place, Problem};
use crate::state::Portal;
use leptos::prelude::*;

/// One line, and the way to have calls ring in this tab.
#[component]
pub fn BrowserPlace() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let telephone = portal.telephone();
    view! {
        <p class="hint" data-testid="browser-place"
            data-place=live(move || match telephone.place() {
                Place::Here => "here",
                Place::Elsewhere => "elsewhere",
                Place::Unknown => "nowhere",
            })>
            {live(move || {
                let locale = i18n.locale();
                match telephone.place() {
                    Place::Here => text::here::here(locale),
                    Place::Elsewhere => text::here::elsewhere(locale),
                    Place::Unknown => text::here::nowhere(locale),
                }
            })}
        </p>
        <Shown when=derived(move || telephone.place() != Place::Here)>
            <Button label=text::here::take look=Look::Small icon="phone" testid="browser-take" disabled=derived(move || telephone.is_busy())
                press=Callback::new(move |()| telephone.take_calls(portal, false)) />
        </Shown>
        <BrowserProblem />
    }
}

/// What keeps this browser from being a telephone; nothing while all is well.
#[component]
pub fn BrowserProblem() -> impl IntoView {
    let i18n = I18n::expect();
    let telephone = Portal::expect().telephone();
    let words = move || {
        let locale = i18n.locale();
        telephone.problem().map(|problem| match problem {
            Problem::NotAllowed => text::here::not_allowed(locale),
            Problem::NoMicrophone => text::here::no_microphone(locale),
            Problem::Connection => text::here::no_connection(locale),
        })
    };
    view! { <p class="field-error" role="alert" data-testid="browser-problem">{live(words)}</p> }
}
