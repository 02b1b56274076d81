//! People of the directory elsewhere, looked up as the user types.

use crate::components::icon::Icon;
use crate::components::person_row::{NumberActions, label_words};
use crate::components::shown::Shown;
use crate::format;
use crate::i18n::{I18n, Locale, text};
use crate::live::{derived, live, memo};
use crate::logic::directory::Draft;
use crate::logic::external::{Failure, Finding, Found};
use crate::state::Portal;
use crate::words;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_protocol::{CallId, ContactNumber, ExternalPerson};

/// How long after the last key something is asked for, in milliseconds.
const PAUSE_MS: u32 = 250;

/// The section. It asks for what is typed, and shows nothing where there is no such directory.
#[component]
pub fn ExternalPeople(
    typed: RwSignal<String>,
    up: Memo<Option<CallId>>,
    add: Callback<Draft>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let finding = RwSignal::new(Finding::default());
    let name = memo(move || {
        portal
            .profile()
            .with(|profile| profile.as_ref().and_then(|one| one.external_directory.clone()))
    });
    let is_there = memo(move || name.with(Option::is_some));
    let ask = move |turn: u32, pause_ms: u32| {
        spawn_local(async move {
            TimeoutFuture::new(pause_ms).await;
            // The page may be gone by then.
            let Some(Some(body)) = finding.try_with_untracked(|finding| finding.ask(turn)) else {
                return;
            };
            let outcome = portal.ask_for(body).await;
            let _ = finding.try_update(|finding| finding.take(turn, outcome));
        });
    };
    Effect::new(move || {
        let typed = typed.get();
        if is_there.get()
            && let Some(Some(turn)) = finding.try_update(|finding| finding.type_in(&typed))
        {
            ask(turn, PAUSE_MS);
        }
    });
    let title = move || {
        let own = name.get().filter(|name| !name.is_empty());
        own.unwrap_or_else(|| text::external::title(i18n.locale()).to_owned())
    };
    let hint = move || {
        let locale = i18n.locale();
        finding.with(|finding| match &finding.found {
            Found::Nothing => Some(text::external::hint(locale)),
            Found::Searching => Some(text::external::searching(locale)),
            Found::People(page) if page.people.is_empty() => Some(text::directory::nobody(locale)),
            Found::People(page) if page.more => Some(text::external::more(locale)),
            Found::People(_) | Found::Failed(_) => None,
        })
    };
    let failure = move || {
        finding.with(|finding| match &finding.found {
            Found::Failed(failure) => Some(failure_words(i18n.locale(), failure)),
            _ => None,
        })
    };
    let again = move |_| {
        if let Some(turn) = finding.try_update(Finding::again) {
            ask(turn, 0);
        }
    };
    let rows = move || {
        let people = finding.with(|finding| finding.people().to_vec());
        let row = |person| view! { <PersonRow person up add /> };
        people.into_iter().map(row).collect_view()
    };
    view! {
        <Shown when=derived(move || is_there.get())>
            <h2 class="directory-title" id="external-title" data-testid="external-title">{live(title)}</h2>
            <p class="hint" role="status" data-testid="external-hint">{live(hint)}</p>
            {live(move || failure().map(|words| view! {
                <div class="notice error" role="alert" data-testid="external-failed">
                    <p>{words}</p>
                    <div class="button-row">
                        <button type="button" class="button small" data-testid="external-again" on:click=again>
                            {i18n.t(text::session::try_again)}
                        </button>
                    </div>
                </div>
            }))}
            <ul class="people" aria-labelledby="external-title">{live(rows)}</ul>
        </Shown>
    }
    .into_any()
}

fn failure_words(locale: Locale, failure: &Failure) -> String {
    match failure {
        Failure::Directory(fault) => words::directory_fault(locale, *fault).to_owned(),
        Failure::Refused(refusal) => words::refusal(locale, refusal),
        Failure::Silence => text::external::too_slow(locale).to_owned(),
    }
}

/// Somebody who was found; further numbers and what else is known on demand.
#[component]
fn PersonRow(person: ExternalPerson, up: Memo<Option<CallId>>, add: Callback<Draft>) -> impl IntoView {
    let i18n = I18n::expect();
    let (open, set_open) = signal(false);
    let name = person.name.clone();
    let first = person.numbers.first().cloned();
    let summary = {
        let (organisation, first) = (person.organisation.clone(), first.clone());
        move || {
            let number = first.as_ref().map(|number| {
                let label = label_words(i18n.locale(), &number.label);
                [label, format::number(number.number.as_str())]
            });
            let said = [organisation.clone()]
                .into_iter()
                .chain(number.into_iter().flatten());
            said.filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" · ")
        }
    };
    let actions = first.map(|number| {
        let number = number.number.as_str().to_owned();
        view! { <NumberActions number name=name.clone() up /> }
    });
    let person = StoredValue::new(person);
    view! {
        <li class="person contact" data-testid="external-person">
            <button type="button" class="person-open" data-testid="external-open" aria-expanded=live(move || open.get().to_string())
                on:click=move |_| set_open.update(|open| *open = !*open)>
                <span class="person-name">{name}</span>
                <span class="person-state">{live(summary)}</span>
            </button>
            {actions}
            <Shown when=derived(move || open.get())>
                <Details person up add />
            </Shown>
        </li>
    }
    .into_any()
}

#[component]
fn Details(
    person: StoredValue<ExternalPerson>,
    up: Memo<Option<CallId>>,
    add: Callback<Draft>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let ExternalPerson {
        name, email, numbers, ..
    } = person.get_value();
    let can_be_added = !numbers.is_empty();
    let row = move |number: ContactNumber| {
        let shown = format::number(number.number.as_str());
        let name = format!("{name}, {shown}");
        view! {
            <li class="person-number">
                <span class="person-label">{live(move || label_words(i18n.locale(), &number.label))}</span>
                <span class="number">{shown}</span>
                <NumberActions number=number.number.as_str().to_owned() name up />
            </li>
        }
    };
    let mail = (!email.is_empty()).then(|| {
        let address = format!("mailto:{email}");
        view! { <p class="person-notes"><a href=address data-testid="external-mail">{email}</a></p> }
    });
    view! {
        <div class="person-details">
            <ul>{numbers.into_iter().map(row).collect_view()}</ul>
            {mail}
            {can_be_added.then(|| view! {
                <div class="button-row">
                    <button type="button" class="button small" data-testid="external-add"
                        on:click=move |_| add.run(person.with_value(|person| Draft::of_external(portal.new_contact(), person)))>
                        <Icon name="person" />{i18n.t(text::external::add)}
                    </button>
                </div>
            })}
        </div>
    }
    .into_any()
}
