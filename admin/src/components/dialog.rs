//! The question before something is removed.

use crate::i18n::{I18n, text};
use leptos::prelude::*;
use ponte_app::design::{Button, Dialog, Look};

/// Asks whether something is to be removed.
#[component]
pub fn Confirm(
    question: Signal<String>,
    consequence: fn(crate::i18n::Locale) -> &'static str,
    confirm: Callback<()>,
    close: Callback<()>,
) -> impl IntoView {
    let i18n = I18n::expect();
    view! {
        <Dialog testid="confirm" title=question close>
            <p>{i18n.t(consequence)}</p>
            <div class="button-row">
                <button type="button" class="button" data-testid="confirm-no" autofocus on:click=move |_| close.run(())>
                    {i18n.t(text::action::cancel)}
                </button>
                <Button label=text::action::remove look=Look::Danger testid="confirm-yes"
                    press=Callback::new(move |()| {
                    confirm.run(());
                    close.run(());
                }) />
            </div>
        </Dialog>
    }
}
