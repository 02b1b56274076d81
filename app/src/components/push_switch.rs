//! Whether this browser is told of calls while no page of the portal is open.

use crate::browser::push::{self, Push};
use crate::components::switch::Switch;
use crate::i18n::{I18n, Locale, text};
use crate::live::derived;
use crate::state::{Session, SessionContext};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Asks for something in the name of whoever is signed in; `then` is told what holds after that.
fn ask(session: SessionContext, wish: &'static str, language: Locale, then: impl FnOnce(Push) + 'static) {
    let Session::SignedIn(api) = session.0.get_untracked() else {
        return;
    };
    spawn_local(async move { then(push::ask(wish, api.user(), language.tag()).await) });
}

/// What was switched on here before goes on, for the session of today and in the language of the page.
pub fn keep() {
    let (i18n, session) = (I18n::expect(), SessionContext::expect());
    Effect::new(move || {
        let language = i18n.locale();
        if push::was_wanted() {
            ask(session, "keep", language, |_| ());
        }
    });
}

/// The switch.
#[component]
pub fn PushSwitch() -> impl IntoView {
    let (i18n, session) = (I18n::expect(), SessionContext::expect());
    let held = RwSignal::new(Push::Off);
    let hint = move || {
        let locale = i18n.locale();
        match held.get() {
            Push::On | Push::Off => text::settings::push_hint(locale),
            Push::Denied => text::settings::notify_denied(locale),
            Push::Missing => text::settings::push_missing(locale),
            Push::Failed => text::settings::push_failed(locale),
        }
    };
    let wish = move |wish| ask(session, wish, i18n.locale_now(), move |now| held.set(now));
    wish("keep");
    view! {
        <Switch
            testid="setting-push" label=text::settings::push hint=Signal::derive(hint)
            on=derived(move || held.get() == Push::On)
            disabled=Signal::derive(move || matches!(held.get(), Push::Denied | Push::Missing))
            ask=Callback::new(move |on| wish(if on { "on" } else { "off" }))
        />
    }
}
