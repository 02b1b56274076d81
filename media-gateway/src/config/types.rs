use super::{FeatureCodes, TurnConfig, time_zone};
use crate::numbers::NumberingPlan;
use crate::numbers::TimedRule;
use crate::sip::TlsFiles;
use crate::store::{DidRow, DirectoryRow, SiteRow};
use jiff::tz::TimeZone;
use ponte_call_core::{Timeouts, TrunkConfig, TrunkId};
use ponte_media::{Country, HoldMusic, PortRange, WebRtcConfig};
use ponte_protocol::admin::CallRecording;
use ponte_protocol::{AccountCodePolicy, CallSettings, E164, SiteId};
use ponte_sip::digest::Algorithm;
use ponte_sip::{AccountsConfig, Credentials, Transport};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub site: SiteConfig,
    pub sip: SipConfig,
    pub media: MediaSettings,
    /// `None`: no browser can be called.
    pub webrtc: Option<WebRtcConfig>,
    /// The relay for browsers whose network lets them come neither by UDP nor by TCP.
    pub turn: Option<TurnConfig>,
    /// In the order in which they are tried; at least one.
    pub trunks: Vec<TrunkSettings>,
    /// `None`: no portal is served, the telephone system works alone.
    pub edge: Option<EdgeConfig>,
    /// `None`: no metrics are served.
    pub metrics: Option<MetricsConfig>,
    pub store: StoreConfig,
    pub registrar: RegistrarConfig,
    pub voicemail: VoicemailConfig,
    /// `None`: messages are not sent by e-mail.
    pub email: Option<EmailConfig>,
    pub features: FeatureCodes,
    pub telecommuting: TelecommutingConfig,
    pub timeouts: Timeouts,
    pub log: LogConfig,
}

impl Config {
    /// How the site reads numbers, with the DIDs of the store and those of the trunks; the store's go before.
    pub fn numbering_plan(&self, dids: &[DidRow]) -> NumberingPlan {
        let of_trunks = self.trunks.iter().flat_map(|trunk| &trunk.dids);
        let configured = of_trunks.filter(|row| dids.iter().all(|stored| stored.number != row.number));
        let all: Vec<DidRow> = configured.chain(dids).cloned().collect();
        NumberingPlan::new(&self.site)
            .with_features(&self.features)
            .with_dids(&all)
    }

    /// The configuration with what administrators have set in its place.
    #[must_use]
    pub fn with_site(&self, row: &SiteRow) -> Self {
        let mut config = self.clone();
        if let Some(rules) = &row.rules {
            config.site.default_restrictions.clone_from(rules);
        }
        if let Some(no_answer_ms) = row.no_answer_ms {
            config.site.no_answer_ms = no_answer_ms;
        }
        if let Some(call_waiting) = row.call_waiting {
            config.site.call_waiting = call_waiting;
        }
        if let Some(call_recording) = row.call_recording {
            config.site.call_recording = call_recording;
        }
        if let Some(quota_s) = row.voicemail_quota_s {
            config.voicemail.quota_s = quota_s;
        }
        if let Some(message_s) = row.voicemail_message_s {
            config.voicemail.longest = Duration::from_secs(message_s.into());
            config.timeouts.message = u64::from(message_s) * 1000;
        }
        if let Some(account_codes) = row.account_codes {
            config.site.account_codes = account_codes;
        }
        // One that this machine does not know was stored on another.
        if let Some(time_zone) = row.time_zone.as_deref().and_then(|name| time_zone(name).ok()) {
            config.site.time_zone = time_zone;
        }
        config
    }

    /// Says what the external directory is called, where there is one.
    #[must_use]
    pub fn with_directory(mut self, row: Option<&DirectoryRow>) -> Self {
        self.site.external_directory = row.map(|row| row.settings.name.clone());
        self
    }
}

/// The company and its numbers.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    pub name: SiteId,
    /// ISO 3166-1 alpha-2, upper case: how national numbers are read.
    pub country: String,
    /// Language of prompts for users who have none of their own: `en` or `it`.
    pub language: String,
    /// Whose tones are played.
    pub tone_country: Country,
    /// Numbers that reach this site from outside.
    pub own_numbers: Vec<OwnNumbers>,
    /// Patterns of the site's extensions, e.g. `2xx`: digits, and `x` for any digit; 2 to 8 characters.
    pub extensions: Vec<String>,
    /// Digits as dialled, e.g. `112`.
    pub emergency_numbers: Vec<String>,
    /// What holds for every user after the user's own rules.
    pub default_restrictions: Vec<TimedRule>,
    /// Whether users may take calls in the browser: `[webrtc]` stands there.
    pub browser_calls: bool,
    /// How long a call rings for a user who has set nothing else (rule T9), in milliseconds.
    pub no_answer_ms: u64,
    /// Whether a second call may be offered at all (rule T8).
    pub call_waiting: bool,
    /// Whose calls may be recorded on demand.
    pub call_recording: CallRecording,
    /// Whether calls are booked to account codes.
    pub account_codes: AccountCodePolicy,
    /// Whose clock rules and schedules go by.
    pub time_zone: TimeZone,
    /// What the external directory is called, where administrators have set one.
    pub external_directory: Option<String>,
}

impl SiteConfig {
    /// What holds for a user who has set nothing about calls.
    pub fn call_settings(&self) -> CallSettings {
        CallSettings {
            no_answer_ms: self.no_answer_ms,
            ..CallSettings::default()
        }
    }
}

/// Numbers of the site, in E.164.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnNumbers {
    Single(E164),
    /// Both included; of equal length.
    Range {
        first: E164,
        last: E164,
    },
    /// `+` and digits: every number that starts so.
    Prefix(String),
}

/// Where and how SIP is spoken.
#[derive(Clone, Debug)]
pub struct SipConfig {
    pub udp: Vec<SocketAddr>,
    pub tcp: Vec<SocketAddr>,
    /// For telephones; `None`: no TLS is served.
    pub tls: Option<TlsListener>,
    /// The address peers reach, behind a static NAT.
    pub advertised_ip: Option<IpAddr>,
    /// Value of User-Agent and Server.
    pub user_agent: String,
    /// Session-Expires that is proposed (RFC 4028), 90 s or more; `None`: none is proposed.
    pub session_expires: Option<Duration>,
}

/// Where SIP is spoken inside TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsListener {
    pub bind: SocketAddr,
    /// Were read once, and fit each other.
    pub files: TlsFiles,
}

/// Where and how audio flows.
#[derive(Clone, Debug)]
pub struct MediaSettings {
    pub bind_ip: IpAddr,
    /// Goes into session descriptions: the public address behind a static NAT, else equal to `bind_ip`.
    pub advertised_ip: IpAddr,
    pub ports: PortRange,
    /// 0: one a core.
    pub threads: usize,
    pub hold_music: HoldMusic,
}

/// How numbers are written towards a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberFormat {
    /// `+390212345678`
    E164,
    /// `390212345678`
    Plain,
}

/// How a carrier is told who has forwarded a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedBy {
    /// RFC 5806
    Diversion,
    /// RFC 7044
    HistoryInfo,
    Both,
    Nothing,
}

/// Whether whoever waits on hold is told by signalling (RFC 3264 section 8.4), beside what they hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HoldSignal {
    /// They hear that they wait, and are told nothing.
    #[default]
    Played,
    /// By a re-INVITE with `a=sendonly`, and one with `a=sendrecv` afterwards.
    Signalled,
}

/// Registration to a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Asked for; 60 s to 24 h.
    pub expires: Duration,
}

/// A trunk: a carrier's SIP service.
#[derive(Clone, Debug)]
pub struct TrunkSettings {
    pub id: TrunkId,
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub transport: Transport,
    pub credentials: Option<Credentials>,
    /// Domain of our own address towards the trunk; the trunk's host where it is not given.
    pub from_domain: String,
    pub register: Option<Register>,
    /// Time between two OPTIONS; `None`: none are sent, and the trunk counts as up.
    pub keep_alive: Option<Duration>,
    /// Most legs at once; `None`: no limit.
    pub max_legs: Option<u32>,
    pub number_format: NumberFormat,
    /// Whether the callers that it names in P-Asserted-Identity are believed (RFC 3325).
    pub trusts_identity: bool,
    /// Whether it lets the real caller's number be shown on a redirected call (rule T16).
    pub passes_caller_id: bool,
    pub forwarded_by: ForwardedBy,
    /// Of the other party; the user's own line, whose keys control the calls, is never told.
    pub hold: HoldSignal,
    /// Numbers that come in on this trunk, beside those of the store, which go before these.
    pub dids: Vec<DidRow>,
}

impl TrunkSettings {
    /// A number as this carrier wants it written.
    pub fn write(&self, number: &E164) -> String {
        match self.number_format {
            NumberFormat::E164 => number.as_str().to_owned(),
            NumberFormat::Plain => number.digits().to_owned(),
        }
    }

    /// The trunk as call control knows it.
    pub fn switch_config(&self) -> TrunkConfig {
        TrunkConfig {
            id: self.id.clone(),
            max_legs: self.max_legs,
            passes_caller_id: self.passes_caller_id,
        }
    }
}

/// The site's key for the link to the edge: 32 bytes that never travel and never print.
#[derive(Clone, PartialEq, Eq)]
pub struct SiteKey(pub(crate) [u8; 32]);

impl SiteKey {
    /// For the HMAC of [`ponte_protocol::link::proof_text`].
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKey(…)")
    }
}

/// The link to the edge.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// `wss://…/link`, or `ws://` to a loopback address.
    pub url: String,
    pub key: SiteKey,
    /// Where people open the portal, without a slash at the end; invitation links start with it.
    pub portal_url: String,
}

/// Where metrics and health are served.
#[derive(Clone, Debug)]
pub struct MetricsConfig {
    /// Loopback, unless the file allows another address by name.
    pub listen: SocketAddr,
}

/// What is kept, where, for how long.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// Made at the first start, readable by its owner only.
    pub data_folder: PathBuf,
    /// Days that call records are kept, 1 to 3650.
    pub record_days: u32,
}

/// How desk telephones register.
#[derive(Clone, Debug)]
pub struct RegistrarConfig {
    /// What telephones prove their password for (RFC 7616); the site's name where nothing else is said.
    pub realm: String,
    /// A shorter registration is refused with 423; 30 s to 1 h.
    pub min_expires: Duration,
    /// A longer one is cut; 60 s to 24 h.
    pub max_expires: Duration,
    /// SHA-256, MD5 or both, as they are offered: the preferred one first.
    pub digest: Vec<Algorithm>,
    /// Of the user of a telephone, by the other party.
    pub hold: HoldSignal,
}

impl RegistrarConfig {
    /// As [`ponte_sip::UserAgent::serve_accounts`] takes it. `seed` must come from the system's generator.
    pub fn accounts(&self, seed: [u8; 32]) -> AccountsConfig {
        AccountsConfig {
            algorithms: self.digest.clone(),
            min_expires: self.min_expires.as_secs() as u32,
            max_expires: self.max_expires.as_secs() as u32,
            ..AccountsConfig::new(self.realm.as_str(), seed)
        }
    }
}

/// Where messages are recorded, and how long they may be.
#[derive(Clone, Debug)]
pub struct VoicemailConfig {
    /// Of each user, in seconds.
    pub quota_s: u32,
    /// Of each user, in messages; the bin does not count.
    pub quota_messages: u32,
    /// The longest message; [`Timeouts::message`] is equal.
    pub longest: Duration,
    /// Holds `messages/`, `greetings/` and `names/`; the data folder where nothing else is said.
    pub folder: PathBuf,
}

/// How the SMTP server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSecurity {
    /// TLS after a first word in the clear, and nothing without it (RFC 3207).
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// For a server on this machine.
    None,
}

/// How messages are sent by e-mail.
#[derive(Clone)]
pub struct EmailConfig {
    pub host: String,
    pub port: u16,
    pub security: EmailSecurity,
    /// Username and password.
    pub credentials: Option<(String, String)>,
    pub from: lettre::message::Mailbox,
    /// Whether the sound goes with the letter.
    pub attach: bool,
}

impl fmt::Debug for EmailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmailConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("credentials", &self.credentials.is_some())
            .field("attach", &self.attach)
            .finish_non_exhaustive()
    }
}

/// What holds for telecommuters.
#[derive(Clone, Copy, Debug)]
pub struct TelecommutingConfig {
    /// Rule T2: whether a number must be proven by a verification call before it can be entered.
    pub verify_destinations: bool,
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// A filter as `tracing` reads it, e.g. `info` or `info,ponte_sip=debug`.
    pub level: String,
    /// One JSON object a line in place of text.
    pub json: bool,
}
