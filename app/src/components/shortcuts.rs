//! Keys for those who use the keyboard, and the list of them.

use crate::browser;
use crate::browser::listen::on_window;
use crate::i18n::{I18n, text};
use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;

/// The list, for whatever opens it.
#[derive(Clone, Copy)]
pub struct Keys(NodeRef<html::Dialog>);

impl Keys {
    /// The list of this page, as the context's.
    pub fn provide() {
        provide_context(Self(NodeRef::new()));
    }

    /// The context's list.
    pub fn expect() -> Self {
        expect_context()
    }

    /// Opens the list.
    pub fn show(self) {
        if let Some(dialog) = self.0.get_untracked() {
            let _ = dialog.show_modal();
        }
    }
}

/// Listens for `/` and `?`; holds the list that `?` opens.
#[component]
pub fn Shortcuts() -> impl IntoView {
    let i18n = I18n::expect();
    let keys = Keys::expect();
    let dialog = keys.0;
    on_window(ev::keydown, move |event| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() || is_typing(&event) {
            return;
        }
        match event.key().as_str() {
            "/" => {
                event.prevent_default();
                browser::focus("dial-input");
            }
            "?" => {
                event.prevent_default();
                keys.show();
            }
            _ => {}
        }
    });
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let rows = [
        ("/", text::shortcuts::dial as fn(_) -> _),
        ("Enter", text::shortcuts::call),
        ("Esc", text::shortcuts::clear),
        ("0–9 * #", text::shortcuts::keypad),
        ("Ctrl K · ⌘ K", text::shortcuts::palette),
        ("?", text::shortcuts::help),
    ];
    view! {
        <dialog class="dialog shortcuts" node_ref=dialog aria-labelledby="shortcuts-title" data-testid="shortcuts">
            <h2 id="shortcuts-title">{i18n.t(text::shortcuts::title)}</h2>
            <dl>
                {rows.map(|(key, words)| view! {
                    <div class="shortcut"><dt><kbd>{key}</kbd></dt><dd>{i18n.t(words)}</dd></div>
                }).into_iter().collect_view()}
            </dl>
            <button type="button" class="button" on:click=close>{i18n.t(text::shortcuts::close)}</button>
        </dialog>
    }
}

/// Whether the key belongs to a field that takes text.
fn is_typing(event: &ev::KeyboardEvent) -> bool {
    let Some(element) = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
    else {
        return false;
    };
    matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
}
