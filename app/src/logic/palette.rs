//! What the command palette offers: what can be done now, pages, people and numbers.

use crate::components::navigation::Page;
use crate::components::person_row::{label_words, said_of};
use crate::components::presence_picker;
use crate::components::profile_card::shown_name;
use crate::format;
use crate::i18n::{Locale, text};
use crate::logic::call::{self, Accept};
use crate::logic::dial::{self, Entry};
use crate::logic::directory::{Query, suggestions, to_hand_over};
use crate::logic::profiles;
use crate::words;
use ponte_protocol::{
    CallId, CallRecord, CallView, Colleague, CommandBody, Contact, ContactNumber, Destination,
    DestinationChoice, ExternalPerson, Mode, SavedDestination, TransferTarget, UserState,
};

/// The most people offered.
const PEOPLE: usize = 8;
/// The most numbers of the directory elsewhere offered: more are on its page.
const OUTSIDE: usize = 12;
/// The most calls of the log offered.
const RECORDS: usize = 5;
/// How much of the log is looked through: who was spoken to before that is in the directory, or on the page of the log.
const LOG_DEPTH: usize = 2_000;

/// What choosing an offer does.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    Go(Page),
    /// Another program at this address.
    Open(&'static str),
    Dial(String),
    Ask(CommandBody),
    /// The call is taken in this tab.
    AnswerHere(CallId),
    /// Calls are to ring in this tab.
    CallsHere,
    Theme,
    Keys,
}

/// A line of the palette.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub icon: &'static str,
    pub title: String,
    pub detail: String,
    pub wish: Wish,
}

/// What is known, to choose from.
pub struct Known<'a> {
    pub user: &'a UserState,
    pub records: &'a [CallRecord],
    pub contacts: &'a [Contact],
    pub colleagues: &'a [Colleague],
    /// The call that rings in this tab.
    pub rings_here: Option<CallId>,
}

/// The offers for what was typed, those first that belong to a call that is up. Each word typed must be the beginning of a
/// word of the offer; people are found as everywhere, by parts of their names and numbers.
pub fn offers(locale: Locale, known: &Known<'_>, typed: &str) -> Vec<Offer> {
    let wanted: Vec<String> = typed
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let fits = |offer: &Offer| {
        let said = format!("{} {}", offer.title, offer.detail).to_lowercase();
        let begins = |wanted: &String| {
            said.split(|c: char| !c.is_alphanumeric())
                .any(|word| word.starts_with(wanted.as_str()))
        };
        wanted.iter().all(begins)
    };
    let mut found = Vec::new();
    let given = to_hand_over(&known.user.calls);
    if let Entry::Number(number) = dial::read(typed, Some(&known.user.profile)) {
        call_or_give(
            &mut found,
            locale,
            given,
            &format::number(number.as_str()),
            String::new(),
            number.as_str(),
        );
    }
    let mut actions = Vec::new();
    for call in known.user.calls.iter().filter(|call| call::has_card(call)) {
        of_call(&mut actions, locale, known, call);
    }
    of_user(&mut actions, locale, known.user);
    pages(&mut actions, locale, known.user);
    actions.retain(fits);
    found.extend(actions);
    let typed = typed.trim();
    if !typed.is_empty() {
        for one in suggestions(typed, known.contacts, known.colleagues, PEOPLE) {
            let detail = [label_words(locale, &one.label), format::number(&one.number)];
            let detail: Vec<String> = detail.into_iter().filter(|part| !part.is_empty()).collect();
            call_or_give(
                &mut found,
                locale,
                given,
                &one.name,
                detail.join(" · "),
                &one.number,
            );
        }
        of_log(&mut found, locale, known, typed);
    }
    found
}

fn offer(icon: &'static str, title: impl Into<String>, detail: impl Into<String>, wish: Wish) -> Offer {
    Offer {
        icon,
        title: title.into(),
        detail: detail.into(),
        wish,
    }
}

fn call_or_give(
    into: &mut Vec<Offer>,
    locale: Locale,
    given: Option<CallId>,
    name: &str,
    detail: String,
    number: &str,
) {
    let title = text::directory::call(locale, name);
    into.push(offer(
        "phone",
        title,
        detail.clone(),
        Wish::Dial(number.to_owned()),
    ));
    if let (Some(call), Ok(number)) = (given, number.parse()) {
        let to = TransferTarget::Number { number };
        let wish = Wish::Ask(CommandBody::Transfer { call, to });
        into.push(offer(
            "outgoing",
            text::directory::give(locale, name),
            detail,
            wish,
        ));
    }
}

fn of_call(into: &mut Vec<Offer>, locale: Locale, known: &Known<'_>, of: &CallView) {
    let (user, call) = (known.user, of.id);
    let (actions, controls) = (call::actions(of), call::controls(of, &user.calls));
    let party = words::far_party(locale, of);
    let mut add = |icon, title: String, wish| into.push(offer(icon, title, party.clone(), wish));
    let ask = Wish::Ask;
    if known.rings_here == Some(call) {
        add(
            "phone",
            text::here::answer(locale).to_owned(),
            Wish::AnswerHere(call),
        );
    }
    let accept = actions.accept.map(|accept| match accept {
        Accept::Confirm => (text::accept::accept(locale), CommandBody::Accept { call }),
        Accept::TakeWaiting => (text::call::take_waiting(locale), CommandBody::Accept { call }),
        Accept::Return => (text::call::go_back(locale), CommandBody::Retrieve { call }),
    });
    if let Some((title, body)) = accept {
        add("phone", title.to_owned(), ask(body));
    }
    if actions.reject {
        let title = if user.profile.voicemail_allowed && user.settings.voicemail {
            text::call::to_voicemail(locale)
        } else {
            text::call::reject(locale)
        };
        add("hang-up", title.to_owned(), ask(CommandBody::Reject { call }));
    }
    if actions.hang_up {
        let title = text::call::hang_up(locale).to_owned();
        add("hang-up", title, ask(CommandBody::HangUp { call }));
    }
    if controls.hold {
        let title = text::control::hold(locale).to_owned();
        add("pause", title, ask(CommandBody::Hold { call }));
        let (title, muted) = if of.muted {
            (text::control::unmute_me(locale), false)
        } else {
            (text::control::mute_me(locale), true)
        };
        add(
            "no-audio",
            title.to_owned(),
            ask(CommandBody::Mute { call, muted }),
        );
    }
    if controls.give {
        let title = text::control::park(locale).to_owned();
        add("pause", title, ask(CommandBody::Park { call }));
    }
    let partner = controls
        .partner
        .and_then(|id| user.calls.iter().find(|call| call.id == id));
    if let Some(partner) = partner {
        let (with, name) = (partner.id, words::far_party(locale, partner));
        let title = text::control::connect(locale, &name);
        add("outgoing", title, ask(CommandBody::TransferTo { call, with }));
        let title = text::control::merge(locale, &name);
        add("directory", title, ask(CommandBody::Merge { call, with }));
    }
}

fn of_user(into: &mut Vec<Offer>, locale: Locale, user: &UserState) {
    for parked in &user.parked {
        let who = parked.name.clone();
        let who = who.unwrap_or_else(|| words::caller(locale, &parked.number));
        let wish = Wish::Ask(CommandBody::Fetch { slot: parked.slot });
        into.push(offer("phone", text::control::fetch(locale), who, wish));
    }
    let telecommutes = matches!(user.mode, Mode::Telecommuting { .. });
    if telecommutes {
        let wish = Wish::Ask(CommandBody::LeaveTelecommuter);
        into.push(offer("desk-phone", text::reach::leave(locale), "", wish));
    }
    if user.profile.telecommuter_allowed {
        let title = if telecommutes {
            text::reach::move_here(locale)
        } else {
            text::reach::enter(locale)
        };
        let rings = |saved: &SavedDestination| {
            matches!(&user.mode,
                Mode::Telecommuting { destination: Destination::Number { number, .. }, .. } if *number == saved.number)
        };
        let others = user.destinations.iter().filter(|saved| saved.verified);
        for saved in others.filter(|saved| !rings(saved)) {
            let destination = DestinationChoice::Saved {
                destination: saved.id,
            };
            let wish = Wish::Ask(CommandBody::EnterTelecommuter { destination });
            into.push(offer("home-phone", title, saved.label.as_str(), wish));
        }
        if user.profile.browser_allowed {
            into.push(offer(
                "home-phone",
                title,
                text::here::choose(locale),
                Wish::CallsHere,
            ));
        }
    }
    for availability in presence_picker::CHOICES {
        if availability != user.presence.availability {
            let wish = Wish::Ask(CommandBody::SetPresence {
                availability,
                status: user.presence.status.clone(),
                status_until: user.presence.status_until,
            });
            let word = presence_picker::words(locale, availability);
            into.push(offer("person", word, text::presence::title(locale), wish));
        }
    }
    let used = user.live_profile().map(|profile| profile.name.as_str());
    for profile in &user.profiles {
        if profiles::is_complete(profile) && used != Some(profile.name.as_str()) {
            let name = profile.name.clone();
            let shown = shown_name(locale, &name);
            let wish = Wish::Ask(CommandBody::SwitchProfile { name });
            into.push(offer("check", shown, text::profile::title(locale), wish));
        }
    }
}

fn pages(into: &mut Vec<Offer>, locale: Locale, user: &UserState) {
    let to = text::palette::page(locale);
    for page in Page::ALL {
        into.push(offer(page.icon(), page.name(locale), to, Wish::Go(page)));
    }
    if user.profile.administrator {
        let name = text::page::administration(locale);
        into.push(offer("settings", name, to, Wish::Open("/admin/")));
    }
    into.push(offer("theme-auto", text::palette::theme(locale), "", Wish::Theme));
    into.push(offer("keypad", text::shortcuts::title(locale), "", Wish::Keys));
}

/// Parties of the log that are not offered yet, each once, the latest first.
fn of_log(into: &mut Vec<Offer>, locale: Locale, known: &Known<'_>, typed: &str) {
    let query = Query::new(typed);
    let mut left = RECORDS;
    for record in known.records.iter().take(LOG_DEPTH) {
        let number = words::number_to_call(record);
        let offered = |offer: &Offer| matches!(&offer.wish, Wish::Dial(dialled) if dialled == number);
        let fits = || {
            let name = || record.name.clone().unwrap_or_default();
            query.fits(name, [record.dialled.as_str(), record.number.as_str()])
        };
        if left == 0 || number.is_empty() || !fits() || into.iter().any(offered) {
            continue;
        }
        left -= 1;
        let title = text::directory::call(locale, words::record_party(locale, record));
        let detail = [words::outcome(locale, record).to_owned(), format::number(number)];
        into.push(offer(
            "log",
            title,
            detail.join(" · "),
            Wish::Dial(number.to_owned()),
        ));
    }
}

/// People of the directory elsewhere, a line for each number; who is offered already is not offered twice.
pub fn offers_outside(
    locale: Locale,
    calls: &[CallView],
    people: &[ExternalPerson],
    offered: &[Offer],
) -> Vec<Offer> {
    let given = to_hand_over(calls);
    let numbers = people
        .iter()
        .flat_map(|person| person.numbers.iter().map(move |number| (person, number)));
    let is_new = |(person, number): &(&ExternalPerson, &ContactNumber)| {
        let title = text::directory::call(locale, &person.name);
        let same = |offer: &Offer| {
            offer.title == title
                && matches!(&offer.wish, Wish::Dial(dialled) if dialled == number.number.as_str())
        };
        !offered.iter().any(same)
    };
    let mut found = Vec::new();
    for (person, number) in numbers.filter(is_new).take(OUTSIDE) {
        let detail = said_of(locale, &person.organisation, number);
        let number = number.number.as_str();
        call_or_give(&mut found, locale, given, &person.name, detail, number);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;
    use ponte_protocol::{CallPhase, DestinationId, E164, UnixMillis};

    fn titles(user: &UserState, typed: &str) -> Vec<String> {
        let records = [CallRecord {
            name: Some("Carlo Rossi".into()),
            ..sample::record(1)
        }];
        let known = Known {
            user,
            records: &records,
            contacts: &[],
            colleagues: &[sample::colleague("carla")],
            rings_here: None,
        };
        let found = offers(Locale::En, &known, typed);
        found.into_iter().map(|offer| offer.title).collect()
    }

    #[test]
    fn pages_and_what_can_be_done_are_found_by_the_beginnings_of_their_words() {
        let user = sample::user();
        assert_eq!(titles(&user, "mess")[0], "Messages");
        assert_eq!(titles(&user, "pres bu"), ["Busy"]);
        assert_eq!(titles(&user, "back off"), ["Back to the office"]);
        assert!(
            titles(&user, "essages").is_empty(),
            "not out of the middle of a word"
        );
        assert!(titles(&user, "").len() > 8);
    }

    #[test]
    fn t08_what_a_call_allows_comes_first_and_only_then() {
        let mut user = sample::user();
        assert!(titles(&user, "hang").is_empty());
        let mut call = sample::call(1);
        call.phase = CallPhase::Connected { since: UnixMillis(1) };
        user.calls = vec![call];
        assert_eq!(titles(&user, "")[..4], ["Hang up", "Hold", "Mute me", "Park"]);
        user.calls[0].muted = true;
        assert_eq!(titles(&user, "me"), ["Unmute me", "Messages"]);
        assert_eq!(
            titles(&user, "carla"),
            ["Call carla", "Transfer the call to carla"],
            "a call that is up can be given"
        );
    }

    #[test]
    fn t02_the_telephone_that_rings_already_is_not_offered() {
        let mut user = sample::user();
        let saved = SavedDestination {
            id: DestinationId(uuid::Uuid::nil()),
            label: "Home".into(),
            number: "+390212345678".parse().unwrap(),
            confirm: false,
            verified: true,
        };
        user.destinations = vec![saved.clone()];
        let offered = |user: &UserState| titles(user, "").iter().any(|title| title == "Move calls here");
        let at = |number: &E164| Mode::Telecommuting {
            destination: Destination::Number {
                number: number.clone(),
                label: None,
                confirm: false,
            },
            since: UnixMillis(1),
            until: None,
        };
        user.mode = at(&"+390299999999".parse().unwrap());
        assert!(offered(&user));
        user.mode = at(&saved.number);
        assert!(!offered(&user));
    }

    #[test]
    fn people_and_numbers_are_offered_once() {
        let user = sample::user();
        assert_eq!(titles(&user, "carl"), ["Call carla", "Call Carlo Rossi"]);
        assert_eq!(titles(&user, "02 1234 5678"), ["Call 021\u{a0}234\u{a0}5678"]);
    }

    #[test]
    fn t08_people_of_the_directory_elsewhere_are_called_or_given_the_call_by_each_of_their_numbers() {
        let number = |label: &str, number: &str| ContactNumber {
            label: label.into(),
            number: number.parse().unwrap(),
        };
        let nadia = ExternalPerson {
            name: "Nadia Neri".into(),
            organisation: "Studio Neri".into(),
            email: String::new(),
            numbers: vec![number("work", "+390298765401"), number("mobile", "+393331234567")],
        };
        let nobody = ExternalPerson {
            name: "Without Number".into(),
            numbers: Vec::new(),
            ..nadia.clone()
        };
        let mut user = sample::user();
        let people = [nadia, nobody];
        let lines = |user: &UserState, offered: &[Offer]| -> Vec<(String, String)> {
            let found = offers_outside(Locale::En, &user.calls, &people, offered);
            found
                .into_iter()
                .map(|offer| (offer.title, offer.detail))
                .collect()
        };
        let offered = lines(&user, &[]);
        assert_eq!(offered.len(), 2);
        assert_eq!(offered[0].0, "Call Nadia Neri");
        assert!(
            offered[0].1.starts_with("Studio Neri · Work · "),
            "{}",
            offered[0].1
        );
        let known = offer("phone", "Call Nadia Neri", "", Wish::Dial("+390298765401".into()));
        assert_eq!(
            lines(&user, &[known])[..],
            offered[1..],
            "a contact of the user's own"
        );
        let other = offer("phone", "Call 02 9876", "", Wish::Dial("+390298765401".into()));
        assert_eq!(
            lines(&user, &[other]),
            offered,
            "a number that was typed has no name"
        );
        let mut call = sample::call(1);
        call.phase = CallPhase::Connected { since: UnixMillis(1) };
        user.calls = vec![call];
        let titles: Vec<String> = lines(&user, &[]).into_iter().map(|(title, _)| title).collect();
        assert_eq!(
            titles[..2],
            ["Call Nadia Neri", "Transfer the call to Nadia Neri"]
        );
        assert_eq!(titles.len(), 4);
    }

    #[test]
    fn t17_an_emergency_number_is_not_offered() {
        assert!(titles(&sample::user(), "112").is_empty());
    }
}
