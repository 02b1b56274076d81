//! The texts of these pages; the portal's own are in `ponte_app`.

pub use ponte_app::i18n::{Catalogue, I18n, Locale};

/// The texts: one function each, made from `locales/*.json` by the build script.
#[allow(clippy::all, clippy::pedantic, unreachable_pub)]
pub mod text {
    include!(concat!(env!("OUT_DIR"), "/text.rs"));
}
