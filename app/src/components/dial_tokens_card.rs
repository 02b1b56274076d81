//! Tokens with which a user's other programs dial: made, shown once, revoked.

use crate::api::{DialToken, NewDialToken, SignedIn};
use crate::browser;
use crate::components::icon::Icon;
use crate::components::shown::Shown;
use crate::design::Card;
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The longest name of a token, in characters.
const LABEL_MAX: usize = 60;

/// The card.
#[component]
pub fn DialTokensCard() -> impl IntoView {
    let i18n = I18n::expect();
    let tokens = RwSignal::new(Vec::<DialToken>::new());
    let made = RwSignal::new(None::<NewDialToken>);
    let label = RwSignal::new(String::new());
    let failed = RwSignal::new(false);
    let load = move || {
        spawn_local(async move {
            match SignedIn::dial_tokens().await {
                Ok(list) => tokens.set(list),
                Err(_) => failed.set(true),
            }
        });
    };
    load();
    let make = move || {
        let name = label.get_untracked().trim().to_owned();
        if name.is_empty() {
            browser::focus("dial-token-label");
            return;
        }
        spawn_local(async move {
            let answer = SignedIn::make_dial_token(&name).await;
            failed.set(answer.is_err());
            if let Ok(token) = answer {
                made.set(Some(token));
                label.set(String::new());
                load();
            }
        });
    };
    let revoke = Callback::new(move |id: String| {
        spawn_local(async move {
            failed.set(SignedIn::revoke_dial_token(&id).await.is_err());
            if made.with_untracked(|made| made.as_ref().is_some_and(|made| made.id == id)) {
                made.set(None);
            }
            load();
        });
    });
    let row = move |token: DialToken| {
        let (id, name) = (token.id, token.label.clone());
        let used = move || match token.used_at {
            Some(at) => text::tokens::used(i18n.locale(), browser::date_time(&i18n.region(), at)),
            None => text::tokens::unused(i18n.locale()).to_owned(),
        };
        view! {
            <li class="member" data-testid="dial-token">
                <span class="member-name">{token.label}<span class="hint">{live(used)}</span></span>
                <button type="button" class="button small" data-testid="dial-token-revoke"
                    aria-label=live(move || text::tokens::revoke_named(i18n.locale(), &name))
                    on:click=move |_| revoke.run(id.clone())>
                    <Icon name="trash" />{i18n.t(text::tokens::revoke)}
                </button>
            </li>
        }
        .into_any()
    };
    let secret = move || made.with(|made| made.as_ref().map(|made| made.token.clone()).unwrap_or_default());
    let copy = move |_| {
        spawn_local(async move {
            let _ = browser::copy(&untrack(secret)).await;
        });
    };
    view! {
        <Card id="tokens" title=text::tokens::title class="card settings">
            <p class="hint">
                {i18n.t(text::tokens::hint)} " "
                <a href="/api/openapi.json" target="_blank" rel="noopener">{i18n.t(text::tokens::description)}</a>
            </p>
            <ul class="members">{live(move || tokens.get().into_iter().map(row).collect_view())}</ul>
            <form class="field" on:submit=move |event| { event.prevent_default(); make(); }>
                <label for="dial-token-label">{i18n.t(text::tokens::label)}</label>
                <div class="input-group">
                    <input id="dial-token-label" class="input" data-testid="dial-token-label" type="text" autocomplete="off"
                        maxlength=LABEL_MAX placeholder=i18n.t(text::tokens::example) bind:value=label />
                    <button type="submit" class="button" data-testid="dial-token-make">{i18n.t(text::tokens::make)}</button>
                </div>
            </form>
            <Shown when=derived(move || made.with(Option::is_some))>
                <div class="field" role="status">
                    <label for="dial-token">{i18n.t(text::tokens::once)}</label>
                    <div class="input-group">
                        <input id="dial-token" class="input" data-testid="dial-token-secret" type="text" readonly
                            prop:value=live(secret) />
                        <button type="button" class="button" on:click=copy>{i18n.t(text::tokens::copy)}</button>
                    </div>
                </div>
            </Shown>
            <p class="field-error" role="alert">
                {live(move || failed.get().then(|| text::tokens::failed(i18n.locale())))}
            </p>
        </Card>
    }
    .into_any()
}
