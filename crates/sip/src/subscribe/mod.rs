//! What telephones may watch: event packages, the state of what is watched, and who watches it (RFC 6665).

mod body;
mod pidf;
mod publications;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;

use crate::dialog::Dialog;
use crate::timers::TimerId;
use crate::transaction::ClientKey;
use crate::types::{Flow, Party, Timestamp};
pub use pidf::PublishedPresence;
pub(crate) use pidf::read as read_pidf;
pub(crate) use publications::{Publication, Publications};

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventPackage {
    /// Calls of an extension, for a lamp beside its name (RFC 4235).
    Dialog,
    /// Waiting voicemail (RFC 3842).
    MessageSummary,
    /// RFC 3856.
    Presence,
}

impl EventPackage {
    const ALL: [Self; 3] = [Self::Dialog, Self::MessageSummary, Self::Presence];
    /// The value of Allow-Events.
    pub(crate) const ALLOWED: &'static str = "dialog, message-summary, presence";

    /// The name in the Event header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dialog => "dialog",
            Self::MessageSummary => "message-summary",
            Self::Presence => "presence",
        }
    }

    /// The media type of its notifications.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Dialog => "application/dialog-info+xml",
            Self::MessageSummary => "application/simple-message-summary",
            Self::Presence => "application/pidf+xml",
        }
    }

    pub(crate) fn from_bytes(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|package| package.as_str().as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Where a call is, for those who watch it (RFC 4235 3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchedPhase {
    Trying,
    Early,
    Confirmed,
}

/// The dialog of a watched call, as a Replaces names it (RFC 4235 section 4.1.2). The gateway stands for either end of it, and
/// the host may give the call a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogName {
    pub call_id: String,
    /// The tag of the watched side.
    pub local_tag: String,
    /// The tag of the other side: the `to-tag` of the Replaces.
    pub remote_tag: String,
    /// Whether colleagues may take the call; otherwise the watched user alone.
    pub for_colleagues: bool,
}

/// What the user of a telephone could take over of the calls that it watches. The host checks each INVITE all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    /// The resource whose calls are the user's own.
    pub own: Option<String>,
    /// Calls that ring for colleagues.
    pub colleagues: bool,
}

impl Takes {
    /// Whether the telephone is told the name of a call of `resource`.
    fn is_told(&self, resource: &str, name: &DialogName) -> bool {
        name.for_colleagues && self.colleagues || self.own.as_deref() == Some(resource)
    }
}

/// One call of a watched extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedCall {
    /// Unique among the calls of the extension, and the same for as long as the call lasts.
    pub id: String,
    /// Whether the extension called; `false`: it is called.
    pub outgoing: bool,
    pub phase: WatchedPhase,
    /// The other side; `None` where watchers are not to know it.
    pub remote: Option<Party>,
    /// What names it to those who may take it over: see [`crate::UserAgent::set_takes`].
    pub name: Option<DialogName>,
}

/// The state of something that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceState {
    /// All calls of an extension; none: it is idle.
    Dialog(Vec<WatchedCall>),
    /// Messages in a box.
    MessageSummary { new: u32, old: u32 },
    Presence {
        /// Whether the person can be reached.
        open: bool,
        /// The status message.
        note: Option<String>,
    },
}

impl ResourceState {
    /// The package that tells of this.
    pub const fn package(&self) -> EventPackage {
        match self {
            Self::Dialog(_) => EventPackage::Dialog,
            Self::MessageSummary { .. } => EventPackage::MessageSummary,
            Self::Presence { .. } => EventPackage::Presence,
        }
    }

    /// What is told of something that the host has said nothing of.
    const fn unknown(package: EventPackage) -> Self {
        match package {
            EventPackage::Dialog => Self::Dialog(Vec::new()),
            EventPackage::MessageSummary => Self::MessageSummary { new: 0, old: 0 },
            EventPackage::Presence => Self::Presence {
                open: false,
                note: None,
            },
        }
    }
}

/// Why a subscription ends, as the telephone is told (RFC 6665 4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Termination {
    /// It ran out, or the telephone ended it.
    Timeout,
    /// Subscribe again at once.
    Deactivated,
    /// Not allowed any more.
    Rejected,
    /// There is no such thing any more.
    NoResource,
}

impl Termination {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Deactivated => "deactivated",
            Self::Rejected => "rejected",
            Self::NoResource => "noresource",
        }
    }
}

/// A subscription of a telephone.
pub(crate) struct Subscription {
    pub(crate) account: Arc<str>,
    pub(crate) package: EventPackage,
    pub(crate) resource: String,
    /// The URI that was subscribed to, as its notifications name it.
    pub(crate) entity: String,
    /// The Event header's value, with its `id`.
    pub(crate) event: String,
    pub(crate) dialog: Dialog,
    pub(crate) expires_at: Timestamp,
    pub(crate) timer: Option<TimerId>,
    /// Counts the notifications of the `dialog` package.
    pub(crate) version: u32,
    /// The calls that the last notification of the `dialog` package named as up.
    pub(crate) told: Vec<WatchedCall>,
    /// A NOTIFY that waits for its response.
    pub(crate) notifying: Option<ClientKey>,
    /// Something changed since the last NOTIFY.
    pub(crate) stale: bool,
    /// Its connection is gone; the telephone may come back by another.
    pub(crate) cut_off: bool,
}

/// All subscriptions, and the states they are told of.
#[derive(Default)]
pub(crate) struct Notifier {
    states: HashMap<(EventPackage, String), ResourceState>,
    subscriptions: HashMap<u64, Subscription>,
    watchers: HashMap<(EventPackage, String), HashSet<u64>>,
    by_tag: HashMap<u64, u64>,
    by_account: HashMap<Arc<str>, HashSet<u64>>,
    /// What the user of each account could take over; nothing where none is named.
    takes: HashMap<Box<str>, Takes>,
    pub(crate) publications: Publications,
}

impl Notifier {
    /// Takes a state over. The subscriptions to tell of it, none where nothing changed.
    pub(crate) fn set_state(&mut self, resource: &str, state: ResourceState) -> Vec<u64> {
        let key = (state.package(), resource.to_owned());
        let changed = match self.states.get(&key) {
            Some(known) => *known != state,
            None => state != ResourceState::unknown(key.0),
        };
        if !changed {
            return Vec::new();
        }
        let watchers = self.watchers_of(&key);
        self.states.insert(key, state);
        watchers
    }

    /// Forgets a resource; the subscriptions that end with it.
    pub(crate) fn remove_resource(&mut self, resource: &str) -> Vec<u64> {
        let mut ended = Vec::new();
        for package in EventPackage::ALL {
            let key = (package, resource.to_owned());
            self.states.remove(&key);
            ended.extend(self.watchers_of(&key));
        }
        ended
    }

    /// Notes what the user of an account could take over. The subscriptions to tell of it: those that see a call which has a
    /// name.
    pub(crate) fn set_takes(&mut self, account: &str, takes: Takes) -> Vec<u64> {
        let before = if takes == Takes::default() {
            self.takes.remove(account)
        } else {
            self.takes.insert(account.into(), takes.clone())
        };
        if before.unwrap_or_default() == takes {
            return Vec::new();
        }
        let mut ids = self.of_account(account);
        ids.retain(|id| {
            let watched = self.subscriptions.get(id);
            let key = watched.map(|watched| (watched.package, watched.resource.clone()));
            match key.and_then(|key| self.states.get(&key)) {
                Some(ResourceState::Dialog(calls)) => calls.iter().any(|call| call.name.is_some()),
                _ => false,
            }
        });
        ids
    }

    fn watchers_of(&self, key: &(EventPackage, String)) -> Vec<u64> {
        let mut watchers: Vec<u64> = self.watchers.get(key).into_iter().flatten().copied().collect();
        watchers.sort_unstable();
        watchers
    }

    pub(crate) fn count(&self, account: &str) -> usize {
        self.by_account.get(account).map_or(0, HashSet::len)
    }

    /// Subscriptions of an account, oldest first.
    pub(crate) fn of_account(&self, account: &str) -> Vec<u64> {
        let mut ids: Vec<u64> = self
            .by_account
            .get(account)
            .into_iter()
            .flatten()
            .copied()
            .collect();
        ids.sort_unstable();
        ids
    }

    /// Subscriptions whose notifications go over this flow.
    pub(crate) fn on_flow(&self, flow: &Flow) -> Vec<u64> {
        let mut ids: Vec<u64> = self
            .subscriptions
            .iter()
            .filter(|(_, subscription)| subscription.dialog.flow == *flow)
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }

    pub(crate) fn all(&self) -> Vec<u64> {
        let mut ids: Vec<u64> = self.subscriptions.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    pub(crate) fn insert(&mut self, id: u64, subscription: Subscription) {
        let key = (subscription.package, subscription.resource.clone());
        self.watchers.entry(key).or_default().insert(id);
        self.by_tag.insert(subscription.dialog.local_tag, id);
        self.by_account
            .entry(Arc::clone(&subscription.account))
            .or_default()
            .insert(id);
        self.subscriptions.insert(id, subscription);
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(&id)
    }

    /// The subscription with this tag of ours, as far as the rest of its dialog fits.
    pub(crate) fn by_dialog(&self, local_tag: u64, remote_tag: &[u8], call_id: &[u8]) -> Option<u64> {
        let id = *self.by_tag.get(&local_tag)?;
        let dialog = &self.subscriptions.get(&id)?.dialog;
        (dialog.knows_tag(remote_tag) && *dialog.call_id == *call_id).then_some(id)
    }

    pub(crate) fn remove(&mut self, id: u64) -> Option<Subscription> {
        let subscription = self.subscriptions.remove(&id)?;
        self.by_tag.remove(&subscription.dialog.local_tag);
        let key = (subscription.package, subscription.resource.clone());
        if let Some(watchers) = self.watchers.get_mut(&key) {
            watchers.remove(&id);
            if watchers.is_empty() {
                self.watchers.remove(&key);
            }
        }
        if let Some(ids) = self.by_account.get_mut(&subscription.account) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_account.remove(&subscription.account);
            }
        }
        Some(subscription)
    }

    /// The body of the next notification of a subscription; its version rises.
    pub(crate) fn next_body(&mut self, id: u64) -> Option<Bytes> {
        let subscription = self.subscriptions.get_mut(&id)?;
        let key = (subscription.package, subscription.resource.clone());
        let unknown = ResourceState::unknown(subscription.package);
        let state = self.states.get(&key).unwrap_or(&unknown);
        let takes = self.takes.get(&*subscription.account);
        let shows = |name: &DialogName| takes.is_some_and(|takes| takes.is_told(&key.1, name));
        let body = body::write(
            state,
            &subscription.told,
            &subscription.entity,
            subscription.version,
            shows,
        );
        if let ResourceState::Dialog(calls) = state {
            subscription.told.clone_from(calls);
        }
        subscription.version = subscription.version.wrapping_add(1);
        Some(Bytes::from(body))
    }
}
