//! Restrictions: those of groups and of the site, and which one decides over a number.

use super::explain::Explain;
use super::site_rules::SiteRulesEditor;
use crate::components::dialog::Confirm;
use crate::components::field::TextField;
use crate::components::loaded::Loaded;
use crate::components::rules_editor::{RulesDraft, RulesEditor};
use crate::i18n::{I18n, Locale, text};
use crate::logic::form::{malformed, read_rules, rule_texts};
use crate::site::{List, Site};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::components::icon::Icon;
use ponte_app::design::{Button, Dialog, Look, Row};
use ponte_app::live::live;
use ponte_protocol::admin::{
    AdminAnswer, AdminChange, AdminQuery, GroupSettings, Problem, Rule, SiteSettings,
};

/// What stands over the page.
#[derive(Clone, PartialEq)]
enum Over {
    Nothing,
    Edit(Option<GroupSettings>),
    Remove(String),
    Site(Box<SiteSettings>),
}

/// The page.
#[component]
pub fn GroupsPage() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let over = RwSignal::new(Over::Nothing);
    let close = Callback::new(move |()| over.set(Over::Nothing));
    let groups = move || {
        site.restrictions.with(|part| {
            part.value
                .as_ref()
                .map(|known| known.groups.clone())
                .unwrap_or_default()
        })
    };
    let of_site = move || {
        site.restrictions.with(|part| {
            part.value
                .as_ref()
                .map(|known| known.site.clone())
                .unwrap_or_default()
        })
    };
    let row = move |group: GroupSettings| {
        let (edited, removed) = (group.clone(), group.name.clone());
        let members = {
            let name = group.name.clone();
            move || {
                site.users.with(|users| {
                    let users = users.value.iter().flatten();
                    users
                        .filter(|user| user.settings.group.as_deref() == Some(name.as_str()))
                        .count()
                })
            }
        };
        view! {
            <Row testid="group-row"
                name=move || view! { {group.name} }
                line=move || view! { {live(move || text::user::count(i18n.locale(), members() as u64))} }
                more=move || view! { <Rules rules=group.rules /> }
            >
                <div class="row-actions">
                    <Button label=text::action::edit look=Look::Small testid="group-edit"
                        press=Callback::new(move |()| over.set(Over::Edit(Some(edited.clone())))) />
                    <button type="button" class="button icon-only quiet" data-testid="group-remove"
                        aria-label=i18n.t(text::action::remove) on:click=move |_| over.set(Over::Remove(removed.clone()))>
                        <Icon name="trash" />
                    </button>
                </div>
            </Row>
        }
    };
    let dialog = move || match over.get() {
        Over::Nothing => ().into_any(),
        Over::Site(settings) => view! { <SiteRulesEditor settings=*settings close /> }.into_any(),
        Over::Edit(known) => view! { <GroupEditor known close /> }.into_any(),
        Over::Remove(name) => {
            let shown = name.clone();
            let question = Signal::derive(move || text::group::remove(i18n.locale(), &shown));
            let confirm = Callback::new(move |()| {
                let done = text::group::removed(i18n.locale_now()).to_owned();
                site.carry_out(
                    AdminChange::RemoveGroup { name: name.clone() },
                    vec![List::Groups],
                    done,
                );
            });
            view! { <Confirm question consequence=text::group::remove_means confirm close /> }.into_any()
        }
    };
    let edit_site = move |_| {
        spawn_local(async move {
            match site.query(AdminQuery::Site).await {
                Ok(AdminAnswer::Site { settings, .. }) => {
                    over.try_set(Over::Site(settings));
                }
                Ok(_) => site.tell(&crate::site::Fault::Unknown),
                Err(fault) => site.tell(&fault),
            }
        });
    };
    view! {
        <Explain />
        <section class="card" aria-labelledby="groups-title">
            <div class="admin-head">
                <h2 id="groups-title">{i18n.t(text::group::title)}</h2>
                <Button label=text::group::new look=Look::Primary testid="group-new"
                    press=Callback::new(move |()| over.set(Over::Edit(None))) />
            </div>
            <Loaded part=site.restrictions empty=|known| known.groups.is_empty() words_empty=text::group::empty />
            <ul class="rows">{live(move || groups().into_iter().map(row).collect_view())}</ul>
        </section>
        <section class="card" aria-labelledby="site-rules-title">
            <div class="admin-head">
                <h2 id="site-rules-title">{i18n.t(text::group::site)}</h2>
                <button type="button" class="button small" data-testid="site-rules-edit" on:click=edit_site>
                    {i18n.t(text::action::edit)}
                </button>
            </div>
            <p class="hint">{i18n.t(text::group::site_hint)}</p>
            {live(move || view! { <Rules rules=of_site() /> })}
        </section>
        {live(dialog)}
    }
}

/// Rules in their order.
#[component]
fn Rules(rules: Vec<Rule>) -> impl IntoView {
    let i18n = I18n::expect();
    view! {
        <ol class="rule-tags">
            {rules.into_iter().map(|rule| {
                let Rule { allow, prefix, hours } = rule;
                let hours = hours.map(|hours| format!(" ({hours})"));
                view! {
                    <li class="tag" class:on=allow class:off=!allow>
                        {live(move || effect(i18n.locale(), allow, &prefix))}{hours}
                    </li>
                }
            }).collect_view()}
        </ol>
    }
}

/// A rule in words.
pub fn effect(locale: Locale, allow: bool, prefix: &str) -> String {
    let words = if allow {
        text::rules::allow(locale)
    } else {
        text::rules::deny(locale)
    };
    if prefix == "+" {
        format!("{words}: {}", text::rules::all(locale))
    } else {
        format!("{words}: {prefix}")
    }
}

#[component]
fn GroupEditor(known: Option<GroupSettings>, close: Callback<()>) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let is_new = known.is_none();
    let known = known.unwrap_or(GroupSettings {
        name: String::new(),
        rules: Vec::new(),
    });
    let name = RwSignal::new(known.name);
    let rules = RulesDraft::new(rule_texts(&known.rules));
    let problems = RwSignal::new(Vec::<Problem>::new());
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let mut found = Vec::new();
        let shown = name.get_untracked().trim().to_owned();
        if shown.is_empty() || shown.chars().count() > 40 || shown.chars().any(char::is_control) {
            found.push(malformed("name"));
        }
        let rules = read_rules(&rules.read(), &mut found);
        let ready = found.is_empty();
        problems.set(found);
        if ready {
            let settings = GroupSettings { name: shown, rules };
            let done = text::group::saved(i18n.locale_now()).to_owned();
            site.carry_out(AdminChange::PutGroup { settings }, vec![List::Groups], done);
            close.run(());
        }
    };
    let title = Signal::derive(move || {
        let locale = i18n.locale();
        if is_new {
            text::group::new(locale).to_owned()
        } else {
            name.get()
        }
    });
    view! {
        <Dialog testid="group-editor" title close>
            <form class="admin-form" novalidate on:submit=submit>
                <TextField name="name" label=text::field::name value=name problems readonly=!is_new />
                <RulesEditor rules problems />
                <div class="button-row">
                    <button type="submit" class="button primary" data-testid="group-save">{i18n.t(text::action::save)}</button>
                    <Button label=text::action::cancel look=Look::Quiet
                        press=Callback::new(move |()| close.run(())) />
                </div>
            </form>
        </Dialog>
    }
}
