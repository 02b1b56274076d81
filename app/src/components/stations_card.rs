//! The desk telephones of the user: logging on and off (rule T11).

use crate::components::icon::Icon;
use crate::components::shown::Shown;
use crate::design::{Button, Card, Look, Notice, Tone};
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, derived, live, memo};
use crate::logic::stations::{self, Consequence};
use crate::socket::Badge;
use crate::state::Portal;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, DeviceId, StationView};

/// The card.
#[component]
pub fn StationsCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    // The telephone whose consequences are being read.
    let asked = RwSignal::new(None::<DeviceId>);
    let here = memo(move || portal.stations().with(|all| stations::logged_on(all).cloned()));
    Effect::new(move || {
        here.track();
        asked.set(None);
    });
    let summary = move || {
        let locale = i18n.locale();
        match here.get() {
            Some(station) => text::station::here(locale, station.name),
            None => text::station::nowhere(locale).to_owned(),
        }
    };
    view! {
        <Card id="stations" title=text::station::title class="card settings">
            <p data-testid="station-here">{live(summary)}</p>
            <ul class="stations">
                {live(move || portal.stations().get().into_iter().map(|station| view! { <StationRow station asked /> }).collect_view())}
            </ul>
            <Shown when=derived(move || portal.stations().with(Vec::is_empty))>
                <p class="hint">{i18n.t(text::station::none)}</p>
            </Shown>
        </Card>
    }
}

fn consequence(locale: Locale, consequence: Consequence) -> String {
    match consequence {
        Consequence::LeavesTelecommuting => text::station::leaves_telecommuting(locale).to_owned(),
        Consequence::LogsOffOther(name) => text::station::logs_off_other(locale, name),
        Consequence::LeavesTelephone(name) => text::station::leaves_telephone(locale, name),
    }
}

#[component]
fn StationRow(station: StationView, asked: RwSignal<Option<DeviceId>>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let busy = portal.awaits(|body| matches!(body, CommandBody::LogOn { .. } | CommandBody::LogOff));
    let locked = move || busy.get() || portal.badge().get() != Badge::Connected;
    let name = station.name.clone();
    let StationView {
        registered,
        own,
        logged_on,
        ..
    } = station;
    let taken_by = station.taken_by.clone();
    let state = move || {
        let locale = i18n.locale();
        let parts = [
            own.then(|| text::station::own(locale).to_owned()),
            logged_on.then(|| text::station::you(locale).to_owned()),
            taken_by.as_ref().map(|name| text::station::taken(locale, name)),
            (!registered).then(|| text::station::unregistered(locale).to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    };
    let station = StoredValue::new(station);
    let device = move || station.with_value(|station| station.device.clone());
    let open = memo(move || asked.get().is_some_and(|asked| asked == device()));
    let words = move || {
        let locale = i18n.locale();
        if logged_on {
            return text::station::log_off_means(locale).to_owned();
        }
        let consequences = portal.stations().with(|all| {
            portal.mode().with(|mode| {
                station.with_value(|station| stations::consequences(station, all, mode.as_ref()))
            })
        });
        std::iter::once(text::station::rings_here(locale).to_owned())
            .chain(consequences.into_iter().map(|one| consequence(locale, one)))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let action = move || {
        let locale = i18n.locale();
        if logged_on {
            text::station::log_off(locale)
        } else {
            text::station::log_on(locale)
        }
    };
    let carry_out = move |_| {
        let body = if logged_on {
            CommandBody::LogOff
        } else {
            CommandBody::LogOn { device: device() }
        };
        portal.ask(body);
        asked.set(None);
    };
    view! {
        <li class="station" data-testid="station" data-logged-on=logged_on.to_string()>
            <div class="station-line">
                <Icon name="desk-phone" />
                <div class="station-words">
                    <p class="station-name">{name}</p>
                    <p class="hint">{live(state)}</p>
                </div>
                <Shown when=derived(move || !open.get())>
                    <button type="button" class="button small" data-testid="station-ask"
                        aria-disabled=barred(move || locked() || !(registered || logged_on))
                        on:click=move |_| asked.set(Some(device()))>
                        {live(action)}
                    </button>
                </Shown>
            </div>
            <Shown when=derived(move || open.get())>
                <Notice tone=Tone::Question>
                    <p data-testid="station-consequences">{live(words)}</p>
                    <div class="button-row">
                        <button type="button" class="button primary" data-testid="station-confirm" aria-disabled=barred(locked)
                            on:click=carry_out>
                            {live(action)}
                        </button>
                        <Button label=text::reach::cancel look=Look::Quiet
                            press=Callback::new(move |()| asked.set(None)) />
                    </div>
                </Notice>
            </Shown>
        </li>
    }
}
