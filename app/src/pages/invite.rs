//! The page that an invitation link opens: the first password.

use crate::api::{ApiError, Guest, Invitation, InvitationFault};
use crate::browser;
use crate::components::icon::Icon;
use crate::components::shown::Shown;
use crate::design::{Field, Notice, Tone};
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, derived, live, memo};
use crate::logic::password::{self, Fault, Strength};
use crate::state::{Address, Session, SessionContext};
use leptos::prelude::*;
use leptos::task::spawn_local;

#[derive(Clone, PartialEq)]
enum Stage {
    Checking,
    Open(Invitation),
    Failed(ApiError),
}

/// The invitation page. The token stands behind `#`, so that it reaches no server's log.
#[component]
pub fn InvitePage() -> impl IntoView {
    let i18n = I18n::expect();
    let token = browser::fragment();
    let stage = RwSignal::new(Stage::Checking);
    let check = {
        let token = token.clone();
        move || {
            let token = token.clone();
            stage.set(Stage::Checking);
            spawn_local(async move {
                stage.set(match Guest.check_invitation(&token).await {
                    Ok(invitation) => Stage::Open(invitation),
                    Err(error) => Stage::Failed(error),
                });
            });
        }
    };
    if token.is_empty() {
        stage.set(Stage::Failed(InvitationFault::Unknown.into()));
    } else {
        check();
    }

    view! {
        {live(move || match stage.get() {
            Stage::Checking => view! { <p class="hint" role="status">{i18n.t(text::invite::checking)}</p> }.into_any(),
            Stage::Failed(error) => {
                let check = check.clone();
                view! {
                    <Notice tone=Tone::Error>{live(move || error_words(i18n.locale(), error))}</Notice>
                    <Shown when=derived(move || matches!(error, ApiError::Unreachable | ApiError::TooMany { .. }))>
                        <button type="button" class="button" on:click={let check = check.clone(); move |_| check()}>
                            {i18n.t(text::session::try_again)}
                        </button>
                    </Shown>
                    <a class="button quiet" href="/">{i18n.t(text::invite::to_sign_in)}</a>
                }
                .into_any()
            }
            Stage::Open(invitation) => view! { <PasswordForm invitation token=token.clone() /> }.into_any(),
        })}
    }
}

#[component]
fn PasswordForm(invitation: Invitation, token: String) -> impl IntoView {
    let i18n = I18n::expect();
    let session = SessionContext::expect();
    let address = Address::expect();
    let chosen = RwSignal::new(String::new());
    let again = RwSignal::new(String::new());
    let (busy, set_busy) = signal(false);
    let (tried, set_tried) = signal(false);
    let (error, set_error) = signal(None::<ApiError>);
    let user = StoredValue::new(invitation.user.clone());
    let fault = memo(move || {
        chosen.with(|chosen| again.with(|again| user.with_value(|user| password::fault(chosen, again, user))))
    });
    let strength = memo(move || chosen.with(|chosen| password::strength(chosen)));

    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        set_tried.set(true);
        if let Some(fault) = fault.get_untracked() {
            browser::focus(if fault == Fault::Different {
                "password-again"
            } else {
                "password"
            });
            return;
        }
        if busy.get_untracked() {
            return;
        }
        set_busy.set(true);
        set_error.set(None);
        let (token, password) = (token.clone(), chosen.get_untracked());
        spawn_local(async move {
            match Guest.accept_invitation(&token, &password).await {
                Ok(signed_in) => {
                    session.set(Session::SignedIn(signed_in));
                    address.replace("/");
                }
                Err(failure) => {
                    set_error.set(Some(failure));
                    set_busy.set(false);
                }
            }
        });
    };
    let message = move || {
        let locale = i18n.locale();
        if let Some(error) = error.get() {
            return Some(error_words(locale, error));
        }
        // Half a second password is no mistake yet.
        let shown = tried.get() || fault.get() == Some(Fault::ContainsName);
        fault
            .get()
            .filter(|_| shown)
            .map(|fault| fault_words(locale, fault))
    };

    view! {
        <p class="lead">{live(move || text::invite::welcome(i18n.locale(), &invitation.display_name))}</p>
        <form class="stack" on:submit=submit novalidate>
            <input class="visually-hidden" type="text" name="username" autocomplete="username" tabindex="-1"
                aria-hidden="true" readonly prop:value=live(move || user.get_value()) />
            <Field id="password" label=text::invite::password>
                <input
                    id="password" class="input" data-testid="invite-password" type="password" name="new-password"
                    autocomplete="new-password" required aria-describedby="password-rules" bind:value=chosen
                />
                <div class="strength" data-level=live(move || {
                    if chosen.with(String::is_empty) { 0 } else { strength.get().level() }
                })>
                    <span class="strength-bar" aria-hidden="true"></span>
                    <span class="hint" aria-live="polite">{live(move || {
                        let locale = i18n.locale();
                        match (chosen.with(String::is_empty), strength.get()) {
                            (true, _) => "",
                            (_, Strength::Weak) => text::invite::weak(locale),
                            (_, Strength::Fair) => text::invite::fair(locale),
                            (_, Strength::Strong) => text::invite::strong(locale),
                        }
                    })}</span>
                </div>
                <p class="hint" id="password-rules">
                    {live(move || text::invite::rules(i18n.locale(), password::MIN_CHARS))}
                </p>
            </Field>
            <Field id="password-again" label=text::invite::again>
                <input
                    id="password-again" class="input" data-testid="invite-password-again" type="password"
                    name="new-password-again" autocomplete="new-password" required bind:value=again
                />
                <Shown when=derived(move || fault.get().is_none())>
                    <p class="hint ok"><Icon name="check" />{i18n.t(text::invite::matching)}</p>
                </Shown>
            </Field>
            <p class="field-error" role="alert" data-testid="invite-error">{live(message)}</p>
            <button type="submit" class="button primary large" data-testid="invite-submit" aria-disabled=barred(move || busy.get())>
                {i18n.t(text::invite::submit)}
            </button>
        </form>
    }
}

fn fault_words(locale: Locale, fault: Fault) -> String {
    match fault {
        Fault::TooShort => text::invite::too_short(locale, password::MIN_CHARS),
        Fault::TooLong => text::invite::too_long(locale, password::MAX_CHARS),
        Fault::ContainsName => text::invite::contains_name(locale).to_owned(),
        Fault::Different => text::invite::different(locale).to_owned(),
    }
}

fn error_words(locale: Locale, error: ApiError) -> String {
    match error {
        ApiError::Invitation(InvitationFault::Gone) => text::invite::gone(locale).to_owned(),
        ApiError::Invitation(InvitationFault::TooShort) => fault_words(locale, Fault::TooShort),
        ApiError::Invitation(InvitationFault::TooLong) => fault_words(locale, Fault::TooLong),
        ApiError::Invitation(InvitationFault::ContainsName) => fault_words(locale, Fault::ContainsName),
        ApiError::Invitation(InvitationFault::TooCommon) => text::invite::too_common(locale).to_owned(),
        ApiError::Invitation(InvitationFault::Unknown)
        | ApiError::WrongCredentials
        | ApiError::NotSignedIn => text::invite::unknown(locale).to_owned(),
        ApiError::TooMany { seconds } => text::invite::too_many(locale, seconds),
        ApiError::Unreachable => text::session::unreachable(locale).to_owned(),
        ApiError::Unexpected { status } => text::session::unexpected(locale, status),
    }
}
