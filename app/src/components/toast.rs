//! The messages at the edge of the window.

use crate::components::icon::Icon;
use crate::design::{Button, Look};
use crate::i18n::{I18n, text};
use crate::state::toasts::{Toast, ToastKind, Toasts};
use leptos::prelude::*;

/// All messages shown now.
#[component]
pub fn ToastList() -> impl IntoView {
    let toasts: Toasts = expect_context();
    view! {
        <div class="toasts" role="region" aria-live="polite" aria-label="Ponte">
            <For each=move || toasts.list() key=|toast| toast.id let:toast>
                <ToastView toast />
            </For>
        </div>
    }
}

#[component]
fn ToastView(toast: Toast) -> impl IntoView {
    let i18n = I18n::expect();
    let toasts: Toasts = expect_context();
    let id = toast.id;
    let icon = match toast.kind {
        ToastKind::Info => "info",
        ToastKind::Success => "check",
        ToastKind::Error => "failed",
    };
    let role = (toast.kind == ToastKind::Error).then_some("alert");
    let undo = toast.undo.map(|command| {
        view! {
            <Button label=text::toast::undo look=Look::Small testid="toast-undo"
                press=Callback::new(move |()| toasts.undo(id, command.clone())) />
        }
    });
    view! {
        <div class="toast" role=role data-testid="toast" data-kind=toast.kind.name()>
            <Icon name=icon />
            <p class="toast-text">{toast.text}</p>
            {undo}
            <button type="button" class="button icon-only quiet" aria-label=i18n.t(text::toast::dismiss)
                on:click=move |_| toasts.dismiss(id)>
                <Icon name="close" />
            </button>
        </div>
    }
}
