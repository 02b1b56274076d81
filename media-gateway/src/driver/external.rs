//! The directory elsewhere: what users look for in it. It is asked beside the driver, and nothing of a call waits for it.

use super::Driver;
use super::callers::Callers;
use super::work::Done;
use crate::external::ExternalDirectory;
use crate::store::DirectoryRow;
use ponte_protocol::{CommandId, DirectoryFault, ExternalPage, Outcome, Refusal, Reply, SearchText, UserId};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::AbortHandle;

/// The directory, and the searches on their way in it.
#[derive(Default)]
pub(super) struct External {
    row: Option<Box<DirectoryRow>>,
    directory: Option<ExternalDirectory>,
    /// Whose numbers it says the callers' are.
    pub callers: Callers,
    /// The one search of each user.
    searches: HashMap<UserId, Search>,
}

struct Search {
    id: CommandId,
    task: AbortHandle,
}

impl External {
    /// What administrators have set now.
    pub fn set(&mut self, row: Option<Box<DirectoryRow>>) {
        // Another setting of the site is no reason to connect anew.
        if self.row != row {
            self.directory = row.clone().map(|row| ExternalDirectory::new(*row));
            self.row = row;
            self.callers.forget();
        }
    }

    /// The directory, where it is to be asked for the names of callers.
    pub fn of_callers(&self) -> Option<ExternalDirectory> {
        let directory = self.directory.as_ref()?;
        directory.settings().names_on_calls.then(|| directory.clone())
    }

    /// Whether the search is the user's last one; it is over then.
    fn take(&mut self, user: &UserId, id: CommandId) -> bool {
        let current = self.searches.get(user).is_some_and(|search| search.id == id);
        if current {
            self.searches.remove(user);
        }
        current
    }
}

impl Driver {
    /// A user's later search takes the place of the one before.
    pub(super) fn search_external(&mut self, user: UserId, id: CommandId, find: SearchText) {
        let Some(directory) = self.external.directory.clone() else {
            return self.send_reply(&user, Reply::refused(id, Refusal::NoDirectory));
        };
        if self
            .external
            .searches
            .get(&user)
            .is_some_and(|search| search.id == id)
        {
            // It was sent again; its answer is on the way.
            return;
        }
        let plan = Arc::clone(&self.plan);
        let task = tokio::spawn(async move { directory.search(&plan, &find.0).await });
        let search = Search {
            id,
            task: task.abort_handle(),
        };
        if let Some(before) = self.external.searches.insert(user.clone(), search) {
            before.task.abort();
            self.send_reply(&user, Reply::refused(before.id, Refusal::Superseded));
        }
        self.work.push(async move {
            let found = match task.await {
                Ok(found) => found,
                // It was given up, and nobody waits for it; or the server's answer was none.
                Err(_) => Err(DirectoryFault::Failed),
            };
            Done::ExternalFound { user, id, found }
        });
    }

    pub(super) fn external_found(
        &mut self,
        user: &UserId,
        id: CommandId,
        found: Result<ExternalPage, DirectoryFault>,
    ) {
        if !self.external.take(user, id) {
            return;
        }
        let outcome = match found {
            Ok(page) => Outcome::External(page),
            Err(fault) => Outcome::Refused {
                refusal: Refusal::DirectoryFailed { fault },
            },
        };
        self.send_reply(user, Reply { id, outcome });
    }
}
