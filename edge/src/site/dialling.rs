//! Dialling with a token: programs of a user's own, such as a customer database, may dial for that user and do nothing else.

use super::core::Core;
use super::db::{Fault, int};
use super::rpc::{DialToken, SiteAnswer};
use crate::auth::backoff::NETWORK;
use crate::limits::DIAL_TOKENS_PER_USER;
use ponte_protocol::command::DIAL_LIFETIME_MS;
use ponte_protocol::{AccountCode, Command, CommandBody, CommandId, DialString, UserId};
use serde::Deserialize;
use uuid::Uuid;

#[derive(Deserialize)]
struct TokenRow {
    id: Uuid,
    label: String,
    created_at: u64,
    used_at: Option<u64>,
}

impl Core {
    /// The tokens of a session's user, the newest first.
    pub(crate) fn dial_tokens(&self, session: &str) -> Result<SiteAnswer, Fault> {
        let Some(live) = self.use_session(session)? else {
            return Ok(SiteAnswer::NoSession);
        };
        let rows: Vec<TokenRow> = self.db()?.rows(
            "SELECT id, label, created_at, used_at FROM dial_tokens WHERE user = ? ORDER BY created_at DESC, id",
            vec![live.user.as_str().into()],
        )?;
        let tokens = rows.into_iter().map(|row| DialToken {
            id: row.id,
            label: row.label,
            created_at: ponte_protocol::UnixMillis(row.created_at),
            used_at: row.used_at.map(ponte_protocol::UnixMillis),
        });
        Ok(SiteAnswer::DialTokens {
            tokens: tokens.collect(),
        })
    }

    /// Keeps a token of a session's user, by its digest.
    pub(crate) fn keep_dial_token(
        &self,
        session: &str,
        id: Uuid,
        token: &str,
        label: &str,
    ) -> Result<SiteAnswer, Fault> {
        let Some(live) = self.use_session(session)? else {
            return Ok(SiteAnswer::NoSession);
        };
        let held: u32 = self
            .db()?
            .value(
                "SELECT count(*) AS value FROM dial_tokens WHERE user = ?",
                vec![live.user.as_str().into()],
            )?
            .unwrap_or(0);
        if held >= DIAL_TOKENS_PER_USER {
            return Ok(SiteAnswer::Full {
                max: DIAL_TOKENS_PER_USER,
            });
        }
        self.db()?.run(
            "INSERT INTO dial_tokens (hash, id, user, label, created_at, used_at) VALUES (?, ?, ?, ?, ?, NULL)",
            vec![
                token.into(),
                id.to_string().into(),
                live.user.as_str().into(),
                label.into(),
                int(self.now().0),
            ],
        )?;
        Ok(SiteAnswer::Done)
    }

    /// Revokes a token of a session's user, if there is one of this id.
    pub(crate) fn revoke_dial_token(&self, session: &str, id: Uuid) -> Result<SiteAnswer, Fault> {
        let Some(live) = self.use_session(session)? else {
            return Ok(SiteAnswer::NoSession);
        };
        self.db()?.run(
            "DELETE FROM dial_tokens WHERE user = ? AND id = ?",
            vec![live.user.as_str().into(), id.to_string().into()],
        )?;
        Ok(SiteAnswer::Done)
    }

    /// Whose token this is. A wrong one is charged to the network it comes from.
    fn dialler(&self, token: &str, network: &str) -> Result<Result<UserId, SiteAnswer>, Fault> {
        let now = self.now();
        let key = format!("dial-token:{network}");
        let failures = self.failures(&key)?;
        let wait = NETWORK.wait_ms(failures, now);
        if wait > 0 {
            return Ok(Err(SiteAnswer::TooMany { retry_after_ms: wait }));
        }
        let user: Option<UserId> = self.db()?.value(
            "UPDATE dial_tokens SET used_at = ? WHERE hash = ? RETURNING user AS value",
            vec![int(now.0), token.into()],
        )?;
        if let Some(user) = user {
            return Ok(Ok(user));
        }
        self.keep_failures(&key, NETWORK.charge(failures, now))?;
        Ok(Err(SiteAnswer::NoSession))
    }

    /// Dials for the token's user, through the ledger of the portals: the same identifier is one call.
    pub(crate) fn dial_by_token(
        &self,
        token: &str,
        network: &str,
        id: CommandId,
        number: DialString,
        account_code: Option<AccountCode>,
    ) -> Result<SiteAnswer, Fault> {
        let user = match self.dialler(token, network)? {
            Ok(user) => user,
            Err(refused) => return Ok(refused),
        };
        let now = self.now();
        let command = Command {
            id,
            issued_at: now,
            expires_at: now.plus(DIAL_LIFETIME_MS),
            body: CommandBody::Dial { number, account_code },
        };
        let outcome = self.take_apart(&user, &command)?;
        Ok(SiteAnswer::Command { outcome })
    }

    /// What has become of a call that the token's user dialled.
    pub(crate) fn dialled_by_token(
        &self,
        token: &str,
        network: &str,
        id: CommandId,
    ) -> Result<SiteAnswer, Fault> {
        Ok(match self.dialler(token, network)? {
            Ok(user) => match self.outcome_of(&user, id)? {
                Some(outcome) => SiteAnswer::Command { outcome },
                None => SiteAnswer::UnknownCommand,
            },
            Err(refused) => refused,
        })
    }
}
