//! People who may be meant by what stands in the dial field (a combobox of WAI-ARIA, with its list).

use crate::components::person_row::label_words;
use crate::format;
use crate::i18n::{I18n, text};
use crate::live::{live, memo};
use crate::logic::directory::{Suggestion, suggestions};
use crate::logic::list::arrow;
use crate::state::Portal;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

/// The most that are offered.
const MOST: usize = 6;

/// What is offered, and which of it the keyboard is on.
#[derive(Clone, Copy)]
pub struct Offers {
    offered: Memo<Vec<Suggestion>>,
    active: RwSignal<Option<usize>>,
    /// Put away until something else is typed.
    closed: RwSignal<bool>,
}

impl Offers {
    /// What is offered for what stands in the dial field.
    pub fn new(portal: Portal) -> Self {
        let (contacts, colleagues) = (portal.contacts(), portal.colleagues());
        let closed = RwSignal::new(false);
        let offered = memo(move || {
            let typed = portal.dial_text().get();
            if closed.get() || typed.is_empty() {
                return Vec::new();
            }
            contacts.with(|contacts| {
                colleagues.with(|colleagues| {
                    let colleagues = colleagues.as_ref().map(|all| all.as_slice()).unwrap_or_default();
                    suggestions(&typed, contacts, colleagues, MOST)
                })
            })
        });
        Self {
            offered,
            active: RwSignal::new(None),
            closed,
        }
    }

    /// Whether anybody is offered, tracked.
    pub fn any(self) -> bool {
        !self.offered.with(Vec::is_empty)
    }

    /// The id of the one that the keyboard is on, tracked.
    pub fn active_id(self) -> Option<String> {
        let at = self.active.get().filter(|at| *at < self.offered.with(Vec::len))?;
        Some(format!("dial-suggestion-{at}"))
    }

    /// Something was typed.
    pub fn typed(self) {
        self.closed.set(false);
        self.active.set(None);
    }

    /// Moves with the arrow keys, closes with Escape. The number to dial where Enter chose one.
    pub fn key(self, event: &KeyboardEvent) -> Option<String> {
        let offered = self.offered.with_untracked(Vec::len);
        if offered == 0 {
            return None;
        }
        let active = self.active.get_untracked().filter(|at| *at < offered);
        match event.key().as_str() {
            "Enter" => {
                let number = self
                    .offered
                    .with_untracked(|offered| Some(offered.get(active?)?.number.clone()));
                if number.is_some() {
                    event.prevent_default();
                    self.closed.set(true);
                }
                return number;
            }
            "Escape" => {
                event.prevent_default();
                self.closed.set(true);
            }
            key => {
                if let Some(moved) = arrow(key, active, offered) {
                    event.prevent_default();
                    self.active.set(Some(moved));
                }
            }
        }
        None
    }
}

/// The list below the field. `choose` is given the number of the one that was clicked.
#[component]
pub fn SuggestionList(offers: Offers, choose: Callback<String>) -> impl IntoView {
    let i18n = I18n::expect();
    let Offers {
        offered,
        active,
        closed,
    } = offers;
    let rows = move || {
        let row = |(at, one): (usize, Suggestion)| {
            let number = one.number.clone();
            let said = [
                label_words(i18n.locale(), &one.label),
                format::number(&one.number),
            ];
            let said: Vec<String> = said.into_iter().filter(|part| !part.is_empty()).collect();
            view! {
                <li id=format!("dial-suggestion-{at}") class="suggestion" role="option" data-testid="dial-suggestion"
                    aria-selected=live(move || (active.get() == Some(at)).to_string())
                    // Before the field loses the focus.
                    on:mousedown=move |event| {
                        event.prevent_default();
                        closed.set(true);
                        choose.run(number.clone());
                    }>
                    <span class="person-name">{one.name}</span>
                    <span class="person-state">{said.join(" · ")}</span>
                </li>
            }
        };
        offered.get().into_iter().enumerate().map(row).collect_view()
    };
    view! {
        <ul id="dial-suggestions" class="suggestions" role="listbox" aria-label=i18n.t(text::directory::suggestions)
            hidden=live(move || !offers.any())>
            {live(rows)}
        </ul>
        <p class="visually-hidden" role="status">
            {live(move || offers.any().then(|| text::directory::found(i18n.locale(), offered.with(Vec::len) as u64)))}
        </p>
    }
    .into_any()
}
