//! Choosing the telephone that calls go to: a saved one, or a number typed now.

use crate::browser;
use crate::components::browser_place::BrowserProblem;
use crate::components::icon::Icon;
use crate::components::saved_destinations::SavedDestinations;
use crate::components::shown::Shown;
use crate::design::{Button, Field, Look, Notice, Tone};
use crate::i18n::{I18n, text};
use crate::live::{barred, derived, live};
use crate::logic::dial::Entry;
use crate::socket::Badge;
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::{CommandBody, DestinationChoice, DestinationId};

/// The chooser. `changing` goes false when the user gives up a change.
#[component]
pub fn DestinationChooser(telecommuting: Memo<bool>, changing: RwSignal<bool>) -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let typed = RwSignal::new(String::new());
    let confirm = RwSignal::new("auto".to_owned());
    let label = RwSignal::new(String::new());
    let selected = RwSignal::new(None::<DestinationId>);
    // "This browser" is chosen.
    let here = RwSignal::new(false);
    let offered = portal.browser_allowed();
    let (touched, set_touched) = signal(false);

    // The first saved telephone is chosen until the user chooses.
    Effect::new(move || {
        let saved = portal.destinations().get();
        let still_there = selected
            .get_untracked()
            .is_some_and(|id| saved.iter().any(|one| one.id == id && one.verified));
        if !still_there {
            let untouched = typed.with_untracked(String::is_empty) && !here.get_untracked();
            let first = saved.iter().find(|one| one.verified);
            selected.set(first.filter(|_| untouched).map(|one| one.id));
        }
    });

    let entry = portal.reads(typed);
    let number = move || match entry.get() {
        Entry::Number(number) => Some(number),
        Entry::Empty | Entry::Invalid(_) | Entry::Emergency(_) => None,
    };
    // The number was to be entered, and the telephone system wants it proven first.
    let unproven = move || number().is_some() && portal.unproven().get() == number();
    Effect::new(move || {
        if portal.unproven().get().is_some() {
            browser::focus("destination-label");
        }
    });
    let confirmation = move || match confirm.get().as_str() {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    let choice = move || -> Option<DestinationChoice> {
        if here.get() {
            return Some(DestinationChoice::Browser);
        }
        match selected.get() {
            Some(destination) => Some(DestinationChoice::Saved { destination }),
            None => number().map(|number| DestinationChoice::Number {
                number,
                confirm: confirmation(),
            }),
        }
    };
    let entering = portal.awaits(|body| matches!(body, CommandBody::EnterTelecommuter { .. }));
    let saving = portal.awaits(|body| matches!(body, CommandBody::SaveDestination { .. }));
    let reachable = move || portal.badge().get() == Badge::Connected;
    let telephone = portal.telephone();
    let enter = move || match untrack(choice) {
        Some(DestinationChoice::Browser) => telephone.take_calls(portal, true),
        Some(destination) if !entering.get_untracked() => {
            portal.ask(CommandBody::EnterTelecommuter { destination });
        }
        Some(_) => {}
        None => {
            set_touched.set(true);
            browser::focus("destination-number");
        }
    };
    let save = move || {
        let Some(number) = untrack(number) else { return };
        let name = label.get_untracked().trim().to_owned();
        if name.is_empty() {
            browser::focus("destination-label");
            return;
        }
        portal.save_destination(&name, number, untrack(confirmation), untrack(unproven));
        label.set(String::new());
    };
    let error = move || {
        let locale = i18n.locale();
        match entry.get() {
            Entry::Invalid(error) => Some(words::number_error(locale, error)),
            Entry::Emergency(_) => Some(text::reach::no_emergency(locale).to_owned()),
            Entry::Empty if touched.get() && selected.get().is_none() && !here.get() => {
                Some(text::reach::choose_first(locale).to_owned())
            }
            Entry::Empty | Entry::Number(_) => None,
        }
    };

    view! {
        <form class="stack chooser" novalidate on:submit=move |event| { event.prevent_default(); enter(); }>
            <Shown when=offered>
                <div class="saved-row">
                    <label class="saved-choice">
                        <input
                            type="radio" name="saved-destination" data-testid="destination-browser"
                            prop:checked=live(move || here.get())
                            on:change=move |_| {
                                here.set(true);
                                selected.set(None);
                                typed.set(String::new());
                            }
                        />
                        <span class="saved-words">
                            <span class="saved-label">{i18n.t(text::here::choose)}</span>
                            <span class="hint">{i18n.t(text::here::explain)}</span>
                        </span>
                    </label>
                </div>
                <BrowserProblem />
            </Shown>
            <SavedDestinations selected on_choose=Callback::new(move |id| {
                here.set(false);
                selected.set(Some(id));
                typed.set(String::new());
            }) />
            <div class="field">
                <label for="destination-number">{live(move || {
                    let locale = i18n.locale();
                    if portal.destinations().with(Vec::is_empty) {
                        text::reach::number(locale)
                    } else {
                        text::reach::other_number(locale)
                    }
                })}</label>
                <input
                    id="destination-number" class="input number" data-testid="destination-number" type="tel"
                    inputmode="tel" autocomplete="tel" placeholder=i18n.t(text::reach::number_example)
                    aria-describedby="destination-error"
                    aria-invalid=live(move || error().is_some().then_some("true"))
                    prop:value=live(move || typed.get())
                    on:input:target=move |event| {
                        typed.set(event.target().value());
                        here.set(false);
                        selected.set(None);
                    }
                />
                <p class="field-error" id="destination-error" role="alert">{live(error)}</p>
            </div>
            <Shown when=derived(move || selected.get().is_none() && !here.get())>
                <Field id="destination-confirm" label=text::reach::confirm hint=text::reach::confirm_hint>
                    <select
                        id="destination-confirm" class="input" data-testid="destination-confirm"
                        prop:value=live(move || confirm.get())
                        on:change:target=move |event| confirm.set(event.target().value())
                    >
                        <option value="auto">{i18n.t(text::reach::confirm_auto)}</option>
                        <option value="on">{i18n.t(text::reach::confirm_on)}</option>
                        <option value="off">{i18n.t(text::reach::confirm_off)}</option>
                    </select>
                </Field>
                <Shown when=derived(move || number().is_some())>
                    <div class="field">
                        <Shown when=Signal::derive(unproven)>
                            <Notice tone=Tone::Question testid="destination-unproven">{i18n.t(text::verify::needed)}</Notice>
                        </Shown>
                        <label for="destination-label">{i18n.t(text::reach::save_as)}</label>
                        <div class="input-group">
                            <input
                                id="destination-label" class="input" data-testid="destination-save-label" type="text"
                                maxlength="40" autocomplete="off" placeholder=i18n.t(text::reach::label_example)
                                prop:value=live(move || label.get())
                                on:input:target=move |event| label.set(event.target().value())
                                on:keydown=move |event| if event.key() == "Enter" {
                                    event.prevent_default();
                                    save();
                                }
                            />
                            <Button label=text::reach::save testid="destination-save" disabled=derived(move || saving.get() || !reachable() || label.with(|label| label.trim().is_empty()))
                                press=Callback::new(move |()| save()) />
                        </div>
                        <p class="hint">{i18n.t(text::verify::save_hint)}</p>
                    </div>
                </Shown>
            </Shown>
            <div class="button-row">
                <button
                    type="submit" class="button primary" data-testid="destination-enter"
                    aria-disabled=barred(move || entering.get() || telephone.is_busy() || !reachable())
                >
                    <Icon name="home-phone" />
                    {live(move || {
                        let locale = i18n.locale();
                        match (entering.get(), telecommuting.get()) {
                            (true, _) => text::reach::entering(locale),
                            (false, true) => text::reach::move_here(locale),
                            (false, false) => text::reach::enter(locale),
                        }
                    })}
                </button>
                <Shown when=derived(move || telecommuting.get())>
                    <Button label=text::reach::cancel look=Look::Quiet
                        press=Callback::new(move |()| changing.set(false)) />
                </Shown>
            </div>
        </form>
    }
}
