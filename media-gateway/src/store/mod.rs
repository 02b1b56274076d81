//! What must survive a restart: users and their rights, telephones and their registrations, numbers, modes, presence,
//! messages, command ids, calls that are up, records.
//!
//! One `SQLite` database in the data folder. All writes go through one task that commits what has been queued in one
//! transaction, so a thousand calls a second cost a few hundred commits; each write says when it is kept. Reads go
//! beside it, on connections of their own.
//!
//! ```text
//!  driver ── insert_record ──▶ queue ──▶ writer ── one transaction ──▶ ponte.db
//!     ▲                                    │  fails: spool in memory, try again, tell `writable`
//!     └───────────── Written ◀─────────────┘
//! ```

mod account;
mod account_codes;
mod api;
mod audit;
mod codec;
mod contacts;
mod devices;
mod directory;
mod error;
mod groups;
mod messages;
mod numbers;
mod open;
mod own_sounds;
mod personal;
mod read;
mod recordings;
mod rescue;
mod site;
mod together;
mod treatment;
mod types;
mod verification;
mod write;
mod writer;

pub use account::{EmailAddress, GroupRow, PinError, PinHash};
pub use api::{Store, Written};
pub use audit::AuditNote;
pub use devices::{BindingsRow, DeviceRow, DeviceSecret};
pub use directory::DirectoryRow;
pub use error::StoreError;
pub use messages::BIN_KEPT_MS;
pub use numbers::DidRow;
pub use own_sounds::{SHORTEST_OWN, UploadError};
pub use recordings::Recordings;
pub use rescue::{MessageNote, Rescued};
pub use site::SiteRow;
pub use together::Change;
pub use types::{
    COMMAND_KEPT_MS, CallUp, Claim, Invitation, LegUp, Pruned, RuleOwner, StoreOptions, StoreUse, UserRow,
    Versions,
};
pub use verification::{CODE_LIFETIME_MS, CODE_TRIES, CodeOutcome, code_hash};
