//! The control plane's one task: it owns the [`Switch`], turns the world into its events and its effects into the
//! world.
//!
//! ```text
//!   SIP sockets ─▶ UserAgent ─┐                         ┌─▶ UserAgent ─▶ SIP sockets
//!   media plane ──────────────┼─▶ Event ─▶ Switch ─▶ Effect ──▶ media plane
//!   link ─▶ ledger (store) ───┤                         ├─▶ store
//!   timers ───────────────────┘                         └─▶ link ─▶ edge ─▶ portals
//! ```
//!
//! Nothing here waits: what takes time (store, DNS, link) runs beside and comes back as an input.

mod account_codes;
mod admin;
mod browser;
mod callers;
mod changes;
mod clock;
mod commands;
mod company;
mod contacts;
mod control;
mod effects;
mod external;
mod holding;
mod hops;
mod incoming;
mod keys;
mod legs;
mod mailbox;
mod names;
mod opening;
mod own_sounds;
mod pins;
mod portal;
mod presence;
mod quality;
mod refer;
mod replaces;
mod restore;
mod run;
mod sip_events;
mod sound;
mod telephones;
mod timetable;
mod told;
mod treatment;
mod trunks;
mod verify;
mod visits;
mod voicemail;
mod warning;
mod watching;
mod work;
mod writes;

pub use trunks::TrunkError;

use crate::config::Config;
use crate::contacts::AddressBook;
use crate::link::{FromLink, LinkHandle};
use crate::mail::Postman;
use crate::numbers::NumberingPlan;
use crate::sip::{Inbound, SipSockets};
use crate::store::{Store, UserRow};
use admin::AdminJob;
use clock::Clock;
use commands::{Answered, Ledger};
use legs::LegTable;
use pins::Guesses;
use ponte_call_core::{Event, LegId, Switch};
use ponte_media::{EndpointId, MediaPlane};
use ponte_protocol::admin::AccountCodeSettings;
use ponte_protocol::{
    CallId, CallProfile, CallRecord, CallRules, CallSettings, CallView, Mailbox, Presence, SavedDestination,
    ScheduleEntry, UnixMillis, UserId,
};
use ponte_sip::UserAgent;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use telephones::Telephones;
use timetable::Timetable;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use trunks::Trunks;
use voicemail::Takings;
use work::Work;
use writes::Writes;

/// What the driver is made of.
pub struct Parts {
    pub config: Arc<Config>,
    pub store: Store,
    pub sockets: SipSockets,
    pub sip_inbound: mpsc::Receiver<Inbound>,
    pub media: MediaPlane,
    /// Told by the media plane when it has events.
    pub media_wake: Arc<Notify>,
    /// The link and what it says; `None` where no portal is served.
    pub link: Option<(LinkHandle, mpsc::Receiver<FromLink>)>,
    /// Sends messages by e-mail, where that is configured.
    pub postman: Option<Postman>,
    /// Turns true when the gateway is to stop.
    pub stop: watch::Receiver<bool>,
    /// What `/health` tells.
    pub healthy: Arc<AtomicBool>,
}

/// A user, with what the portal shows beside the calls.
struct UserEntry {
    row: UserRow,
    destinations: Vec<SavedDestination>,
    /// The newest records, newest first.
    log: VecDeque<CallRecord>,
    settings: CallSettings,
    rules: CallRules,
    profiles: Vec<CallProfile>,
    schedule: Vec<ScheduleEntry>,
    /// Up to when the schedule was carried out.
    carried_out: UnixMillis,
    /// What an administrator has set of the five above, as far as it was taken over.
    treatment_version: u64,
    presence: Presence,
    mailbox: Mailbox,
    /// The names of the user's own contacts.
    contacts: AddressBook,
}

/// A step that the driver itself has to take later: the sentence after the tone of playback number `playback`.
type LaterStep = Reverse<(Instant, LegId, u64)>;

/// See the module's documentation.
pub struct Driver {
    /// What the configuration file says.
    base: Arc<Config>,
    /// What holds: with what administrators have set for the whole site.
    config: Arc<Config>,
    plan: Arc<NumberingPlan>,
    clock: Clock,
    store: Store,
    switch: Switch,
    agent: UserAgent,
    sockets: SipSockets,
    media: MediaPlane,
    link: Option<LinkHandle>,
    postman: Option<Postman>,
    legs: LegTable,
    names_of_calls: replaces::CallNames,
    /// Conferences that are up.
    rooms: HashMap<CallId, control::Conference>,
    holds: holding::Holds,
    trunks: Trunks,
    telephones: Telephones,
    tabs: browser::Tabs,
    company: company::Company,
    qualities: quality::Qualities,
    imports: contacts::Imports,
    external: external::External,
    users: BTreeMap<UserId, UserEntry>,
    /// Not after the first moment at which a status message is to be taken away.
    status_end: Option<UnixMillis>,
    /// How many portals of each user are connected.
    portals: HashMap<UserId, u32>,
    /// The site's list, by code.
    account_codes: Vec<AccountCodeSettings>,
    /// Administrators' changes on their way to the store.
    admin_jobs: mpsc::Sender<AdminJob>,
    ledger: Ledger,
    answered: Answered,
    /// Calls that are up, as they were last told to the portals.
    shown: HashMap<CallId, CallView>,
    later: BinaryHeap<LaterStep>,
    writes: Writes,
    work: Work,
    takings: Takings,
    /// Greetings and names that are being recorded.
    drafts: HashMap<EndpointId, LegId>,
    /// Those that are on their way from a portal.
    uploads: own_sounds::Uploads,
    guesses: Guesses,
    timetable: Timetable,
    audio_reads: Arc<Semaphore>,
    /// Users are ended with their calls, but keep mode and telephone for the next start.
    stopping: bool,
    /// Marks our INVITEs, so that one that comes back is known.
    instance: String,
}

impl Driver {
    fn tell(&mut self, event: Event) {
        self.switch.handle_event(self.clock.now(), event);
    }
}
