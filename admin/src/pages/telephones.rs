//! The desk telephones; a password is shown once.

use crate::components::dialog::Confirm;
use crate::components::field::{ChoiceField, SwitchField, TextField};
use crate::components::loaded::Loaded;
use crate::components::secret::Secret;
use crate::i18n::{I18n, text};
use crate::logic::form::{malformed, parse};
use crate::site::{Fault, List, Site};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::components::icon::Icon;
use ponte_app::design::{Button, Look, Row, Tag};
use ponte_app::live::live;
use ponte_protocol::admin::{AdminAnswer, AdminChange, DeviceOverview, DeviceSettings, Problem};
use ponte_protocol::{DeviceId, UserId};

/// What stands over the page.
#[derive(Clone, PartialEq)]
enum Over {
    Nothing,
    Remove(DeviceId),
    Password { device: String, password: String },
}

/// The page.
#[component]
pub fn TelephonesPage() -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let over = RwSignal::new(Over::Nothing);
    let close = Callback::new(move |()| over.set(Over::Nothing));
    let device = RwSignal::new(String::new());
    let name = RwSignal::new(String::new());
    let owner = RwSignal::new(String::new());
    let hot_desk = RwSignal::new(false);
    let problems = RwSignal::new(Vec::<Problem>::new());
    let put = Callback::new(move |(settings, new_password): (DeviceSettings, bool)| {
        spawn_local(async move {
            let device = settings.device.to_string();
            let change = AdminChange::PutDevice {
                settings,
                new_password,
            };
            match site.change(change).await {
                Ok(AdminAnswer::DevicePassword { password }) => over.set(Over::Password { device, password }),
                Ok(_) => site.tell_done(text::telephone::saved(i18n.locale_now())),
                Err(Fault::Invalid(found)) => {
                    problems.try_set(found.clone());
                    site.tell(&Fault::Invalid(found));
                }
                Err(fault) => site.tell(&fault),
            }
            site.refresh(&[List::Devices]);
        });
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let mut found = Vec::new();
        let read: Option<DeviceId> = parse("device", &device.get_untracked(), &mut found);
        let shown = name.get_untracked().trim().to_owned();
        if shown.is_empty() || shown.chars().count() > 40 {
            found.push(malformed("name"));
        }
        let belongs: Option<UserId> = owner.get_untracked().parse().ok();
        let ready = found.is_empty();
        problems.set(found);
        if let (Some(device), true) = (read, ready) {
            let settings = DeviceSettings {
                device,
                name: shown,
                owner: belongs,
                hot_desk: hot_desk.get_untracked(),
            };
            put.run((settings, false));
        }
    };
    let owners = Signal::derive(move || {
        let nobody = (String::new(), text::telephone::nobody(i18n.locale()).to_owned());
        let users = site.users.with(|users| users.value.clone().unwrap_or_default());
        std::iter::once(nobody)
            .chain(
                users
                    .into_iter()
                    .map(|user| (user.settings.user.to_string(), user.settings.display_name)),
            )
            .collect()
    });
    let edit = Callback::new(move |settings: DeviceSettings| {
        device.set(settings.device.to_string());
        name.set(settings.name);
        owner.set(settings.owner.map(|owner| owner.to_string()).unwrap_or_default());
        hot_desk.set(settings.hot_desk);
        ponte_app::browser::focus("field-name");
    });
    let dialog = move || match over.get() {
        Over::Nothing => ().into_any(),
        Over::Password { device, password } => {
            let title = Signal::derive(move || text::telephone::password(i18n.locale(), &device));
            view! { <Secret title hint=text::telephone::password_hint value=password close /> }.into_any()
        }
        Over::Remove(device) => {
            let shown = device.to_string();
            let question = Signal::derive(move || text::telephone::remove(i18n.locale(), &shown));
            let confirm = Callback::new(move |()| {
                let done = text::telephone::removed(i18n.locale_now()).to_owned();
                let change = AdminChange::RemoveDevice {
                    device: device.clone(),
                };
                site.carry_out(change, vec![List::Devices], done);
            });
            view! { <Confirm question consequence=text::telephone::remove_means confirm close /> }.into_any()
        }
    };
    view! {
        <section class="card" aria-labelledby="telephone-new">
            <h2 id="telephone-new">{i18n.t(text::telephone::put)}</h2>
            <form class="admin-form" novalidate on:submit=submit>
                <div class="fields">
                    <TextField name="device" label=text::field::device value=device problems hint=text::field::device_hint />
                    <TextField name="name" label=text::field::name value=name problems />
                    <ChoiceField name="owner" label=text::field::owner value=owner problems options=owners />
                </div>
                <SwitchField name="hot_desk" label=text::field::hot_desk hint=text::field::hot_desk_hint value=hot_desk problems />
                <div class="button-row">
                    <button type="submit" class="button primary" data-testid="telephone-save">{i18n.t(text::action::save)}</button>
                </div>
            </form>
        </section>
        <section class="card" aria-labelledby="page-title">
            <Loaded part=site.devices empty=Vec::is_empty words_empty=text::telephone::empty />
            <ul class="rows">
                {live(move || site.devices.with(|devices| devices.value.clone().unwrap_or_default()).into_iter()
                    .map(|device| view! { <TelephoneRow device over put edit /> }).collect_view())}
            </ul>
        </section>
        {live(dialog)}
    }
}

#[component]
fn TelephoneRow(
    device: DeviceOverview,
    over: RwSignal<Over>,
    put: Callback<(DeviceSettings, bool)>,
    edit: Callback<DeviceSettings>,
) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let DeviceOverview {
        settings,
        registered,
        user_agent,
        user,
    } = device;
    let line = move || {
        let locale = i18n.locale();
        let used = user
            .as_ref()
            .map(|user| text::telephone::used_by(locale, site.user_name(user.as_str())));
        used.into_iter()
            .chain(user_agent.clone())
            .collect::<Vec<_>>()
            .join(" · ")
    };
    let (edited, renewed, removed) = (settings.clone(), settings.clone(), settings.device.clone());
    let hot_desk = settings.hot_desk;
    view! {
        <Row testid="telephone-row"
            name=move || view! { {settings.name} }
            line=move || view! { {settings.device.to_string()} }
            more=move || view! { <p class="hint">{live(line)}</p> }
        >
            <div class="row-tags">
                {hot_desk.then(|| view! { <Tag>{i18n.t(text::field::hot_desk)}</Tag> })}
                <Tag on=registered>{live(move || {
                    let locale = i18n.locale();
                    if registered { text::telephone::registered(locale) } else { text::telephone::unregistered(locale) }
                })}</Tag>
            </div>
            <div class="row-actions">
                <Button label=text::action::edit look=Look::Small
                    press=Callback::new(move |()| edit.run(edited.clone())) />
                <Button label=text::telephone::new_password look=Look::Small testid="telephone-password"
                    press=Callback::new(move |()| put.run((renewed.clone(), true))) />
                <button type="button" class="button icon-only quiet" data-testid="telephone-remove"
                    aria-label=i18n.t(text::action::remove) on:click=move |_| over.set(Over::Remove(removed.clone()))>
                    <Icon name="trash" />
                </button>
            </div>
        </Row>
    }
}
