//! `user …` and `explain`.

use super::args::{Confirmation, Switched, UserSettings};
use super::{Done, Failure, explained, output, refused, secret};
use crate::admin::Admin;
use crate::numbers::{decide, rule_text};
use crate::store::{EmailAddress, PinHash, RuleOwner, Store, StoreError, UserRow};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use ponte_call_core::{Dialled, NumberClass};
use ponte_protocol::{DialString, GroupId, Refusal, UnixMillis, UserId};
use serde_json::{Value, json};

pub(super) async fn add(user: UserId, mut settings: UserSettings, admin: &Admin<'_>) -> Done {
    let (Some(extension), Some(number)) = (settings.extension.take(), settings.caller_id.take()) else {
        return Err(Failure::Usage(
            "a new user needs --extension (e.g. 201) and --caller-id (the number of the company that the user shows)"
                .to_owned(),
        ));
    };
    let mut row = UserRow::new(user, extension, number);
    apply(&mut row, settings, admin.store()).await?;
    let name = row.user.clone();
    admin.add_user(row).await.map_err(refused)?;
    output::line(&format!(
        "{name} is added; `ponte-gateway user invite {name}` prints the link to set a password"
    ))
}

pub(super) async fn set(user: &UserId, settings: UserSettings, admin: &Admin<'_>) -> Done {
    let mut row = known(user, admin.store()).await?;
    apply(&mut row, settings, admin.store()).await?;
    admin.set_user(row).await.map_err(refused)?;
    output::line(&format!("{user} is changed"))
}

async fn apply(row: &mut UserRow, settings: UserSettings, store: &Store) -> Done {
    fn put<T>(field: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *field = value;
        }
    }
    put(&mut row.extension, settings.extension);
    put(&mut row.display_name, settings.display_name);
    put(&mut row.caller_id.number, settings.caller_id);
    if let Some(name) = settings.caller_name {
        row.caller_id.name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
    }
    for (field, switched) in [
        (&mut row.telecommuter_allowed, settings.telecommuter),
        (&mut row.call_waiting_allowed, settings.call_waiting),
        (&mut row.voicemail_allowed, settings.voicemail),
        (&mut row.recording_allowed, settings.call_recording),
        (&mut row.pick_up_allowed, settings.pick_up),
        (&mut row.administrator, settings.administrator),
    ] {
        put(field, switched.map(|switched| switched == Switched::On));
    }
    if settings.no_pin {
        row.pin = None;
    }
    if settings.pin {
        let pin = PinHash::new(&secret::line("PIN")?);
        row.pin = Some(pin.map_err(|error| Failure::Usage(error.to_string()))?);
    }
    match settings.email.as_deref() {
        None => {}
        Some("") => row.email = None,
        Some(email) => {
            row.email = Some(
                email
                    .parse()
                    .map_err(|error: &str| Failure::Usage(error.to_owned()))?,
            );
        }
    }
    match settings.group.as_deref() {
        None => {}
        Some("") => row.group = None,
        Some(group) => {
            let group: GroupId = group
                .parse()
                .map_err(|error| Failure::Usage(format!("--group {group}: {error}")))?;
            let known = store.group(&group).await?;
            row.group = Some(known.ok_or_else(|| explained(StoreError::UnknownGroup(group)))?);
        }
    }
    if settings.language.is_some() {
        row.language = settings.language;
    }
    put(
        &mut row.restrictions,
        settings
            .restrictions
            .map(|rules| rules.into_iter().filter_map(|rule| rule.0).collect()),
    );
    put(
        &mut row.user_no_answer_ms,
        settings.no_answer_s.map(|seconds| seconds * 1000),
    );
    put(
        &mut row.confirm,
        settings.confirm.map(|confirm| match confirm {
            Confirmation::On => Some(true),
            Confirmation::Off => Some(false),
            Confirmation::Mobiles => None,
        }),
    );
    put(
        &mut row.voicemail_quota_s,
        settings.voicemail_quota_s.map(|quota| quota.0),
    );
    put(&mut row.caps.dials_per_hour, settings.dials_per_hour);
    put(&mut row.caps.minutes_per_day, settings.minutes_per_day);
    Ok(())
}

pub(super) async fn known(user: &UserId, store: &Store) -> Result<UserRow, Failure> {
    store
        .user(user)
        .await?
        .ok_or_else(|| explained(StoreError::UnknownUser(user.clone())))
}

fn confirm_text(row: &UserRow) -> &'static str {
    match row.confirm {
        Some(true) => "on",
        Some(false) => "off",
        None => "mobiles",
    }
}

fn row_json(row: &UserRow) -> Value {
    json!({
        "user": row.user,
        "display_name": row.display_name,
        "extension": row.extension,
        "telecommuter": row.telecommuter_allowed,
        "caller_id": row.caller_id,
        "language": row.language,
        "restrictions": row.restrictions.iter().map(rule_text).collect::<Vec<_>>(),
        "no_answer_s": row.user_no_answer_ms / 1000,
        "confirm": confirm_text(row),
        "dials_per_hour": row.caps.dials_per_hour,
        "minutes_per_day": row.caps.minutes_per_day,
        "call_waiting": row.call_waiting_allowed,
        "voicemail": row.voicemail_allowed,
        "voicemail_quota_s": row.voicemail_quota_s,
        "call_recording": row.recording_allowed,
        "pick_up": row.pick_up_allowed,
        "administrator": row.administrator,
        "pin": row.pin.is_some(),
        "email": row.email.as_ref().map(EmailAddress::as_str),
        "group": row.group.as_ref().map(|group| &group.group),
    })
}

pub(super) async fn list(as_json: bool, store: &Store) -> Done {
    let users = store.users().await?;
    if as_json {
        return output::json(&users.iter().map(row_json).collect::<Vec<_>>());
    }
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|row| {
            vec![
                row.user.to_string(),
                row.extension.as_str().to_owned(),
                row.display_name.clone(),
                row.caller_id.number.as_str().to_owned(),
                if row.telecommuter_allowed { "on" } else { "off" }.to_owned(),
            ]
        })
        .collect();
    output::table(&["USER", "EXTENSION", "NAME", "CALLER ID", "TELECOMMUTER"], &rows)
}

pub(super) async fn show(user: &UserId, as_json: bool, admin: &Admin<'_>) -> Done {
    let (row, config) = (known(user, admin.store()).await?, admin.config());
    if as_json {
        return output::json(&row_json(&row));
    }
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut put = |name: &str, value: String| lines.push(vec![name.to_owned(), value]);
    put("name", row.display_name.clone());
    put("extension", row.extension.as_str().to_owned());
    put("caller ID", row.caller_id.number.as_str().to_owned());
    put("caller name", row.caller_id.name.clone().unwrap_or_default());
    put(
        "telecommuter",
        if row.telecommuter_allowed { "on" } else { "off" }.to_owned(),
    );
    for (name, switched) in [
        ("call waiting", row.call_waiting_allowed),
        ("voicemail", row.voicemail_allowed),
        ("call recording", row.profile(&config.site).recording_allowed),
        ("pick up", row.pick_up_allowed),
        ("administrator", row.administrator),
    ] {
        put(name, if switched { "on" } else { "off" }.to_owned());
    }
    let quota_s = row.voicemail_quota_s.unwrap_or(config.voicemail.quota_s);
    put("voicemail box", format!("{quota_s} s"));
    put("PIN", if row.pin.is_some() { "set" } else { "none" }.to_owned());
    put(
        "e-mail",
        row.email.as_ref().map_or("", EmailAddress::as_str).to_owned(),
    );
    put(
        "group",
        row.group
            .as_ref()
            .map_or_else(String::new, |row| row.group.to_string()),
    );
    put("language", row.profile(&config.site).language);
    put("rings for", format!("{} s", row.user_no_answer_ms / 1000));
    put("confirmation", confirm_text(&row).to_owned());
    put("calls an hour", row.caps.dials_per_hour.to_string());
    put("minutes a day", row.caps.minutes_per_day.to_string());
    for (owner, rule) in row.rules(&config.site) {
        let name = match owner {
            RuleOwner::User => "rule",
            RuleOwner::Group => "rule of the group",
            RuleOwner::Site => "rule of the site",
        };
        put(name, rule_text(rule));
    }
    put("otherwise", "deny".to_owned());
    output::table(&["USER", user.as_str()], &lines)
}

pub(super) async fn remove(user: UserId, admin: &Admin<'_>) -> Done {
    admin.remove_user(user.clone()).await.map_err(refused)?;
    output::line(&format!("{user} is removed"))
}

pub(super) async fn invite(user: UserId, hours: u64, admin: &Admin<'_>) -> Done {
    let (link, _) = admin.invite(user, hours).await.map_err(refused)?;
    output::line(&link)
}

fn class_text(class: NumberClass) -> &'static str {
    match class {
        NumberClass::Fixed => "fixed",
        NumberClass::Mobile => "mobile",
        NumberClass::Premium => "premium",
        NumberClass::Other => "other",
    }
}

fn reading(dialled: &Dialled) -> String {
    match dialled {
        Dialled::Emergency => "an emergency number".to_owned(),
        Dialled::Own {
            extension: Some(extension),
        } => format!("the extension {}", extension.as_str()),
        Dialled::Own { extension: None } => "a number of this site".to_owned(),
        Dialled::External { number, class } => format!("{} ({})", number.as_str(), class_text(*class)),
        Dialled::FeatureCode(_) => "a feature code".to_owned(),
        Dialled::Invalid => "no valid number".to_owned(),
    }
}

/// The moment that a clock of the site shows; now, where none is given.
fn moment(at: Option<DateTime>, zone: &TimeZone) -> Result<Zoned, Failure> {
    let Some(at) = at else {
        return Ok(Timestamp::now().to_zoned(zone.clone()));
    };
    at.to_zoned(zone.clone())
        .map_err(|error| Failure::Usage(format!("--at {at}: {error}")))
}

pub(super) async fn explain(
    user: &UserId,
    dial: &DialString,
    at: Option<DateTime>,
    as_json: bool,
    admin: &Admin<'_>,
) -> Done {
    let (store, config) = (admin.store(), admin.config());
    let row = known(user, store).await?;
    let dialled = config.numbering_plan(&store.dids().await?).read(dial);
    let at = moment(at, &config.site.time_zone)?;
    let millis = u64::try_from(at.timestamp().as_millisecond()).unwrap_or_default();
    let verdict = decide(&row, &config.site, &dialled, UnixMillis(millis));
    let rule = verdict.rule.as_ref();
    let timed = row.rules(&config.site).any(|(_, rule)| rule.hours.is_some());
    if as_json {
        return output::json(&json!({
            "at": at.to_string(),
            "read_as": reading(&dialled),
            "allowed": verdict.refusal.is_none(),
            "refusal": verdict.refusal,
            "rule": rule.map(|(_, rule)| rule_text(rule)),
            "rule_of": rule.map(|(owner, _)| owner.as_str()),
        }));
    }
    output::line(&format!("{} is read as {}", dial.as_str(), reading(&dialled)))?;
    let why = match (rule, &verdict.refusal) {
        (Some((owner, rule)), _) => format!("the {}'s rule `{}` decides", owner.as_str(), rule_text(rule)),
        (None, Some(Refusal::Restricted { .. })) => "no rule allows it".to_owned(),
        (None, Some(refusal)) => refusal.to_string(),
        (None, None) => "it stays within the site".to_owned(),
    };
    let allowed = if verdict.refusal.is_none() {
        "allowed"
    } else {
        "denied"
    };
    let when = if timed {
        format!(" ({})", at.strftime("%a %H:%M, %Z"))
    } else {
        String::new()
    };
    output::line(&format!("{allowed}: {why}{when}"))
}
