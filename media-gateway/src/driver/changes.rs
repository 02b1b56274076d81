//! What changes in the store: by an administrator in a portal, carried out here one after the other, or by another
//! process, looked for every second.

use super::admin::{AdminJob, Administered};
use super::portal::{Changes, SavedState, SiteChange};
use super::run::{load_users, unix_now};
use crate::admin::{Admin, AdminError};
use crate::config::Config;
use crate::store::{Store, StoreError, Versions};
use ponte_protocol::admin::AdminAnswer;
use ponte_protocol::{Refusal, UserId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the store is asked whether another process changed it.
const EVERY: Duration = Duration::from_secs(1);

/// Follows the store for the driver.
pub(super) struct Watcher {
    pub store: Store,
    /// The configuration without what administrators have set.
    pub base: Arc<Config>,
    /// What the driver has been told of.
    pub seen: Versions,
    /// The users that the driver knows.
    pub known: BTreeSet<UserId>,
    pub jobs: mpsc::Receiver<AdminJob>,
}

impl Watcher {
    /// Starts it; it ends with the receiver.
    pub fn start(mut self) -> mpsc::Receiver<Changes> {
        let (sender, receiver) = mpsc::channel(4);
        // Invitations of before the start are sent once: the edge may have missed them.
        self.seen.invitations = self.seen.invitations.wrapping_sub(1);
        tokio::spawn(async move {
            let mut wait = Duration::ZERO;
            while !sender.is_closed() {
                let administered = match tokio::time::timeout(wait, self.jobs.recv()).await {
                    Ok(Some(job)) => Some(self.carry_out(job).await),
                    Ok(None) => return,
                    Err(_) => None,
                };
                wait = EVERY;
                let changes = match self.changes().await {
                    Ok(changes) => changes,
                    Err(error) => {
                        tracing::warn!(%error, "the store could not be asked for changes");
                        None
                    }
                };
                let changes = match (changes, administered) {
                    (None, None) => continue,
                    (changes, administered) => Changes {
                        administered,
                        ..changes.unwrap_or_default()
                    },
                };
                if sender.send(changes).await.is_err() {
                    return;
                }
            }
        });
        receiver
    }

    async fn carry_out(&self, job: AdminJob) -> Administered {
        let AdminJob { user, id, change, at } = job;
        let answer = match self.change(&user, change, at).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if matches!(error, AdminError::Store(_) | AdminError::System) {
                    tracing::warn!(%user, %error, "an administrator's change was not made");
                }
                error.answer()
            }
            Err(refusal) => Err(refusal),
        };
        Administered { user, id, answer }
    }

    async fn change(
        &self,
        user: &UserId,
        change: ponte_protocol::admin::AdminChange,
        at: ponte_protocol::UnixMillis,
    ) -> Result<Result<AdminAnswer, AdminError>, Refusal> {
        let unreadable = |error: StoreError| {
            tracing::error!(%error, "an administrator's change could not be prepared");
            Refusal::StoreUnavailable
        };
        // A change of before may have taken the right away.
        let row = self.store.user(user).await.map_err(unreadable)?;
        if !row.is_some_and(|row| row.administrator) {
            return Err(Refusal::NotPermitted);
        }
        let admin = Admin::open(&self.base, &self.store, Some(user.clone()), at)
            .await
            .map_err(unreadable)?;
        Ok(admin.carry_out(change).await)
    }

    async fn changes(&mut self) -> Result<Option<Changes>, StoreError> {
        let store = &self.store;
        let (found, seen) = (store.versions().await?, self.seen);
        if found == seen {
            return Ok(None);
        }
        let row = store.site().await?;
        let config = self.base.with_site(&row);
        let users = if found.users == seen.users {
            None
        } else {
            let users = load_users(store, &config, &self.known).await?;
            self.known = users
                .iter()
                .map(|saved: &SavedState| saved.row.user.clone())
                .collect();
            Some(users)
        };
        let site = if found.site == seen.site {
            None
        } else {
            let settings = store.call_settings().await?;
            Some(SiteChange {
                row,
                directory: store.directory().await?.map(Box::new),
                own: settings.into_iter().map(|(user, _)| user).collect(),
            })
        };
        let invitations = if found.invitations == seen.invitations {
            Vec::new()
        } else {
            store.pending_invitations(unix_now()).await?
        };
        let devices = if found.devices == seen.devices {
            None
        } else {
            Some(store.devices().await?)
        };
        let dids = if found.dids == seen.dids {
            None
        } else {
            Some(store.dids().await?)
        };
        let account_codes = if found.account_codes == seen.account_codes {
            None
        } else {
            Some(store.account_codes().await?)
        };
        self.seen = found;
        Ok(Some(Changes {
            users,
            site,
            invitations,
            devices,
            dids,
            account_codes,
            administered: None,
        }))
    }
}
