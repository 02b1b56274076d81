//! The directory elsewhere (LDAP, RFC 4511): searches for users, and the names of callers.
//!
//! ```text
//!  driver ── search, name ──▶ ExternalDirectory ── at most so many at once, each with its time ──▶ Connection
//!                                                                                one, kept, opened again when it is lost
//!                                                                                              │
//!                                                     server ◀── TCP, TLS ── wire: every message looked at
//! ```
//!
//! Nothing of a call waits for it.

mod connection;
mod fault;
mod filter;
mod person;
mod tls;
mod wire;

pub use filter::is_filter;
pub use tls::roots;

use crate::numbers::NumberingPlan;
use crate::store::DirectoryRow;
use connection::Connection;
use ponte_protocol::external::DirectorySettings;
use ponte_protocol::{DirectoryFault, E164, ExternalPage};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// Searches of users that are on their way at once.
const SEARCHES: usize = 8;
/// Names of callers that are looked up at once, so that many calls take no user's turn.
const NAMES: usize = 2;
/// The most people of whom one may have a caller's number.
const NAMESAKES: u16 = 20;

/// How long after the end of a call its record is still given a name, in milliseconds: as long as two searches take at
/// most, and some more.
pub const NAME_LATE_MS: u64 = 30_000;

/// Whether this says where a server is.
///
/// # Errors
/// In words, what is wrong.
pub fn check_url(url: &str) -> Result<(), &'static str> {
    wire::Place::read(url).map(drop)
}

/// The external directory as it is set now. Clones share one connection.
#[derive(Clone)]
pub struct ExternalDirectory(Arc<Inner>);

struct Inner {
    connection: Connection,
    searches: Semaphore,
    names: Semaphore,
}

impl ExternalDirectory {
    /// Nothing is asked before the first search.
    pub fn new(row: DirectoryRow) -> Self {
        Self(Arc::new(Inner {
            connection: Connection::new(row),
            searches: Semaphore::new(SEARCHES),
            names: Semaphore::new(NAMES),
        }))
    }

    pub fn settings(&self) -> &DirectorySettings {
        self.0.connection.settings()
    }

    /// Who is found by every word of the text, by name.
    ///
    /// # Errors
    /// [`DirectoryFault`], not later than the administrator lets a search take.
    pub async fn search(&self, plan: &NumberingPlan, text: &str) -> Result<ExternalPage, DirectoryFault> {
        let settings = self.settings();
        let filter = filter::of_text(settings, text);
        let found = self.find(&self.0.searches, &filter, settings.limit).await?;
        let mut people: Vec<_> = found
            .entries
            .into_iter()
            .filter_map(|entry| person::read(settings, plan, entry))
            .collect();
        people.sort_by_cached_key(|person| person.name.to_lowercase());
        Ok(ExternalPage {
            people,
            more: found.more,
        })
    }

    /// The name of whoever has the number; `None` for nobody's.
    ///
    /// # Errors
    /// [`DirectoryFault`], not later than twice the time that a search may take.
    pub async fn name(&self, plan: &NumberingPlan, number: &E164) -> Result<Option<String>, DirectoryFault> {
        let settings = self.settings();
        // As it is mostly written, which servers find by an index; then however it is written.
        for filter in [
            filter::of_number(settings, number),
            filter::of_digits(settings, number),
        ] {
            let found = self.find(&self.0.names, &filter, NAMESAKES).await?;
            let mut people = found
                .entries
                .into_iter()
                .filter_map(|entry| person::read(settings, plan, entry));
            let has = |person: &ponte_protocol::ExternalPerson| {
                let mut numbers = person.numbers.iter();
                numbers.any(|has| has.number.as_str() == number.as_str())
            };
            if let Some(person) = people.find(has) {
                return Ok(Some(person.name));
            }
        }
        Ok(None)
    }

    async fn find(
        &self,
        turns: &Semaphore,
        filter: &str,
        limit: u16,
    ) -> Result<connection::Found, DirectoryFault> {
        let deadline = Instant::now() + Duration::from_millis(self.settings().timeout_ms);
        let turn = timeout_at(deadline, turns.acquire()).await;
        let _turn = match turn {
            Ok(turn) => turn.map_err(|_| DirectoryFault::Failed)?,
            Err(_) => return Err(DirectoryFault::TooSlow),
        };
        self.0.connection.search(filter, limit, deadline).await
    }
}
