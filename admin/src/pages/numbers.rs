//! The numbers of the site and the extensions they lead to.

use crate::components::dialog::Confirm;
use crate::components::field::{ChoiceField, TextField};
use crate::components::loaded::Loaded;
use crate::i18n::{I18n, text};
use crate::logic::form::{compact, filled, parse};
use crate::site::{List, Site};
use leptos::prelude::*;
use ponte_app::components::icon::Icon;
use ponte_app::design::{Button, Look, Row};
use ponte_app::format;
use ponte_app::live::live;
use ponte_protocol::admin::{AdminChange, DidSettings, Problem};

/// The page.
#[component]
pub fn NumbersPage() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let removing = RwSignal::new(None::<DidSettings>);
    let close = Callback::new(move |()| removing.set(None));
    let number = RwSignal::new(String::new());
    let extension = RwSignal::new(String::new());
    let label = RwSignal::new(String::new());
    let trunk = RwSignal::new(String::new());
    let problems = RwSignal::new(Vec::<Problem>::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let mut found = Vec::new();
        let read_number = parse("number", &compact(&number.get_untracked()), &mut found);
        let read_extension = parse("extension", &extension.get_untracked(), &mut found);
        problems.set(found);
        if let (Some(read_number), Some(read_extension)) = (read_number, read_extension) {
            let settings = DidSettings {
                number: read_number,
                extension: read_extension,
                label: filled(&label.get_untracked()),
                trunk: filled(&trunk.get_untracked()),
                configured: false,
            };
            let done = text::number::saved(i18n.locale_now()).to_owned();
            site.carry_out(AdminChange::PutDid { settings }, vec![List::Dids], done);
        }
    };
    let trunks = Signal::derive(move || {
        let any = (String::new(), text::number::any_trunk(i18n.locale()).to_owned());
        let known = site
            .trunks
            .with(|trunks| trunks.value.clone().unwrap_or_default());
        std::iter::once(any)
            .chain(known.into_iter().map(|trunk| (trunk.name.clone(), trunk.name)))
            .collect()
    });
    let owner = move |extension: &str| {
        site.users.with(|users| {
            users
                .value
                .iter()
                .flatten()
                .find(|user| user.settings.extension.as_str() == extension)
                .map(|user| user.settings.display_name.clone())
        })
    };
    let row = move |did: DidSettings| {
        let (edited, removed) = (did.clone(), did.clone());
        let to = did.extension.as_str().to_owned();
        view! {
            <Row testid="number-row"
                name=move || view! { {format::number(did.number.as_str())} }
                line=move || view! { {live(move || match owner(&to) {
                        Some(name) => format!("→ {to} · {name}"),
                        None => format!("→ {to}"),
                    })} }
                more=move || view! { <p class="hint">{did.label.into_iter().chain(did.trunk).collect::<Vec<_>>().join(" · ")}</p> }
            >
                <div class="row-actions">
                    <Button label=text::action::edit look=Look::Small
                        press=Callback::new(move |()| {
                        number.set(edited.number.as_str().to_owned());
                        extension.set(edited.extension.as_str().to_owned());
                        label.set(edited.label.clone().unwrap_or_default());
                        trunk.set(edited.trunk.clone().unwrap_or_default());
                        ponte_app::browser::focus("field-extension");
                    }) />
                    <button type="button" class="button icon-only quiet" data-testid="number-remove"
                        aria-label=i18n.t(text::action::remove) on:click=move |_| removing.set(Some(removed.clone()))>
                        <Icon name="trash" />
                    </button>
                </div>
            </Row>
        }
    };
    view! {
        <section class="card" aria-labelledby="number-new">
            <h2 id="number-new">{i18n.t(text::number::put)}</h2>
            <form class="admin-form" novalidate on:submit=submit>
                <div class="fields">
                    <TextField name="number" label=text::field::number value=number problems kind="tel" hint=text::field::number_hint />
                    <TextField name="extension" label=text::field::extension value=extension problems kind="tel" />
                    <TextField name="label" label=text::field::label value=label problems />
                    <ChoiceField name="trunk" label=text::number::trunk value=trunk problems options=trunks />
                </div>
                <div class="button-row">
                    <button type="submit" class="button primary" data-testid="number-save">{i18n.t(text::action::save)}</button>
                </div>
            </form>
        </section>
        <section class="card" aria-labelledby="page-title">
            <Loaded part=site.dids empty=Vec::is_empty words_empty=text::number::empty />
            <ul class="rows">
                {live(move || site.dids.with(|dids| dids.value.clone().unwrap_or_default()).into_iter().map(row).collect_view())}
            </ul>
        </section>
        {live(move || removing.get().map(|did| {
            let shown = format::number(did.number.as_str());
            let question = Signal::derive(move || text::number::remove(i18n.locale(), &shown));
            let confirm = Callback::new(move |()| {
                let done = text::number::removed(i18n.locale_now()).to_owned();
                site.carry_out(AdminChange::RemoveDid { number: did.number.clone() }, vec![List::Dids], done);
            });
            view! { <Confirm question consequence=text::number::remove_means confirm close /> }
        }))}
    }
}
