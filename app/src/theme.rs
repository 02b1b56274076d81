//! Light, dark, or as the system says.

use crate::browser;
use leptos::prelude::*;

/// The key that `early.js` reads too, before the first paint.
const STORAGE_KEY: &str = "ponte.theme";

/// A colour scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Auto,
    Light,
    Dark,
}

impl Theme {
    /// For attributes and storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads what [`Theme::name`] wrote.
    pub fn from_name(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// The scheme that the switch goes to next.
    pub const fn next(self) -> Self {
        match self {
            Self::Auto => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::Auto,
        }
    }
}

/// The theme, for every component.
#[derive(Clone, Copy)]
pub struct ThemeContext(RwSignal<Theme>);

impl ThemeContext {
    /// The theme chosen before in this browser, as the context's.
    pub fn provide() -> Self {
        let kept = browser::storage_get(STORAGE_KEY).unwrap_or_default();
        let context = Self(RwSignal::new(Theme::from_name(&kept)));
        Effect::new(move || browser::set_root_attribute("data-theme", context.get().name()));
        provide_context(context);
        context
    }

    /// The context's theme.
    pub fn expect() -> Self {
        expect_context()
    }

    /// The theme, tracked.
    pub fn get(self) -> Theme {
        self.0.get()
    }

    /// Goes to the next theme, here and for the next visit.
    pub fn advance(self) {
        let next = self.0.get_untracked().next();
        browser::storage_set(STORAGE_KEY, next.name());
        self.0.set(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_goes_round_and_names_are_read_back() {
        let mut theme = Theme::Auto;
        for _ in 0..3 {
            assert_eq!(Theme::from_name(theme.name()), theme);
            theme = theme.next();
        }
        assert_eq!(theme, Theme::Auto);
        assert_eq!(Theme::from_name("nonsense"), Theme::Auto);
    }
}
