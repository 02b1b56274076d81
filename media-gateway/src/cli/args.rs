//! What can be asked for.

use super::account_codes::AccountCodeCommand;
use super::destinations::DestinationCommand;
use super::devices::DeviceCommand;
use super::dids::DidCommand;
use super::directory::DirectoryCommand;
use super::groups::GroupCommand;
use super::site::SiteCommand;
use super::treatment::{CallsCommand, ProfileCommand, ScheduleCommand};
use crate::admin::{NAME_MAX, check_name};
use crate::numbers::TimedRule;
use crate::numbers::parse_rule;
use clap::{Args, Parser, Subcommand, ValueEnum};
use ponte_protocol::{AccountCode, DialString, E164, Extension, UserId};
use std::path::PathBuf;

/// The telephone system of Ponte.
#[derive(Debug, Parser)]
#[command(name = "ponte-gateway", version, about)]
pub(super) struct Cli {
    /// The configuration.
    #[arg(
        long,
        global = true,
        env = "PONTE_CONFIG",
        default_value = "ponte.toml",
        value_name = "FILE"
    )]
    pub(super) config: PathBuf,
    #[command(subcommand)]
    pub(super) command: Command,
}

// One value a process.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the telephone system until it is told to stop.
    Run,
    /// Say whether a configuration is right: `ok`, or every problem with its line; exit code 2.
    CheckConfig {
        /// Instead of --config.
        file: Option<PathBuf>,
    },
    /// Print a configuration with every setting and what it means.
    ExampleConfig,
    #[command(flatten)]
    Stored(StoreCommand),
}

/// What is done in the store, beside a gateway that may run.
#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Manage the users.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Manage the desk telephones.
    Device {
        #[command(subcommand)]
        command: DeviceCommand,
    },
    /// Manage the numbers that reach an extension from outside.
    Did {
        #[command(subcommand)]
        command: DidCommand,
    },
    /// Manage the restrictions that several users share.
    Group {
        #[command(subcommand)]
        command: GroupCommand,
    },
    /// Manage the codes that calls can be booked to: clients, matters.
    AccountCode {
        #[command(subcommand)]
        command: AccountCodeCommand,
    },
    /// Show and change what holds for the whole site.
    Site {
        #[command(subcommand)]
        command: SiteCommand,
    },
    /// Show and change how a directory elsewhere (LDAP) is asked.
    Directory {
        #[command(subcommand)]
        command: DirectoryCommand,
    },
    /// Add and change the users of a CSV file: all of them, or none where something is wrong.
    ImportUsers {
        file: PathBuf,
        /// Only say what is wrong, and what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// Print what administrators have changed, newest first.
    Audit(AuditArgs),
    /// Print the call records of a user, of an account code, or of a user's with that code, newest first.
    Records(RecordsArgs),
    /// Say how a number is read and which rule decides whether the user may call it.
    Explain {
        #[arg(long)]
        user: UserId,
        #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
        dial: DialString,
        /// When, by the clock of the site, e.g. 2026-11-23T18:30; now, where it is not given.
        #[arg(long, value_name = "TIME")]
        at: Option<jiff::civil::DateTime>,
        #[arg(long)]
        json: bool,
    },
    /// Write everything an administrator has set in the store to a file in TOML, `-` for standard output.
    Export { file: PathBuf },
    /// Bring the store to what such a file says, all of it or nothing, and print what differs.
    Import {
        file: PathBuf,
        /// Print what differs, and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Remove what the file does not name, too.
        #[arg(long)]
        remove: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add a user. Needs --extension and --caller-id.
    Add {
        user: UserId,
        #[command(flatten)]
        settings: UserSettings,
    },
    /// Change what is given, and leave the rest.
    Set {
        user: UserId,
        #[command(flatten)]
        settings: UserSettings,
    },
    /// List all users.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Show one user with the rules in the order in which they decide.
    Show {
        user: UserId,
        #[arg(long)]
        json: bool,
    },
    /// Remove a user with mode, destinations and invitations. Records stay.
    Remove { user: UserId },
    /// Print a link with which the user sets a password, once.
    Invite {
        user: UserId,
        /// How long the link is good.
        #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(u64).range(1..=720))]
        hours: u64,
    },
    /// Manage the telephones at which a user may be called.
    Destination {
        #[command(subcommand)]
        command: DestinationCommand,
    },
    /// Manage how calls to a user are treated: ringing, voicemail, forwarding.
    Calls {
        #[command(subcommand)]
        command: CallsCommand,
    },
    /// Manage a user's profiles.
    Profile {
        #[command(subcommand)]
        command: ProfileCommand,
    },
    /// Manage the profiles that begin and end by the clock.
    Schedule {
        #[command(subcommand)]
        command: ScheduleCommand,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Switched {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Confirmation {
    /// On every telephone.
    On,
    Off,
    /// On mobiles.
    Mobiles,
}

#[derive(Debug, Default, Args)]
pub(super) struct UserSettings {
    /// 2 to 8 digits that fit one of site.extensions.
    #[arg(long)]
    pub(super) extension: Option<Extension>,
    /// The name that others see; the user's own where it is not given.
    #[arg(long, value_name = "NAME", value_parser = display_name)]
    pub(super) display_name: Option<String>,
    /// The company's number that the user shows, e.g. +390212345600.
    #[arg(long, value_name = "NUMBER")]
    pub(super) caller_id: Option<E164>,
    /// The name that goes with it; "" for none.
    #[arg(long, value_name = "NAME", value_parser = caller_name)]
    pub(super) caller_name: Option<String>,
    /// Whether the user may work on a telephone elsewhere.
    #[arg(long, value_enum)]
    pub(super) telecommuter: Option<Switched>,
    /// Whether a second call may be offered while one is up.
    #[arg(long, value_enum)]
    pub(super) call_waiting: Option<Switched>,
    /// Whether callers can leave a message.
    #[arg(long, value_enum)]
    pub(super) voicemail: Option<Switched>,
    /// Whether the user may have calls recorded, where the site leaves it to this right.
    #[arg(long, value_enum)]
    pub(super) call_recording: Option<Switched>,
    /// What the user's voicemail box holds; `site`: as much as others'.
    #[arg(long, value_name = "SECONDS", value_parser = quota)]
    pub(super) voicemail_quota_s: Option<Quota>,
    /// Whether the user may take over a call that rings for a colleague.
    #[arg(long, value_enum)]
    pub(super) pick_up: Option<Switched>,
    /// Whether the user may see and change what belongs to the whole site.
    #[arg(long, value_enum)]
    pub(super) administrator: Option<Switched>,
    /// Read the PIN for telephones from standard input: 4 to 10 digits.
    #[arg(long, conflicts_with = "no_pin")]
    pub(super) pin: bool,
    /// Take the PIN away.
    #[arg(long)]
    pub(super) no_pin: bool,
    /// The group whose rules follow the user's own; "" for none.
    #[arg(long, value_name = "GROUP")]
    pub(super) group: Option<String>,
    /// Where new messages are sent; "" for nowhere.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) email: Option<String>,
    /// Language of the prompts, en or it.
    #[arg(long, value_parser = ["en", "it"])]
    pub(super) language: Option<String>,
    /// A rule before those of the group and the site, e.g. "allow +44"; the first that fits decides. Given again for more; all of
    /// them replace what the user had. "" for none.
    #[arg(long = "restriction", value_name = "RULE", value_parser = rule_or_none)]
    pub(super) restrictions: Option<Vec<Rule>>,
    /// How long the user's own telephone may ring.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(5..=120))]
    pub(super) no_answer_s: Option<u64>,
    /// Whether the user's telephone must confirm that a person answered, where a destination does not say it itself.
    #[arg(long, value_enum)]
    pub(super) confirm: Option<Confirmation>,
    /// The most calls in any 60 minutes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) dials_per_hour: Option<u32>,
    /// The most minutes on the line in any 24 hours.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) minutes_per_day: Option<u32>,
}

/// Seconds, or what the site has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quota(pub(super) Option<u32>);

fn quota(text: &str) -> Result<Quota, String> {
    if text == "site" {
        return Ok(Quota(None));
    }
    text.parse()
        .map(|seconds| Quota(Some(seconds)))
        .map_err(|_| "a number of seconds, or 'site'".to_owned())
}

/// A rule, or the empty text that stands for none.
#[derive(Clone, Debug)]
pub(super) struct Rule(pub(super) Option<TimedRule>);

pub(super) fn rule_or_none(text: &str) -> Result<Rule, String> {
    if text.is_empty() {
        return Ok(Rule(None));
    }
    parse_rule(text)
        .map(|rule| Rule(Some(rule)))
        .map_err(|error| error.to_string())
}

fn caller_name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    display_name(text)
}

fn display_name(text: &str) -> Result<String, String> {
    check_name(text, NAME_MAX)
}

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(super) limit: u16,
    /// Only entries before the one with this number.
    #[arg(long, value_name = "NUMBER")]
    pub(super) before: Option<u64>,
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct RecordsArgs {
    #[arg(long, required_unless_present = "account_code")]
    pub(super) user: Option<UserId>,
    /// Only calls that are booked to this code; without --user those of everybody.
    #[arg(long, value_name = "CODE")]
    pub(super) account_code: Option<AccountCode>,
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(super) limit: u16,
    /// Only calls that started before this time, in milliseconds since 1970.
    #[arg(long, value_name = "MILLISECONDS")]
    pub(super) before: Option<u64>,
    #[arg(long)]
    pub(super) json: bool,
}
