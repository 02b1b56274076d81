//! What happens before the first component.

use crate::browser;
use crate::i18n::{self, Catalogue, Locale};
use wasm_bindgen_futures::spawn_local;

/// Loads the texts, then lets `mount` put the page in its place. A panic, or texts that cannot be had, show what the page
/// holds ready for that.
pub fn start(catalogues: &'static [&'static Catalogue], mount: fn(Locale)) {
    std::panic::set_hook(Box::new(|_| {
        // The message may quote user input, so it is not logged; the page says that it has stopped.
        browser::set_root_attribute("data-crashed", "");
    }));
    // Leptos' own has no executor before the first component is mounted.
    spawn_local(async move {
        let Ok(language) = i18n::start(catalogues).await else {
            browser::set_root_attribute("data-crashed", "");
            return;
        };
        if let Some(splash) = browser::document().and_then(|document| document.get_element_by_id("splash")) {
            splash.remove();
        }
        mount(language);
    });
}
