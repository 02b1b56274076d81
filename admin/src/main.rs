//! Starts the administrator's pages.

use leptos::prelude::*;
use ponte_admin::app::App;
use ponte_admin::i18n::{Catalogue, text};
use ponte_app::start;

static SPOKEN: [&Catalogue; 2] = [&ponte_app::i18n::text::TEXTS, &text::TEXTS];

fn main() {
    start::start(&SPOKEN, |language| {
        mount_to_body(move || view! { <App language /> });
    });
}
