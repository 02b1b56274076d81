//! A dialog over the page: the browser keeps the focus in it and gives it back.

use crate::live::live;
use leptos::html;
use leptos::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A dialog that is open for as long as it is in the page; Escape closes it.
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
        <dialog class="dialog" node_ref=dialog data-testid=testid aria-labelledby=format!("{testid}-title")
            on:close=closed>
            <h2 id=format!("{testid}-title")>{live(move || title.get())}</h2>
            {children()}
        </dialog>
    }
}
