//! People of the directory elsewhere, looked up as the user types.

use crate::components::external_search::ExternalSearch;
use crate::components::person_row::{NumberActions, NumberLine, said_of};
use crate::components::shown::Shown;
use crate::design::{Button, Look, Notice, Tone, Unfold};
use crate::i18n::{I18n, text};
use crate::live::{derived, live};
use crate::logic::directory::Draft;
use crate::logic::external::Found;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{CallId, ContactNumber, ExternalPerson};

/// The section. It asks for what is typed, and shows nothing where there is no such directory.
#[component]
pub fn ExternalPeople(
    typed: RwSignal<String>,
    up: Memo<Option<CallId>>,
    add: Callback<Draft>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let search = ExternalSearch::new(Portal::expect(), typed);
    let hint = move || {
        let locale = i18n.locale();
        search.found(|found| match found {
            Found::Nothing => Some(text::external::hint(locale)),
            Found::Searching => Some(text::external::searching(locale)),
            Found::People(page) if page.people.is_empty() => Some(text::directory::nobody(locale)),
            Found::People(page) if page.more => Some(text::external::more(locale)),
            Found::People(_) | Found::Failed(_) => None,
        })
    };
    let failure = move || {
        search.failure(i18n.locale()).map(|words| {
            view! {
                <Notice tone=Tone::Error testid="external-failed">
                    <p>{words}</p>
                    <div class="button-row">
                        <Button label=text::session::try_again look=Look::Small testid="external-again"
                            press=Callback::new(move |()| search.again()) />
                    </div>
                </Notice>
            }
        })
    };
    let rows = move || {
        let people = search.found(|found| match found {
            Found::People(page) => page.people.clone(),
            _ => Vec::new(),
        });
        let row = |person| view! { <PersonRow person up add /> };
        people.into_iter().map(row).collect_view()
    };
    view! {
        <Shown when=derived(move || search.is_there())>
            <h2 class="directory-title" id="external-title" data-testid="external-title">
                {live(move || search.name(i18n.locale()))}
            </h2>
            <p class="hint directory-hint" role="status" data-testid="external-hint">{live(hint)}</p>
            {live(failure)}
            <ul class="people" aria-labelledby="external-title">{live(rows)}</ul>
        </Shown>
    }
    .into_any()
}

/// Somebody who was found; further numbers and what else is known on demand.
#[component]
fn PersonRow(person: ExternalPerson, up: Memo<Option<CallId>>, add: Callback<Draft>) -> impl IntoView {
    let i18n = I18n::expect();
    let name = person.name.clone();
    let first = person.numbers.first().cloned();
    let actions = first.clone().map(|number| {
        let number = number.number.as_str().to_owned();
        view! { <NumberActions number name=name.clone() up /> }
    });
    let organisation = person.organisation.clone();
    let line = derived(move || match &first {
        Some(number) => said_of(i18n.locale(), &organisation, number),
        None => organisation.clone(),
    });
    let person = StoredValue::new(person);
    view! {
        <Unfold testid="external-person" open_testid="external-open" name line
            more=move || view! { <Details person up add /> }>
            {actions}
        </Unfold>
    }
    .into_any()
}

#[component]
fn Details(
    person: StoredValue<ExternalPerson>,
    up: Memo<Option<CallId>>,
    add: Callback<Draft>,
) -> impl IntoView {
    let portal = Portal::expect();
    let ExternalPerson {
        name, email, numbers, ..
    } = person.get_value();
    let can_be_added = !numbers.is_empty();
    let row = move |number: ContactNumber| view! { <NumberLine number of=name.clone() up /> };
    let mail = (!email.is_empty()).then(|| {
        let address = format!("mailto:{email}");
        view! { <p class="person-notes"><a href=address data-testid="external-mail">{email}</a></p> }
    });
    let keep = Callback::new(move |()| {
        add.run(person.with_value(|person| Draft::of_external(portal.new_contact(), person)));
    });
    view! {
        <ul>{numbers.into_iter().map(row).collect_view()}</ul>
        {mail}
        {can_be_added.then(|| view! {
            <div class="button-row">
                <Button label=text::external::add look=Look::Small icon="person" testid="external-add" press=keep />
            </div>
        })}
    }
    .into_any()
}
