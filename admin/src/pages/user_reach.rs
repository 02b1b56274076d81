//! How one user is known to telephones: the PIN, and the numbers elsewhere at which calls can be taken.

use crate::components::dialog::Confirm;
use crate::components::field::TextField;
use crate::components::loaded::Loaded;
use crate::components::secret::Secret;
use crate::i18n::{I18n, text};
use crate::logic::form::{compact, malformed, parse};
use crate::site::{self, Fault, List, Part, Site};
use leptos::prelude::*;
use leptos::task::spawn_local;
use ponte_app::components::icon::Icon;
use ponte_app::design::{Button, Dialog, Look, Row, Tag};
use ponte_app::format;
use ponte_app::live::{barred, live};
use ponte_protocol::admin::{AdminAnswer, AdminChange, AdminQuery, Problem};
use ponte_protocol::{SavedDestination, UserId};

/// What stands over the dialog.
#[derive(Clone, PartialEq)]
enum Over {
    Nothing,
    Pin(String),
    RemovePin,
    Remove(SavedDestination),
}

/// The dialog of one user.
#[component]
pub fn UserReach(user: UserId, name: String, close: Callback<()>) -> impl IntoView {
    let i18n = I18n::expect();
    let over = RwSignal::new(Over::Nothing);
    let numbers = RwSignal::new(Part::default());
    let user = StoredValue::new(user);
    let name = StoredValue::new(name);
    load(numbers, user);
    let title = Signal::derive(move || text::reach::title(i18n.locale(), name.get_value()));
    view! {
        <Dialog testid="user-reach" title close>
            <Pin user over />
            <section class="admin-part" aria-labelledby="reach-numbers">
                <h3 id="reach-numbers">{i18n.t(text::field::destinations)}</h3>
                <p class="hint">{i18n.t(text::reach::numbers_hint)}</p>
                <Loaded part=numbers empty=Vec::is_empty words_empty=text::reach::empty />
                <ul class="rows">
                    {live(move || numbers.with(|part| part.value.clone().unwrap_or_default()).into_iter()
                        .map(|saved| view! { <NumberRow saved over /> }).collect_view())}
                </ul>
                <AddNumber user numbers />
            </section>
            <div class="button-row">
                <Button label=text::action::close testid="reach-close" press=Callback::new(move |()| close.run(())) />
            </div>
        </Dialog>
        <Above user name over numbers />
    }
}

type Numbers = RwSignal<Part<Vec<SavedDestination>>>;

fn load(numbers: Numbers, user: StoredValue<UserId>) {
    let site = Site::expect();
    spawn_local(async move { load_now(site, numbers, user).await });
}

async fn load_now(site: Site, numbers: Numbers, user: StoredValue<UserId>) {
    let Some(user) = user.try_get_value() else { return };
    match site.query(AdminQuery::Destinations { user }).await {
        Ok(AdminAnswer::Destinations { destinations }) => site::take(numbers, destinations),
        answer => site::blame(numbers, answer),
    }
}

/// Whether there is a PIN; a new one, or none any longer.
#[component]
fn Pin(user: StoredValue<UserId>, over: RwSignal<Over>) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let has_pin = Memo::new(move |_| {
        site.users.with(|users| {
            let mut users = users.value.iter().flatten();
            users.any(|known| known.has_pin && user.with_value(|user| known.settings.user == *user))
        })
    });
    let busy = RwSignal::new(false);
    let make = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let user = user.get_value();
        spawn_local(async move {
            match site.change(AdminChange::NewPin { user }).await {
                Ok(AdminAnswer::Pin { pin }) => {
                    over.try_set(Over::Pin(pin));
                }
                Ok(_) => site.tell(&Fault::Unknown),
                Err(fault) => site.tell(&fault),
            }
            busy.try_set(false);
            site.refresh(&[List::Users]);
        });
    };
    view! {
        <section class="admin-part" aria-labelledby="reach-pin">
            <h3 id="reach-pin">{i18n.t(text::reach::pin)}</h3>
            <p data-testid="pin-state">{live(move || {
                let locale = i18n.locale();
                if has_pin.get() { text::reach::has_pin(locale) } else { text::reach::no_pin(locale) }
            })}</p>
            <div class="button-row">
                <button type="button" class="button small" data-testid="pin-new" on:click=make>
                    {live(move || {
                        let locale = i18n.locale();
                        if has_pin.get() { text::reach::replace_pin(locale) } else { text::reach::new_pin(locale) }
                    })}
                </button>
                {live(move || has_pin.get().then(|| view! {
                    <Button label=text::reach::take_pin look=Look::SmallQuiet testid="pin-remove"
                        press=Callback::new(move |()| over.set(Over::RemovePin)) />
                }))}
            </div>
        </section>
    }
}

#[component]
fn NumberRow(saved: SavedDestination, over: RwSignal<Over>) -> impl IntoView {
    let i18n = I18n::expect();
    let label = saved.label.clone();
    let spoken = format::number(saved.number.as_str());
    let shown = spoken.clone();
    let (confirm, verified) = (saved.confirm, saved.verified);
    view! {
        <Row testid="reach-row"
            name=move || view! { {label} }
            line=move || view! { {shown} }
        >
            <div class="row-tags">
                {confirm.then(|| view! { <Tag>{i18n.t(text::field::confirm)}</Tag> })}
                {(!verified).then(|| view! { <Tag on=false>{i18n.t(text::reach::unproven)}</Tag> })}
            </div>
            <div class="row-actions">
                <button type="button" class="button icon-only quiet" data-testid="reach-remove"
                    aria-label=live(move || text::number::remove(i18n.locale(), &spoken))
                    on:click=move |_| over.set(Over::Remove(saved.clone()))>
                    <Icon name="trash" />
                </button>
            </div>
        </Row>
    }
}

#[component]
fn AddNumber(user: StoredValue<UserId>, numbers: Numbers) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let label = RwSignal::new(String::new());
    let number = RwSignal::new(String::new());
    let problems = RwSignal::new(Vec::<Problem>::new());
    let busy = RwSignal::new(false);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let mut found = Vec::new();
        let shown = label.get_untracked().trim().to_owned();
        if shown.is_empty() || shown.chars().count() > 40 {
            found.push(malformed("label"));
        }
        let read = parse("number", &compact(&number.get_untracked()), &mut found);
        let ready = found.is_empty();
        problems.set(found);
        let (Some(read), true) = (read, ready) else { return };
        let change = AdminChange::AddDestination {
            user: user.get_value(),
            label: shown,
            number: read,
        };
        busy.set(true);
        spawn_local(async move {
            match site.change(change).await {
                Ok(_) => {
                    label.try_set(String::new());
                    number.try_set(String::new());
                    site.tell_done(text::number::saved(i18n.locale_now()));
                }
                Err(Fault::Invalid(found)) => {
                    problems.try_set(found);
                }
                Err(fault) => site.tell(&fault),
            }
            busy.try_set(false);
            load_now(site, numbers, user).await;
        });
    };
    view! {
        <form class="admin-form" novalidate on:submit=submit>
            <div class="fields">
                <TextField name="label" label=text::field::name value=label problems hint=text::reach::label_hint />
                <TextField name="number" label=text::field::number value=number problems kind="tel" hint=text::field::number_hint />
            </div>
            <div class="button-row">
                <button type="submit" class="button small" data-testid="reach-add" aria-disabled=barred(move || busy.get())>
                    {i18n.t(text::reach::add)}
                </button>
            </div>
        </form>
    }
}

/// The question or the secret over the dialog.
#[component]
fn Above(
    user: StoredValue<UserId>,
    name: StoredValue<String>,
    over: RwSignal<Over>,
    numbers: Numbers,
) -> impl IntoView {
    let i18n = I18n::expect();
    let site = Site::expect();
    let close = Callback::new(move |()| over.set(Over::Nothing));
    live(move || match over.get() {
        Over::Nothing => ().into_any(),
        Over::Pin(pin) => {
            let title = Signal::derive(move || text::reach::pin_of(i18n.locale(), name.get_value()));
            view! { <Secret title hint=text::reach::pin_hint value=pin close /> }.into_any()
        }
        Over::RemovePin => {
            let question = Signal::derive(move || text::reach::remove_pin(i18n.locale(), name.get_value()));
            let confirm = Callback::new(move |()| {
                let user = user.get_value();
                let done = text::reach::pin_removed(i18n.locale_now()).to_owned();
                site.carry_out(AdminChange::RemovePin { user }, vec![List::Users], done);
            });
            view! { <Confirm question consequence=text::reach::remove_pin_means confirm close /> }.into_any()
        }
        Over::Remove(saved) => {
            let shown = format::number(saved.number.as_str());
            let question = Signal::derive(move || text::number::remove(i18n.locale(), &shown));
            let destination = saved.id;
            let confirm = Callback::new(move |()| {
                let change = AdminChange::RemoveDestination {
                    user: user.get_value(),
                    destination,
                };
                spawn_local(async move {
                    match site.change(change).await {
                        Ok(_) => site.tell_done(text::number::removed(i18n.locale_now())),
                        Err(fault) => site.tell(&fault),
                    }
                    load_now(site, numbers, user).await;
                });
            });
            view! { <Confirm question consequence=text::reach::remove_means confirm close /> }.into_any()
        }
    })
}
