//! What happens before the first component.

use crate::browser;
use crate::i18n::{self, Catalogue, Locale};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

/// How long what stood before takes to fade, in milliseconds. A browser has told of its first paint by then: of what is gone
/// before, it would not, and count the paint of the portal as the first.
const LEAVING_MS: u32 = 300;

/// Loads the texts, then lets `mount` put the page in its place. A panic, or texts that cannot be had, show what the page
/// holds ready for that.
pub fn start(catalogues: &'static [&'static Catalogue], mount: fn(Locale)) {
    std::panic::set_hook(Box::new(|_| {
        // The message may quote user input, so it is not logged; the page says that it has stopped.
        browser::set_root_attribute("data-crashed", "");
    }));
    if let Some(document) = browser::document() {
        browser::focus::keep(&document);
    }
    // Leptos' own has no executor before the first component is mounted.
    spawn_local(async move {
        let Ok(language) = i18n::start(catalogues).await else {
            browser::set_root_attribute("data-crashed", "");
            return;
        };
        // The texts were read in this task; the page is compiled in the next.
        TimeoutFuture::new(0).await;
        mount(language);
        if let Some(splash) = browser::document().and_then(|document| document.get_element_by_id("splash")) {
            let _ = splash.set_attribute("data-leaving", "");
            let _ = splash.set_attribute("aria-hidden", "true");
            TimeoutFuture::new(LEAVING_MS).await;
            splash.remove();
        }
    });
}
