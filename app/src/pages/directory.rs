//! The page of the directory: the users of the site, live, the user's own contacts, and people of a directory elsewhere.

use crate::browser;
use crate::components::contact_files::ContactFiles;
use crate::components::contact_form::ContactForm;
use crate::components::external_people::ExternalPeople;
use crate::components::icon::Icon;
use crate::components::person_row::{ColleagueRow, ContactRow, call_up};
use crate::components::shown::Shown;
use crate::design::{Button, Empty};
use crate::i18n::{I18n, text};
use crate::live::{derived, live, memo};
use crate::logic::directory::{Draft, Query, first_fits};
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{Contact, ContactId, UserId};

/// How many of a list are shown at first, and how many more each time.
const STEP: usize = 50;

/// The page.
#[component]
pub fn DirectoryPage() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    portal.want_directory();
    let typed = RwSignal::new(String::new());
    let query = memo(move || typed.with(|typed| Query::new(typed)));
    let editing = RwSignal::new(None::<Draft>);
    let close = Callback::new(move |()| {
        editing.set(None);
        browser::focus("directory-search");
    });
    let edit = Callback::new(move |contact: Contact| editing.set(Some(Draft::of(&contact))));
    view! {
        <section class="card directory" aria-labelledby="page-title">
            <div class="directory-head">
                <div class="search">
                    <Icon name="search" />
                    <input
                        id="directory-search" class="input" type="search" data-testid="directory-search" autocomplete="off"
                        aria-label=i18n.t(text::log::search) placeholder=i18n.t(text::log::search)
                        bind:value=typed
                    />
                </div>
                <Button label=text::directory::new icon="person" testid="contact-new"
                    press=Callback::new(move |()| editing.set(Some(Draft::empty(portal.new_contact())))) />
            </div>
            {live(move || editing.get().map(|begin| view! { <ContactForm begin close /> }))}
            <Colleagues query />
            <Contacts query edit />
            <ExternalPeople typed up=call_up(portal) add=Callback::new(move |draft| editing.set(Some(draft))) />
            <ContactFiles />
        </section>
    }
    .into_any()
}

/// The users of the site.
#[component]
fn Colleagues(query: Memo<Query>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let all = portal.colleagues();
    let up = call_up(portal);
    let limit = RwSignal::new(STEP);
    let found = memo(move || {
        let own = portal
            .profile()
            .with(|profile| profile.as_ref().map(|profile| profile.user.clone()));
        all.with(|all| {
            let all = all.as_ref()?;
            let others = all
                .iter()
                .filter(|colleague| Some(&colleague.user) != own.as_ref());
            let (found, more) =
                query.with(|query| first_fits(others, limit.get(), |one| query.fits_colleague(one)));
            let found: Vec<UserId> = found
                .into_iter()
                .map(|colleague| colleague.user.clone())
                .collect();
            Some((found, more))
        })
    });
    let empty = move || {
        let locale = i18n.locale();
        found.with(|found| match found {
            None => Some(text::directory::loading(locale)),
            Some((found, _)) if found.is_empty() && query.with(Query::is_empty) => {
                Some(text::directory::alone(locale))
            }
            Some((found, _)) if found.is_empty() => Some(text::directory::nobody(locale)),
            Some(_) => None,
        })
    };
    let users =
        move || found.with(|found| found.as_ref().map(|(found, _)| found.clone()).unwrap_or_default());
    let more = derived(move || found.with(|found| found.as_ref().is_some_and(|(_, more)| *more)));
    view! {
        <h2 class="directory-title" id="colleagues-title">{i18n.t(text::directory::colleagues)}</h2>
        <Empty words=Signal::derive(empty) />
        <ul class="people" aria-labelledby="colleagues-title">
            <For each=users key=Clone::clone let:user>
                <ColleagueRow user all up />
            </For>
        </ul>
        <More more limit />
    }
    .into_any()
}

/// The user's own contacts.
#[component]
fn Contacts(query: Memo<Query>, edit: Callback<Contact>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let (all, loaded) = (portal.contacts(), portal.has_contacts());
    let up = call_up(portal);
    let limit = RwSignal::new(STEP);
    // What is looked for anew is shown from its beginning.
    Effect::new(move || {
        query.track();
        limit.set(STEP);
    });
    let found = memo(move || {
        all.with(|all| {
            let (found, more) =
                query.with(|query| first_fits(all.iter(), limit.get(), |one| query.fits_contact(one)));
            let found: Vec<ContactId> = found.into_iter().map(|contact| contact.id).collect();
            (found, more)
        })
    });
    let empty = move || {
        let locale = i18n.locale();
        match (
            loaded.get(),
            all.with(|all| all.is_empty()),
            found.with(|(found, _)| found.is_empty()),
        ) {
            (false, ..) => Some(text::directory::loading(locale)),
            (true, true, _) => Some(text::directory::no_contacts(locale)),
            (true, false, true) => Some(text::directory::nobody(locale)),
            (true, false, false) => None,
        }
    };
    let more = derived(move || found.with(|(_, more)| *more));
    view! {
        <h2 class="directory-title" id="contacts-title">{i18n.t(text::directory::contacts)}</h2>
        <Empty words=Signal::derive(empty) />
        <ul class="people" aria-labelledby="contacts-title">
            <For each=move || found.with(|(found, _)| found.clone()) key=|id| *id let:id>
                <ContactRow id all up edit />
            </For>
        </ul>
        <More more limit />
    }
    .into_any()
}

/// The button that shows more of a list.
#[component]
fn More(more: Signal<bool>, limit: RwSignal<usize>) -> impl IntoView {
    view! {
        <Shown when=more>
            <Button label=text::directory::more testid="directory-more"
                press=Callback::new(move |()| limit.update(|limit| *limit += STEP)) />
        </Shown>
    }
    .into_any()
}
