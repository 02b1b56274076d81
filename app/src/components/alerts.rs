//! An incoming call makes itself known beyond the page: by a sound, and by the system where the page is hidden.

use crate::browser;
use crate::browser::listen::on_window;
use crate::browser::notify::Shown;
use crate::browser::sound::Looped;
use crate::components::push_switch;
use crate::i18n::I18n;
use crate::live::memo;
use crate::logic::call;
use crate::state::{Portal, Preferences};
use crate::words;
use leptos::ev;
use leptos::prelude::*;
use ponte_protocol::LegRole;

const RING: &str = "/sounds/ring.wav";

/// Shows nothing by itself.
#[component]
pub fn Alerts() -> impl IntoView {
    push_switch::keep();
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let preferences = Preferences::expect();
    let hidden = RwSignal::new(!browser::is_visible());
    on_window(ev::visibilitychange, move |_| {
        hidden.set(!browser::is_visible());
    });

    let foremost = portal.foremost();
    let rings =
        memo(move || preferences.ring() && foremost.get().is_some_and(|call| call::is_ringing_in(&call)));
    let sound = StoredValue::new_local(None::<Looped>);
    Effect::new(move || sound.set_value(rings.get().then(|| Looped::play(RING)).flatten()));

    let told = memo(move || {
        let locale = i18n.locale();
        let call = foremost.get().filter(call::is_urgent)?;
        let number = call
            .leg(LegRole::Far)
            .map(|leg| words::caller(locale, &leg.number));
        (hidden.get() && preferences.notify()).then(|| {
            let title = words::title(locale, &call);
            (title, number.unwrap_or_default(), call.id.to_string())
        })
    });
    let notification = StoredValue::new_local(None::<Shown>);
    Effect::new(move || {
        // The one before goes first: the new one may have its tag.
        notification.set_value(None);
        notification.set_value(
            told.get()
                .and_then(|(title, body, tag)| Shown::new(&title, &body, &tag)),
        );
    });
    on_cleanup(move || {
        sound.set_value(None);
        notification.set_value(None);
    });
}
