//! Web Push: the users' subscriptions, and what is sent to them.

use super::core::Core;
use super::db::{Db, Fault, int};
use super::rpc::SiteAnswer;
use crate::auth::session;
use crate::limits::{PUSH_CHANGES, PUSH_FAILURES_MAX, PUSH_SUBSCRIPTIONS_PER_USER, TokenBucket};
use crate::push::calls::{self, Notice, Stage};
use crate::push::delivery::{self, Push, Sender, Verdict};
use crate::push::queue::{Added, Queues};
use crate::push::subscription::Keys;
use crate::push::vapid::VapidKey;
use crate::push::webcrypto;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ponte_protocol::{CallId, EventBody, UnixMillis, UserId};
use serde::Deserialize;
use std::cell::RefCell;
use std::rc::Rc;
use url::Url;
use worker::console_error;

/// How long a call that rings is worth telling, in seconds. An event of the gateway that comes later than this is not told.
const RINGING_TTL_S: u32 = 30;
/// The same for a missed call: one that comes the next morning is worth knowing.
const MISSED_TTL_S: u32 = 12 * 3600;
/// How long a call that was told is remembered without its end, in milliseconds.
const TOLD_KEPT_MS: u64 = 6 * 3_600_000;
/// The variable that names the one origin to which a test's messages may go against the rules.
const EXEMPT: &str = "PUSH_TEST_ORIGIN";

#[derive(Deserialize)]
struct Subscription {
    endpoint: String,
    p256dh: String,
    auth: String,
    language: String,
}

#[derive(Deserialize)]
struct Told {
    call: CallId,
}

/// What a browser asks for.
pub(crate) struct Wish {
    pub(crate) endpoint: String,
    pub(crate) keys: Keys,
    pub(crate) language: Option<String>,
    pub(crate) contact: String,
}

impl Core {
    /// The site's public key, made with the first question.
    pub(crate) async fn push_key(&self, session: &str) -> Result<SiteAnswer, Fault> {
        if self.use_session(session)?.is_none() {
            return Ok(SiteAnswer::NoSession);
        }
        if let Some(key) = self.vapid_key()? {
            return Ok(SiteAnswer::PushKey { key: key.public });
        }
        let made = webcrypto::make_vapid_key().await?;
        // Another question may have made one meanwhile, and told it.
        let key = if let Some(key) = self.vapid_key()? {
            key
        } else {
            self.db()?.set_meta("vapid_key", &serde_json::to_string(&made)?)?;
            made
        };
        Ok(SiteAnswer::PushKey { key: key.public })
    }

    fn vapid_key(&self) -> Result<Option<VapidKey>, Fault> {
        let text = self.db()?.meta("vapid_key")?;
        Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// Keeps the subscription of a session's browser, in the place of the one it had. Beyond the limit the user's oldest
    /// goes.
    pub(crate) fn keep_subscription(&self, session: &str, wish: &Wish) -> Result<SiteAnswer, Fault> {
        let Some(live) = self.use_session(session)? else {
            return Ok(SiteAnswer::NoSession);
        };
        let now = self.now();
        let changes = {
            let mut memory = self.memory.borrow_mut();
            let bucket = memory.push_changes.entry(live.user.clone());
            bucket
                .or_insert_with(|| TokenBucket::full(PUSH_CHANGES, now))
                .take(now)
        };
        if let Err(retry_after_ms) = changes {
            return Ok(SiteAnswer::TooMany { retry_after_ms });
        }
        let language = match &wish.language {
            Some(language) => language.clone(),
            None => self
                .user_state(&live.user)?
                .map_or_else(|| "en".to_owned(), |state| state.profile.language),
        };
        let db = self.db()?;
        db.set_meta("push_contact", &wish.contact)?;
        db.run(
            "DELETE FROM push_subscriptions WHERE session = ?",
            vec![session.into()],
        )?;
        db.run(
            "INSERT OR REPLACE INTO push_subscriptions
             (endpoint, user, session, p256dh, auth, language, created_at, expires_at, failures)
             SELECT ?, ?, ?, ?, ?, ?, ?, created_at + ?, 0 FROM sessions WHERE hash = ?",
            vec![
                wish.endpoint.as_str().into(),
                live.user.as_str().into(),
                session.into(),
                wish.keys.p256dh.as_str().into(),
                wish.keys.auth.as_str().into(),
                language.into(),
                int(now.0),
                int(session::ABSOLUTE_MS),
                session.into(),
            ],
        )?;
        db.run(
            "DELETE FROM push_subscriptions WHERE endpoint IN
             (SELECT endpoint FROM push_subscriptions WHERE user = ? ORDER BY created_at DESC, endpoint LIMIT -1 OFFSET ?)",
            vec![live.user.as_str().into(), int(PUSH_SUBSCRIPTIONS_PER_USER.into())],
        )?;
        Ok(SiteAnswer::Done)
    }

    /// Drops the subscription of a session's browser.
    pub(crate) fn drop_subscription(&self, session: &str) -> Result<SiteAnswer, Fault> {
        if self.use_session(session)?.is_none() {
            return Ok(SiteAnswer::NoSession);
        }
        self.forget_subscription(session)?;
        Ok(SiteAnswer::Done)
    }

    /// The browser of this session is told nothing more.
    pub(crate) fn forget_subscription(&self, session: &str) -> Result<(), Fault> {
        self.db()?.run(
            "DELETE FROM push_subscriptions WHERE session = ?",
            vec![session.into()],
        )
    }

    /// No browser of this user is told anything more.
    pub(crate) fn forget_subscriptions_of(&self, user: &UserId) -> Result<(), Fault> {
        for table in ["push_subscriptions", "push_told"] {
            self.db()?.run(
                &format!("DELETE FROM {table} WHERE user = ?"),
                vec![user.as_str().into()],
            )?;
        }
        Ok(())
    }

    /// Drops what is over.
    pub(crate) fn clean_subscriptions(&self, now: UnixMillis) -> Result<(), Fault> {
        self.db()?.run(
            "DELETE FROM push_subscriptions WHERE expires_at <= ?",
            vec![int(now.0)],
        )?;
        let oldest = now.0.saturating_sub(TOLD_KEPT_MS);
        self.db()?
            .run("DELETE FROM push_told WHERE at < ?", vec![int(oldest)])?;
        self.memory.borrow_mut().push_changes.clear();
        Ok(())
    }

    /// Tells a user's browsers what an event means for the calls that ring. Nothing of it may keep the event itself from
    /// being taken: what goes wrong is logged, and what takes time comes after.
    pub(crate) fn push_calls(&self, user: &UserId, at: UnixMillis, body: &EventBody) {
        let about_calls = matches!(
            body,
            EventBody::State { .. } | EventBody::CallChanged { .. } | EventBody::CallEnded { .. }
        );
        if about_calls && let Err(fault) = self.begin_pushes(user, at) {
            console_error!("push: {}", fault.to_string());
        }
    }

    fn begin_pushes(&self, user: &UserId, at: UnixMillis) -> Result<(), Fault> {
        let now = self.now();
        let told: Vec<Told> = self.db()?.rows(
            "SELECT call FROM push_told WHERE user = ?",
            vec![user.as_str().into()],
        )?;
        let told: Vec<CallId> = told.into_iter().map(|row| row.call).collect();
        let portal_open = !self.greeted_portals(user).is_empty();
        let notices = match self.memory.borrow().states.get(user) {
            Some(state) => calls::notices(state, &told, portal_open),
            None => return Ok(()),
        };
        if notices.is_empty() {
            return Ok(());
        }
        let browsers: Vec<Subscription> = self.db()?.rows(
            "SELECT endpoint, p256dh, auth, language FROM push_subscriptions WHERE user = ? AND expires_at > ?",
            vec![user.as_str().into(), int(now.0)],
        )?;
        let late = now.since(at) > u64::from(RINGING_TTL_S) * 1000;
        for notice in notices {
            let begins = notice.stage == Stage::Ringing;
            if begins && (late || browsers.is_empty()) {
                continue;
            }
            let mut values = vec![user.as_str().into(), notice.call.to_string().into()];
            if begins {
                values.push(int(now.0));
                self.db()?.run(
                    "INSERT OR IGNORE INTO push_told (user, call, at) VALUES (?, ?, ?)",
                    values,
                )?;
            } else {
                self.db()?
                    .run("DELETE FROM push_told WHERE user = ? AND call = ?", values)?;
            }
            for browser in &browsers {
                self.push(browser, &notice, at)?;
            }
        }
        Ok(())
    }

    /// Sends a notice to a browser, after what is already on its way there.
    fn push(&self, browser: &Subscription, notice: &Notice, at: UnixMillis) -> Result<(), Fault> {
        let push = Push {
            endpoint: browser.endpoint.clone(),
            keys: Keys {
                p256dh: browser.p256dh.clone(),
                auth: browser.auth.clone(),
            },
            text: notice.text(at, &browser.language)?,
            ttl_s: if notice.stage == Stage::Missed {
                MISSED_TTL_S
            } else {
                RINGING_TTL_S
            },
            topic: URL_SAFE_NO_PAD.encode(notice.call.0.as_bytes()),
        };
        let queues = Rc::clone(&self.memory.borrow().pushes);
        let added = queues.borrow_mut().add(&browser.endpoint, push);
        match added {
            Added::Waits => {}
            Added::Dropped => console_error!("push: too much is on its way"),
            Added::Begin => {
                let Some(key) = self.vapid_key()? else {
                    return Ok(());
                };
                let sender = Sender {
                    key,
                    contact: self.db()?.meta("push_contact")?.unwrap_or_default(),
                    exempt: self.env.var(EXEMPT).ok().map(|origin| origin.to_string()),
                };
                let taker = Taker {
                    endpoint: browser.endpoint.clone(),
                    queues,
                    db: self.db()?.clone(),
                    sender,
                };
                self.state.wait_until(taker.run());
            }
        }
        Ok(())
    }
}

/// Takes the messages for one browser until there are no more.
struct Taker {
    endpoint: String,
    queues: Rc<RefCell<Queues<Push>>>,
    db: Db,
    sender: Sender,
}

impl Taker {
    async fn run(self) {
        loop {
            let next = self.queues.borrow_mut().take(&self.endpoint);
            let Some(push) = next else { break };
            let now = UnixMillis(worker::Date::now().as_millis());
            let verdict = delivery::deliver(&push, &self.sender, now).await;
            if let Err(fault) = self.note(verdict) {
                console_error!("push: {}", fault.to_string());
            }
        }
    }

    fn note(&self, verdict: worker::Result<Verdict>) -> Result<(), Fault> {
        let by_endpoint = || vec![self.endpoint.as_str().into()];
        match verdict {
            Ok(Verdict::Taken) => self.db.run(
                "UPDATE push_subscriptions SET failures = 0 WHERE endpoint = ? AND failures > 0",
                by_endpoint(),
            ),
            Ok(Verdict::Gone) => self
                .db
                .run("DELETE FROM push_subscriptions WHERE endpoint = ?", by_endpoint()),
            failed => {
                // The address itself is as good as a key to the browser: the log names the service only.
                let service = Url::parse(&self.endpoint).map(|url| url.origin().ascii_serialization());
                let service = service.unwrap_or_default();
                match failed {
                    Ok(verdict) => console_error!("push: {}: {:?}", service, verdict),
                    Err(error) => console_error!("push: {}: {}", service, error.to_string()),
                }
                self.db.run(
                    "UPDATE push_subscriptions SET failures = failures + 1 WHERE endpoint = ?",
                    by_endpoint(),
                )?;
                let mut values = by_endpoint();
                values.push(int(PUSH_FAILURES_MAX.into()));
                self.db.run(
                    "DELETE FROM push_subscriptions WHERE endpoint = ? AND failures >= ?",
                    values,
                )
            }
        }
    }
}
