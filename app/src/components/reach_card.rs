//! "How am I reachable": the mode, and the way to change it.

use crate::browser;
use crate::components::browser_place::BrowserPlace;
use crate::components::destination_chooser::DestinationChooser;
use crate::components::icon::Icon;
use crate::components::shown::Shown;
use crate::components::stay_switch::StaySwitch;
use crate::components::until_field::UntilField;
use crate::components::verify_panel::VerifyPanel;
use crate::design::{Button, Card, Tag};
use crate::format;
use crate::i18n::{I18n, Locale, text};
use crate::live::{derived, live, memo};
use crate::logic::stations;
use crate::state::Portal;
use crate::state::verification::Stage;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, Destination, Mode};

/// The card.
#[component]
pub fn ReachCard() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let changing = RwSignal::new(false);
    let telecommuting = memo(move || matches!(portal.mode().get(), Some(Mode::Telecommuting { .. })));
    let allowed = memo(move || {
        portal
            .profile()
            .get()
            .is_some_and(|profile| profile.telecommuter_allowed)
    });
    let known = memo(move || portal.mode().get().is_some());
    let leaving = portal.awaits(|body| matches!(body, CommandBody::LeaveTelecommuter));
    // A change that took effect is done with.
    Effect::new(move || {
        portal.mode().track();
        portal.entered().track();
        changing.set(false);
    });
    let mode_name = move || match portal.mode().get() {
        Some(Mode::Office) => "office",
        Some(Mode::Telecommuting { .. }) => "telecommuting",
        Some(Mode::Unknown) | None => "unknown",
    };
    let verifying = memo(move || {
        portal
            .verification()
            .with(|proof| proof.as_ref().is_some_and(|proof| proof.stage != Stage::Saving))
    });
    let choosing = move || known.get() && allowed.get() && (!telecommuting.get() || changing.get());

    view! {
        <Card id="reach" title=text::reach::title class="card reach">
            <div class="mode" data-testid="mode" data-mode=live(mode_name)>
                <span class="mode-icon">
                    {live(move || {
                        let name = if telecommuting.get() { "home-phone" } else { "desk-phone" };
                        view! { <Icon name /> }
                    })}
                </span>
                <div class="mode-words"><CurrentMode /></div>
            </div>
            <Shown when=derived(move || telecommuting.get() && !changing.get())>
                <div class="button-row">
                    <Button label=text::reach::change testid="destination-change"
                        press=Callback::new(move |()| { changing.set(true); browser::focus("destination-number"); }) />
                    <UntilField />
                    <Button label=text::reach::leave testid="destination-leave" disabled=leaving
                        press=Callback::new(move |()| { portal.ask(CommandBody::LeaveTelecommuter); }) />
                </div>
                <StaySwitch />
            </Shown>
            <Shown when=derived(move || verifying.get())>
                <VerifyPanel />
            </Shown>
            <Shown when=derived(move || choosing() && !verifying.get())>
                <DestinationChooser telecommuting changing />
            </Shown>
            <Shown when=derived(move || known.get() && !allowed.get())>
                <p class="hint">{i18n.t(text::reach::not_allowed)}</p>
            </Shown>
        </Card>
    }
}

#[component]
fn CurrentMode() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    move || {
        let locale = i18n.locale();
        let extension = portal
            .profile()
            .get()
            .map(|profile| profile.extension.as_str().to_owned())
            .unwrap_or_default();
        match portal.mode().get() {
            Some(Mode::Office) => view! {
                <p class="mode-name">{text::reach::office(locale)}</p>
                <p class="hint" data-testid="office-hint">{office_hint(portal, locale, extension)}</p>
            }
            .into_any(),
            Some(Mode::Telecommuting {
                destination, since, ..
            }) => {
                let detail = match &destination {
                    Destination::Number {
                        number,
                        label: Some(_),
                        ..
                    } => format::number(number.as_str()),
                    _ => String::new(),
                };
                let confirmed = matches!(destination, Destination::Number { confirm: true, .. });
                let since = text::reach::since(locale, browser::clock_time(&i18n.region(), since));
                view! {
                    <p class="mode-name">{text::reach::telecommuting(locale)}</p>
                    <p class="mode-destination" data-testid="current-destination">
                        {words::destination(locale, &destination)}
                        <span class="mode-number">{detail}</span>
                    </p>
                    <p class="hint">
                        {text::reach::telecommuting_hint(locale, extension)} " · " {since}
                    </p>
                    {matches!(destination, Destination::Browser).then(|| view! { <BrowserPlace /> })}
                    {confirmed.then(|| view! { <Tag>{text::reach::asks_for_key(locale)}</Tag> })}
                }
                .into_any()
            }
            Some(Mode::Unknown) => {
                view! { <p class="mode-name">{text::reach::unknown_mode(locale)}</p> }.into_any()
            }
            None => view! { <p class="mode-name placeholder">{text::reach::waiting(locale)}</p> }.into_any(),
        }
    }
}

/// Where calls ring at the office, or why they do not (rule T10).
fn office_hint(portal: Portal, locale: Locale, extension: String) -> String {
    let at = portal
        .stations()
        .with(|all| stations::logged_on(all).map(|station| (station.name.clone(), station.registered)));
    match (at, portal.has_voicemail()) {
        (Some((station, true)), _) => text::reach::office_at(locale, extension, station),
        (Some((station, false)), true) => text::reach::office_away_voicemail(locale, extension, station),
        (Some((station, false)), false) => text::reach::office_away_busy(locale, extension, station),
        (None, true) => text::reach::office_voicemail(locale, extension),
        (None, false) => text::reach::office_busy(locale, extension),
    }
}
