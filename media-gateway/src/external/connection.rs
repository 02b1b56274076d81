//! The one connection to the directory's server: opened when it is needed, kept, opened again when it is lost.

use super::fault::{Trouble, is_cut};
use super::wire::{self, Place};
use super::{person, tls};
use crate::store::DirectoryRow;
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Scope, SearchEntry, SearchOptions, StdStream};
use ponte_protocol::DirectoryFault;
use ponte_protocol::external::DirectorySettings;
use rustls::ClientConfig;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

/// What a search found.
pub(super) struct Found {
    pub entries: Vec<SearchEntry>,
    /// Whether there is more than was asked for.
    pub more: bool,
}

pub(super) struct Connection {
    row: DirectoryRow,
    tls: OnceCell<Arc<ClientConfig>>,
    open: Mutex<Option<Open>>,
    /// Who waits for another's attempt to connect makes none of its own.
    connecting: tokio::sync::Mutex<()>,
    /// Whether the log was told that searches fail.
    failing: AtomicBool,
}

#[derive(Clone)]
struct Open {
    ldap: Ldap,
    /// Which one it is: what was lost is closed once.
    number: i32,
    /// Whether the server said what is no message.
    spoilt: Arc<AtomicBool>,
}

impl Connection {
    pub fn new(row: DirectoryRow) -> Self {
        Self {
            row,
            tls: OnceCell::new(),
            open: Mutex::new(None),
            connecting: tokio::sync::Mutex::new(()),
            failing: AtomicBool::new(false),
        }
    }

    pub fn settings(&self) -> &DirectorySettings {
        &self.row.settings
    }

    /// At most `limit` entries, by the deadline.
    pub async fn search(&self, filter: &str, limit: u16, deadline: Instant) -> Result<Found, DirectoryFault> {
        let mut used = None;
        let search = self.search_once_more(&mut used, filter, limit);
        let outcome = if let Ok(outcome) = timeout_at(deadline, search).await {
            outcome.map_err(|trouble| trouble.fault())
        } else {
            // A server that has stopped to answer is not asked again over the same connection.
            if let Some(number) = used {
                self.close(number);
            }
            Err(DirectoryFault::TooSlow)
        };
        match &outcome {
            Ok(_) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!("the external directory answers again");
                }
            }
            Err(fault) => self.note(*fault),
        }
        outcome
    }

    fn note(&self, fault: DirectoryFault) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(%fault, "a search in the external directory failed");
        }
    }

    /// A connection of before may have been closed by the server since: then another one is opened, once.
    async fn search_once_more(
        &self,
        used: &mut Option<i32>,
        filter: &str,
        limit: u16,
    ) -> Result<Found, Trouble> {
        loop {
            let (open, is_new) = self.open().await?;
            *used = Some(open.number);
            let trouble = match self.ask(open.ldap, filter, limit).await {
                Ok(found) => return Ok(found),
                Err(trouble) if trouble.is_lost() => trouble,
                Err(trouble) => return Err(trouble),
            };
            self.close(open.number);
            if open.spoilt.load(Ordering::Acquire) {
                return Err(DirectoryFault::Failed.into());
            }
            if is_new {
                return Err(trouble);
            }
        }
    }

    fn current(&self) -> Option<Open> {
        let mut current = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_mut().is_some_and(|open| open.ldap.is_closed()) {
            *current = None;
        }
        current.clone()
    }

    fn close(&self, number: i32) {
        let mut current = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Searches of others that are on their way over it come to their own ends.
        if current.as_ref().is_some_and(|open| open.number == number) {
            *current = None;
        }
    }

    /// The connection, and whether it was opened for this.
    async fn open(&self) -> Result<(Open, bool), Trouble> {
        if let Some(open) = self.current() {
            return Ok((open, false));
        }
        let _turn = self.connecting.lock().await;
        if let Some(open) = self.current() {
            return Ok((open, false));
        }
        let open = self.connect().await?;
        let mut current = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some(open.clone());
        Ok((open, true))
    }

    async fn connect(&self) -> Result<Open, Trouble> {
        let DirectorySettings {
            url,
            start_tls,
            ca,
            bind_dn,
            ..
        } = self.settings();
        let place = Place::read(url).map_err(|_| DirectoryFault::Unreachable)?;
        let tls = self.tls.get_or_try_init(|| async {
            let ca = ca.clone();
            let made = tokio::task::spawn_blocking(move || tls::config(&ca)).await;
            made.ok().and_then(Result::ok).ok_or(DirectoryFault::Failed)
        });
        let tls = Arc::clone(tls.await?);
        let way = wire::connect(&place, *start_tls, tls).await?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(way.socket));
        let (connection, ldap) = LdapConnAsync::with_settings(settings, "ldapi:///").await?;
        // It ends with the last handle, or when the server closes it.
        tokio::spawn(connection.drive());
        let mut open = Open {
            ldap,
            number: rand::random(),
            spoilt: way.spoilt,
        };
        if !bind_dn.is_empty() {
            let password = self.row.password.as_deref().unwrap_or_default();
            let bound = open.ldap.simple_bind(bind_dn, password).await;
            if open.spoilt.load(Ordering::Acquire) {
                return Err(DirectoryFault::Failed.into());
            }
            bound?.success()?;
        }
        Ok(open)
    }

    async fn ask(&self, mut ldap: Ldap, filter: &str, limit: u16) -> Result<Found, Trouble> {
        let settings = self.settings();
        let seconds = settings.timeout_ms.div_ceil(1000);
        ldap.with_search_options(
            SearchOptions::new()
                .sizelimit(i32::from(limit) + 1)
                .timelimit(i32::try_from(seconds).unwrap_or(i32::MAX)),
        );
        let attributes = person::attributes(settings);
        let mut stream = ldap
            .streaming_search(&settings.base_dn, Scope::Subtree, filter, attributes)
            .await?;
        let mut giving_up = Abandon {
            id: stream.ldap_handle().last_id(),
            ldap: Some(ldap),
        };
        let mut entries = Vec::new();
        while let Some(entry) = stream.next().await? {
            // Where other servers know more, this one says where; they are not asked.
            if entry.is_ref() || entry.is_intermediate() {
                continue;
            }
            if entries.len() == usize::from(limit) {
                return Ok(Found { entries, more: true });
            }
            entries.push(SearchEntry::construct(entry));
        }
        giving_up.ldap = None;
        let result = stream.finish().await;
        let more = is_cut(&result);
        if !more {
            result.success()?;
        }
        Ok(Found { entries, more })
    }
}

/// Tells the server that nobody waits for the rest (RFC 4511 section 4.11).
struct Abandon {
    id: i32,
    ldap: Option<Ldap>,
}

impl Drop for Abandon {
    fn drop(&mut self) {
        let Some(mut ldap) = self.ldap.take() else { return };
        let id = self.id;
        tokio::spawn(async move {
            // Where it is gone, so is the search.
            drop(ldap.abandon(id).await);
        });
    }
}
