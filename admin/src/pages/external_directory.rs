//! How a directory elsewhere (LDAP) is asked.

use crate::components::field::{SwitchField, TextField, told};
use crate::components::loaded::Loaded;
use crate::i18n::{I18n, text};
use crate::logic::directory::{names, numbers, numbers_text};
use crate::logic::form::count;
use crate::site::{Directory, Fault, List, Site};
use crate::words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::components::person_row::said_of;
use ponte_app::design::{Button, Card, Field, Look, Notice, Row, Tone};
use ponte_app::i18n::text::palette;
use ponte_app::live::live;
use ponte_protocol::admin::{AdminChange, Problem};
use ponte_protocol::external::{DirectoryPassword, DirectorySettings, ExternalPage, ExternalPerson};

/// The card of the site's page.
#[component]
pub fn ExternalDirectoryCard() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    // What somebody typed stays while the same settings are told again.
    let known = Memo::new(move |_| site.directory.with(|part| part.value.clone()));
    view! {
        <Card id="directory" title=text::directory::title class="card settings">
            <p class="hint">{i18n.t(text::directory::hint)}</p>
            <Loaded part=site.directory empty=|_| false words_empty=text::page::loading />
            {live(move || known.get().map(|known| view! { <Form known /> }))}
        </Card>
    }
}

#[component]
fn Form(known: Directory) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let Directory {
        settings,
        has_password,
    } = known;
    let is_set = settings.is_some();
    let before = settings.unwrap_or_default();
    let name = RwSignal::new(before.name.clone());
    let url = RwSignal::new(before.url.clone());
    let start_tls = RwSignal::new(before.start_tls);
    let ca = RwSignal::new(before.ca.clone());
    let bind_dn = RwSignal::new(before.bind_dn.clone());
    let password = RwSignal::new(String::new());
    let base_dn = RwSignal::new(before.base_dn.clone());
    let filter = RwSignal::new(before.filter.clone());
    let search = RwSignal::new(before.search.join(", "));
    let shown = RwSignal::new(before.names.join(", "));
    let telephones = RwSignal::new(numbers_text(&before.numbers));
    let mail = RwSignal::new(before.mail.clone());
    let organisation = RwSignal::new(before.organisation.clone());
    let limit = RwSignal::new(before.limit.to_string());
    let timeout = RwSignal::new(before.timeout_ms.to_string());
    let names_on_calls = RwSignal::new(before.names_on_calls);
    let problems = RwSignal::new(Vec::<Problem>::new());
    let busy = RwSignal::new(false);
    let carry_out = move |change: AdminChange, done: &'static str| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            match site.change(change).await {
                Ok(_) => {
                    problems.try_set(Vec::new());
                    password.try_set(String::new());
                    site.tell_done(done);
                }
                Err(fault) => {
                    site.tell(&fault);
                    if let Fault::Invalid(found) = fault {
                        problems.try_set(found);
                    }
                }
            }
            busy.try_set(false);
            site.refresh(&[List::Directory]);
        });
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let line = |field: RwSignal<String>| field.get_untracked().trim().to_owned();
        let mut found = Vec::new();
        let limit = count("limit", &limit.get_untracked(), 1..=100, &mut found);
        let timeout_ms = count("timeout_ms", &timeout.get_untracked(), 500..=10_000, &mut found);
        let ready = found.is_empty();
        problems.set(found);
        if !ready {
            return;
        }
        let settings = DirectorySettings {
            name: line(name),
            url: line(url),
            start_tls: start_tls.get_untracked(),
            ca: line(ca),
            bind_dn: line(bind_dn),
            base_dn: line(base_dn),
            filter: line(filter),
            search: names(&search.get_untracked()),
            names: names(&shown.get_untracked()),
            numbers: numbers(&telephones.get_untracked()),
            mail: line(mail),
            organisation: line(organisation),
            // It is 1 to 100.
            limit: u16::try_from(limit).unwrap_or(u16::MAX),
            timeout_ms: timeout_ms.into(),
            names_on_calls: names_on_calls.get_untracked(),
        };
        let typed = password.get_untracked();
        // Who asks as nobody has no password; else the one that is kept stays where none is typed.
        let password = match (settings.bind_dn.is_empty(), typed.is_empty()) {
            (true, _) => Some(DirectoryPassword(String::new())),
            (false, true) => None,
            (false, false) => Some(DirectoryPassword(typed)),
        };
        let settings = Box::new(settings);
        let change = AdminChange::PutDirectory { settings, password };
        carry_out(change, text::directory::saved(i18n.locale_now()));
    };
    let remove = Callback::new(move |()| {
        carry_out(
            AdminChange::RemoveDirectory,
            text::directory::removed(i18n.locale_now()),
        );
    });
    let about_ca = Signal::derive(move || told(i18n, problems, "ca"));
    let password_hint = if has_password {
        text::directory::password_kept
    } else {
        text::directory::password_hint
    };
    view! {
        <form class="admin-form" novalidate on:submit=submit data-testid="directory-form">
            <div class="fields">
                <TextField name="url" label=text::directory::url hint=text::directory::url_hint value=url problems />
                <TextField name="base_dn" label=text::directory::base_dn hint=text::directory::base_dn_hint value=base_dn problems />
                <TextField name="bind_dn" label=text::directory::bind_dn hint=text::directory::bind_dn_hint value=bind_dn problems />
                <TextField name="password" label=text::directory::password hint=password_hint value=password problems kind="password" />
                <TextField name="name" label=text::directory::name hint=text::directory::name_hint value=name problems />
                <TextField name="filter" label=text::directory::filter hint=text::directory::filter_hint value=filter problems />
                <TextField name="search" label=text::directory::search hint=text::directory::list_hint value=search problems />
                <TextField name="names" label=text::directory::names hint=text::directory::names_hint value=shown problems />
                <TextField name="numbers" label=text::directory::numbers hint=text::directory::numbers_hint value=telephones problems />
                <TextField name="mail" label=text::directory::mail value=mail problems />
                <TextField name="organisation" label=text::directory::organisation value=organisation problems />
                <TextField name="limit" label=text::directory::limit hint=text::directory::limit_hint value=limit problems kind="number" />
                <TextField name="timeout_ms" label=text::directory::timeout hint=text::directory::timeout_hint value=timeout problems kind="number" />
            </div>
            <Field id="field-ca" label=text::directory::ca hint=text::directory::ca_hint error=about_ca>
                <textarea id="field-ca" class="input" data-testid="field-ca" rows="4" spellcheck="false"
                    aria-describedby="field-ca-hint field-ca-error"
                    aria-invalid=live(move || about_ca.get().map(|_| "true"))
                    prop:value=live(move || ca.get())
                    on:input:target=move |event| ca.set(event.target().value())></textarea>
            </Field>
            <SwitchField name="start_tls" label=text::directory::start_tls hint=text::directory::start_tls_hint value=start_tls problems />
            <SwitchField name="names_on_calls" label=text::directory::names_on_calls hint=text::directory::names_on_calls_hint
                value=names_on_calls problems />
            <div class="button-row">
                <Button label=text::action::save look=Look::Primary testid="directory-save" submit=true disabled=busy />
                {is_set.then(|| view! {
                    <Button label=text::directory::remove look=Look::Quiet testid="directory-remove" disabled=busy press=remove />
                })}
            </div>
        </form>
        {is_set.then(|| view! { <Trial /> })}
    }
}

/// A search as the users' portals make it, so that it is seen at once whether the settings are right.
#[component]
fn Trial() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let find = RwSignal::new(String::new());
    let problems = RwSignal::new(Vec::<Problem>::new());
    let said = RwSignal::new(None::<Result<ExternalPage, Fault>>);
    let busy = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let find = find.get_untracked();
        spawn_local(async move {
            said.try_set(Some(site.look_up(find).await));
            busy.try_set(false);
        });
    };
    let count = move || {
        let locale = i18n.locale();
        said.with(|said| match said {
            Some(Ok(page)) if page.people.is_empty() => Some(text::directory::nobody(locale).to_owned()),
            Some(Ok(page)) => Some(palette::found(locale, page.people.len() as u64)),
            _ => None,
        })
    };
    let result = move || {
        said.get().map(|said| match said {
            Ok(page) => {
                let rows = page.people.into_iter().map(|person| view! { <Found person /> });
                view! { <ul class="rows">{rows.collect_view()}</ul> }.into_any()
            }
            Err(fault) => {
                let words = live(move || words::fault(i18n.locale(), &fault));
                view! { <Notice tone=Tone::Error>{words}</Notice> }.into_any()
            }
        })
    };
    view! {
        <form class="admin-form" novalidate on:submit=submit data-testid="directory-trial">
            <TextField name="find" label=text::directory::find hint=text::directory::find_hint value=find problems />
            <div class="button-row">
                <Button label=text::directory::look testid="directory-try" submit=true disabled=busy />
            </div>
            <div data-testid="directory-found">
                <p class="hint" role="status">{live(count)}</p>
                {live(result)}
            </div>
        </form>
    }
}

/// Somebody as users see them: whether the numbers are read as numbers shows here.
#[component]
fn Found(person: ExternalPerson) -> impl IntoView {
    let i18n = I18n::expect();
    let ExternalPerson {
        name,
        organisation,
        email,
        numbers,
    } = person;
    let line = move || {
        let locale = i18n.locale();
        let numbers = numbers.iter().map(|number| said_of(locale, "", number));
        let said = std::iter::once(organisation.clone())
            .chain(numbers)
            .chain([email.clone()]);
        said.filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" · ")
    };
    view! {
        <Row testid="directory-person" name=move || view! { {name} } line=move || view! { {live(line)} } />
    }
}
