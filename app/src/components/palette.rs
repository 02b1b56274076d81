//! The command palette: everything that can be done now, behind one field (a combobox of WAI-ARIA, with its list).

use crate::browser;
use crate::browser::listen::on_window;
use crate::components::dial_pad::call_again;
use crate::components::external_search::ExternalSearch;
use crate::components::icon::Icon;
use crate::components::later::{Later, Part};
use crate::components::shortcuts::Keys;
use crate::components::shown::Shown;
use crate::i18n::{I18n, text};
use crate::live::{derived, live, memo};
use crate::logic::external::Found;
use crate::logic::list::arrow;
use crate::logic::palette::{Offer, Wish};
use crate::state::{Address, Portal};
use crate::theme::ThemeContext;
use leptos::prelude::*;
use leptos::{ev, html};

/// Whether the palette is open, for whatever opens it.
#[derive(Clone, Copy)]
pub struct PaletteOpen(RwSignal<bool>);

impl PaletteOpen {
    /// A closed palette, as the context's.
    pub fn provide() {
        provide_context(Self(RwSignal::new(false)));
    }

    /// Opens the context's palette.
    pub fn open() -> impl Fn() + Copy {
        let Self(open) = expect_context();
        move || open.set(true)
    }
}

/// Listens for Ctrl+K, or Cmd+K; holds the palette.
#[component]
pub fn Palette() -> impl IntoView {
    let i18n = I18n::expect();
    let PaletteOpen(open) = expect_context();
    let dialog: NodeRef<html::Dialog> = NodeRef::new();
    on_window(ev::keydown, move |event| {
        let chord = (event.ctrl_key() || event.meta_key()) && !event.alt_key() && !event.shift_key();
        if chord && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            open.update(|open| *open = !*open);
        }
    });
    Effect::new(move || {
        let (open, Some(dialog)) = (open.get(), dialog.get()) else {
            return;
        };
        match (open, dialog.open()) {
            (true, false) => {
                let _ = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    // The browser tells of the end later, when the palette may be open again.
    let closed = move |_: ev::Event| {
        if dialog.get_untracked().is_some_and(|dialog| !dialog.open()) {
            open.set(false);
        }
    };
    view! {
        <dialog class="palette" node_ref=dialog aria-label=i18n.t(text::palette::title) data-testid="palette"
            on:cancel=move |_: ev::Event| open.set(false)
            on:close=closed
            // Beside what is in it.
            on:click:target=move |event| if event.target().tag_name() == "DIALOG" { open.set(false) }>
            <Shown when=derived(move || open.get())><Later part=Part::Palette /></Shown>
        </dialog>
    }
    .into_any()
}

/// The field and its list.
#[component]
pub fn Field() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let act = performer(portal);
    portal.want_directory();
    let typed = RwSignal::new(String::new());
    let active = RwSignal::new(0);
    let found = memo(move || typed.with(|typed| portal.palette(i18n.locale(), typed)));
    let search = ExternalSearch::new(portal, typed);
    // They come when they come, below what was there: nothing moves under who is about to choose.
    let outside = memo(move || {
        let people = search.fitting();
        found.with(|found| portal.palette_outside(i18n.locale(), &people, found))
    });
    let count = move || found.with(Vec::len) + outside.with(Vec::len);
    let field: NodeRef<html::Input> = NodeRef::new();
    field.on_load(|field| {
        let _ = field.focus();
    });
    let choose = move |at: usize| {
        let offer = found.with_untracked(|found| {
            let beyond = || outside.with_untracked(|outside| outside.get(at - found.len()).cloned());
            found.get(at).cloned().or_else(beyond)
        });
        if let Some(offer) = offer {
            act(offer.wish);
        }
    };
    let key = move |event: ev::KeyboardEvent| {
        let (key, at) = (event.key(), active.get_untracked());
        if key == "Enter" {
            event.prevent_default();
            return choose(at);
        }
        // In what was typed they move the cursor.
        if matches!(key.as_str(), "Home" | "End") && typed.with_untracked(|typed| !typed.is_empty()) {
            return;
        }
        if let Some(next) = arrow(&key, Some(at), untrack(count)) {
            event.prevent_default();
            active.set(next);
            browser::reveal(&format!("palette-{next}"));
        }
    };
    let row = move |(at, offer): (usize, Offer)| {
        view! {
            <div id=format!("palette-{at}") class="suggestion palette-row" role="option" data-testid="palette-offer"
                aria-selected=live(move || (active.get() == at).to_string())
                on:click=move |_| choose(at)>
                <Icon name=offer.icon />
                <span class="palette-title">{offer.title}</span>
                <span class="person-state">{offer.detail}</span>
            </div>
        }
    };
    let rows = move || found.get().into_iter().enumerate().map(row).collect_view();
    let rows_outside = move || {
        let first = found.with(Vec::len);
        let numbered = (first..).zip(outside.get());
        numbered.map(row).collect_view()
    };
    let said = move || match count() {
        0 => text::palette::nothing(i18n.locale()).to_owned(),
        count => text::palette::found(i18n.locale(), count as u64),
    };
    let said_outside = move || {
        let locale = i18n.locale();
        let about = search.found(|found| match found {
            Found::Searching => Some(text::external::searching(locale)),
            Found::People(page) if page.more => Some(text::external::more(locale)),
            _ => None,
        });
        let about = about.map(|words| format!("{}: {words}", search.name(locale)));
        about.or_else(|| search.failure(locale))
    };
    view! {
        <div class="search palette-field">
            <Icon name="search" />
            <input class="input" type="text" data-testid="palette-input" autocomplete="off" spellcheck="false" node_ref=field
                role="combobox" aria-autocomplete="list" aria-controls="palette-list" aria-label=i18n.t(text::palette::title)
                placeholder=i18n.t(text::palette::placeholder)
                aria-expanded=live(move || (count() > 0).to_string())
                aria-activedescendant=live(move || (active.get() < count()).then(|| format!("palette-{}", active.get())))
                on:input:target=move |event| {
                    active.set(0);
                    typed.set(event.target().value());
                }
                on:keydown=key />
        </div>
        <div id="palette-list" class="palette-list" role="listbox" aria-label=i18n.t(text::palette::title)
            hidden=live(move || count() == 0)>
            {live(rows)}
            <Shown when=derived(move || outside.with(|outside| !outside.is_empty()))>
                <div role="group" aria-labelledby="palette-outside" data-testid="palette-outside">
                    <p id="palette-outside" class="palette-group" role="presentation">
                        {live(move || search.name(i18n.locale()))}
                    </p>
                    {live(rows_outside)}
                </div>
            </Shown>
        </div>
        <div class="palette-foot hint">
            <p role="status">{live(said)}</p>
            <p role="status" data-testid="palette-outside-said">{live(said_outside)}</p>
        </div>
    }
    .into_any()
}

/// Closes the palette and does what was chosen.
fn performer(portal: Portal) -> impl Fn(Wish) + Copy + Send + Sync + 'static {
    let (address, theme, keys) = (Address::expect(), ThemeContext::expect(), Keys::expect());
    let PaletteOpen(open) = expect_context();
    move |wish| {
        open.set(false);
        match wish {
            Wish::Go(page) => address.go(page.path()),
            Wish::Open(path) => browser::open(path),
            Wish::Dial(number) => call_again(portal, &number),
            Wish::Ask(body) => {
                portal.ask(body);
            }
            Wish::AnswerHere(call) => portal.telephone().accept(portal, call),
            Wish::CallsHere => portal.telephone().take_calls(portal, true),
            Wish::Theme => theme.advance(),
            Wish::Keys => keys.show(),
        }
    }
}
