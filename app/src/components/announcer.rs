//! What changes in a call is said aloud, and stands in the title of the window.

use crate::browser;
use crate::i18n::{I18n, text};
use crate::live::{live, memo};
use crate::logic::call;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;

/// The live regions, and the window's title; `page` is the name of the page for when no call is up.
#[component]
pub fn Announcer(page: Signal<&'static str>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let foremost = portal.foremost();
    let title = memo(move || {
        let locale = i18n.locale();
        let unheard = match portal.unheard().get() {
            0 => String::new(),
            unheard => format!("({unheard}) "),
        };
        match foremost.get() {
            Some(call) => format!("{} · Ponte", words::title(locale, &call)),
            None => format!("{unheard}{} · Ponte", page.get()),
        }
    });
    Effect::new(move || browser::set_title(&title.get()));
    on_cleanup(|| browser::set_title("Ponte"));
    // A second call is said at once, also while something else is being read.
    let at_once = memo(move || {
        let locale = i18n.locale();
        foremost
            .get()
            .filter(call::is_urgent)
            .map(|call| words::spoken(locale, &call))
    });
    let said = memo(move || {
        let locale = i18n.locale();
        match foremost.get() {
            Some(call) if call::is_urgent(&call) => String::new(),
            Some(call) => words::spoken(locale, &call),
            None => portal.ended().get().map_or_else(String::new, |record| {
                format!(
                    "{}. {}",
                    text::call::ended(locale),
                    words::record_cause(locale, &record)
                )
            }),
        }
    });
    view! {
        <div class="visually-hidden" aria-live="assertive" data-testid="announcer-urgent">{live(move || at_once.get())}</div>
        <div class="visually-hidden" aria-live="polite" data-testid="announcer">{live(move || said.get())}</div>
    }
}
