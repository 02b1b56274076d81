//! The languages of the pages and the texts in them.

mod catalogue;

pub use catalogue::{Catalogue, CatalogueError};

use crate::api::{self, ApiError};
use crate::browser;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::sync::OnceLock;

/// The portal's texts: one function each, made from `locales/*.json` by the build script.
#[allow(clippy::all, clippy::pedantic, unreachable_pub)]
pub mod text {
    include!(concat!(env!("OUT_DIR"), "/text.rs"));
}

/// The key that `early.js` reads too.
const STORAGE_KEY: &str = "ponte.language";

/// A language the portal speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    En,
    It,
    De,
    Fr,
    Es,
}

impl Locale {
    /// All languages, in the order the switch goes through them.
    pub const ALL: [Self; 5] = [Self::En, Self::It, Self::De, Self::Fr, Self::Es];

    /// BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::It => "it",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
        }
    }

    /// The language's own name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::It => "Italiano",
            Self::De => "Deutsch",
            Self::Fr => "Français",
            Self::Es => "Español",
        }
    }

    /// The language of a BCP 47 tag such as `it-CH`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        Self::ALL
            .into_iter()
            .find(|locale| locale.tag().eq_ignore_ascii_case(primary))
    }

    /// The first of the reader's preferred languages that the portal speaks; English where it speaks none.
    pub fn preferred<'a>(tags: impl IntoIterator<Item = &'a str>) -> Self {
        tags.into_iter().find_map(Self::from_tag).unwrap_or(Self::En)
    }

    /// Whether a number of things takes the singular. French would take it for none as well; the texts of the singular
    /// name no number, so that it does not here.
    pub const fn is_singular(self, count: u64) -> bool {
        count == 1
    }
}

/// Everything that the program of this page says.
static SPOKEN: OnceLock<&'static [&'static Catalogue]> = OnceLock::new();

/// Loads the texts for this visit and returns their language: the one chosen before in this browser, else the browser's,
/// else English. `catalogues` are all that the page will speak from.
///
/// # Errors
/// [`ApiError`] where not even English could be had.
pub async fn start(catalogues: &'static [&'static Catalogue]) -> Result<Locale, ApiError> {
    let _ = SPOKEN.set(catalogues);
    let kept = browser::storage_get(STORAGE_KEY);
    let languages = browser::languages();
    let wanted = Locale::preferred(kept.iter().chain(&languages).map(String::as_str));
    match load(wanted).await {
        Ok(()) => Ok(wanted),
        Err(_) => load(Locale::En).await.map(|()| Locale::En),
    }
}

async fn load(locale: Locale) -> Result<(), ApiError> {
    for catalogue in SPOKEN.get().copied().unwrap_or_default() {
        if let Some(path) = catalogue.wanted(locale) {
            let json = api::text(&path).await?;
            catalogue
                .take(locale, &json)
                .map_err(|_| ApiError::Unexpected { status: 200 })?;
        }
    }
    Ok(())
}

/// The language in use, for every component.
#[derive(Clone, Copy)]
pub struct I18n(RwSignal<Locale>);

impl I18n {
    /// Makes a language that is loaded the context's.
    pub fn provide(locale: Locale) -> Self {
        let i18n = Self(RwSignal::new(locale));
        Effect::new(move || browser::set_document_language(i18n.locale().tag()));
        provide_context(i18n);
        i18n
    }

    /// The context's language.
    pub fn expect() -> Self {
        expect_context()
    }

    /// The language, tracked.
    pub fn locale(self) -> Locale {
        self.0.get()
    }

    /// The language as it is now, for messages.
    pub fn locale_now(self) -> Locale {
        self.0.get_untracked()
    }

    /// The tag to write times by: the reader's own region where it speaks the language in use, e.g. `en-GB`; tracked.
    pub fn region(self) -> String {
        let locale = self.0.get();
        region_of(locale, &browser::languages())
    }

    /// A text that follows the language.
    pub fn t(
        self,
        text: fn(Locale) -> &'static str,
    ) -> impl Fn() -> &'static str + Copy + Send + Sync + 'static {
        move || text(self.0.get())
    }

    /// Changes the language, here and for the next visit, as soon as its texts are here. Where they cannot be had, the
    /// language stays.
    pub fn choose(self, locale: Locale) {
        spawn_local(async move {
            if load(locale).await.is_ok() {
                browser::storage_set(STORAGE_KEY, locale.tag());
                self.0.set(locale);
            } else {
                self.0.notify();
            }
        });
    }
}

fn region_of(locale: Locale, languages: &[String]) -> String {
    languages
        .iter()
        .find(|tag| Locale::from_tag(tag) == Some(locale))
        .map_or_else(|| locale.tag().to_owned(), Clone::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_the_portal_speaks_wins() {
        assert_eq!(Locale::preferred(["nl-BE", "it-CH", "en"]), Locale::It);
        assert_eq!(Locale::preferred(["fr-CA", "en"]), Locale::Fr);
        assert_eq!(Locale::preferred(["nl", "pt"]), Locale::En);
        assert_eq!(Locale::preferred(["EN-gb"]), Locale::En);
        assert_eq!(Locale::preferred([]), Locale::En);
    }

    #[test]
    fn times_are_written_as_in_the_readers_own_region() {
        let languages = ["de-AT".to_owned(), "en-GB".to_owned(), "en-US".to_owned()];
        assert_eq!(region_of(Locale::En, &languages), "en-GB");
        assert_eq!(region_of(Locale::It, &languages), "it");
    }

    #[test]
    fn texts_take_their_arguments() {
        assert_eq!(text::badge::retry_in(Locale::En, 3), "Reconnecting in 3 s");
        assert_eq!(text::badge::retry_in(Locale::It, 3), "Nuovo tentativo fra 3 s");
    }
}
