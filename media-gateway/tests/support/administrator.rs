//! What an administrator asks and changes in the portal. She is Anna.

use super::{ANNA, Options, World};
use ponte_protocol::admin::{AdminAnswer, AdminChange, AdminQuery, AuditEntry, SiteSettings};
use ponte_protocol::{CommandBody, Outcome};

impl World {
    /// As [`World::with`]; Anna is an administrator.
    pub async fn administered(options: Options) -> Self {
        let world = Self::with(options).await;
        world.change_user(ANNA, |row| row.administrator = true).await;
        let may = |world: &Self| world.edge.state(ANNA).unwrap().profile.administrator;
        world.until("Anna is an administrator", may).await;
        world
    }

    pub async fn admin_query(&self, query: AdminQuery) -> AdminAnswer {
        self.admin_answer(CommandBody::AdminQuery { query }).await
    }

    pub async fn administer(&self, change: AdminChange) -> AdminAnswer {
        self.admin_answer(CommandBody::AdminChange { change }).await
    }

    /// A change that must be made.
    pub async fn makes_change(&self, change: AdminChange) {
        let answer = self.administer(change).await;
        assert!(
            matches!(answer, AdminAnswer::Done),
            "{}",
            serde_json::to_string(&answer).unwrap()
        );
    }

    pub async fn site_settings(&self) -> SiteSettings {
        match self.admin_query(AdminQuery::Site).await {
            AdminAnswer::Site { settings, .. } => *settings,
            other => panic!("{other:?}"),
        }
    }

    /// What administrators did, newest first.
    pub async fn audit(&self) -> Vec<AuditEntry> {
        let query = AdminQuery::Audit {
            before: None,
            limit: 100,
        };
        match self.admin_query(query).await {
            AdminAnswer::Audit { entries, .. } => entries,
            other => panic!("{other:?}"),
        }
    }

    async fn admin_answer(&self, body: CommandBody) -> AdminAnswer {
        match self.edge.command(ANNA, body).await {
            Outcome::Admin { answer } => answer,
            other => panic!("{other:?}"),
        }
    }
}
