//! What takes time beside the driver, and comes back as an input: reads of the store, files, hashes, names.

use super::Driver;
use super::contacts::Changed;
use super::own_sounds::SoundTaken;
use crate::contacts::Import;
use crate::store::{CodeOutcome, Invitation, StoreError};
use futures_util::stream::{FuturesUnordered, StreamExt};
use ponte_call_core::{Dialled, Event, LegId, TrunkId};
use ponte_protocol::{
    CallRecord, CommandId, DestinationId, DirectoryFault, E164, Extension, ExternalPage, Mailbox, Refusal,
    UserId, VoiceMessage,
};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use uuid::Uuid;

/// Something that was waited for.
pub(super) enum Done {
    /// A user's mailbox as the store has it.
    Mailbox {
        user: UserId,
        mailbox: Result<Mailbox, StoreError>,
    },
    /// Invitations that have not expired.
    Invitations(Result<Vec<Invitation>, StoreError>),
    /// A message was marked, deleted or restored, if there was one.
    MessageChanged {
        user: UserId,
        id: CommandId,
        found: Result<bool, StoreError>,
    },
    /// What a record is booked to was changed, or could not be.
    RecordBooked {
        user: UserId,
        id: CommandId,
        booked: Result<CallRecord, Refusal>,
    },
    /// A user's directory was changed, or could not be.
    ContactsChanged(Changed),
    /// A file of contacts was read.
    ContactsRead {
        user: UserId,
        id: CommandId,
        import: Uuid,
        found: Result<Import, Refusal>,
    },
    /// A search in the external directory is over.
    ExternalFound {
        user: UserId,
        id: CommandId,
        found: Result<ExternalPage, DirectoryFault>,
    },
    /// A caller's number was looked up in the external directory.
    CallerNamed {
        number: E164,
        found: Result<Option<String>, DirectoryFault>,
    },
    /// The hash of a verification code is kept.
    CodeSaved {
        user: UserId,
        id: CommandId,
        dialled: Dialled,
        code: Vec<u8>,
        found: Result<bool, StoreError>,
    },
    /// A verification code was tried.
    CodeTried {
        user: UserId,
        id: CommandId,
        destination: DestinationId,
        outcome: Result<CodeOutcome, StoreError>,
    },
    PinChecked {
        leg: LegId,
        ask: u64,
        extension: Extension,
        valid: bool,
    },
    /// The messages of a box, for a telephone.
    Listed {
        leg: LegId,
        ask: u64,
        messages: Option<Vec<VoiceMessage>>,
    },
    /// A draft was kept, or could not be.
    DraftStored { leg: LegId, user: UserId, stored: bool },
    /// A piece of a greeting from a portal.
    SoundTaken(SoundTaken),
    TrunkResolved {
        trunk: TrunkId,
        address: Result<SocketAddr, String>,
    },
}

/// Work on its way.
#[derive(Default)]
pub(super) struct Work(FuturesUnordered<Pin<Box<dyn Future<Output = Done> + Send>>>);

impl Work {
    /// Tells [`Driver::done`] when it is done.
    pub fn push(&mut self, work: impl Future<Output = Done> + Send + 'static) {
        self.0.push(Box::pin(work));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next that is done.
    pub async fn next(&mut self) -> Option<Done> {
        self.0.next().await
    }
}

impl Driver {
    pub(super) fn done(&mut self, done: Done) {
        match done {
            Done::Mailbox { user, mailbox } => self.mailbox_loaded(&user, mailbox),
            Done::Invitations(invitations) => self.invitations_loaded(invitations),
            Done::MessageChanged { user, id, found } => self.message_changed(&user, id, found),
            Done::RecordBooked { user, id, booked } => self.record_booked(&user, id, booked),
            Done::ContactsChanged(changed) => self.contacts_changed(changed),
            Done::ContactsRead {
                user,
                id,
                import,
                found,
            } => self.contacts_read(&user, id, import, found),
            Done::ExternalFound { user, id, found } => self.external_found(&user, id, found),
            Done::CallerNamed { number, found } => self.caller_named(&number, found),
            Done::CodeSaved {
                user,
                id,
                dialled,
                code,
                found,
            } => self.code_saved(user, id, dialled, code, found),
            Done::CodeTried {
                user,
                id,
                destination,
                outcome,
            } => self.code_tried(&user, id, destination, outcome),
            Done::PinChecked {
                leg,
                ask,
                extension,
                valid,
            } => self.pin_checked(leg, ask, &extension, valid),
            Done::Listed { leg, ask, messages } => self.messages_listed(leg, ask, messages),
            Done::DraftStored { leg, user, stored } => {
                self.tell(Event::DraftStored { leg, stored });
                self.reload_mailbox(&user);
            }
            Done::SoundTaken(taken) => self.sound_taken(taken),
            Done::TrunkResolved { trunk, address } => self.trunk_resolved(&trunk, address),
        }
    }
}
