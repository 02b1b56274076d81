//! What must survive a restart: users, command ids, modes, calls that are up, records.
//!
//! One `SQLite` database in the data folder. All writes go through one task that commits what has been queued in one
//! transaction, so a thousand calls a second cost a few hundred commits; each write says when it is on disk. Reads go
//! beside it, on connections of their own.
//!
//! ```text
//!  driver ── insert_record ──▶ queue ──▶ writer ── one transaction ──▶ ponte.db
//!     ▲                                    │  fails: spool in memory, try again, tell `writable`
//!     └───────────── Written ◀─────────────┘
//! ```

mod api;
mod codec;
mod error;
mod open;
mod read;
mod types;
mod write;
mod writer;

pub use api::{Store, Written};
pub use error::StoreError;
pub use types::{
    COMMAND_KEPT_MS, CallUp, Claim, Invitation, LegUp, Pruned, StoreOptions, StoreUse, UserRow, Versions,
};
