//! The root: contexts, the bar, and the page that stands behind `#`.

use crate::i18n::{I18n, Locale, text};
use crate::pages::Page;
use crate::pages::audit::AuditPage;
use crate::pages::codes::CodesPage;
use crate::pages::gallery::GalleryPage;
use crate::pages::groups::GroupsPage;
use crate::pages::import::ImportPage;
use crate::pages::now::NowPage;
use crate::pages::numbers::NumbersPage;
use crate::pages::site_settings::SiteSettingsPage;
use crate::pages::telephones::TelephonesPage;
use crate::pages::users::UsersPage;
use crate::site::Site;
use leptos::prelude::*;
use ponte_app::api::SignedIn;
use ponte_app::app::SignedInOnly;
use ponte_app::browser;
use ponte_app::components::connection_badge::ConnectionBadge;
use ponte_app::components::icon::Icon;
use ponte_app::components::shown::Shown;
use ponte_app::components::switches::{LanguageSwitch, ThemeSwitch};
use ponte_app::components::toast::ToastList;
use ponte_app::design::{Notice, Tone};
use ponte_app::live::live;
use ponte_app::pages::shell;
use ponte_app::state::{Address, SessionContext, Toasts};
use ponte_app::theme::ThemeContext;

/// The administrator's pages. `language`: whose texts are loaded.
#[component]
pub fn App(language: Locale) -> impl IntoView {
    I18n::provide(language);
    ThemeContext::provide();
    Toasts::provide();
    SessionContext::provide();
    let address = Address::provide();
    let gallery = Memo::new(move |_| address.fragment() == "gallery");
    view! {
        {move || if gallery.get() {
            view! { <GalleryPage /> }.into_any()
        } else {
            view! { <SignedInOnly pages=|api| view! { <Pages api /> }.into_any() /> }.into_any()
        }}
        <ToastList />
    }
}

fn link_id(to: Page) -> String {
    format!("nav-{}", to.fragment())
}

#[component]
fn Pages(api: SignedIn) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = shell::connect(api);
    let site = Site::provide(portal);
    let address = Address::expect();
    let page = Memo::new(move |_| Page::at(&address.fragment()));
    let title = move || page.get().name(i18n.locale());
    Effect::new(move || browser::set_title(&format!("{} · Ponte", title())));
    Effect::new(move |before: Option<Page>| {
        let page = page.get();
        // Those who hear the page are taken to its start.
        if before.is_some_and(|before| before != page) {
            browser::focus("page-title");
        }
        page
    });
    // Where it is narrow, not all of them have room beside each other.
    Effect::new(move || {
        i18n.locale();
        browser::show_in_middle(&link_id(page.get()));
    });
    // Again after each reconnection: somebody else may have changed something meanwhile.
    Effect::new(move || {
        if site.connected() {
            site.refresh(page.get().lists());
        }
    });
    let known = move || portal.profile().with(Option::is_some);
    let barred = Signal::derive(move || known() && !portal.is_administrator().get());
    view! {
        <header>
            <a class="skip-link" href="#page-title" on:click=|event| {
                event.prevent_default();
                browser::focus("page-title");
            }>{i18n.t(text::page::skip)}</a>
            <div class="top-bar">
                <a class="brand" href="/" target="_self" title=i18n.t(text::page::to_portal)>
                    <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                        <use href="/icons.svg#mark"></use>
                    </svg>
                    <span class="brand-word">"Ponte"</span>
                </a>
                <span class="admin-word">{i18n.t(text::page::administration)}</span>
                <ConnectionBadge />
                <div class="top-tools">
                    <LanguageSwitch />
                    <ThemeSwitch />
                    <a class="button quiet" href="/" target="_self" data-testid="to-portal"
                        title=i18n.t(text::page::to_portal) aria-label=i18n.t(text::page::to_portal)>
                        <Icon name="phone" />
                        <span class="wide-only">{i18n.t(text::page::to_portal)}</span>
                    </a>
                </div>
            </div>
            <nav class="admin-nav" aria-label=i18n.t(text::page::navigation)>
                {Page::ALL.map(|to| view! {
                    <a class="nav-link" id=link_id(to) href=format!("/admin/#{}", to.fragment())
                        data-testid=format!("nav-{}", to.fragment())
                        aria-current=live(move || (page.get() == to).then_some("page"))>
                        {live(move || to.name(i18n.locale()))}
                    </a>
                }).into_iter().collect_view()}
            </nav>
        </header>
        <main class="page admin">
            <h1 id="page-title" tabindex="-1">{live(title)}</h1>
            <Shown when=barred>
                <Notice tone=Tone::Error testid="not-administrator">{i18n.t(text::page::not_administrator)}</Notice>
            </Shown>
            <Shown when=Signal::derive(move || !barred.get())>
                {live(move || match page.get() {
                    Page::Now => view! { <NowPage /> }.into_any(),
                    Page::Users => view! { <UsersPage /> }.into_any(),
                    Page::Numbers => view! { <NumbersPage /> }.into_any(),
                    Page::Telephones => view! { <TelephonesPage /> }.into_any(),
                    Page::Groups => view! { <GroupsPage /> }.into_any(),
                    Page::Codes => view! { <CodesPage /> }.into_any(),
                    Page::Site => view! { <SiteSettingsPage /> }.into_any(),
                    Page::Audit => view! { <AuditPage /> }.into_any(),
                    Page::Import => view! { <ImportPage /> }.into_any(),
                })}
            </Shown>
        </main>
    }
}
