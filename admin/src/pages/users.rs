//! The users: found by name, number or group; made, changed, invited, removed.

use super::user_editor::UserEditor;
use super::user_reach::UserReach;
use crate::components::dialog::Confirm;
use crate::components::loaded::Loaded;
use crate::components::secret::Secret;
use crate::i18n::{I18n, Locale, text};
use crate::site::{List, Site};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::browser::listen::a_task_later;
use ponte_app::components::icon::Icon;
use ponte_app::design::{Button, Look, Paged, Pages, Row, Tag, first_row};
use ponte_app::live::live;
use ponte_app::logic::paging::cut;
use ponte_protocol::admin::{AdminAnswer, AdminChange, UserOverview, UserSettings};
use ponte_protocol::{Mode, UserId};

/// What stands over the page.
#[derive(Clone, PartialEq)]
enum Over {
    Nothing,
    New,
    Edit(Box<UserSettings>),
    Reach(UserId, String),
    Remove(UserId, String),
    Invitation { name: String, link: String },
}

/// The page.
#[component]
pub fn UsersPage() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let query = RwSignal::new(String::new());
    let over = RwSignal::new(Over::Nothing);
    let close = Callback::new(move |()| over.set(Over::Nothing));
    let sought = a_task_later(query);
    let from = first_row(move || sought.track());
    let found = Memo::new(move |_| {
        let query = sought.get().to_lowercase();
        site.users.with(|users| {
            let users = users.value.iter().flatten();
            let (found, page) = cut(users.filter(|user| matches(user, &query)), from.get());
            (found.into_iter().cloned().collect::<Vec<_>>(), page)
        })
    });
    let page = move || found.with(|(_, page)| *page);
    let pages = Pages::new(page, move |to| from.set(to));
    let invite = Callback::new(move |settings: UserSettings| {
        spawn_local(async move {
            let user = settings.user;
            match site.change(AdminChange::InviteUser { user }).await {
                Ok(AdminAnswer::Invitation { link, .. }) => over.set(Over::Invitation {
                    name: settings.display_name,
                    link,
                }),
                Ok(_) => site.tell(&crate::site::Fault::Unknown),
                Err(fault) => site.tell(&fault),
            }
        });
    });
    let dialog = move || match over.get() {
        Over::Nothing => ().into_any(),
        Over::New => view! { <UserEditor known=None close saved=invite /> }.into_any(),
        Over::Edit(settings) => {
            let nothing = Callback::new(|_| {});
            view! { <UserEditor known=Some(*settings) close saved=nothing /> }.into_any()
        }
        Over::Reach(user, name) => view! { <UserReach user name close /> }.into_any(),
        Over::Remove(user, name) => {
            let said = name.clone();
            let confirm = Callback::new(move |()| {
                let done = text::user::removed(i18n.locale_now(), &said);
                site.carry_out(
                    AdminChange::RemoveUser { user: user.clone() },
                    vec![List::Users],
                    done,
                );
            });
            let question = Signal::derive(move || text::user::remove(i18n.locale(), &name));
            view! { <Confirm question consequence=text::user::remove_means confirm close /> }.into_any()
        }
        Over::Invitation { name, link } => {
            let title = Signal::derive(move || text::user::invitation(i18n.locale(), &name));
            view! { <Secret title hint=text::user::invitation_hint value=link close /> }.into_any()
        }
    };
    view! {
        <section class="card" aria-labelledby="page-title">
            <div class="admin-head">
                <div class="search">
                    <Icon name="search" />
                    <input class="input" type="search" data-testid="user-search" autocomplete="off"
                        aria-label=i18n.t(text::user::search) placeholder=i18n.t(text::user::search) bind:value=query />
                </div>
                <Button label=text::user::new look=Look::Primary testid="user-new"
                    press=Callback::new(move |()| over.set(Over::New)) />
            </div>
            <Loaded part=site.users empty=Vec::is_empty words_empty=text::user::empty />
            <p class="hint" role="status">{live(move || text::user::count(i18n.locale(), page().total as u64))}</p>
            <Paged id="users" pages>
                <ul class="rows">
                    {live(move || found.get().0.into_iter().map(|user| view! { <UserRow user over invite /> }).collect_view())}
                </ul>
            </Paged>
        </section>
        {live(dialog)}
    }
}

fn matches(user: &UserOverview, query: &str) -> bool {
    let settings = &user.settings;
    query.split_whitespace().all(|word| {
        settings.display_name.to_lowercase().contains(word)
            || settings.user.as_str().contains(word)
            || settings.extension.as_str().contains(word)
            || settings
                .group
                .as_ref()
                .is_some_and(|group| group.to_lowercase().contains(word))
    })
}

/// The rights a user has, in few words.
fn rights(locale: Locale, settings: &UserSettings) -> String {
    [
        (settings.administrator, text::field::administrator(locale)),
        (settings.telecommuter_allowed, text::field::telecommuter(locale)),
        (settings.voicemail_allowed, text::field::voicemail(locale)),
        (settings.call_waiting_allowed, text::field::call_waiting(locale)),
    ]
    .into_iter()
    .filter_map(|(has, words)| has.then_some(words))
    .collect::<Vec<_>>()
    .join(" · ")
}

#[component]
fn UserRow(user: UserOverview, over: RwSignal<Over>, invite: Callback<UserSettings>) -> impl IntoView {
    let i18n = I18n::expect();
    let UserOverview {
        settings,
        mode,
        portals,
        ..
    } = user;
    let name = settings.display_name.clone();
    let line = format!("{} · {}", settings.extension.as_str(), settings.user);
    let away = matches!(mode, Mode::Telecommuting { .. });
    let group = settings.group.clone();
    let shown = settings.clone();
    let user_id = settings.user.to_string();
    let (edited, invited, reached, removed) =
        (settings.clone(), settings.clone(), settings.clone(), settings);
    let spoken = StoredValue::new(name.clone());
    let label =
        move |words: fn(Locale, String) -> String| live(move || words(i18n.locale(), spoken.get_value()));
    view! {
        <Row testid="user-row" attr:data-user=user_id
            name=move || view! { {name} }
            line=move || view! { {line} }
            more=move || view! { <p class="hint">{live(move || rights(i18n.locale(), &shown))}</p> }
        >
            <div class="row-tags">
                {group.map(|group| view! { <Tag>{group}</Tag> })}
                {away.then(|| view! { <Tag on=true>{i18n.t(text::user::away)}</Tag> })}
                {(portals > 0).then(|| view! { <Tag on=true>{i18n.t(text::user::online)}</Tag> })}
            </div>
            <div class="row-actions">
                <button type="button" class="button small" data-testid="user-edit"
                    aria-label=label(text::user::edit)
                    on:click=move |_| over.set(Over::Edit(Box::new(edited.clone())))>
                    {i18n.t(text::action::edit)}
                </button>
                <button type="button" class="button small" data-testid="user-reach"
                    aria-label=label(text::reach::title)
                    on:click=move |_| over.set(Over::Reach(reached.user.clone(), reached.display_name.clone()))>
                    {i18n.t(text::reach::open)}
                </button>
                <button type="button" class="button small" data-testid="user-invite"
                    aria-label=label(text::user::invite)
                    on:click=move |_| invite.run(invited.clone())>
                    {i18n.t(text::action::invite)}
                </button>
                <button type="button" class="button icon-only quiet" data-testid="user-remove"
                    aria-label=label(text::user::remove)
                    on:click=move |_| over.set(Over::Remove(removed.user.clone(), removed.display_name.clone()))>
                    <Icon name="trash" />
                </button>
            </div>
        </Row>
    }
}
