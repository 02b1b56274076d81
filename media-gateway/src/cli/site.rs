//! `site …`: what holds for the whole site.

use super::args::{Rule, Switched, rule_or_none};
use super::{Done, output, refused};
use crate::admin::{Admin, site_settings};
use crate::numbers::TimedRule;
use crate::numbers::as_rules;
use clap::{Args, Subcommand, ValueEnum};
use ponte_protocol::AccountCodePolicy;
use ponte_protocol::admin::{CallRecording, SiteSettings};

#[derive(Debug, Subcommand)]
pub(super) enum SiteCommand {
    /// Show what holds.
    Show {
        #[arg(long)]
        json: bool,
    },
    /// Change what is given, and leave the rest.
    Set {
        #[command(flatten)]
        settings: SiteArgs,
    },
    /// Go back to what the configuration says.
    Reset,
}

#[derive(Debug, Args)]
pub(super) struct SiteArgs {
    /// A rule after those of each user and of the group, e.g. "allow +39". Given again for more; all of them replace what
    /// there was. "" for none.
    #[arg(long = "restriction", value_name = "RULE", value_parser = rule_or_none)]
    restrictions: Option<Vec<Rule>>,
    /// How long a call rings for a user who has set nothing else.
    #[arg(long, value_name = "SECONDS")]
    no_answer_s: Option<u64>,
    /// Whether a second call may be offered at all.
    #[arg(long, value_enum)]
    call_waiting: Option<Switched>,
    /// The longest voicemail message.
    #[arg(long, value_name = "SECONDS")]
    voicemail_message_s: Option<u32>,
    /// What each voicemail box holds.
    #[arg(long, value_name = "SECONDS")]
    voicemail_quota_s: Option<u32>,
    /// Whose clock times of the week go by, e.g. Europe/Rome; "" for what the configuration says.
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
    /// Whose calls may be recorded on demand; both parties are told before.
    #[arg(long, value_enum)]
    call_recording: Option<Recording>,
    /// Whether calls are booked to account codes.
    #[arg(long, value_enum)]
    account_codes: Option<Booking>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Booking {
    Off,
    Optional,
    /// A call that a user dials to outside needs one.
    Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Recording {
    Never,
    Everyone,
    /// Users who have the right.
    Permitted,
}

pub(super) async fn carry_out(command: SiteCommand, admin: &Admin<'_>) -> Done {
    match command {
        SiteCommand::Show { json } => show(&site_settings(admin.config()), json),
        SiteCommand::Set { settings } => {
            let wanted = with(site_settings(admin.config()), settings);
            admin.put_site(wanted).await.map_err(refused)?;
            output::line("the site is changed")
        }
        SiteCommand::Reset => {
            admin.reset_site().await.map_err(refused)?;
            output::line("the site is as the configuration says")
        }
    }
}

fn with(mut settings: SiteSettings, given: SiteArgs) -> SiteSettings {
    if let Some(rules) = given.restrictions {
        let rules: Vec<TimedRule> = rules.into_iter().filter_map(|rule| rule.0).collect();
        settings.rules = as_rules(&rules);
    }
    if let Some(seconds) = given.no_answer_s {
        settings.no_answer_ms = seconds.saturating_mul(1000);
    }
    if let Some(switched) = given.call_waiting {
        settings.call_waiting = switched == Switched::On;
    }
    if let Some(seconds) = given.voicemail_message_s {
        settings.voicemail_message_s = seconds;
    }
    if let Some(seconds) = given.voicemail_quota_s {
        settings.voicemail_quota_s = seconds;
    }
    if let Some(recording) = given.call_recording {
        settings.call_recording = match recording {
            Recording::Never => CallRecording::Never,
            Recording::Everyone => CallRecording::Everyone,
            Recording::Permitted => CallRecording::Permitted,
        };
    }
    if let Some(booking) = given.account_codes {
        settings.account_codes = Some(match booking {
            Booking::Off => AccountCodePolicy::Off,
            Booking::Optional => AccountCodePolicy::Optional,
            Booking::Required => AccountCodePolicy::Required,
        });
    }
    if given.time_zone.is_some() {
        settings.time_zone = given.time_zone;
    }
    settings
}

fn show(settings: &SiteSettings, as_json: bool) -> Done {
    if as_json {
        return output::json(settings);
    }
    let on = if settings.call_waiting { "on" } else { "off" };
    let recording = match settings.call_recording {
        CallRecording::Never => "never",
        CallRecording::Everyone => "everyone",
        CallRecording::Permitted => "permitted",
    };
    let booking = match settings.account_codes {
        Some(AccountCodePolicy::Optional) => "optional",
        Some(AccountCodePolicy::Required) => "required",
        Some(AccountCodePolicy::Off) | None => "off",
    };
    let mut rows = vec![
        [
            "rings for".to_owned(),
            format!("{} s", settings.no_answer_ms / 1000),
        ],
        ["call waiting".to_owned(), on.to_owned()],
        [
            "longest message".to_owned(),
            format!("{} s", settings.voicemail_message_s),
        ],
        [
            "voicemail box".to_owned(),
            format!("{} s", settings.voicemail_quota_s),
        ],
        ["call recording".to_owned(), recording.to_owned()],
        ["account codes".to_owned(), booking.to_owned()],
        [
            "time zone".to_owned(),
            settings.time_zone.clone().unwrap_or_default(),
        ],
    ];
    for rule in &settings.rules {
        let verb = if rule.allow { "allow" } else { "deny" };
        let words = [Some(verb), Some(&rule.prefix), rule.hours.as_deref()];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        rows.push(["rule".to_owned(), words.join(" ")]);
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(Vec::from).collect();
    output::table(&["SITE", ""], &rows)
}
