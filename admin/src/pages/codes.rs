//! Account codes: the clients or matters that calls can be booked to.

use crate::components::dialog::Confirm;
use crate::components::field::{SwitchField, TextField};
use crate::components::loaded::Loaded;
use crate::i18n::{I18n, text};
use crate::logic::form::malformed;
use crate::site::{List, Site};
use leptos::prelude::*;
use ponte_app::components::icon::Icon;
use ponte_app::design::Dialog;
use ponte_app::live::live;
use ponte_protocol::AccountCode;
use ponte_protocol::account_code::ACCOUNT_NAME_MAX;
use ponte_protocol::admin::{AccountCodeSettings, AdminChange, Problem};

/// The most codes shown at once: the field above finds the others.
const SHOWN: usize = 200;

/// What stands over the page.
#[derive(Clone, PartialEq)]
enum Over {
    Nothing,
    Edit(Option<AccountCodeSettings>),
    Remove(AccountCode),
}

/// The page.
#[component]
pub fn CodesPage() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let over = RwSignal::new(Over::Nothing);
    let close = Callback::new(move |()| over.set(Over::Nothing));
    let find = RwSignal::new(String::new());
    let shown = move || {
        let find = find.with(|typed| typed.trim().to_lowercase());
        site.codes.with(|part| {
            let all = part.value.iter().flatten();
            all.filter(|known| fits(known, &find))
                .take(SHOWN)
                .cloned()
                .collect::<Vec<_>>()
        })
    };
    let row = move |known: AccountCodeSettings| {
        let (edited, removed) = (known.clone(), known.code.clone());
        let active = known.active;
        view! {
            <li class="row" data-testid="code-row">
                <div class="row-words">
                    <p class="row-name">{known.code.to_string()}</p>
                    <p class="row-line">{known.name}</p>
                    {(!active).then(|| view! { <p class="tag off">{i18n.t(text::code::inactive)}</p> })}
                </div>
                <div class="row-actions">
                    <button type="button" class="button small" data-testid="code-edit"
                        on:click=move |_| over.set(Over::Edit(Some(edited.clone())))>
                        {i18n.t(text::action::edit)}
                    </button>
                    <button type="button" class="button icon-only quiet" data-testid="code-remove"
                        aria-label=i18n.t(text::action::remove) on:click=move |_| over.set(Over::Remove(removed.clone()))>
                        <Icon name="trash" />
                    </button>
                </div>
            </li>
        }
    };
    let dialog = move || match over.get() {
        Over::Nothing => ().into_any(),
        Over::Edit(known) => view! { <CodeEditor known close /> }.into_any(),
        Over::Remove(code) => {
            let shown = code.to_string();
            let question = Signal::derive(move || text::code::remove(i18n.locale(), &shown));
            let confirm = Callback::new(move |()| {
                let done = text::code::removed(i18n.locale_now()).to_owned();
                let change = AdminChange::RemoveAccountCode { code: code.clone() };
                site.carry_out(change, vec![List::Codes], done);
            });
            view! { <Confirm question consequence=text::code::remove_means confirm close /> }.into_any()
        }
    };
    view! {
        <section class="card" aria-labelledby="codes-title">
            <div class="admin-head">
                <h2 id="codes-title">{i18n.t(text::code::title)}</h2>
                <button type="button" class="button primary" data-testid="code-new" on:click=move |_| over.set(Over::Edit(None))>
                    {i18n.t(text::code::new)}
                </button>
            </div>
            <p class="hint">{i18n.t(text::code::hint)}</p>
            <Loaded part=site.codes empty=Vec::is_empty words_empty=text::code::empty />
            <div class="search">
                <Icon name="search" />
                <input class="input" type="search" autocomplete="off" data-testid="code-find"
                    aria-label=i18n.t(text::code::find) placeholder=i18n.t(text::code::find) bind:value=find />
            </div>
            <ul class="rows">{live(move || shown().into_iter().map(row).collect_view())}</ul>
        </section>
        {live(dialog)}
    }
}

/// Whether code or name has this in it; `find` is in lower case.
fn fits(known: &AccountCodeSettings, find: &str) -> bool {
    known.code.as_str().contains(find) || known.name.to_lowercase().contains(find)
}

#[component]
fn CodeEditor(known: Option<AccountCodeSettings>, close: Callback<()>) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let is_new = known.is_none();
    let shown = known.as_ref();
    let code = RwSignal::new(shown.map_or_else(String::new, |known| known.code.to_string()));
    let name = RwSignal::new(shown.map_or_else(String::new, |known| known.name.clone()));
    let active = RwSignal::new(shown.is_none_or(|known| known.active));
    let problems = RwSignal::new(Vec::<Problem>::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let mut found = Vec::new();
        let read = code.with_untracked(|typed| typed.parse::<AccountCode>());
        if read.is_err() {
            found.push(malformed("code"));
        }
        let name = name.get_untracked().trim().to_owned();
        if name.is_empty() || name.chars().count() > ACCOUNT_NAME_MAX || name.chars().any(char::is_control) {
            found.push(malformed("name"));
        }
        let ready = found.is_empty();
        problems.set(found);
        if let (Ok(code), true) = (read, ready) {
            let settings = AccountCodeSettings {
                code,
                name,
                active: active.get_untracked(),
            };
            let done = text::code::saved(i18n.locale_now()).to_owned();
            let change = AdminChange::PutAccountCode { settings };
            site.carry_out(change, vec![List::Codes], done);
            close.run(());
        }
    };
    let title = Signal::derive(move || {
        let locale = i18n.locale();
        if is_new {
            text::code::new(locale).to_owned()
        } else {
            code.get()
        }
    });
    view! {
        <Dialog testid="code-editor" title close>
            <form class="admin-form" novalidate on:submit=submit>
                <TextField name="code" label=text::code::code hint=text::code::code_hint value=code problems readonly=!is_new />
                <TextField name="name" label=text::field::name hint=text::code::name_hint value=name problems />
                <SwitchField name="active" label=text::code::active hint=text::code::active_hint value=active problems />
                <div class="button-row">
                    <button type="submit" class="button primary" data-testid="code-save">{i18n.t(text::action::save)}</button>
                    <button type="button" class="button quiet" on:click=move |_| close.run(())>{i18n.t(text::action::cancel)}</button>
                </div>
            </form>
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_its_digits_and_by_its_name() {
        let known = AccountCodeSettings {
            code: "1042".parse().unwrap(),
            name: "Rossi v. Bianchi".to_owned(),
            active: false,
        };
        for find in ["", "04", "bianchi", "rossi v"] {
            assert!(fits(&known, find), "{find}");
        }
        assert!(!fits(&known, "verdi"));
    }
}
