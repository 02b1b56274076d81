//! What a user asks for.

use crate::account_code::ACCOUNT_FIND_MAX;
#[cfg(feature = "admin")]
use crate::admin::{AdminAnswer, AdminChange, AdminQuery};
use crate::contact::CONTACT_PAGE_MAX;
use crate::json::{FromJson, ToJson};
use crate::message::MESSAGE_PAGE_MAX;
use crate::presence::STATUS_MAX;
use crate::settings::NO_ANSWER_MS;
use crate::treatment::EXCEPTIONS_MAX;
use crate::{
    AccountCode, Availability, BookedCode, CallId, CallProfile, CallRecord, CallRules, CallSettings,
    CommandId, Contact, ContactFormat, ContactId, ContactPage, ContactText, DestinationId, DeviceId,
    DialString, E164, Extension, ExternalPage, ImportPreview, MessageId, MessagePage, OwnSound, Refusal,
    ScheduleEntry, SearchText, UnixMillis,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest a `dial` may be on its way, in milliseconds: nobody's telephone rings for an old click.
pub const DIAL_LIFETIME_MS: u64 = 10_000;
/// The longest any other command may be on its way, in milliseconds.
pub const COMMAND_LIFETIME_MS: u64 = 30_000;
/// The most records a page of the call log holds.
pub const LOG_PAGE_MAX: u16 = 100;
/// Digits of the code that a verification call speaks.
pub const VERIFICATION_DIGITS: usize = 6;
/// The most digits a `send_dtmf` carries.
pub const DTMF_MAX: usize = 32;

/// A user's wish, with an identifier that makes it happen once however often it arrives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Command {
    pub id: CommandId,
    /// By the client's clock; informative.
    pub issued_at: UnixMillis,
    /// By the receiver's clock: the edge shortens it to the lifetime that the command's kind allows after its arrival.
    pub expires_at: UnixMillis,
    pub body: CommandBody,
}

/// Where the user wants to be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DestinationChoice {
    Saved {
        destination: DestinationId,
    },
    Number {
        number: DialString,
        /// Rule T14; `None`: on for mobile numbers, off for others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm: Option<bool>,
    },
    Browser,
    /// The telephone on the user's desk: the one that they are logged on to, else their own. Only a call that is up can go there.
    Desk,
    #[serde(other)]
    Unknown,
}

/// To whom a call is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TransferTarget {
    /// As it would be dialled: a number or an extension.
    Number {
        number: DialString,
    },
    Extension {
        extension: Extension,
    },
    /// The voicemail of a user, whose telephone does not ring.
    Voicemail {
        extension: Extension,
    },
    #[serde(other)]
    Unknown,
}

/// The commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CommandBody {
    /// Rules T1 to T3. Entering again with another destination moves future calls there.
    EnterTelecommuter {
        destination: DestinationChoice,
    },
    /// Rule T10.
    LeaveTelecommuter,
    /// Telecommuter mode ends by itself at this time; without one it does not. Entering again undoes it.
    LeaveAt {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<UnixMillis>,
    },
    /// Rule T15: one leg to the user's telephone stays up, and calls are attached to it; or no longer.
    SetPersistentLeg {
        on: bool,
    },
    /// The user goes on working elsewhere: portals no longer offer to leave because a telephone at the desk was tried.
    Stay,
    SaveDestination {
        label: String,
        number: DialString,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confirm: Option<bool>,
    },
    DeleteDestination {
        destination: DestinationId,
    },
    /// Rule T4; while a call is in `far_failed`, it dials on the same user leg (rule T5). While a call is up, that one is
    /// held, and a second one begins on the same user leg (rule T8).
    Dial {
        number: DialString,
        /// What the call is booked to. Where it is left out on a line that waits for another number, that of the call stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_code: Option<AccountCode>,
    },
    /// What a call of the user's own is booked to, while it is up and after it; without a code no longer anything.
    SetAccountCode {
        call: CallId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account_code: Option<AccountCode>,
    },
    HangUp {
        call: CallId,
    },
    /// A person says "it is me" in the portal (rule T14), or takes the call that waits (rule T8): the one before is held.
    Accept {
        call: CallId,
    },
    /// The other party hears music or a tone until the call is retrieved.
    Hold {
        call: CallId,
    },
    /// A held call is taken up again; the one that is up is held. A call that is being set up is given up.
    Retrieve {
        call: CallId,
    },
    /// Gives the other party to somebody else without asking; the user's line is free. Where nobody takes it, it comes
    /// back to the user.
    Transfer {
        call: CallId,
        to: TransferTarget,
    },
    /// Puts the other parties of two calls of the user through to each other; the user's line is free.
    TransferTo {
        call: CallId,
        with: CallId,
    },
    /// The user goes on with the call that is up, or held, at another telephone: it is called, and takes the place of the
    /// present one when somebody is there. The other party hears no gap. Where calls ring from then on does not change.
    Move {
        call: CallId,
        to: DestinationChoice,
    },
    /// The call stays where it is: the telephone that it was to be moved to is not called any more.
    StopMove {
        call: CallId,
    },
    /// Makes one conference of two calls of the user, or of a conference and a call.
    Merge {
        call: CallId,
        with: CallId,
    },
    /// The host leaves; the members go on.
    LeaveConference {
        call: CallId,
    },
    /// The host ends it for all.
    EndConference {
        call: CallId,
    },
    /// Whether the others hear the member that is the other party of this call.
    MuteMember {
        call: CallId,
        muted: bool,
    },
    /// Whether the others hear any member of the conference; the host is heard all the same.
    MuteMembers {
        call: CallId,
        muted: bool,
    },
    /// Whether the other party hears the user; whatever the user's telephone is, what it sends is left out.
    Mute {
        call: CallId,
        muted: bool,
    },
    /// The other party waits until anybody of the site fetches it; after a time it comes back to the user.
    Park {
        call: CallId,
    },
    /// Has the call recorded from here on, or no longer; both parties are told before it begins.
    Record {
        call: CallId,
        on: bool,
    },
    /// Takes over a parked call.
    Fetch {
        slot: u16,
    },
    /// Takes over a call that rings at a colleague's extension.
    PickUp {
        extension: Extension,
    },
    /// An incoming call that is not answered yet: voicemail takes it, or the caller hears that the user is busy (rule T9).
    Reject {
        call: CallId,
    },
    /// Rule T2: calls the number and speaks a code of six digits.
    VerifyDestination {
        destination: DestinationId,
    },
    /// The code that was spoken: 6 digits.
    ConfirmDestination {
        destination: DestinationId,
        code: String,
    },
    /// Rule T11: whoever is on the telephone is logged off it.
    LogOn {
        device: DeviceId,
    },
    /// Off the telephone that the user is logged on to.
    LogOff,
    /// Rule T12.
    SetPresence {
        availability: Availability,
        /// At most 140 characters; empty for none.
        #[serde(default)]
        status: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_until: Option<UnixMillis>,
    },
    SetCallSettings {
        settings: CallSettings,
    },
    /// Forwarding, and who gets through to a user who wants no calls.
    SetCallRules {
        rules: CallRules,
    },
    /// A new profile of the user's own, or other contents of one that there is.
    SaveProfile {
        profile: Box<CallProfile>,
    },
    /// One of the user's own.
    DeleteProfile {
        name: String,
    },
    /// Everything that the profile sets, at once; where its place is refused, nothing changes.
    SwitchProfile {
        name: String,
    },
    /// The whole of the user's schedule; what is in it begins at its next time.
    SetSchedule {
        schedule: Vec<ScheduleEntry>,
    },
    /// Whether a voicemail message counts as listened to.
    MarkMessage {
        message: MessageId,
        heard: bool,
    },
    /// Into the bin, from which it can be restored for a day.
    DeleteMessage {
        message: MessageId,
    },
    RestoreMessage {
        message: MessageId,
    },
    /// Callers hear the default one again. The one before is kept for a day.
    RemoveOwnSound {
        sound: OwnSound,
    },
    /// The one before the last change is heard again.
    RestoreOwnSound {
        sound: OwnSound,
    },
    /// A page of voicemail messages, newest first; changes nothing.
    FetchMessages {
        /// Only messages received before this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<UnixMillis>,
        /// 1 to 100.
        limit: u16,
    },
    /// Whether a number may be dialled, and which rule says so; changes nothing.
    Explain {
        number: DialString,
    },
    /// A contact of the user's own directory, new or in the place of the one with its id.
    SaveContact {
        contact: Box<Contact>,
    },
    DeleteContact {
        contact: ContactId,
    },
    /// A page of contacts, by id; changes nothing.
    FetchContacts {
        /// Only those after this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ContactId>,
        /// 1 to 500.
        limit: u16,
    },
    /// People of the external directory; changes nothing. A user's later search is answered in the place of the one before.
    SearchExternal {
        /// 2 to 64 characters; each word must be found.
        find: SearchText,
    },
    /// A part of a file of contacts, vCard or CSV; nothing of it is kept in the directory. The last part is answered by
    /// a preview of the whole.
    ReadContacts {
        /// Made by the client, one for each file; a first part gives up the file before.
        import: Uuid,
        /// From 0.
        part: u16,
        last: bool,
        text: ContactText,
    },
    /// Adds what [`Self::ReadContacts`] has read.
    ImportContacts {
        import: Uuid,
    },
    /// A part of a file with all contacts; changes nothing.
    ExportContacts {
        format: ContactFormat,
        /// Where the part before ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ContactId>,
    },
    /// Digits `0-9 * # A-D` to the other party, 1 to 32.
    SendDtmf {
        call: CallId,
        digits: String,
    },
    /// A page of the call log, newest first; changes nothing.
    FetchLog {
        /// Only records that started before this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<UnixMillis>,
        /// 1 to 100.
        limit: u16,
    },
    /// Account codes that may be used, with this in code or name in whatever case; changes nothing.
    FindAccountCodes {
        /// At most 64 characters; empty for the first of all.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        find: String,
    },
    /// For administrators; changes nothing.
    #[cfg(feature = "admin")]
    AdminQuery {
        query: AdminQuery,
    },
    /// For administrators.
    #[cfg(feature = "admin")]
    AdminChange {
        change: AdminChange,
    },
    /// A command this version does not know.
    #[serde(other)]
    Unknown,
}

impl CommandBody {
    /// Whether it only reads, so that no ledger need keep it.
    pub fn is_query(&self) -> bool {
        match self {
            Self::FetchLog { .. }
            | Self::FindAccountCodes { .. }
            | Self::FetchMessages { .. }
            | Self::Explain { .. }
            | Self::FetchContacts { .. }
            | Self::SearchExternal { .. }
            | Self::ReadContacts { .. }
            | Self::ExportContacts { .. } => true,
            #[cfg(feature = "admin")]
            Self::AdminQuery { .. } => true,
            _ => false,
        }
    }

    /// Whether it makes a telephone ring that nobody rang: in vain once the user has looked away.
    pub fn makes_ring(&self) -> bool {
        matches!(self, Self::Dial { .. } | Self::SetPersistentLeg { on: true })
    }

    /// The longest it may be on its way, in milliseconds.
    pub fn lifetime_ms(&self) -> u64 {
        match self {
            Self::Dial { .. }
            | Self::Transfer { .. }
            | Self::Move { .. }
            | Self::Fetch { .. }
            | Self::PickUp { .. }
            | Self::SearchExternal { .. }
            | Self::SetPersistentLeg { .. } => DIAL_LIFETIME_MS,
            _ => COMMAND_LIFETIME_MS,
        }
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] names what is wrong; [`Refusal::Unsupported`] for a command this version does not know.
    pub fn validate(&self) -> Result<(), Refusal> {
        let malformed = |detail: &str| {
            Err(Refusal::Malformed {
                detail: detail.to_owned(),
            })
        };
        match self {
            Self::Unknown
            | Self::EnterTelecommuter {
                destination: DestinationChoice::Unknown,
            }
            | Self::Move {
                to: DestinationChoice::Unknown,
                ..
            }
            | Self::Transfer {
                to: TransferTarget::Unknown,
                ..
            }
            | Self::SetPresence {
                availability: Availability::Unknown,
                ..
            }
            | Self::RemoveOwnSound {
                sound: OwnSound::Unknown,
            }
            | Self::RestoreOwnSound {
                sound: OwnSound::Unknown,
            }
            | Self::ExportContacts {
                format: ContactFormat::Unknown,
                ..
            } => Err(Refusal::Unsupported),
            #[cfg(feature = "admin")]
            Self::AdminQuery { query } => query.validate(),
            #[cfg(feature = "admin")]
            Self::AdminChange { change } => change.validate(),
            Self::SendDtmf { digits, .. } => {
                let valid = |b: u8| b.is_ascii_digit() || b"*#ABCD".contains(&b);
                if digits.is_empty() || digits.len() > DTMF_MAX || !digits.bytes().all(valid) {
                    return malformed("digits: 1 to 32 out of 0-9 * # A-D");
                }
                Ok(())
            }
            Self::SaveDestination { label, .. } => {
                let length = label.trim().chars().count();
                if length == 0 || length > 40 || label.chars().any(char::is_control) {
                    return malformed("label: 1 to 40 characters");
                }
                Ok(())
            }
            Self::FetchLog { limit, .. } if *limit == 0 || *limit > LOG_PAGE_MAX => {
                malformed("limit: 1 to 100")
            }
            Self::FetchMessages { limit, .. } if *limit == 0 || *limit > MESSAGE_PAGE_MAX => {
                malformed("limit: 1 to 100")
            }
            Self::ConfirmDestination { code, .. }
                if code.len() != VERIFICATION_DIGITS || !code.bytes().all(|b| b.is_ascii_digit()) =>
            {
                malformed("code: 6 digits")
            }
            Self::SetPresence { status, .. }
                if status.chars().count() > STATUS_MAX || status.chars().any(char::is_control) =>
            {
                malformed("status: at most 140 characters")
            }
            Self::FindAccountCodes { find } if find.chars().count() > ACCOUNT_FIND_MAX => {
                malformed("find: at most 64 characters")
            }
            Self::SaveProfile { profile } => profile.validate(),
            Self::SaveContact { contact } => contact.validate(),
            Self::SearchExternal { find } => find.validate(),
            Self::FetchContacts { limit, .. } if *limit == 0 || *limit > CONTACT_PAGE_MAX => {
                malformed("limit: 1 to 500")
            }
            Self::SetSchedule { schedule } => crate::schedule::validate(schedule),
            Self::SetCallRules { rules } if rules.exceptions.len() > EXCEPTIONS_MAX => {
                malformed("exceptions: at most 50")
            }
            Self::SetCallSettings { settings } if !NO_ANSWER_MS.contains(&settings.no_answer_ms) => {
                malformed("no_answer_ms: 5000 to 120000")
            }
            _ => Ok(()),
        }
    }
}

/// A page of the call log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct LogPage {
    /// Newest first.
    pub records: Vec<CallRecord>,
    /// Whether older records exist.
    pub more: bool,
}

/// What the restrictions say of a number, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Explanation {
    /// How the numbering plan reads it, in E.164; `None` for a number that is none, an extension or a feature code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<E164>,
    /// Why it would be refused; `None` where it may be dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The rule that decided, e.g. `+39`; empty where none did.
    pub rule: String,
    /// When that rule holds, e.g. `Mon-Fri 09:00-18:00`; `None`: always, or none decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// Whose rule it is: `user`, `group` or `site`; empty where none decided.
    pub from: String,
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Outcome {
    /// It was taken, and will be or has been carried out; what comes of it is told by events.
    Accepted {
        /// The call it started or touched.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<CallId>,
    },
    Log(LogPage),
    Messages(MessagePage),
    Explained(Explanation),
    Contacts(ContactPage),
    /// Who was found in the external directory.
    External(ExternalPage),
    /// In order of their digits, at most 20.
    AccountCodes {
        codes: Vec<BookedCode>,
        /// Whether more fit.
        #[serde(default)]
        more: bool,
    },
    /// What a file of contacts holds.
    ContactsRead(ImportPreview),
    /// A part of a file of contacts.
    ContactsText {
        text: ContactText,
        /// Where the next part begins; missing after the last.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<ContactId>,
    },
    #[cfg(feature = "admin")]
    Admin {
        answer: AdminAnswer,
    },
    Refused {
        refusal: Refusal,
    },
    #[serde(other)]
    Unknown,
}

/// The answer to a command: exactly one for each id, the same however often the command is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJson, ToJson)]
pub struct Reply {
    pub id: CommandId,
    pub outcome: Outcome,
}

impl Reply {
    /// A refusal of the command `id`.
    pub fn refused(id: CommandId, refusal: Refusal) -> Self {
        Self {
            id,
            outcome: Outcome::Refused { refusal },
        }
    }
}
