//! What happened.

use crate::json::{FromJson, ToJson};
use crate::{
    CallId, CallProfile, CallQuality, CallRecord, CallRules, CallSettings, CallView, Contact, ContactBook,
    ContactId, DeskUse, Mailbox, Mode, ParkedCall, PersistentLeg, Presence, SavedDestination, ScheduleEntry,
    StationView, UnixMillis, UserProfile, UserState,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One entry of a site's event log, as the portal of one user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Event {
    /// Rises with every event of the site; a portal sees gaps where other users' events stand.
    pub seq: u64,
    /// By the gateway's clock.
    pub at: UnixMillis,
    pub body: EventBody,
}

/// What happened. Each carries the whole of what changed, so applying one twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventBody {
    /// Everything anew, e.g. after the gateway restarted.
    State {
        state: Box<UserState>,
    },
    ProfileChanged {
        profile: UserProfile,
    },
    ModeChanged {
        mode: Mode,
    },
    DestinationsChanged {
        destinations: Vec<SavedDestination>,
    },
    /// Rule T11: a telephone was registered, lost, logged on to or off.
    StationsChanged {
        stations: Vec<StationView>,
    },
    PresenceChanged {
        presence: Presence,
    },
    MailboxChanged {
        mailbox: Mailbox,
    },
    SettingsChanged {
        settings: CallSettings,
    },
    RulesChanged {
        rules: CallRules,
    },
    /// All of the user's profiles.
    ProfilesChanged {
        profiles: Vec<CallProfile>,
    },
    /// The user's own directory changed: by one contact, or by more than are told here.
    ContactsChanged {
        book: ContactBook,
        /// Added, or in the place of the one with its id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        saved: Option<Box<Contact>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deleted: Option<ContactId>,
    },
    /// The whole of the user's schedule.
    ScheduleChanged {
        schedule: Vec<ScheduleEntry>,
    },
    /// A call began or changed.
    CallChanged {
        call: CallView,
    },
    /// A call is over; its record is the newest of the log.
    CallEnded {
        call: CallId,
        record: CallRecord,
    },
    /// A record of before has changed: the user has booked the call to another account code.
    RecordChanged {
        record: CallRecord,
    },
    /// Rule T15.
    PersistentLegChanged {
        leg: PersistentLeg,
    },
    /// All calls of the site that wait to be fetched, by slot.
    ParkingChanged {
        parked: Vec<ParkedCall>,
    },
    /// A telephone of the user's was tried while the user telecommutes, and portals offer to leave; without `used` they no
    /// longer do.
    DeskUsed {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        used: Option<DeskUse>,
    },
    /// How well a call's legs are heard: at most every five seconds, when it changed, and while a portal of the user's is there.
    QualityChanged {
        quality: CallQuality,
    },
    /// Whether the telephone system is connected to the edge.
    GatewayChanged {
        connected: bool,
    },
    /// An event this version does not know; to be passed over.
    #[serde(other)]
    Unknown,
}

/// Where a portal starts: the state up to and including the event `seq`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Snapshot {
    /// Which event log `seq` belongs to; another log means that no `seq` of before can be resumed.
    pub log: Uuid,
    pub seq: u64,
    /// By the edge's clock, so that the portal can show durations by a clock that is not its own.
    pub at: UnixMillis,
    /// Whether the telephone system is connected to the edge.
    pub gateway_connected: bool,
    /// `None` while the edge has never heard of this user from the gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Box<UserState>>,
}
