//! The ways between the pages.

use crate::components::icon::Icon;
use crate::i18n::{I18n, Locale, text};
use crate::live::live;
use crate::state::Portal;
use leptos::prelude::*;

/// A page of a signed-in user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Calls,
    Log,
    Directory,
    Messages,
    Settings,
}

impl Page {
    /// All of them, in the order of the bars.
    pub const ALL: [Self; 5] = [
        Self::Calls,
        Self::Log,
        Self::Directory,
        Self::Messages,
        Self::Settings,
    ];

    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Calls => "/",
            Self::Log => "/log",
            Self::Directory => "/directory",
            Self::Messages => "/messages",
            Self::Settings => "/settings",
        }
    }

    /// The page at an address; `None` where there is none.
    pub fn at(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        Self::ALL
            .into_iter()
            .find(|page| page.path().trim_end_matches('/') == path)
    }

    /// What people call it.
    pub fn name(self, locale: Locale) -> &'static str {
        match self {
            Self::Calls => text::page::calls(locale),
            Self::Log => text::page::log(locale),
            Self::Directory => text::page::directory(locale),
            Self::Messages => text::page::messages(locale),
            Self::Settings => text::page::settings(locale),
        }
    }

    /// Its pictogram.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Calls => "phone",
            Self::Log => "log",
            Self::Directory => "directory",
            Self::Messages => "voicemail",
            Self::Settings => "settings",
        }
    }
}

/// The links, with the number of messages not listened to.
#[component]
pub fn Links(page: Memo<Option<Page>>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let unheard = portal.unheard();
    let link = move |to: Page| {
        let counted = move || {
            (to == Page::Messages)
                .then(|| unheard.get())
                .filter(|count| *count > 0)
        };
        view! {
            <a
                class="nav-link" href=to.path() data-testid=format!("nav-{}", to.icon())
                aria-current=live(move || (page.get() == Some(to)).then_some("page"))
            >
                <Icon name=to.icon() />
                <span class="nav-name">{live(move || to.name(i18n.locale()))}</span>
                {live(move || counted().map(|count| view! {
                    <span class="count" data-testid="unheard">
                        {count}
                        <span class="visually-hidden">" " {live(move || text::message::unheard(i18n.locale()))}</span>
                    </span>
                }))}
            </a>
        }
    };
    Page::ALL.map(link).collect_view()
}

/// The bar at the bottom of a small screen.
#[component]
pub fn BottomBar(page: Memo<Option<Page>>) -> impl IntoView {
    let i18n = I18n::expect();
    view! {
        <nav class="bottom-bar" aria-label=i18n.t(text::page::navigation)><Links page /></nav>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_pages() {
        for page in Page::ALL {
            assert_eq!(Page::at(page.path()), Some(page));
        }
        assert_eq!(Page::at("/log/"), Some(Page::Log));
        assert_eq!(Page::at("/nowhere"), None);
    }
}
