//! `user calls …`, `user profile …`, `user schedule …`: how calls to a user are treated.

use super::args::Switched;
use super::users::known;
use super::{Done, Failure, output, refused};
use crate::admin::Admin;
use crate::hours::Hours;
use clap::{Args, Subcommand, ValueEnum};
use ponte_protocol::{
    CallProfile, CallRules, CallSettings, DestinationId, DialString, Forwarding, ProfilePlace,
    SavedDestination, ScheduleEntry, UserId,
};
use serde_json::json;

#[derive(Debug, Subcommand)]
pub(super) enum CallsCommand {
    /// Show how calls to a user are treated.
    Show {
        user: UserId,
        #[arg(long)]
        json: bool,
    },
    /// Change what is given, and leave the rest.
    Set {
        user: UserId,
        #[command(flatten)]
        settings: SettingsArgs,
        #[command(flatten)]
        forwarding: ForwardingArgs,
        /// A caller who gets through to a user who wants no calls. Given again for more; all of them replace what there
        /// was. "" for none.
        #[arg(long = "exception", value_name = "NUMBER", value_parser = number_or_none)]
        exceptions: Option<Vec<Number>>,
    },
    /// Let the site's settings hold for the user, and forward nothing.
    Reset { user: UserId },
}

#[derive(Debug, Subcommand)]
pub(super) enum ProfileCommand {
    /// List a user's profiles.
    List {
        user: UserId,
        #[arg(long)]
        json: bool,
    },
    /// Add a profile, or change what is given of one.
    Set {
        user: UserId,
        /// office, home, mobile, or one of the user's own.
        name: String,
        /// Where it puts the user.
        #[arg(long, value_enum)]
        place: Option<Place>,
        /// The telephone, by its id or its label, for --place telephone.
        #[arg(long, value_name = "ID")]
        destination: Option<String>,
        /// Whether a person must confirm a call there.
        #[arg(long, value_enum)]
        confirm: Option<Confirmed>,
        #[arg(long, value_enum)]
        do_not_disturb: Option<Switched>,
        #[command(flatten)]
        settings: SettingsArgs,
        #[command(flatten)]
        forwarding: ForwardingArgs,
    },
    /// Remove a profile of the user's own; a built-in one is as at first.
    Remove { user: UserId, name: String },
}

#[derive(Debug, Subcommand)]
pub(super) enum ScheduleCommand {
    /// Show what begins and ends by the clock of the site.
    Show {
        user: UserId,
        #[arg(long)]
        json: bool,
    },
    /// Replace all of it.
    Set {
        user: UserId,
        /// When which profile holds, e.g. "Mon-Fri 09:00-18:00 home". Given again for more; "" for none.
        #[arg(long = "at", value_name = "TIME PROFILE", required = true, value_parser = entry_or_none)]
        entries: Vec<Entry>,
    },
}

#[derive(Debug, Args)]
pub(super) struct SettingsArgs {
    /// How long the user's telephone rings before voicemail takes the call.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(5..=120))]
    no_answer_s: Option<u64>,
    /// Whether callers reach voicemail.
    #[arg(long, value_enum)]
    voicemail: Option<Switched>,
    /// Whether a second call is offered while one is up.
    #[arg(long, value_enum)]
    call_waiting: Option<Switched>,
}

#[derive(Debug, Args)]
pub(super) struct ForwardingArgs {
    /// Where every call goes: a number as it is dialled, or an extension; "" for nowhere.
    #[arg(long = "forward-always", value_name = "NUMBER", value_parser = number_or_none)]
    always: Option<Number>,
    /// Where calls go while the user is busy.
    #[arg(long = "forward-busy", value_name = "NUMBER", value_parser = number_or_none)]
    busy: Option<Number>,
    /// Where calls go that the user does not answer.
    #[arg(long = "forward-no-answer", value_name = "NUMBER", value_parser = number_or_none)]
    no_answer: Option<Number>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Place {
    /// Where the user is.
    Unchanged,
    Office,
    Telephone,
    Browser,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Confirmed {
    On,
    Off,
    /// As the telephone says.
    Destination,
}

/// A number, or the empty text that stands for none.
#[derive(Clone, Debug)]
pub(super) struct Number(Option<DialString>);

fn number_or_none(text: &str) -> Result<Number, String> {
    if text.is_empty() {
        return Ok(Number(None));
    }
    let number = text.parse().map_err(|error| format!("{error}"));
    number.map(|number| Number(Some(number)))
}

/// An entry of a schedule, or the empty text that stands for none.
#[derive(Clone, Debug)]
pub(super) struct Entry(Option<ScheduleEntry>);

fn entry_or_none(text: &str) -> Result<Entry, String> {
    if text.is_empty() {
        return Ok(Entry(None));
    }
    entry(text).map(|entry| Entry(Some(entry)))
}

/// Reads what [`entry_text`] writes.
pub(super) fn entry(text: &str) -> Result<ScheduleEntry, String> {
    let mut words = text.splitn(3, ' ');
    let (Some(days), Some(times), Some(profile)) = (words.next(), words.next(), words.next()) else {
        return Err("a schedule is written as Mon-Fri 09:00-18:00 home".to_owned());
    };
    let hours: Hours = format!("{days} {times}")
        .parse()
        .map_err(|error: crate::hours::HoursError| error.to_string())?;
    let (days, from, to) = hours.parts();
    Ok(ScheduleEntry {
        days,
        from,
        to,
        profile: profile.trim().to_owned(),
    })
}

/// `Mon-Fri 09:00-18:00 home`.
pub(super) fn entry_text(entry: &ScheduleEntry) -> String {
    match Hours::new(entry.days, entry.from, entry.to) {
        Ok(hours) => format!("{hours} {}", entry.profile),
        Err(error) => error.to_string(),
    }
}

fn put<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn on(switched: Option<Switched>) -> Option<bool> {
    switched.map(|switched| switched == Switched::On)
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

impl SettingsArgs {
    fn apply(self, settings: &mut CallSettings) {
        put(
            &mut settings.no_answer_ms,
            self.no_answer_s.map(|seconds| seconds * 1000),
        );
        put(&mut settings.voicemail, on(self.voicemail));
        put(&mut settings.call_waiting, on(self.call_waiting));
    }
}

impl ForwardingArgs {
    fn apply(self, forwarding: &mut Forwarding) {
        put(&mut forwarding.always, self.always.map(|number| number.0));
        put(&mut forwarding.busy, self.busy.map(|number| number.0));
        put(&mut forwarding.no_answer, self.no_answer.map(|number| number.0));
    }
}

fn forwarding_text(forwarding: &Forwarding) -> String {
    let Forwarding {
        always,
        busy,
        no_answer,
    } = forwarding;
    let parts = [("always", always), ("busy", busy), ("no answer", no_answer)];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(when, number)| Some(format!("{when}: {}", number.as_ref()?.as_str())))
        .collect();
    if parts.is_empty() {
        "none".to_owned()
    } else {
        parts.join(", ")
    }
}

pub(super) async fn calls(command: CallsCommand, admin: &Admin<'_>) -> Done {
    match command {
        CallsCommand::Show { user, json } => show_calls(&user, json, admin).await,
        CallsCommand::Set {
            user,
            settings,
            forwarding,
            exceptions,
        } => {
            let mut call_settings = admin.call_settings(&user).await.map_err(refused)?;
            let mut rules = admin.call_rules(&user).await.map_err(refused)?;
            settings.apply(&mut call_settings);
            forwarding.apply(&mut rules.forwarding);
            let exceptions =
                exceptions.map(|numbers| numbers.into_iter().filter_map(|number| number.0).collect());
            put(&mut rules.exceptions, exceptions);
            admin
                .put_calls(&user, call_settings, rules)
                .await
                .map_err(refused)?;
            output::line(&format!("{user} is changed"))
        }
        CallsCommand::Reset { user } => {
            admin.reset_calls(&user).await.map_err(refused)?;
            output::line(&format!("calls to {user} are treated as the site says"))
        }
    }
}

async fn show_calls(user: &UserId, as_json: bool, admin: &Admin<'_>) -> Done {
    known(user, admin.store()).await?;
    let settings = admin.call_settings(user).await.map_err(refused)?;
    let rules = admin.call_rules(user).await.map_err(refused)?;
    if as_json {
        return output::json(&json!({"settings": settings, "rules": rules}));
    }
    let CallRules {
        forwarding,
        exceptions,
    } = &rules;
    let mut rows = vec![
        vec![
            "rings for".to_owned(),
            format!("{} s", settings.no_answer_ms / 1000),
        ],
        vec!["voicemail".to_owned(), word(settings.voicemail).to_owned()],
        vec!["call waiting".to_owned(), word(settings.call_waiting).to_owned()],
        vec!["forwarding".to_owned(), forwarding_text(forwarding)],
    ];
    let exceptions = exceptions
        .iter()
        .map(|number| vec!["gets through".to_owned(), number.as_str().to_owned()]);
    rows.extend(exceptions);
    output::table(&["CALLS TO", user.as_str()], &rows)
}

pub(super) async fn profile(command: ProfileCommand, admin: &Admin<'_>) -> Done {
    match command {
        ProfileCommand::List { user, json } => list_profiles(&user, json, admin).await,
        ProfileCommand::Set {
            user,
            name,
            place,
            destination,
            confirm,
            do_not_disturb,
            settings,
            forwarding,
        } => {
            known(&user, admin.store()).await?;
            let profiles = admin.profiles(&user).await.map_err(refused)?;
            let before = profiles.into_iter().find(|profile| profile.name == name.trim());
            let mut profile = match before {
                Some(profile) => profile,
                None => CallProfile {
                    name: name.clone(),
                    place: ProfilePlace::Unchanged,
                    confirm: None,
                    settings: admin.call_settings(&user).await.map_err(refused)?,
                    do_not_disturb: false,
                    forwarding: Forwarding::default(),
                },
            };
            let telephones = admin.store().destinations(&user).await?;
            put(
                &mut profile.place,
                place_of(place, destination.as_deref(), &user, &telephones)?,
            );
            put(
                &mut profile.confirm,
                confirm.map(|confirm| match confirm {
                    Confirmed::On => Some(true),
                    Confirmed::Off => Some(false),
                    Confirmed::Destination => None,
                }),
            );
            put(&mut profile.do_not_disturb, on(do_not_disturb));
            settings.apply(&mut profile.settings);
            forwarding.apply(&mut profile.forwarding);
            admin.put_profile(&user, profile).await.map_err(refused)?;
            output::line(&format!("{user} has the profile {}", name.trim()))
        }
        ProfileCommand::Remove { user, name } => {
            admin.remove_profile(&user, &name).await.map_err(refused)?;
            output::line("it is removed")
        }
    }
}

fn place_of(
    place: Option<Place>,
    telephone: Option<&str>,
    user: &UserId,
    known: &[SavedDestination],
) -> Result<Option<ProfilePlace>, Failure> {
    let wants_one = place.is_none_or(|place| place == Place::Telephone);
    let destination = match telephone {
        None => None,
        Some(_) if !wants_one => {
            return Err(Failure::Usage(
                "--destination goes with --place telephone alone".to_owned(),
            ));
        }
        Some(wanted) => {
            let is_meant =
                |saved: &&SavedDestination| saved.id.to_string() == wanted || saved.label == wanted;
            let found = known.iter().find(is_meant).ok_or_else(|| {
                Failure::Usage(format!(
                    "{user} has no telephone '{wanted}'; `ponte-gateway user destination list {user}` names all"
                ))
            })?;
            Some(found.id)
        }
    };
    Ok(match (place, destination) {
        (None, None) => None,
        (None | Some(Place::Telephone), destination) => Some(ProfilePlace::Telephone { destination }),
        (Some(Place::Unchanged), _) => Some(ProfilePlace::Unchanged),
        (Some(Place::Office), _) => Some(ProfilePlace::Office),
        (Some(Place::Browser), _) => Some(ProfilePlace::Browser),
    })
}

async fn list_profiles(user: &UserId, as_json: bool, admin: &Admin<'_>) -> Done {
    known(user, admin.store()).await?;
    let profiles = admin.profiles(user).await.map_err(refused)?;
    if as_json {
        return output::json(&profiles);
    }
    let telephones = admin.store().destinations(user).await?;
    let label = |id: DestinationId| {
        let found = telephones.iter().find(|saved| saved.id == id);
        found.map_or_else(|| id.to_string(), |saved| saved.label.clone())
    };
    let rows: Vec<Vec<String>> = profiles
        .iter()
        .map(|profile| {
            let place = match &profile.place {
                ProfilePlace::Unchanged | ProfilePlace::Unknown => "where the user is".to_owned(),
                ProfilePlace::Office => "office".to_owned(),
                ProfilePlace::Browser => "browser".to_owned(),
                ProfilePlace::Telephone { destination: None } => "no telephone yet".to_owned(),
                ProfilePlace::Telephone {
                    destination: Some(id),
                } => label(*id),
            };
            let confirm = profile.confirm.map_or("as the telephone says", word);
            let CallSettings {
                no_answer_ms,
                voicemail,
                call_waiting,
            } = profile.settings;
            vec![
                profile.name.clone(),
                place,
                confirm.to_owned(),
                format!("{} s", no_answer_ms / 1000),
                word(voicemail).to_owned(),
                word(call_waiting).to_owned(),
                word(profile.do_not_disturb).to_owned(),
                forwarding_text(&profile.forwarding),
            ]
        })
        .collect();
    let heads = [
        "PROFILE",
        "PLACE",
        "CONFIRM",
        "RINGS",
        "VOICEMAIL",
        "CALL WAITING",
        "DO NOT DISTURB",
        "FORWARDING",
    ];
    output::table(&heads, &rows)
}

pub(super) async fn schedule(command: ScheduleCommand, admin: &Admin<'_>) -> Done {
    match command {
        ScheduleCommand::Show { user, json } => {
            known(&user, admin.store()).await?;
            let schedule = admin.schedule(&user).await.map_err(refused)?;
            if json {
                return output::json(&schedule.iter().map(entry_text).collect::<Vec<_>>());
            }
            schedule
                .iter()
                .try_for_each(|entry| output::line(&entry_text(entry)))
        }
        ScheduleCommand::Set { user, entries } => {
            let entries = entries.into_iter().filter_map(|entry| entry.0).collect();
            admin.put_schedule(&user, entries).await.map_err(refused)?;
            output::line(&format!("{user} is changed"))
        }
    }
}
