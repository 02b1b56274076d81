//! Starts the portal in the page.

use leptos::prelude::*;
use ponte_app::app::App;
use ponte_app::i18n::{Catalogue, text};
use ponte_app::start;

static SPOKEN: [&Catalogue; 1] = [&text::TEXTS];

fn main() {
    start::start(&SPOKEN, |language| {
        mount_to_body(move || view! { <App language /> });
    });
}
