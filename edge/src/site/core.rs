//! What the parts of a site share: storage, sockets, and what is known in memory only.

use super::db::{Db, Fault};
use crate::audio::desk::{Desk, Piece};
use crate::audio::uploads::Uploads;
use crate::limits::{Strikes, TokenBucket};
use crate::push::delivery::Push;
use crate::push::queue::Queues;
use futures_channel::oneshot;
use ponte_protocol::link::StreamPosition;
use ponte_protocol::{CommandId, Taken, UnixMillis, UserId, UserState};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use uuid::Uuid;
use worker::{Env, State};

/// A query on its way to the gateway. It changes nothing, so it need not survive anything.
pub(crate) struct Query {
    pub(crate) user: UserId,
    pub(crate) sockets: Vec<Uuid>,
    pub(crate) expires_at: UnixMillis,
}

/// What a portal's socket used up.
pub(crate) struct Meter {
    pub(crate) frames: TokenBucket,
    /// Of what is relayed about calls in the browser.
    pub(crate) rtc: TokenBucket,
    pub(crate) strikes: Strikes,
}

/// What is lost when the site hibernates, and may be.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) meters: HashMap<Uuid, Meter>,
    pub(crate) dials: HashMap<UserId, TokenBucket>,
    pub(crate) queries: HashMap<CommandId, Query>,
    pub(crate) states: HashMap<UserId, UserState>,
    pub(crate) audio: Desk<oneshot::Sender<Piece>>,
    pub(crate) uploads: Uploads<oneshot::Sender<Taken>>,
    pub(crate) pushes: Rc<RefCell<Queues<Push>>>,
    pub(crate) push_changes: HashMap<UserId, TokenBucket>,
    pub(crate) touched: HashMap<String, UnixMillis>,
    pub(crate) link_seen: UnixMillis,
    /// What the storage says, so that it need not be asked for every event.
    pub(crate) link_position: Option<StreamPosition>,
}

/// One site.
pub(crate) struct Core {
    pub(crate) state: State,
    pub(crate) env: Env,
    pub(crate) memory: RefCell<Memory>,
    /// When the alarm is set to; unknown after hibernation.
    pub(crate) alarm_at: Cell<Option<UnixMillis>>,
    /// The earliest time something is to be done that came up in this turn.
    pub(crate) wanted: Cell<Option<UnixMillis>>,
    db: OnceCell<Db>,
}

impl Core {
    pub(crate) fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            memory: RefCell::default(),
            alarm_at: Cell::new(None),
            wanted: Cell::new(None),
            db: OnceCell::new(),
        }
    }

    /// The storage.
    pub(crate) fn db(&self) -> Result<&Db, Fault> {
        if let Some(db) = self.db.get() {
            return Ok(db);
        }
        let db = Db::open(self.state.storage().sql())?;
        Ok(self.db.get_or_init(|| db))
    }

    /// The site's clock.
    #[allow(clippy::unused_self)]
    pub(crate) fn now(&self) -> UnixMillis {
        UnixMillis(worker::Date::now().as_millis())
    }

    /// Asks to be woken at a time, at the latest.
    pub(crate) fn wake_by(&self, at: UnixMillis) {
        self.wanted
            .set(Some(self.wanted.get().map_or(at, |wanted| wanted.min(at))));
    }
}
