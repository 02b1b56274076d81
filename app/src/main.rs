//! Starts the portal in the page.

use leptos::prelude::*;
use ponte_app::app::App;
use ponte_app::browser;

fn main() {
    std::panic::set_hook(Box::new(|_| {
        // The message may quote user input, so it is not logged; the page says that it has stopped.
        browser::set_root_attribute("data-crashed", "");
    }));
    if let Some(splash) = browser::document().and_then(|document| document.get_element_by_id("splash")) {
        splash.remove();
    }
    mount_to_body(App);
}
