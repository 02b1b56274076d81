//! Plain words for what the gateway says of administration.

use crate::i18n::{Locale, text};
use crate::site::Fault;
use ponte_protocol::Refusal;
use ponte_protocol::admin::{Problem, ProblemKind};

/// Why something was not done or not told.
pub fn fault(locale: Locale, fault: &Fault) -> String {
    match fault {
        Fault::Refused(Refusal::NotPermitted) => text::fault::not_permitted(locale).to_owned(),
        Fault::Refused(Refusal::Unsupported) => text::fault::unsupported(locale).to_owned(),
        Fault::Refused(Refusal::DirectoryFailed { fault }) => {
            ponte_app::words::directory_fault(locale, *fault).to_owned()
        }
        Fault::Refused(refusal) => ponte_app::words::refusal(locale, refusal),
        Fault::Unanswered => text::fault::unanswered(locale).to_owned(),
        Fault::Unknown => text::fault::unknown(locale).to_owned(),
        Fault::Invalid(list) => problems(locale, list),
    }
}

/// What people call a field.
pub fn field(locale: Locale, name: &str) -> String {
    // In a list, the place stands behind the name.
    match name.split('.').next().unwrap_or(name) {
        "user" => text::field::user(locale),
        "display_name" => text::field::display_name(locale),
        "extension" => text::field::extension(locale),
        "caller_id" | "number" => text::field::number(locale),
        "language" => text::field::language(locale),
        "group" => text::field::group(locale),
        "administrator" => text::field::administrator(locale),
        "rules" => text::field::rules(locale),
        "dials_per_hour" => text::field::dials_per_hour(locale),
        "minutes_per_day" => text::field::minutes_per_day(locale),
        "device" => text::field::device(locale),
        "name" => text::field::name(locale),
        "owner" => text::field::owner(locale),
        "label" => text::field::label(locale),
        "telecommuter" | "telecommuter_allowed" => text::field::telecommuter(locale),
        "call_waiting" | "call_waiting_allowed" => text::field::call_waiting(locale),
        "voicemail" | "voicemail_allowed" => text::field::voicemail(locale),
        "pick_up" | "pick_up_allowed" => text::field::pick_up(locale),
        "email" => text::field::email(locale),
        "line" => text::field::line(locale),
        "hot_desk" => text::field::hot_desk(locale),
        "confirm" => text::field::confirm(locale),
        "no_answer_ms" | "no_answer_s" => text::field::no_answer(locale),
        "password" => text::field::password(locale),
        "pin" => text::field::pin(locale),
        "destinations" => text::field::destinations(locale),
        "hold_music" => text::field::hold_music(locale),
        "voicemail_message_s" => text::field::voicemail_message(locale),
        "voicemail_quota_s" => text::field::voicemail_quota(locale),
        "trunk" => text::field::trunk(locale),
        "call_settings" => text::field::call_settings(locale),
        "forwarding" => text::field::forwarding(locale),
        "exceptions" => text::field::exceptions(locale),
        "profiles" => text::field::profiles(locale),
        "schedule" => text::field::schedule(locale),
        "time_zone" => text::field::time_zone(locale),
        "url" => text::directory::url(locale),
        "start_tls" => text::directory::start_tls(locale),
        "ca" => text::directory::ca(locale),
        "bind_dn" => text::directory::bind_dn(locale),
        "base_dn" => text::directory::base_dn(locale),
        "filter" => text::directory::filter(locale),
        "search" => text::directory::search(locale),
        "names" => text::directory::names(locale),
        "numbers" => text::directory::numbers(locale),
        "mail" => text::directory::mail(locale),
        "organisation" => text::directory::organisation(locale),
        "limit" => text::directory::limit(locale),
        "timeout_ms" => text::directory::timeout(locale),
        "names_on_calls" => text::directory::names_on_calls(locale),
        "account_codes" => text::site::account_codes(locale),
        "account_code" => text::code::code(locale),
        "active" => text::code::active(locale),
        other => return other.to_owned(),
    }
    .to_owned()
}

/// What is wrong with a field.
pub fn problem_kind(locale: Locale, kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Malformed => text::problem::malformed(locale),
        ProblemKind::Taken => text::problem::taken(locale),
        ProblemKind::NotFound => text::problem::not_found(locale),
        ProblemKind::OutOfRange => text::problem::out_of_range(locale),
        ProblemKind::LastAdministrator => text::problem::last_administrator(locale),
        ProblemKind::InUse => text::problem::in_use(locale),
        ProblemKind::Forbidden => text::problem::forbidden(locale),
        ProblemKind::Other => text::problem::other(locale),
    }
}

/// All that is wrong, field by field.
pub fn problems(locale: Locale, problems: &[Problem]) -> String {
    problems
        .iter()
        .map(|problem| {
            format!(
                "{}: {}",
                field(locale, &problem.field),
                problem_kind(locale, problem.kind)
            )
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whose rule decided, by the name the gateway uses; `None` where none did.
pub fn whose(locale: Locale, from: &str) -> Option<&'static str> {
    Some(match from {
        "user" => text::rules::of_user(locale),
        "group" => text::rules::of_group(locale),
        "site" => text::rules::of_site(locale),
        _ => return None,
    })
}

/// What an entry of the audit log tells of.
pub fn audited(locale: Locale, action: &str, subject: &str) -> String {
    match action {
        "user_added" => text::audit::user_added(locale, subject),
        "user_changed" => text::audit::user_changed(locale, subject),
        "user_removed" => text::audit::user_removed(locale, subject),
        "user_invited" => text::audit::user_invited(locale, subject),
        "device_added" => text::audit::device_added(locale, subject),
        "device_changed" => text::audit::device_changed(locale, subject),
        "device_removed" => text::audit::device_removed(locale, subject),
        "number_added" => text::audit::number_added(locale, subject),
        "number_changed" => text::audit::number_changed(locale, subject),
        "number_removed" => text::audit::number_removed(locale, subject),
        "group_added" => text::audit::group_added(locale, subject),
        "group_changed" => text::audit::group_changed(locale, subject),
        "group_removed" => text::audit::group_removed(locale, subject),
        "destination_added" => text::audit::destination_added(locale, subject),
        "destination_changed" => text::audit::destination_changed(locale, subject),
        "destination_removed" => text::audit::destination_removed(locale, subject),
        "account_code_added" => text::audit::code_added(locale, subject),
        "account_code_changed" => text::audit::code_changed(locale, subject),
        "account_code_removed" => text::audit::code_removed(locale, subject),
        "record_booked" => text::audit::record_booked(locale, subject),
        "site_changed" => text::audit::site_changed(locale, subject),
        "directory_added" => text::audit::directory_added(locale).to_owned(),
        "directory_changed" => text::audit::directory_changed(locale).to_owned(),
        "directory_removed" => text::audit::directory_removed(locale).to_owned(),
        // One that this build does not know.
        other => format!("{} {subject}", other.replace('_', " ")),
    }
}
