//! Keys for menus and conferences: digits sent to the other party.

use crate::i18n::{I18n, text};
use crate::live::live;
use crate::state::Portal;
use leptos::html;
use leptos::prelude::*;
use ponte_protocol::{CallId, CommandBody};

const KEYS: [&str; 12] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];

/// How many of the digits sent stay in view.
const SHOWN: usize = 16;

/// The pad; the keyboard's digits work too while the focus is in it.
#[component]
pub fn DtmfPad(call: CallId) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let sent = RwSignal::new(String::new());
    let pad: NodeRef<html::Div> = NodeRef::new();
    pad.on_load(|pad| {
        let _ = pad.focus();
    });
    let send = move |digit: &str| {
        portal.ask(CommandBody::SendDtmf {
            call,
            digits: digit.to_owned(),
        });
        sent.update(|sent| {
            sent.push_str(digit);
            let surplus = sent.len().saturating_sub(SHOWN);
            sent.drain(..surplus);
        });
    };
    let typed = move |event: leptos::ev::KeyboardEvent| {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let key = event.key();
        if KEYS.contains(&key.as_str()) {
            event.prevent_default();
            send(&key);
        }
    };
    view! {
        <div class="dtmf" role="group" tabindex="-1" node_ref=pad aria-label=i18n.t(text::call::keypad) on:keydown=typed>
            <output class="dtmf-sent number" aria-live="off">{live(move || {
                let sent = sent.get();
                if sent.is_empty() { text::call::keypad_hint(i18n.locale()).to_owned() } else { sent }
            })}</output>
            <div class="keys compact">
                {KEYS.map(|key| {
                    let name = match key { "*" => "star", "#" => "hash", digit => digit };
                    view! {
                        <button type="button" class="key" data-testid=format!("dtmf-key-{name}") aria-label=key
                            on:click=move |_| send(key)>
                            <span class="key-digit">{key}</span>
                        </button>
                    }
                }).into_iter().collect_view()}
            </div>
        </div>
    }
}
