//! The wire types that the portal, the edge and the media gateway share; `docs/protocol.md` shows them at work.
//!
//! Everything is JSON in text frames. An enum carries its name in `type`, in `snake_case`. A receiver ignores fields
//! and events it does not know, so that two neighbouring versions work with each other; see [`version`].

// The derives name the crate as others do.
extern crate self as ponte_protocol;

pub mod account_code;
#[cfg(feature = "admin")]
pub mod admin;
pub mod call;
pub mod colleague;
pub mod command;
pub mod contact;
pub mod event;
pub mod external;
pub mod frames;
pub mod grouping;
pub mod ids;
pub mod json;
pub mod link;
pub mod message;
pub mod number;
pub mod persistent;
pub mod pii;
pub mod presence;
pub mod profile;
pub mod quality;
pub mod record;
pub mod refusal;
pub mod rtc;
pub mod schedule;
pub mod settings;
pub mod state;
pub mod station;
pub mod treatment;
pub mod upload;
pub mod version;

pub use account_code::{AccountCode, AccountCodeError, AccountCodePolicy, BookedCode};
pub use call::{
    CallPhase, CallView, Cause, CauseReason, ConferenceView, Direction, EndedBy, FailureClass, LegRole,
    LegState, LegView, MemberView, MoveView, ParkedCall,
};
pub use colleague::{Colleague, LineState};
pub use command::{
    Command, CommandBody, DestinationChoice, Explanation, LogPage, Outcome, Reply, TransferTarget,
};
pub use contact::{
    Contact, ContactBook, ContactFormat, ContactNumber, ContactPage, ContactText, ImportPreview,
    ImportProblem, ImportProblemKind,
};
pub use event::{Event, EventBody, Snapshot};
pub use external::{DirectoryFault, ExternalPage, ExternalPerson, SearchText};
pub use frames::{ClientFrame, ServerFrame};
pub use ids::{
    CallId, CommandId, ContactId, DestinationId, DeviceId, GroupId, MessageId, SiteId, UnixMillis, UserId,
};
pub use link::{AudioPart, EdgeFrame, GatewayFrame, LinkEvent};
pub use message::{Mailbox, MessagePage, OwnSound, OwnSoundState, VoiceMessage};
pub use number::{DialString, E164, Extension, NumberError};
pub use persistent::PersistentLeg;
pub use pii::Pii;
pub use presence::{Availability, Presence};
pub use profile::{CallerId, Destination, Mode, SavedDestination, UserProfile};
pub use quality::{CallQuality, LegQuality, Quality};
pub use record::{CallRecord, LegRecord};
pub use refusal::Refusal;
pub use rtc::{Relay, RtcRefusal, RtcRequest, RtcSignal, Sdp};
pub use schedule::ScheduleEntry;
pub use settings::CallSettings;
pub use state::UserState;
pub use station::{DeskUse, StationView};
pub use treatment::{CallProfile, CallRules, Forwarding, ProfilePlace};
pub use upload::{Taken, UploadPiece};
