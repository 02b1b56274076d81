//! The bar at the top: whose portal this is, how it is connected, and the switches.

use crate::api::SignedIn;
use crate::components::connection_badge::ConnectionBadge;
use crate::components::icon::Icon;
use crate::components::navigation::{Links, Page};
use crate::components::palette::PaletteOpen;
use crate::components::presence_picker::PresencePicker;
use crate::components::shown::Shown;
use crate::components::switches::{LanguageSwitch, ThemeSwitch};
use crate::i18n::{I18n, text};
use crate::live::barred;
use crate::state::toasts::ToastKind;
use crate::state::{Portal, Session, SessionContext, Toasts};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The bar.
#[component]
pub fn TopBar(api: SignedIn, page: Memo<Option<Page>>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let session = SessionContext::expect();
    let toasts: Toasts = expect_context();
    let open_palette = PaletteOpen::open();
    let (busy, set_busy) = signal(false);
    let name = api.display_name().to_owned();
    let sign_out = move |_| {
        let api = api.clone();
        set_busy.set(true);
        spawn_local(async move {
            if api.sign_out().await.is_ok() {
                session.set(Session::Guest { ended: false });
            } else {
                toasts.show(
                    ToastKind::Error,
                    text::session::sign_out_failed(i18n.locale_now()),
                );
                set_busy.set(false);
            }
        });
    };
    view! {
        <div class="top-bar">
            <div class="brand">
                <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                    <use href="/icons.svg#mark"></use>
                </svg>
                <span class="brand-word">"Ponte"</span>
            </div>
            <nav class="top-nav" aria-label=i18n.t(text::page::navigation)>
                <Links page />
                <Shown when=portal.is_administrator()>
                    // Another program: to be loaded, not followed within the page.
                    <a class="nav-link nav-admin" href="/admin/" target="_self" data-testid="nav-admin">
                        <Icon name="desk-phone" />
                        <span class="nav-name">{i18n.t(text::page::administration)}</span>
                    </a>
                </Shown>
            </nav>
            <ConnectionBadge />
            <button type="button" class="button icon-only quiet palette-button" data-testid="palette-open"
                aria-label=i18n.t(text::palette::title) title=i18n.t(text::palette::title) aria-keyshortcuts="Control+K Meta+K"
                on:click=move |_| open_palette()>
                <Icon name="search" />
            </button>
            <div class="top-tools">
                <PresencePicker />
                <span class="user-name">{name}</span>
                <LanguageSwitch />
                <ThemeSwitch />
                <button
                    type="button" class="button quiet sign-out" data-testid="sign-out" aria-disabled=barred(move || busy.get())
                    aria-label=i18n.t(text::session::sign_out) title=i18n.t(text::session::sign_out)
                    on:click=sign_out
                >
                    <Icon name="sign-out" />
                    <span class="wide-only">{i18n.t(text::session::sign_out)}</span>
                </button>
            </div>
        </div>
    }
}
