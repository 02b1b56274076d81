//! The page of the directory: the users of the site, live, the user's own contacts, and people of a directory elsewhere.

use crate::browser;
use crate::browser::listen::a_task_later;
use crate::components::contact_files::ContactFiles;
use crate::components::contact_form::ContactForm;
use crate::components::external_people::ExternalPeople;
use crate::components::icon::Icon;
use crate::components::person_row::{ColleagueRow, ContactRow, call_up};
use crate::design::{Button, Empty, Paged, Pages, first_row};
use crate::i18n::{I18n, text};
use crate::live::{live, memo};
use crate::logic::directory::{Draft, Query};
use crate::logic::paging::{Page, cut};
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{Contact, ContactId, UserId};

/// Those of a list whose page is shown.
type Cut<T> = (Vec<T>, Page);

/// The page.
#[component]
pub fn DirectoryPage() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    portal.want_directory();
    let typed = RwSignal::new(String::new());
    let sought = a_task_later(typed);
    let query = memo(move || sought.with(|sought| Query::new(sought)));
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
    let from = first_row(move || query.track());
    let found: Memo<Cut<UserId>> = memo(move || {
        let own = portal
            .profile()
            .with(|profile| profile.as_ref().map(|profile| profile.user.clone()));
        all.with(|all| {
            let others = all.iter().flat_map(|all| all.iter());
            let others = others.filter(|colleague| Some(&colleague.user) != own.as_ref());
            let (found, page) =
                query.with(|query| cut(others.filter(|one| query.fits_colleague(one)), from.get()));
            let users = found.into_iter().map(|colleague| colleague.user.clone());
            (users.collect(), page)
        })
    });
    let empty = move || {
        let locale = i18n.locale();
        let nobody = found.with(|(found, _)| found.is_empty());
        match (all.with(Option::is_some), nobody, query.with(Query::is_empty)) {
            (false, ..) => Some(text::directory::loading(locale)),
            (true, true, true) => Some(text::directory::alone(locale)),
            (true, true, false) => Some(text::directory::nobody(locale)),
            (true, false, _) => None,
        }
    };
    let pages = Pages::new(move || found.with(|(_, page)| *page), move |to| from.set(to));
    view! {
        <h2 class="directory-title" id="colleagues-title">{i18n.t(text::directory::colleagues)}</h2>
        <Empty words=Signal::derive(empty) />
        <Paged id="colleagues" pages>
            <ul class="people" aria-labelledby="colleagues-title">
                <For each=move || found.with(|(found, _)| found.clone()) key=Clone::clone let:user>
                    <ColleagueRow user all up />
                </For>
            </ul>
        </Paged>
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
    let from = first_row(move || query.track());
    let found: Memo<Cut<ContactId>> = memo(move || {
        all.with(|all| {
            let (found, page) =
                query.with(|query| cut(all.iter().filter(|one| query.fits_contact(one)), from.get()));
            (found.into_iter().map(|contact| contact.id).collect(), page)
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
    let pages = Pages::new(move || found.with(|(_, page)| *page), move |to| from.set(to));
    view! {
        <h2 class="directory-title" id="contacts-title">{i18n.t(text::directory::contacts)}</h2>
        <Empty words=Signal::derive(empty) />
        <Paged id="contacts" pages>
            <ul class="people" aria-labelledby="contacts-title">
                <For each=move || found.with(|(found, _)| found.clone()) key=|id| *id let:id>
                    <ContactRow id all up edit />
                </For>
            </ul>
        </Paged>
    }
    .into_any()
}
