use ponte_protocol::{AccountCode, DestinationId, DeviceId, E164, Extension, GroupId, UserId};
use std::io;
use std::path::PathBuf;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the data folder {} cannot be used: {source}; create it for the account the gateway runs as, or set \
         store.data_folder to a folder that account may write",
        .path.display()
    )]
    Folder { path: PathBuf, source: io::Error },
    #[error(
        "the folder {} cannot be used for recordings: {source}; create it for the account the gateway runs as, or set \
         voicemail.folder to a folder that account may write",
        .path.display()
    )]
    Recordings { path: PathBuf, source: io::Error },
    #[error(
        "another gateway uses the data folder {}; stop it first, or give this one a folder of its own",
        .path.display()
    )]
    InUse { path: PathBuf },
    #[error(
        "{} was written by a newer version (schema {found}; this version knows {known}); install that version, or \
         restore a copy made before the upgrade",
        .path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error(
        "{} is not a database of Ponte, or is damaged: {reason}; restore a copy, or move it away to start empty",
        .path.display()
    )]
    NotOurs { path: PathBuf, reason: String },
    /// The database is locked, the disk is full or fails. What must not be lost waits in memory meanwhile.
    #[error("the store cannot be written now: {reason}")]
    Unavailable { reason: String },
    #[error("too many writes wait for the store")]
    QueueFull,
    #[error("the store is closed")]
    Closed,
    #[error("there is a user {0} already")]
    UserExists(UserId),
    #[error("there is no user {0}")]
    UnknownUser(UserId),
    #[error("the extension belongs to {by} already")]
    ExtensionTaken { extension: Extension, by: UserId },
    #[error("there is a telephone {0} already")]
    DeviceExists(DeviceId),
    #[error("there is no telephone {0}")]
    UnknownDevice(DeviceId),
    #[error("there is a group {0} already")]
    GroupExists(GroupId),
    #[error("there is no group {0}")]
    UnknownGroup(GroupId),
    #[error("no administrator would be left")]
    LastAdministrator,
    #[error("the group {group} has users")]
    GroupInUse { group: GroupId, members: Vec<UserId> },
    #[error("the number reaches the extension {} already", .extension.as_str())]
    DidTaken { number: E164, extension: Extension },
    #[error("there is no such destination")]
    UnknownDestination(DestinationId),
    #[error("there is no account code {0}")]
    UnknownAccountCode(AccountCode),
    #[error("there is no such number")]
    UnknownDid(E164),
    #[error("the user's directory would have too many contacts")]
    DirectoryFull,
    /// A row that this version cannot read.
    #[error("the table {table} holds something unreadable: {reason}")]
    Unreadable { table: &'static str, reason: String },
    /// The database refuses this write for its content; a fault of ours.
    #[error("the database refused to write: {write}")]
    Refused { write: &'static str },
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
}
