//! The root of the portal: contexts and routes.

use crate::api::{ApiError, Guest, SignedIn};
use crate::browser::listen::on_window;
use crate::components::entrance::{Entrance, Waiting};
use crate::components::later::{Later, Part};
use crate::components::toast::ToastList;
use crate::design::{Button, Look};
use crate::i18n::{I18n, Locale, text};
use crate::live::memo;
use crate::pages::shell::Shell;
use crate::pages::sign_in::SignInPage;
use crate::state::{Address, Session, SessionContext, Toasts};
use crate::theme::ThemeContext;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The portal. `language`: whose texts are loaded.
#[component]
pub fn App(language: Locale) -> impl IntoView {
    I18n::provide(language);
    ThemeContext::provide();
    Toasts::provide();
    SessionContext::provide();
    let address = Address::provide();
    let invited = memo(move || address.path() == "/invite");
    view! {
        {move || if invited.get() {
            view! { <Entrance title=text::invite::title><Later part=Part::Invitation /></Entrance> }.into_any()
        } else {
            view! { <Portal /> }.into_any()
        }}
        <ToastList />
    }
}

/// What stands at every other address: the pages of who is signed in, else the sign-in page. The address stays, so that
/// `/?dial=…` survives signing in.
#[component]
fn Portal() -> impl IntoView {
    view! { <SignedInOnly pages=|api| view! { <Shell api /> }.into_any() /> }
}

/// The pages of who is signed in, else the sign-in page.
#[component]
pub fn SignedInOnly(pages: fn(SignedIn) -> AnyView) -> impl IntoView {
    let context = SessionContext::expect();
    let i18n = I18n::expect();
    let resume = move || {
        context.set(Session::Unknown);
        spawn_local(async move {
            context.set(match Guest.resume().await {
                Ok(signed_in) => Session::SignedIn(signed_in),
                Err(ApiError::NotSignedIn) => Session::Guest { ended: false },
                Err(_) => Session::Unreachable,
            });
        });
    };
    if context
        .0
        .with_untracked(|session| !matches!(session, Session::SignedIn(_)))
    {
        resume();
    }
    on_window(ev::online, move |_| {
        if matches!(context.0.get_untracked(), Session::Unreachable) {
            resume();
        }
    });
    move || {
        match context.0.get() {
        Session::Unknown => view! { <Waiting /> }.into_any(),
        Session::Unreachable => view! {
            <main class="splash">
                <h1>{i18n.t(text::session::unreachable)}</h1>
                <p>{i18n.t(text::session::unreachable_hint)}</p>
                <Button label=text::session::try_again look=Look::Primary press=Callback::new(move |()| resume()) />
            </main>
        }
        .into_any(),
        Session::Guest { ended } => view! { <SignInPage ended /> }.into_any(),
        Session::SignedIn(api) => pages(api),
    }
    }
}
