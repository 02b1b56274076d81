//! The dial pad.

use crate::browser;
use crate::components::account::AccountAtPad;
use crate::components::icon::Icon;
use crate::components::shown::Shown;
use crate::components::suggestions::{Offers, SuggestionList};
use crate::design::Card;
use crate::format;
use crate::i18n::{I18n, Locale, text};
use crate::live::{barred, derived, live};
use crate::logic::account;
use crate::logic::dial::{Blocked, Entry};
use crate::state::Portal;
use crate::words;
use leptos::prelude::*;
use ponte_protocol::Refusal;

/// The keys in the order of a telephone, with the letters that stand on them (ITU-T E.161).
const KEYS: [(&str, &str); 12] = [
    ("1", ""),
    ("2", "abc"),
    ("3", "def"),
    ("4", "ghi"),
    ("5", "jkl"),
    ("6", "mno"),
    ("7", "pqrs"),
    ("8", "tuv"),
    ("9", "wxyz"),
    ("*", ""),
    ("0", "+"),
    ("#", ""),
];

/// The pad: typing, pasting and pressing keys, all into one field.
#[component]
pub fn DialPad() -> impl IntoView {
    let i18n = I18n::expect();
    let portal = Portal::expect();
    let entered = portal.dial_text();
    let entry = portal.reads(entered);
    let offers = Offers::new(portal);
    let emergency = move || match entry.get() {
        Entry::Emergency(number) => Some(number),
        _ => None,
    };
    let refused_emergency = move || portal.dial_refusal().get() == Some(Refusal::EmergencyNumber);
    let error = move || {
        let locale = i18n.locale();
        match (entry.get(), portal.dial_refusal().get()) {
            // Letters are the beginning of a name.
            (Entry::Invalid(_), _) if offers.any() => None,
            (Entry::Invalid(error), _) => Some(words::number_error(locale, error)),
            // Said at the field for the code.
            (_, Some(refusal)) if account::is_about_code(&refusal) => None,
            (_, Some(refusal)) if refusal != Refusal::EmergencyNumber => {
                Some(words::refusal(locale, &refusal))
            }
            _ => None,
        }
    };
    // Whose rule refused the number.
    let rule = move || {
        let explained = portal.explained().get()?;
        portal
            .dial_refusal()
            .get()
            .filter(|refusal| matches!(refusal, Refusal::Restricted { .. }))?;
        let locale = i18n.locale();
        let whose = match explained.from.as_str() {
            "user" => text::dial::rule_of_user(locale),
            "group" => text::dial::rule_of_group(locale),
            "site" => text::dial::rule_of_site(locale),
            _ => return Some(text::dial::rule_missing(locale).to_owned()),
        };
        let number = explained
            .number
            .map_or_else(String::new, |number| format::number(number.as_str()));
        let mut words = text::dial::rule(locale, number, whose);
        if let Some(hours) = explained.hours {
            words = format!("{words} ({hours})");
        }
        Some(words)
    };
    let dial = move || {
        if portal.blocked().get_untracked().is_some() || portal.dialling().get_untracked() {
            return;
        }
        if let Entry::Number(number) = entry.get_untracked() {
            portal.dial(number);
        }
    };
    let press = move |key: &str| {
        portal.dial_refusal().set(None);
        entered.update(|typed| typed.push_str(key));
    };
    let can_dial = move || {
        portal.blocked().get().is_none()
            && !portal.dialling().get()
            && matches!(entry.get(), Entry::Number(_))
    };

    view! {
        <Card id="dial" title=text::dial::title class="card dial">
            <form novalidate on:submit=move |event| { event.prevent_default(); dial(); }>
                <div class="dial-field">
                    <input
                        id="dial-input" class="input number dial-input" data-testid="dial-input" type="tel" inputmode="tel"
                        autocomplete="off" aria-label=i18n.t(text::dial::label) placeholder=i18n.t(text::dial::placeholder)
                        aria-describedby="dial-error dial-blocked"
                        role="combobox" aria-autocomplete="list" aria-controls="dial-suggestions"
                        aria-expanded=live(move || offers.any().to_string())
                        aria-activedescendant=live(move || offers.active_id())
                        aria-invalid=live(move || error().is_some().then_some("true"))
                        prop:value=live(move || entered.get())
                        on:focus=move |_| portal.want_directory()
                        on:input:target=move |event| {
                            portal.dial_refusal().set(None);
                            offers.typed();
                            entered.set(event.target().value());
                        }
                        on:keydown=move |event| match offers.key(&event) {
                            Some(number) => call_again(portal, &number),
                            None if event.key() == "Escape" && !event.default_prevented() => {
                                portal.dial_refusal().set(None);
                                entered.set(String::new());
                            }
                            None => {}
                        }
                    />
                    <Shown when=derived(move || !entered.with(String::is_empty))>
                        <button
                            type="button" class="button icon-only quiet erase" data-testid="dial-erase"
                            aria-label=i18n.t(text::dial::erase)
                            on:click=move |_| entered.update(|typed| { typed.pop(); })
                        >
                            <Icon name="backspace" />
                        </button>
                    </Shown>
                </div>
                <SuggestionList offers choose=Callback::new(move |number: String| call_again(portal, &number)) />
                <p class="field-error" id="dial-error" data-testid="dial-error" role="alert">
                    {live(move || match emergency() {
                        Some(_) => Some(text::dial::emergency(i18n.locale()).to_owned()),
                        None if refused_emergency() => Some(text::dial::emergency(i18n.locale()).to_owned()),
                        None => error(),
                    })}
                </p>
                {live(move || rule().map(|words| view! { <p class="hint" data-testid="dial-rule">{words}</p> }))}
                {live(move || emergency().map(|number| {
                    let digits = number.as_str().to_owned();
                    let link = format!("tel:{digits}");
                    view! {
                        <a class="button danger" data-testid="dial-emergency" href=link>
                            <Icon name="phone" />
                            {live(move || text::dial::emergency_link(i18n.locale(), &digits))}
                        </a>
                    }
                }))}
                <AccountAtPad />
                <div class="keys" role="group" aria-label=i18n.t(text::dial::keys)>
                    {KEYS.map(|(key, letters)| view! {
                        <button type="button" class="key" data-testid=format!("dial-key-{key}")
                            on:click=move |_| press(key)>
                            <span class="key-digit">{key}</span>
                            <span class="key-letters" aria-hidden="true">{letters}</span>
                        </button>
                    }).into_iter().collect_view()}
                </div>
                <button type="submit" class="button call large" data-testid="dial-submit"
                    aria-disabled=barred(move || !can_dial())>
                    <Icon name="phone" />
                    {live(move || {
                        let locale = i18n.locale();
                        if portal.dialling().get() { text::dial::dialling(locale) } else { text::dial::call(locale) }
                    })}
                </button>
                <p class="hint dial-blocked" id="dial-blocked" data-testid="dial-blocked">
                    {live(move || portal.blocked().get().map(|reason| blocked(i18n.locale(), reason)))}
                </p>
            </form>
        </Card>
    }
}

/// Why nothing can be dialled now.
fn blocked(locale: Locale, reason: Blocked) -> &'static str {
    match reason {
        Blocked::NotConnected => text::dial::blocked_not_connected(locale),
        Blocked::GatewayOffline => text::dial::blocked_gateway_offline(locale),
        Blocked::NotAllowed => text::dial::blocked_not_allowed(locale),
        Blocked::NotTelecommuting => text::dial::blocked_not_telecommuting(locale),
        Blocked::LineBusy => text::dial::blocked_line_busy(locale),
    }
}

/// Dials a number again, from the log or an ended call: it is filled in, and dialled where that can be done now.
pub fn call_again(portal: Portal, number: &str) {
    portal.dial_refusal().set(None);
    portal.dial_text().set(number.to_owned());
    match untrack(|| portal.read(number)) {
        Entry::Number(number)
            if portal.blocked().get_untracked().is_none() && !portal.dialling().get_untracked() =>
        {
            portal.dial(number);
        }
        _ if browser::focus("dial-input") => {}
        _ => portal.wants_pad().set(true),
    }
}
