//! Dialogs over the page: the browser keeps the focus in them and gives it back.

use crate::i18n::{I18n, text};
use leptos::html;
use leptos::prelude::*;
use ponte_app::live::live;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A dialog that is there while `open` holds something; Escape closes it.
#[component]
pub fn Dialog(
    testid: &'static str,
    title: Signal<String>,
    close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let dialog: NodeRef<html::Dialog> = NodeRef::new();
    let gone = Arc::new(AtomicBool::new(false));
    on_cleanup({
        let gone = Arc::clone(&gone);
        move || {
            gone.store(true, Ordering::Relaxed);
            // The browser gives the focus back to where it was only while the dialog is in the page.
            if let Some(dialog) = dialog.try_get_untracked().flatten() {
                dialog.close();
            }
        }
    });
    // The browser tells of the end later, when another dialog may be open.
    let closed = move |_| {
        if !gone.load(Ordering::Relaxed) {
            close.run(());
        }
    };
    Effect::new(move || {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            // Fails only where the dialog has left the page.
            let _ = dialog.show_modal();
        }
    });
    view! {
        <dialog class="admin-dialog" node_ref=dialog data-testid=testid aria-labelledby=format!("{testid}-title")
            on:close=closed>
            <h2 id=format!("{testid}-title")>{live(move || title.get())}</h2>
            {children()}
        </dialog>
    }
}

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
                <button type="button" class="button danger" data-testid="confirm-yes" on:click=move |_| {
                    confirm.run(());
                    close.run(());
                }>
                    {i18n.t(text::action::remove)}
                </button>
            </div>
        </Dialog>
    }
}
