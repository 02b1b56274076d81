//! Forwarding, exceptions, profiles and schedules, as users set them.

use super::codec::{Columns, int, json};
use super::write::{Applied, DONE};
use super::{Store, StoreError, Written};
use ponte_protocol::{CallProfile, CallRules, ScheduleEntry, UnixMillis, UserId};
use sqlx::SqliteConnection;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) enum TreatmentWrite {
    Rules(UserId, CallRules),
    Profile(UserId, Box<CallProfile>),
    DeleteProfile(UserId, String),
    Schedule(UserId, Vec<ScheduleEntry>, UnixMillis),
    /// That somebody else than the running gateway has set something of it.
    Announce(UserId),
}

impl TreatmentWrite {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Rules(..) => "call_rules",
            Self::Profile(..) => "profile",
            Self::DeleteProfile(..) => "profile_deleted",
            Self::Schedule(..) => "schedule",
            Self::Announce(_) => "announce_treatment",
        }
    }

    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        let (user, query) = match self {
            Self::Rules(user, rules) => {
                let text = match json("call_rules", rules) {
                    Ok(text) => text,
                    Err(error) => return Ok(Err(error)),
                };
                let query = sqlx::query(
                    "INSERT INTO call_rules (user, rules)
                     SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?1)
                     ON CONFLICT (user) DO UPDATE SET rules = ?2",
                );
                (user, query.bind(user.as_str()).bind(text))
            }
            Self::Profile(user, profile) => {
                let text = match json("profiles", profile) {
                    Ok(text) => text,
                    Err(error) => return Ok(Err(error)),
                };
                let query = sqlx::query(
                    "INSERT INTO profiles (user, name, profile)
                     SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?1)
                     ON CONFLICT (user, name) DO UPDATE SET profile = ?3",
                );
                (user, query.bind(user.as_str()).bind(&profile.name).bind(text))
            }
            Self::Schedule(user, schedule, carried_out) => {
                let text = match json("schedules", schedule) {
                    Ok(text) => text,
                    Err(error) => return Ok(Err(error)),
                };
                let query = sqlx::query(
                    "INSERT INTO schedules (user, schedule, carried_out)
                     SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM users WHERE user = ?1)
                     ON CONFLICT (user) DO UPDATE SET schedule = ?2, carried_out = ?3",
                );
                (
                    user,
                    query.bind(user.as_str()).bind(text).bind(int(carried_out.0)),
                )
            }
            Self::Announce(user) => {
                sqlx::query("UPDATE users SET treatment_version = treatment_version + 1 WHERE user = ?1")
                    .bind(user.as_str())
                    .execute(connection)
                    .await?;
                return DONE;
            }
            Self::DeleteProfile(user, name) => {
                sqlx::query("DELETE FROM profiles WHERE user = ?1 AND name = ?2")
                    .bind(user.as_str())
                    .bind(name)
                    .execute(connection)
                    .await?;
                return DONE;
            }
        };
        if query.execute(connection).await?.rows_affected() == 0 {
            return Ok(Err(StoreError::UnknownUser(user.clone())));
        }
        DONE
    }
}

impl Store {
    /// The rules of each user who ever set them; the others have [`CallRules::default`].
    pub async fn call_rules(&self) -> Result<Vec<(UserId, CallRules)>, StoreError> {
        let rows = sqlx::query("SELECT * FROM call_rules ORDER BY user")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("call_rules", row);
                Ok((columns.parsed("user")?, columns.json("rules")?))
            })
            .collect()
    }

    /// Keeps a user's rules.
    pub fn save_call_rules(&self, user: UserId, rules: CallRules) -> Written<()> {
        self.write_done(TreatmentWrite::Rules(user, rules).into())
    }

    /// The profiles that users saved, by name; a built-in one that was never changed is not among them.
    pub async fn profiles(&self) -> Result<BTreeMap<UserId, Vec<CallProfile>>, StoreError> {
        let rows = sqlx::query("SELECT * FROM profiles ORDER BY user, name")
            .fetch_all(self.readers())
            .await?;
        let mut profiles: BTreeMap<UserId, Vec<CallProfile>> = BTreeMap::new();
        for row in &rows {
            let columns = Columns::of("profiles", row);
            let user = columns.parsed("user")?;
            profiles.entry(user).or_default().push(columns.json("profile")?);
        }
        Ok(profiles)
    }

    /// Keeps a profile, in the place of the user's own one with this name.
    pub fn save_profile(&self, user: UserId, profile: CallProfile) -> Written<()> {
        self.write_done(TreatmentWrite::Profile(user, Box::new(profile)).into())
    }

    /// Forgets a profile; one that is not there does no harm.
    pub fn delete_profile(&self, user: UserId, name: String) -> Written<()> {
        self.write_done(TreatmentWrite::DeleteProfile(user, name).into())
    }

    /// The schedule of each user who ever set one, and up to when it was carried out.
    pub async fn schedules(&self) -> Result<BTreeMap<UserId, (Vec<ScheduleEntry>, UnixMillis)>, StoreError> {
        let rows = sqlx::query("SELECT * FROM schedules")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("schedules", row);
                let carried_out = UnixMillis(columns.number("carried_out")?);
                Ok((columns.parsed("user")?, (columns.json("schedule")?, carried_out)))
            })
            .collect()
    }

    /// How often an administrator has set something of it for each user.
    pub async fn treatment_versions(&self) -> Result<BTreeMap<UserId, u64>, StoreError> {
        let rows = sqlx::query("SELECT user, treatment_version FROM users")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("users", row);
                Ok((columns.parsed("user")?, columns.number("treatment_version")?))
            })
            .collect()
    }

    /// Keeps a user's schedule, which was carried out up to this time.
    pub fn save_schedule(
        &self,
        user: UserId,
        schedule: Vec<ScheduleEntry>,
        carried_out: UnixMillis,
    ) -> Written<()> {
        self.write_done(TreatmentWrite::Schedule(user, schedule, carried_out).into())
    }
}
