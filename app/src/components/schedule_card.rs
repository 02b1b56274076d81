//! Profiles by the clock: "weekdays from nine to six at home".

use crate::components::profile_card::shown_name;
use crate::design::Card;
use crate::i18n::{I18n, text};
use crate::live::{barred, live, memo};
use crate::logic::{profiles, schedule};
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::schedule::SCHEDULE_MAX;
use ponte_protocol::{CommandBody, ScheduleEntry};

/// The card; nothing while the telephone system knows no profiles.
#[component]
pub fn ScheduleCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let saving = portal.awaits(|body| matches!(body, CommandBody::SetSchedule { .. }));
    let locked = memo(move || saving.get() || portal.badge().get() != Badge::Connected);
    let rows = move || {
        let all = portal.schedule().get().into_iter().enumerate();
        all.map(|(place, entry)| row(portal, i18n, place, &entry, locked))
            .collect_view()
    };
    live(move || {
        portal.profiles().with(|all| !all.is_empty()).then(|| {
            view! {
                <Card id="schedule" title=text::schedule::title class="card settings">
                    <ul class="members">{live(rows)}</ul>
                    <AddForm locked />
                    <p class="hint">{i18n.t(text::schedule::hint)}</p>
                </Card>
            }
            .into_any()
        })
    })
}

fn row(portal: Portal, i18n: I18n, place: usize, entry: &ScheduleEntry, locked: Memo<bool>) -> AnyView {
    let locale = i18n.locale();
    let when = format!(
        "{} {}–{}",
        schedule::days(entry.days, text::schedule::days(locale)),
        schedule::clock(entry.from),
        schedule::clock(entry.to)
    );
    let name = shown_name(locale, &entry.profile);
    let label = text::schedule::remove(locale, &when, &name);
    let remove = move |_| {
        let mut schedule = portal.schedule().get_untracked();
        if place < schedule.len() {
            schedule.remove(place);
            portal.ask(CommandBody::SetSchedule { schedule });
        }
    };
    view! {
        <li class="member" data-testid="schedule-entry">
            <span class="member-name">{name}<span class="hint">{when}</span></span>
            <button type="button" class="button small quiet" data-testid="schedule-remove" aria-label=label
                aria-disabled=barred(move || locked.get()) on:click=remove>
                {text::schedule::remove_short(locale)}
            </button>
        </li>
    }
    .into_any()
}

#[component]
fn AddForm(locked: Memo<bool>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let days = RwSignal::new(schedule::WEEKDAYS);
    let from = RwSignal::new("09:00".to_owned());
    let to = RwSignal::new("18:00".to_owned());
    let chosen = RwSignal::new(String::new());
    let complete = memo(move || {
        portal.profiles().with(|all| {
            let complete = all.iter().filter(|profile| profiles::is_complete(profile));
            complete.map(|profile| profile.name.clone()).collect::<Vec<_>>()
        })
    });
    // The first that puts the user elsewhere, until another is chosen.
    let profile = move || {
        let chosen = chosen.get();
        complete.with(|all| {
            let other = all.iter().find(|name| *name != "office");
            let wanted = all.iter().find(|name| **name == chosen);
            wanted.or(other).or(all.first()).cloned().unwrap_or_default()
        })
    };
    let entry = move || schedule::entry(days.get(), &from.get(), &to.get(), &profile());
    let full = move || portal.schedule().with(Vec::len) >= SCHEDULE_MAX;
    let add = move || {
        let Some(entry) = entry() else { return };
        let mut schedule = portal.schedule().get_untracked();
        schedule.push(entry);
        portal.ask(CommandBody::SetSchedule { schedule });
    };
    let boxes = move || {
        let names = text::schedule::days(i18n.locale());
        let each = names.split(' ').enumerate().map(|(day, name)| {
            let bit = 1_u8 << day;
            view! {
                <label class="day">
                    <input type="checkbox" data-testid="schedule-day" prop:checked=live(move || days.get() & bit != 0)
                        on:change=move |_| days.update(|days| *days ^= bit) />
                    <span>{name}</span>
                </label>
            }
        });
        each.collect_view()
    };
    let options = move || {
        let locale = i18n.locale();
        let names = complete.get().into_iter();
        names
            .map(|name| {
                let shown = shown_name(locale, &name);
                view! { <option value=name>{shown}</option> }
            })
            .collect_view()
    };
    let time = move |testid: &'static str, label: fn(_) -> &'static str, value: RwSignal<String>| {
        view! {
            <label class="field">
                <span>{i18n.t(label)}</span>
                <input class="input" type="time" data-testid=testid prop:value=live(move || value.get())
                    on:input:target=move |event| value.set(event.target().value()) />
            </label>
        }
    };
    view! {
        <form class="stack" on:submit=move |event| { event.prevent_default(); add(); }>
            <fieldset class="days">
                <legend>{i18n.t(text::schedule::on)}</legend>
                {live(boxes)}
            </fieldset>
            <div class="button-row">
                {time("schedule-from", text::schedule::from, from)}
                {time("schedule-to", text::schedule::to, to)}
                <label class="field">
                    <span>{i18n.t(text::schedule::profile)}</span>
                    <select class="input" data-testid="schedule-profile" prop:value=live(profile)
                        on:change:target=move |event| chosen.set(event.target().value())>
                        {live(options)}
                    </select>
                </label>
            </div>
            <button type="submit" class="button" data-testid="schedule-add"
                aria-disabled=barred(move || locked.get() || full() || entry().is_none())>
                {i18n.t(text::schedule::add)}
            </button>
        </form>
    }
}
