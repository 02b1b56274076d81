//! The pages.

pub mod audit;
pub mod codes;
pub mod explain;
pub mod external_directory;
pub mod gallery;
pub mod groups;
pub mod import;
pub mod now;
pub mod numbers;
pub mod site_rules;
pub mod site_settings;
pub mod telephones;
pub mod user_editor;
pub mod user_reach;
pub mod users;

use crate::i18n::{Locale, text};
use crate::site::List;

/// Entries of the audit log that a page of it holds.
pub const AUDIT_PAGE: u16 = 50;

/// A page; its address is what stands behind `#`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Now,
    Users,
    Numbers,
    Telephones,
    Groups,
    Codes,
    Site,
    Audit,
    Import,
}

impl Page {
    /// All of them, in the order of the bar.
    pub const ALL: [Self; 9] = [
        Self::Users,
        Self::Numbers,
        Self::Telephones,
        Self::Groups,
        Self::Codes,
        Self::Site,
        Self::Now,
        Self::Audit,
        Self::Import,
    ];

    /// Its address.
    pub const fn fragment(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Users => "users",
            Self::Numbers => "numbers",
            Self::Telephones => "telephones",
            Self::Groups => "restrictions",
            Self::Codes => "codes",
            Self::Site => "site",
            Self::Audit => "audit",
            Self::Import => "import",
        }
    }

    /// The page at an address; the users where there is none.
    pub fn at(fragment: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|page| page.fragment() == fragment)
            .unwrap_or(Self::Users)
    }

    /// What people call it.
    pub fn name(self, locale: Locale) -> &'static str {
        match self {
            Self::Now => text::page::now(locale),
            Self::Users => text::page::users(locale),
            Self::Numbers => text::page::numbers(locale),
            Self::Telephones => text::page::telephones(locale),
            Self::Groups => text::page::groups(locale),
            Self::Codes => text::page::codes(locale),
            Self::Site => text::page::site(locale),
            Self::Audit => text::page::audit(locale),
            Self::Import => text::page::import(locale),
        }
    }

    /// What it shows.
    pub const fn lists(self) -> &'static [List] {
        match self {
            Self::Now => &[List::Users, List::Trunks],
            Self::Users | Self::Groups | Self::Import => &[List::Users, List::Groups],
            Self::Codes => &[List::Codes],
            Self::Site => &[List::Settings, List::Directory],
            Self::Numbers => &[List::Users, List::Dids, List::Trunks],
            Self::Telephones => &[List::Users, List::Devices],
            Self::Audit => &[List::Users, List::Audit],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_pages() {
        for page in Page::ALL {
            assert_eq!(Page::at(page.fragment()), page);
        }
        assert_eq!(Page::at(""), Page::Users);
    }
}
