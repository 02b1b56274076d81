//! What changes in a call is said aloud, and stands in the title of the window.

use crate::browser;
use crate::i18n::{I18n, Locale, text};
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CallId, CallPhase, CallView};

/// The live region, and the window's title.
#[component]
pub fn Announcer() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let newest = Memo::new(move |_| {
        let id: CallId = portal.calls().with(|calls| calls.last().copied())?;
        portal.call_now(id)
    });
    let title = Memo::new(move |_| {
        let locale = i18n.locale();
        match newest.get() {
            Some(call) => format!("{} · Ponte", title(locale, &call)),
            None => "Ponte".to_owned(),
        }
    });
    Effect::new(move || browser::set_title(&title.get()));
    on_cleanup(|| browser::set_title("Ponte"));
    let said = Memo::new(move |_| {
        let locale = i18n.locale();
        match newest.get() {
            Some(call) => format!(
                "{}. {}",
                words::phase(locale, &call.phase),
                words::far_party(&call)
            ),
            None => portal.ended().get().map_or_else(String::new, |record| {
                format!(
                    "{}. {}",
                    text::call::ended(locale),
                    words::record_cause(locale, &record)
                )
            }),
        }
    });
    view! { <div class="visually-hidden" aria-live="polite" data-testid="announcer">{said}</div> }
}

/// The call in few words, the most urgent first.
fn title(locale: Locale, call: &CallView) -> String {
    let party = words::far_party(call);
    match call.phase {
        CallPhase::Confirming { .. } => text::title::confirming(locale).to_owned(),
        CallPhase::CallingUser => text::title::calling_user(locale).to_owned(),
        CallPhase::CallingFar => text::title::calling_far(locale, party),
        CallPhase::Connected { .. } => text::title::connected(locale, party),
        CallPhase::FarFailed { .. } => text::title::far_failed(locale, party),
        CallPhase::Ringing
        | CallPhase::Waiting { .. }
        | CallPhase::Held { .. }
        | CallPhase::Voicemail { .. }
        | CallPhase::Ending
        | CallPhase::Unknown => words::phase(locale, &call.phase).to_owned(),
    }
}
