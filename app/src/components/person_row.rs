//! Somebody of the directory on one line, with what can be done at once: call, hand over, pick up.

use crate::components::dial_pad::call_again;
use crate::components::icon::Icon;
use crate::components::presence_picker;
use crate::components::shown::Shown;
use crate::design::{Button, Look, Unfold};
use crate::format;
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, derived, live, memo};
use crate::logic::directory;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{
    Availability, CallId, Colleague, CommandBody, Contact, ContactId, ContactNumber, LineState,
    TransferTarget, UserId,
};
use std::sync::Arc;

/// The buttons that call a number, or give it the call that is up.
#[component]
pub fn NumberActions(
    number: String,
    #[prop(into)] name: Signal<String>,
    up: Memo<Option<CallId>>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let number = StoredValue::new(number);
    let hand_over = move |_| {
        let to = number.with_value(|number| number.parse().ok());
        if let (Some(call), Some(number)) = (up.get_untracked(), to) {
            let to = TransferTarget::Number { number };
            portal.ask(CommandBody::Transfer { call, to });
        }
    };
    view! {
        <Shown when=derived(move || up.get().is_some())>
            <button type="button" class="button icon-only quiet" data-testid="person-give"
                aria-label=live(move || text::directory::give(i18n.locale(), name.get()))
                title=i18n.t(text::control::give_now) on:click=hand_over>
                <Icon name="outgoing" />
            </button>
        </Shown>
        <button type="button" class="button icon-only quiet person-call" data-testid="person-call"
            aria-label=live(move || text::directory::call(i18n.locale(), name.get()))
            title=i18n.t(text::dial::call)
            on:click=move |_| number.with_value(|number| call_again(portal, number))>
            <Icon name="phone" />
        </button>
    }
    .into_any()
}

const fn line_name(line: LineState) -> &'static str {
    match line {
        LineState::Free => "free",
        LineState::Ringing => "ringing",
        LineState::Busy => "busy",
        LineState::NotConnected => "not_connected",
        LineState::Unknown => "unknown",
    }
}

/// What a colleague does, in words: the line, then the presence where it says more.
fn state_words(locale: Locale, colleague: &Colleague) -> String {
    let line = match colleague.line {
        LineState::Free => text::directory::free(locale),
        LineState::Ringing => text::directory::ringing(locale),
        LineState::Busy => text::directory::busy(locale),
        LineState::NotConnected => text::directory::not_connected(locale),
        LineState::Unknown => text::presence::unknown(locale),
    };
    let elsewhere = colleague
        .telecommuting
        .then(|| text::reach::telecommuting(locale).to_lowercase());
    let presence = (colleague.availability != Availability::Available)
        .then(|| presence_picker::words(locale, colleague.availability).to_owned());
    let status = Some(colleague.status.clone()).filter(|status| !status.is_empty());
    let said = [Some(line.to_owned()), elsewhere, presence, status];
    said.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// A user of the site, live.
#[component]
pub fn ColleagueRow(
    user: UserId,
    all: Memo<Option<Arc<Vec<Colleague>>>>,
    up: Memo<Option<CallId>>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let colleague = memo(move || {
        all.with(|all| {
            let all = all.as_ref()?;
            all.iter().find(|colleague| colleague.user == user).cloned()
        })
    });
    let Some(extension) = colleague.with_untracked(|colleague| Some(colleague.as_ref()?.extension.clone()))
    else {
        return ().into_any();
    };
    let name =
        derived(move || colleague.with(|one| one.as_ref().map(|one| one.name.clone()).unwrap_or_default()));
    let line = move || colleague.with(|one| one.as_ref().map(|one| one.line).unwrap_or_default());
    let presence = move || {
        colleague.with(|one| {
            let one = one.as_ref()?;
            Some(match one.line {
                LineState::Busy => "on_call",
                _ => presence_picker::name(one.availability),
            })
        })
    };
    let words = move || colleague.with(|one| one.as_ref().map(|one| state_words(i18n.locale(), one)));
    let may_pick_up = memo(move || {
        portal
            .profile()
            .with(|profile| profile.as_ref().is_some_and(|profile| profile.pick_up_allowed))
    });
    let picking = portal.awaits(|body| matches!(body, CommandBody::PickUp { .. }));
    let number = extension.as_str().to_owned();
    let pick_up = move |_| {
        let extension = extension.clone();
        portal.ask(CommandBody::PickUp { extension });
    };
    let pick_up = StoredValue::new(pick_up);
    view! {
        <li class="person" data-testid="colleague" data-line=live(move || line_name(line())) data-presence=live(presence)>
            <span class="presence-dot" aria-hidden="true"></span>
            <span class="person-words">
                <span class="person-name">{live(move || name.get())} " " <span class="person-extension">{number.clone()}</span></span>
                <span class="person-state" data-testid="colleague-state">{live(words)}</span>
            </span>
            <Shown when=derived(move || line() == LineState::Ringing && may_pick_up.get())>
                <button type="button" class="button small call" data-testid="person-pick-up" aria-disabled=barred(move || picking.get())
                    aria-label=live(move || text::directory::pick_up_of(i18n.locale(), name.get()))
                    on:click=move |event| pick_up.with_value(|pick_up| pick_up(event))>
                    {i18n.t(text::directory::pick_up)}
                </button>
            </Shown>
            <NumberActions number name up />
        </li>
    }
    .into_any()
}

/// What a number is called, in the words of the page where they are known.
pub fn label_words(locale: Locale, label: &str) -> String {
    match label {
        "mobile" => text::directory::mobile(locale).to_owned(),
        "work" => text::directory::work(locale).to_owned(),
        "home" => text::directory::home(locale).to_owned(),
        own => own.to_owned(),
    }
}

/// Where somebody works, and the first number: what stands below a name.
pub fn said_of(locale: Locale, organisation: &str, number: &ContactNumber) -> String {
    let said = [
        organisation.to_owned(),
        label_words(locale, &number.label),
        format::number(number.number.as_str()),
    ];
    said.into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

/// One of somebody's numbers, with what can be done with it.
#[component]
pub fn NumberLine(
    number: ContactNumber,
    /// Whose it is.
    of: String,
    up: Memo<Option<CallId>>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let shown = format::number(number.number.as_str());
    let name = format!("{of}, {shown}");
    let dialled = number.number.as_str().to_owned();
    view! {
        <li class="person-number">
            <span class="person-label">{live(move || label_words(i18n.locale(), &number.label))}</span>
            <span class="number">{shown}</span>
            <NumberActions number=dialled name up />
        </li>
    }
    .into_any()
}

/// A contact of the user's own; its other numbers on demand.
#[component]
pub fn ContactRow(
    id: ContactId,
    all: Memo<Arc<Vec<Contact>>>,
    up: Memo<Option<CallId>>,
    edit: Callback<Contact>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let contact = memo(move || all.with(|all| all.iter().find(|contact| contact.id == id).cloned()));
    let name =
        derived(move || contact.with(|one| one.as_ref().map(|one| one.name.clone()).unwrap_or_default()));
    let favourite = move || contact.with(|one| one.as_ref().is_some_and(|one| one.favourite));
    let line = derived(move || {
        contact.with(|one| {
            let Some((one, number)) = one.as_ref().and_then(|one| Some((one, one.numbers.first()?))) else {
                return String::new();
            };
            said_of(i18n.locale(), &one.organisation, number)
        })
    });
    let star = move |_| {
        if let Some(mut contact) = contact.get_untracked() {
            contact.favourite = !contact.favourite;
            portal.ask(CommandBody::SaveContact {
                contact: Box::new(contact),
            });
        }
    };
    // Another number is another button.
    let first = memo(move || {
        contact.with(|one| {
            let number = one.as_ref()?.numbers.first()?;
            Some(number.number.as_str().to_owned())
        })
    });
    view! {
        <Unfold testid="contact" open_testid="contact-open" attr:data-favourite=live(move || favourite().to_string())
            name line
            lead=move || view! {
                <button type="button" class="button icon-only quiet star" data-testid="contact-star"
                    aria-pressed=live(move || favourite().to_string())
                    aria-label=live(move || text::directory::favourite_of(i18n.locale(), name.get()))
                    on:click=star>
                    <Icon name="star" />
                </button>
            }
            more=move || view! { <Details contact up edit /> }
        >
            {live(move || first.get().map(|number| view! { <NumberActions number name up /> }))}
        </Unfold>
    }
    .into_any()
}

#[component]
fn Details(
    contact: Memo<Option<Contact>>,
    up: Memo<Option<CallId>>,
    edit: Callback<Contact>,
) -> impl IntoView {
    let portal = Portal::expect();
    let numbers = move || {
        contact.get().map(|contact| {
            let row = |number| view! { <NumberLine number of=contact.name.clone() up /> };
            contact.numbers.into_iter().map(row).collect_view()
        })
    };
    let notes = move || contact.with(|one| one.as_ref().map(|one| one.notes.clone()));
    let act = move |act: fn(Portal, &Contact)| {
        if let Some(contact) = contact.get_untracked() {
            act(portal, &contact);
        }
    };
    view! {
        <ul>{live(numbers)}</ul>
        <p class="person-notes" data-testid="contact-notes">{live(notes)}</p>
        <div class="button-row">
            <Button label=text::directory::edit look=Look::Small testid="contact-edit"
                press=Callback::new(move |()| if let Some(contact) = contact.get_untracked() { edit.run(contact) }) />
            <Button label=text::message::delete look=Look::Small icon="trash" testid="contact-delete"
                press=Callback::new(move |()| act(Portal::delete_contact)) />
        </div>
    }
    .into_any()
}

/// The call that would be handed over, tracked.
pub fn call_up(portal: Portal) -> Memo<Option<CallId>> {
    memo(move || portal.call_views().with(|calls| directory::to_hand_over(calls)))
}
