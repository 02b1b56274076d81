//! Signing in.

use crate::api::{ApiError, Guest};
use crate::browser;
use crate::browser::listen::every;
use crate::components::entrance::Entrance;
use crate::components::icon::Icon;
use crate::components::in_turn::InTurn;
use crate::components::shown::Shown;
use crate::design::{Field, Notice};
use crate::format;
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, derived, live, memo};
use crate::state::{Session, SessionContext};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_protocol::UnixMillis;

/// The sign-in page. `ended`: the session before ended without the user's doing.
#[component]
pub fn SignInPage(ended: bool) -> impl IntoView {
    let i18n = I18n::expect();
    let session = SessionContext::expect();
    let user: NodeRef<html::Input> = NodeRef::new();
    let password: NodeRef<html::Input> = NodeRef::new();
    let (busy, set_busy) = signal(false);
    let (error, set_error) = signal(None::<ApiError>);
    let (shown, set_shown) = signal(false);
    // A wait that the edge asked for, by the local clock.
    let (wait_until, set_wait_until) = signal(None::<UnixMillis>);
    let (now, set_now) = signal(browser::now());
    every(500, move || set_now.set(browser::now()));
    let waiting = memo(move || {
        wait_until
            .get()
            .map(|until| format::seconds_left(until.since(now.get())))
            .filter(|left| *left > 0)
    });

    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || waiting.get_untracked().is_some() {
            return;
        }
        let (Some(user_field), Some(password_field)) = (user.get_untracked(), password.get_untracked())
        else {
            return;
        };
        let (name, secret) = (user_field.value(), password_field.value());
        if name.trim().is_empty() {
            let _ = user_field.focus();
            return;
        }
        if secret.is_empty() {
            let _ = password_field.focus();
            return;
        }
        set_busy.set(true);
        set_error.set(None);
        spawn_local(async move {
            match Guest.sign_in(name.trim(), &secret).await {
                Ok(signed_in) => session.set(Session::SignedIn(signed_in)),
                Err(failure) => {
                    if let ApiError::TooMany { seconds } = failure {
                        let now = browser::now();
                        set_now.set(now);
                        set_wait_until.set(Some(now.plus(u64::from(seconds) * 1000)));
                    }
                    set_error.set(Some(failure));
                    set_busy.set(false);
                    password_field.set_value("");
                    let _ = password_field.focus();
                }
            }
        });
    };

    let message = move || {
        let locale = i18n.locale();
        if let Some(left) = waiting.get() {
            return Some(text::sign_in::wait(locale, format::duration(left * 1000)));
        }
        error.get().and_then(|error| sign_in_error(locale, error))
    };

    view! {
        <Entrance title=text::sign_in::title>
            <Shown when=derived(move || ended && error.get().is_none())>
                <Notice>{i18n.t(text::sign_in::ended)}</Notice>
            </Shown>
            <form class="stack" on:submit=submit novalidate>
                <Field id="user" label=text::sign_in::user>
                    <input
                        id="user" class="input" data-testid="sign-in-user" node_ref=user type="text" name="username"
                        autocomplete="username" autocapitalize="none" spellcheck="false" autofocus required
                    />
                </Field>
                <InTurn>
                    <Field id="password" label=text::sign_in::password>
                        <div class="input-group">
                            <input
                                id="password" class="input" data-testid="sign-in-password" node_ref=password name="password"
                                type=live(move || if shown.get() { "text" } else { "password" })
                                autocomplete="current-password" required
                                aria-describedby="sign-in-error"
                                aria-invalid=live(move || (error.get() == Some(ApiError::WrongCredentials)).then_some("true"))
                            />
                            <button
                                type="button" class="button icon-only quiet"
                                aria-label=live(move || {
                                    let locale = i18n.locale();
                                    if shown.get() { text::sign_in::hide(locale) } else { text::sign_in::show(locale) }
                                })
                                aria-pressed=live(move || shown.get().to_string())
                                on:click=move |_| set_shown.update(|shown| *shown = !*shown)
                            >
                                {live(move || if shown.get() { view! { <Icon name="eye-off" /> } } else { view! { <Icon name="eye" /> } })}
                            </button>
                        </div>
                    </Field>
                    <p class="field-error" id="sign-in-error" role="alert" data-testid="sign-in-error">{live(message)}</p>
                    <button
                        type="submit" class="button primary large" data-testid="sign-in-submit"
                        aria-disabled=barred(move || busy.get() || waiting.get().is_some())
                    >
                        {live(move || {
                            let locale = i18n.locale();
                            if busy.get() { text::sign_in::busy(locale) } else { text::sign_in::submit(locale) }
                        })}
                    </button>
                    <p class="hint">{i18n.t(text::sign_in::help)}</p>
                </InTurn>
            </form>
        </Entrance>
    }
}

/// `None` once a wait that the edge asked for is over.
fn sign_in_error(locale: Locale, error: ApiError) -> Option<String> {
    Some(match error {
        ApiError::WrongCredentials | ApiError::NotSignedIn => text::sign_in::wrong(locale).to_owned(),
        ApiError::TooMany { .. } => return None,
        ApiError::Unreachable => text::session::unreachable(locale).to_owned(),
        ApiError::Invitation(_) => text::session::unexpected(locale, "-"),
        ApiError::Unexpected { status } => text::session::unexpected(locale, status),
    })
}
