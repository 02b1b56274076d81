//! The field for an account code: typed, or looked for by code or name (a combobox of WAI-ARIA, with its list).

use crate::components::account::Booking;
use crate::components::shown::Shown;
use crate::i18n::{I18n, text};
use crate::live::{barred, derived, live, memo};
use crate::logic::account;
use crate::logic::list::arrow;
use crate::state::Portal;
use crate::words;
use gloo_timers::future::TimeoutFuture;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_protocol::{AccountCode, AccountCodePolicy, BookedCode, CallId, CommandBody, Outcome, Refusal};

/// How long the typing pauses before it is looked for, in milliseconds.
const PAUSE_MS: u32 = 150;

/// What stands in the field, and what is offered for it.
#[derive(Clone, Copy)]
struct Choice {
    portal: Portal,
    typed: RwSignal<String>,
    found: RwSignal<Vec<BookedCode>>,
    /// The list is shown.
    listed: RwSignal<bool>,
    /// Which of it the keyboard is on.
    active: RwSignal<Option<usize>>,
    refusal: RwSignal<Option<Refusal>>,
}

impl Choice {
    /// Asks the telephone system, once nothing more is typed.
    fn look(self) {
        let asked = self.typed.get_untracked();
        spawn_local(async move {
            TimeoutFuture::new(PAUSE_MS).await;
            if self.typed.try_get_untracked().as_ref() != Some(&asked) {
                return;
            }
            let find = asked.trim().to_owned();
            let answer = self.portal.ask_for(CommandBody::FindAccountCodes { find }).await;
            if let Some(Outcome::AccountCodes { codes, .. }) = answer
                && self.typed.try_get_untracked().as_ref() == Some(&asked)
            {
                let last = self.portal.last_account();
                let offered = account::offered(&asked, &codes, last);
                // What the keyboard is on stays so while it is offered.
                let on = self.active.get_untracked();
                let chosen = on.and_then(|at| self.found.with_untracked(|found| found.get(at).cloned()));
                let at = chosen.and_then(|chosen| offered.iter().position(|one| *one == chosen));
                self.found.set(offered);
                self.active.set(at);
            }
        });
    }

    fn choose(self, booked: &BookedCode) {
        self.portal.keep_account(booked);
        self.typed.set(booked.code.as_str().to_owned());
        self.listed.set(false);
        self.refusal.set(None);
    }

    /// Moves with the arrow keys, closes with Escape; the one that Enter chose.
    fn key(self, event: &KeyboardEvent) -> Option<BookedCode> {
        let count = self.found.with_untracked(Vec::len);
        if !self.listed.get_untracked() || count == 0 {
            return None;
        }
        let active = self.active.get_untracked().filter(|at| *at < count);
        match event.key().as_str() {
            "Enter" => return self.found.with_untracked(|found| found.get(active?).cloned()),
            "Escape" => {
                event.prevent_default();
                self.listed.set(false);
            }
            key => {
                if let Some(moved) = arrow(key, active, count) {
                    event.prevent_default();
                    self.active.set(Some(moved));
                }
            }
        }
        None
    }
}

/// The field; what it is for is the context's [`Booking`].
#[component]
pub fn AccountChooser() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let Booking { call, open } = expect_context();
    let choice = Choice {
        portal,
        typed: match call {
            None => portal.account_text(),
            Some(_) => RwSignal::new(String::new()),
        },
        found: RwSignal::new(Vec::new()),
        listed: RwSignal::new(false),
        active: RwSignal::new(None),
        refusal: match call {
            None => portal.dial_refusal(),
            Some(_) => RwSignal::new(None),
        },
    };
    let id = call.map_or_else(|| "account-input".to_owned(), |call| format!("account-{call}"));
    let list = format!("{id}-list");
    let option = list.clone();
    let field: NodeRef<leptos::html::Input> = NodeRef::new();
    if call.is_some() {
        field.on_load(|field| {
            let _ = field.focus();
        });
    }
    let busy = RwSignal::new(false);
    let book = move |call: CallId, code: Option<AccountCode>| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        choice.refusal.set(None);
        spawn_local(async move {
            let refusal = portal.book(call, code).await.err();
            busy.try_set(false);
            if refusal.is_none() {
                open.try_set(false);
            }
            choice.refusal.try_set(refusal);
        });
    };
    let book_typed = move || {
        if let Some(call) = call {
            match choice.typed.with_untracked(|typed| account::read(typed)) {
                Ok(Some(code)) => book(call, Some(code)),
                _ => choice.refusal.set(Some(Refusal::UnknownAccountCode)),
            }
        }
    };
    let take = move |booked: &BookedCode| {
        choice.choose(booked);
        if let Some(call) = call {
            book(call, Some(booked.code.clone()));
        }
    };
    let error = move || {
        let refusal = choice.refusal.get()?;
        (call.is_some() || account::is_about_code(&refusal)).then(|| words::refusal(i18n.locale(), &refusal))
    };
    let shown = derived(move || choice.listed.get() && !choice.found.with(Vec::is_empty));
    let required = move || portal.account_policy() == AccountCodePolicy::Required && call.is_none();
    let hint = move || required().then(|| text::account::needed(i18n.locale()));
    let active_id = {
        let option = option.clone();
        move || {
            let at = choice.active.get().filter(|_| shown.get())?;
            Some(format!("{option}-{at}"))
        }
    };
    let rows = move || {
        let row = |(at, booked): (usize, BookedCode)| {
            let (code, name) = (booked.code.to_string(), booked.name.clone());
            view! {
                <li id=format!("{option}-{at}") class="suggestion" role="option" data-testid="account-option"
                    aria-selected=live(move || (choice.active.get() == Some(at)).to_string())
                    // Before the field loses the focus.
                    on:mousedown=move |event| { event.prevent_default(); take(&booked); }>
                    <span class="person-name">{code}</span>
                    <span class="person-state">{name}</span>
                </li>
            }
        };
        choice.found.get().into_iter().enumerate().map(row).collect_view()
    };
    let booked = memo(move || call.is_some_and(|call| portal.booked_to(call).is_some()));
    let described = format!("{id}-hint");
    view! {
        <div class="field account-field">
            <label for=id.clone()>{i18n.t(text::account::label)}</label>
            <div class="input-group">
                <input id=id class="input" type="text" autocomplete="off" maxlength="64" node_ref=field data-testid="account-input"
                    placeholder=i18n.t(text::account::placeholder)
                    role="combobox" aria-autocomplete="list" aria-controls=list.clone()
                    aria-describedby=described.clone()
                    aria-expanded=live(move || shown.get().to_string())
                    aria-activedescendant=live(active_id)
                    aria-invalid=live(move || error().is_some().then_some("true"))
                    aria-required=live(move || required().then_some("true"))
                    prop:value=live(move || choice.typed.get())
                    on:focus=move |_| { choice.listed.set(true); choice.look(); }
                    on:blur=move |_| choice.listed.set(false)
                    on:input:target=move |event| {
                        choice.refusal.set(None);
                        choice.typed.set(event.target().value());
                        choice.listed.set(true);
                        choice.look();
                    }
                    on:keydown=move |event| match choice.key(&event) {
                        Some(booked) => { event.prevent_default(); take(&booked); }
                        None if call.is_some() && event.key() == "Enter" => { event.prevent_default(); book_typed(); }
                        None if call.is_some() && event.key() == "Escape" && !event.default_prevented() => open.set(false),
                        None => {}
                    }
                />
                <Shown when=derived(move || call.is_some())>
                    <button type="button" class="button" data-testid="account-save" aria-disabled=barred(move || busy.get())
                        on:click=move |_| book_typed()>{i18n.t(text::account::book)}</button>
                </Shown>
                <Shown when=derived(move || booked.get())>
                    <button type="button" class="button quiet" data-testid="account-clear" aria-disabled=barred(move || busy.get())
                        on:click=move |_| if let Some(call) = call { book(call, None); }>{i18n.t(text::account::none)}</button>
                </Shown>
            </div>
            <ul id=list class="suggestions" role="listbox" aria-label=i18n.t(text::account::label)
                hidden=live(move || !shown.get())>
                {live(rows)}
            </ul>
            <p class="visually-hidden" role="status">
                {live(move || shown.get().then(|| {
                    text::directory::found(i18n.locale(), choice.found.with(Vec::len) as u64)
                }))}
            </p>
            <p class="hint" id=described>{live(hint)}</p>
            <p class="field-error" data-testid="account-error" role="alert">{live(error)}</p>
        </div>
    }
    .into_any()
}
