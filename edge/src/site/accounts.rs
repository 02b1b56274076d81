//! Passwords, invitations, and who may sign in at all.

use super::attachment::user_tag;
use super::core::Core;
use super::db::{Fault, int};
use super::rpc::SiteAnswer;
use crate::auth::backoff::{ACCOUNT, Failures, NETWORK, Policy};
use crate::crypto;
use ponte_protocol::link::LinkUser;
use ponte_protocol::{UnixMillis, UserId};
use serde::Deserialize;
use std::collections::HashSet;

#[derive(Deserialize)]
struct InvitationRow {
    user: UserId,
    display_name: String,
    expires_at: u64,
    used_at: Option<u64>,
}

impl Core {
    pub(crate) fn failures(&self, key: &str) -> Result<Failures, Fault> {
        let row = self
            .db()?
            .row("SELECT count, last FROM throttle WHERE key = ?", vec![key.into()])?;
        Ok(row.unwrap_or_default())
    }

    pub(crate) fn keep_failures(&self, key: &str, failures: Failures) -> Result<(), Fault> {
        self.db()?.run(
            "INSERT OR REPLACE INTO throttle (key, count, last) VALUES (?, ?, ?)",
            vec![key.into(), int(failures.count.into()), int(failures.last.0)],
        )
    }

    /// Lets an attempt to sign in pass, or not yet.
    pub(crate) fn begin_sign_in(&self, user: Option<&UserId>, network: &str) -> Result<SiteAnswer, Fault> {
        let now = self.now();
        let network_key = network_key(network);
        let network_failures = self.failures(&network_key)?;
        let mut wait = NETWORK.wait_ms(network_failures, now);
        let account = match user {
            Some(user) => {
                let key = account_key(user);
                let failures = self.failures(&key)?;
                wait = wait.max(ACCOUNT.wait_ms(failures, now));
                Some((key, failures))
            }
            None => None,
        };
        if wait > 0 {
            return Ok(SiteAnswer::TooMany { retry_after_ms: wait });
        }
        self.keep_failures(&network_key, NETWORK.charge(network_failures, now))?;
        if let Some((key, failures)) = account {
            self.keep_failures(&key, ACCOUNT.charge(failures, now))?;
        }
        let phc = match user {
            Some(user) => self.password_of(user)?,
            None => None,
        };
        Ok(SiteAnswer::Check { phc })
    }

    fn password_of(&self, user: &UserId) -> Result<Option<String>, Fault> {
        self.db()?.value(
            "SELECT phc AS value FROM credentials WHERE user = ?",
            vec![user.as_str().into()],
        )
    }

    /// Opens the session of somebody whose password matched `phc`, if that is still the password.
    pub(crate) fn finish_sign_in(
        &self,
        user: &UserId,
        network: &str,
        phc: &str,
        session: &str,
    ) -> Result<SiteAnswer, Fault> {
        if self.password_of(user)?.as_deref() != Some(phc) {
            return Ok(SiteAnswer::NoSession);
        }
        let network_key = network_key(network);
        self.keep_failures(&network_key, Policy::refund(self.failures(&network_key)?))?;
        self.db()?.run(
            "DELETE FROM throttle WHERE key = ?",
            vec![account_key(user).into()],
        )?;
        self.open_session(user, session)?;
        Ok(SiteAnswer::Done)
    }

    /// Keeps an invitation; the user's others are void. One that was there before stays as it is, used or not.
    pub(crate) fn keep_invitation(
        &self,
        user: &UserId,
        hash: &str,
        expires_at: UnixMillis,
    ) -> Result<(), Fault> {
        if !crypto::is_hex32(hash) || !self.is_user(user)? {
            return Ok(());
        }
        let known: Option<String> = self.db()?.value(
            "SELECT hash AS value FROM invitations WHERE hash = ?",
            vec![hash.into()],
        )?;
        if known.is_some() {
            return Ok(());
        }
        self.db()?.run(
            "UPDATE invitations SET used_at = ? WHERE user = ? AND used_at IS NULL",
            vec![int(self.now().0), user.as_str().into()],
        )?;
        self.db()?.run(
            "INSERT INTO invitations (hash, user, expires_at, used_at) VALUES (?, ?, ?, NULL)",
            vec![hash.into(), user.as_str().into(), int(expires_at.0)],
        )
    }

    fn invitation(&self, hash: &str) -> Result<Option<InvitationRow>, Fault> {
        self.db()?.row(
            "SELECT i.user, u.display_name, i.expires_at, i.used_at FROM invitations i JOIN users u ON u.user = i.user
             WHERE i.hash = ?",
            vec![hash.into()],
        )
    }

    /// Whom an invitation is for, while it is good.
    pub(crate) fn check_invitation(&self, hash: &str) -> Result<SiteAnswer, Fault> {
        Ok(match self.invitation(hash)? {
            None => SiteAnswer::InvitationUnknown,
            Some(row) if row.used_at.is_some() || row.expires_at <= self.now().0 => {
                SiteAnswer::InvitationGone
            }
            Some(row) => SiteAnswer::Invitation {
                user: row.user,
                display_name: row.display_name,
                expires_at: UnixMillis(row.expires_at),
            },
        })
    }

    /// Sets a password by an invitation, once; whoever was signed in with an older one is signed out.
    pub(crate) fn use_invitation(&self, hash: &str, phc: &str, session: &str) -> Result<SiteAnswer, Fault> {
        let user = match self.check_invitation(hash)? {
            SiteAnswer::Invitation { user, .. } => user,
            refused => return Ok(refused),
        };
        let now = self.now();
        let db = self.db()?;
        db.run(
            "UPDATE invitations SET used_at = ? WHERE hash = ?",
            vec![int(now.0), hash.into()],
        )?;
        db.run(
            "INSERT OR REPLACE INTO credentials (user, phc, set_at) VALUES (?, ?, ?)",
            vec![user.as_str().into(), phc.into(), int(now.0)],
        )?;
        db.run(
            "DELETE FROM throttle WHERE key = ?",
            vec![account_key(&user).into()],
        )?;
        // Whoever knew the old one may have made tokens.
        db.run(
            "DELETE FROM dial_tokens WHERE user = ?",
            vec![user.as_str().into()],
        )?;
        self.end_sessions_of(&user)?;
        self.open_session(&user, session)?;
        Ok(SiteAnswer::Done)
    }

    /// Whether the gateway names this user.
    pub(crate) fn is_user(&self, user: &UserId) -> Result<bool, Fault> {
        let found: Option<String> = self.db()?.value(
            "SELECT user AS value FROM users WHERE user = ?",
            vec![user.as_str().into()],
        )?;
        Ok(found.is_some())
    }

    /// Everybody the gateway names.
    pub(crate) fn users(&self) -> Result<Vec<UserId>, Fault> {
        let names: Vec<LinkUser> = self.db()?.rows("SELECT user, display_name FROM users", vec![])?;
        Ok(names.into_iter().map(|row| row.user).collect())
    }

    /// Takes over the gateway's list. Who is missing loses password, sessions and everything kept.
    pub(crate) fn replace_users(&self, users: &[LinkUser]) -> Result<(), Fault> {
        let kept: HashSet<&UserId> = users.iter().map(|entry| &entry.user).collect();
        for user in self.users()? {
            if !kept.contains(&user) {
                self.forget_user(&user)?;
            }
        }
        for entry in users {
            let name: String = entry.display_name.chars().take(120).collect();
            self.db()?.run(
                "INSERT INTO users (user, display_name) VALUES (?, ?)
                 ON CONFLICT (user) DO UPDATE SET display_name = excluded.display_name
                 WHERE display_name <> excluded.display_name",
                vec![entry.user.as_str().into(), name.into()],
            )?;
        }
        Ok(())
    }

    fn forget_user(&self, user: &UserId) -> Result<(), Fault> {
        self.end_sessions_of(user)?;
        for table in [
            "users",
            "credentials",
            "invitations",
            "states",
            "events",
            "dropped_events",
            "ledger",
            "dial_tokens",
        ] {
            self.db()?.run(
                &format!("DELETE FROM {table} WHERE user = ?"),
                vec![user.as_str().into()],
            )?;
        }
        self.db()?.run(
            "DELETE FROM throttle WHERE key = ?",
            vec![account_key(user).into()],
        )?;
        self.memory.borrow_mut().states.remove(user);
        self.sign_out_portals(self.portals(&user_tag(user)));
        Ok(())
    }
}

fn account_key(user: &UserId) -> String {
    format!("account {user}")
}

fn network_key(network: &str) -> String {
    format!("network {network}")
}
