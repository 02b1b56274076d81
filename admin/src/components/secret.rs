//! Something that is shown once: an invitation, a password.

use crate::i18n::{I18n, Locale, text};
use crate::site::Site;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::browser;
use ponte_app::components::icon::Icon;
use ponte_app::design::{Button, Dialog, Look};

/// A secret to copy; it is gone when the dialog closes.
#[component]
pub fn Secret(
    title: Signal<String>,
    hint: fn(Locale) -> &'static str,
    value: String,
    close: Callback<()>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let copied = value.clone();
    let copy = move |_| {
        let copied = copied.clone();
        spawn_local(async move {
            if browser::copy(&copied).await {
                site.tell_done(text::secret::copied(i18n.locale_now()));
            } else {
                browser::focus("secret-value");
            }
        });
    };
    view! {
        <Dialog testid="secret" title close>
            <p>{i18n.t(hint)}</p>
            <div class="input-group">
                <input id="secret-value" class="input number" data-testid="secret-value" readonly prop:value=value
                    aria-label=i18n.t(text::secret::value) on:focus:target=|event| event.target().select() />
                <button type="button" class="button" data-testid="secret-copy" on:click=copy>
                    <Icon name="check" />{i18n.t(text::action::copy)}
                </button>
            </div>
            <div class="button-row">
                <Button label=text::action::close look=Look::Primary testid="secret-close"
                    press=Callback::new(move |()| close.run(())) />
            </div>
        </Dialog>
    }
}
