//! Desk telephones: their accounts, who is logged on to them, and their registrations.

use super::codec::{Columns, time};
use super::write::{Applied, DONE, Outcome, user_exists};
use super::{Store, StoreError, Written};
use ponte_call_core::DeviceConfig;
use ponte_protocol::{DeviceId, UnixMillis, UserId};
use ponte_sip::Account;
use ponte_sip::digest::{Algorithm, ha1};
use sqlx::{SqliteConnection, SqlitePool};
use std::fmt;

/// What proves a telephone: HA1 of RFC 7616 section 3.4.2, never the password itself. It holds for one realm.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceSecret {
    pub realm: String,
    /// Lower-case hexadecimal.
    pub md5: String,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

impl DeviceSecret {
    /// Of the telephone's account, whose user name is the telephone's own.
    pub fn new(device: &DeviceId, realm: &str, password: &str) -> Self {
        let of = |algorithm| ha1(algorithm, device.as_str(), realm, password);
        Self {
            realm: realm.to_owned(),
            md5: of(Algorithm::Md5),
            sha256: of(Algorithm::Sha256),
        }
    }
}

impl fmt::Debug for DeviceSecret {
    // HA1 is as good as the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSecret")
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// A desk telephone as the administrator set it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRow {
    pub device: DeviceId,
    /// 1 to 40 characters.
    pub name: String,
    /// Whose ordinary telephone it is (rule T10).
    pub owner: Option<UserId>,
    /// Whether other users may log on to it (rule T11).
    pub hot_desk: bool,
    pub secret: DeviceSecret,
}

impl DeviceRow {
    /// The telephone as the SIP layer knows it.
    pub fn account(&self) -> Account {
        Account {
            name: self.device.to_string(),
            ha1_md5: Some(self.secret.md5.clone()),
            ha1_sha256: Some(self.secret.sha256.clone()),
        }
    }

    /// The telephone as call control knows it.
    pub fn switch_config(&self) -> DeviceConfig {
        DeviceConfig {
            id: self.device.clone(),
            name: self.name.clone(),
            owner: self.owner.clone(),
            hot_desk: self.hot_desk,
        }
    }
}

/// The registrations of one telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingsRow {
    pub device: DeviceId,
    /// All of the account's bindings as the SIP layer writes them, in JSON.
    pub json: String,
    /// When the last of them expires.
    pub expires_at: UnixMillis,
}

#[derive(Debug)]
pub(super) enum DeviceWrite {
    Add(DeviceRow),
    Set(DeviceRow),
    Remove(DeviceId),
    Logon(DeviceId, Option<UserId>),
    Bindings(BindingsRow),
    Forget(DeviceId),
}

impl DeviceWrite {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Add(_) => "add_device",
            Self::Set(_) => "set_device",
            Self::Remove(_) => "remove_device",
            Self::Logon(..) => "logon",
            Self::Bindings(_) | Self::Forget(_) => "bindings",
        }
    }

    pub(super) fn is_spooled(&self) -> bool {
        matches!(self, Self::Logon(..) | Self::Bindings(_) | Self::Forget(_))
    }

    pub(super) async fn apply(&self, connection: &mut SqliteConnection) -> Applied {
        match self {
            Self::Add(row) => {
                if device_exists(connection, &row.device).await? {
                    return Ok(Err(StoreError::DeviceExists(row.device.clone())));
                }
                put(connection, row).await
            }
            Self::Set(row) => {
                if !device_exists(connection, &row.device).await? {
                    return Ok(Err(StoreError::UnknownDevice(row.device.clone())));
                }
                put(connection, row).await
            }
            Self::Remove(device) => remove(connection, device).await,
            Self::Logon(device, user) => save_logon(connection, device, user.as_ref()).await,
            Self::Bindings(row) => save_bindings(connection, row).await,
            Self::Forget(device) => {
                sqlx::query("DELETE FROM bindings WHERE device = ?1")
                    .bind(device.as_str())
                    .execute(connection)
                    .await?;
                DONE
            }
        }
    }
}

async fn device_exists(connection: &mut SqliteConnection, device: &DeviceId) -> Result<bool, sqlx::Error> {
    let found = sqlx::query("SELECT 1 FROM devices WHERE device = ?1")
        .bind(device.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

async fn put(connection: &mut SqliteConnection, row: &DeviceRow) -> Applied {
    if let Some(owner) = &row.owner
        && !user_exists(connection, owner).await?
    {
        return Ok(Err(StoreError::UnknownUser(owner.clone())));
    }
    sqlx::query(
        "INSERT INTO devices (device, name, owner, hot_desk, realm, ha1_md5, ha1_sha256)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (device) DO UPDATE SET name = ?2, owner = ?3, hot_desk = ?4, realm = ?5, ha1_md5 = ?6,
             ha1_sha256 = ?7",
    )
    .bind(row.device.as_str())
    .bind(&row.name)
    .bind(row.owner.as_ref().map(UserId::as_str))
    .bind(row.hot_desk)
    .bind(&row.secret.realm)
    .bind(&row.secret.md5)
    .bind(&row.secret.sha256)
    .execute(connection)
    .await?;
    DONE
}

async fn remove(connection: &mut SqliteConnection, device: &DeviceId) -> Applied {
    let removed = sqlx::query("DELETE FROM devices WHERE device = ?1")
        .bind(device.as_str())
        .execute(connection)
        .await?;
    if removed.rows_affected() == 0 {
        return Ok(Err(StoreError::UnknownDevice(device.clone())));
    }
    DONE
}

async fn save_logon(connection: &mut SqliteConnection, device: &DeviceId, user: Option<&UserId>) -> Applied {
    if !device_exists(connection, device).await? {
        return Ok(Err(StoreError::UnknownDevice(device.clone())));
    }
    if let Some(user) = user
        && !user_exists(connection, user).await?
    {
        return Ok(Err(StoreError::UnknownUser(user.clone())));
    }
    sqlx::query(
        "INSERT INTO logons (device, user) VALUES (?1, ?2) ON CONFLICT (device) DO UPDATE SET user = ?2",
    )
    .bind(device.as_str())
    .bind(user.map(UserId::as_str))
    .execute(connection)
    .await?;
    DONE
}

async fn save_bindings(connection: &mut SqliteConnection, row: &BindingsRow) -> Applied {
    let saved = sqlx::query(
        "INSERT INTO bindings (device, bindings, expires_at)
         SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM devices WHERE device = ?1)
         ON CONFLICT (device) DO UPDATE SET bindings = ?2, expires_at = ?3",
    )
    .bind(row.device.as_str())
    .bind(&row.json)
    .bind(time(row.expires_at))
    .execute(connection)
    .await?;
    if saved.rows_affected() == 0 {
        return Ok(Err(StoreError::UnknownDevice(row.device.clone())));
    }
    Ok(Ok(Outcome::Done))
}

impl Columns<'_> {
    fn device(&self) -> Result<DeviceRow, StoreError> {
        Ok(DeviceRow {
            device: self.parsed("device")?,
            name: self.text("name")?,
            owner: self.maybe_parsed("owner")?,
            hot_desk: self.flag("hot_desk")?,
            secret: DeviceSecret {
                realm: self.text("realm")?,
                md5: self.text("ha1_md5")?,
                sha256: self.text("ha1_sha256")?,
            },
        })
    }
}

async fn rows(pool: &SqlitePool, device: Option<&DeviceId>) -> Result<Vec<DeviceRow>, StoreError> {
    let rows = sqlx::query("SELECT * FROM devices WHERE ?1 IS NULL OR device = ?1 ORDER BY device")
        .bind(device.map(DeviceId::as_str))
        .fetch_all(pool)
        .await?;
    rows.iter()
        .map(|row| Columns::of("devices", row).device())
        .collect()
}

impl Store {
    /// All desk telephones, by name.
    pub async fn devices(&self) -> Result<Vec<DeviceRow>, StoreError> {
        rows(self.readers(), None).await
    }

    /// One desk telephone.
    pub async fn device(&self, device: &DeviceId) -> Result<Option<DeviceRow>, StoreError> {
        Ok(rows(self.readers(), Some(device)).await?.pop())
    }

    /// Adds a telephone; [`StoreError::DeviceExists`] where there is one already, [`StoreError::UnknownUser`] for an
    /// owner who is none.
    pub fn add_device(&self, row: DeviceRow) -> Written<()> {
        self.write_done(DeviceWrite::Add(row).into())
    }

    /// Replaces what is stored of an existing telephone.
    pub fn set_device(&self, row: DeviceRow) -> Written<()> {
        self.write_done(DeviceWrite::Set(row).into())
    }

    /// Removes a telephone with its log-on and its registrations.
    pub fn remove_device(&self, device: DeviceId) -> Written<()> {
        self.write_done(DeviceWrite::Remove(device).into())
    }

    /// Who was logged on to which telephone last; `None`: nobody. Telephones of which nothing was ever said are left out.
    pub async fn logons(&self) -> Result<Vec<(DeviceId, Option<UserId>)>, StoreError> {
        let rows = sqlx::query("SELECT device, user FROM logons ORDER BY device")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("logons", row);
                Ok((columns.parsed("device")?, columns.maybe_parsed("user")?))
            })
            .collect()
    }

    /// Keeps who is logged on to a telephone.
    pub fn save_logon(&self, device: DeviceId, user: Option<UserId>) -> Written<()> {
        self.write_done(DeviceWrite::Logon(device, user).into())
    }

    /// Registrations that have not expired.
    pub async fn bindings(&self, now: UnixMillis) -> Result<Vec<BindingsRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM bindings WHERE expires_at > ?1 ORDER BY device")
            .bind(time(now))
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns::of("bindings", row);
                Ok(BindingsRow {
                    device: columns.parsed("device")?,
                    json: columns.text("bindings")?,
                    expires_at: columns.time("expires_at")?,
                })
            })
            .collect()
    }

    /// Keeps all registrations of a telephone, in the place of those of before.
    pub fn save_bindings(&self, row: BindingsRow) -> Written<()> {
        self.write_done(DeviceWrite::Bindings(row).into())
    }

    /// Forgets all registrations of a telephone.
    pub fn forget_bindings(&self, device: DeviceId) -> Written<()> {
        self.write_done(DeviceWrite::Forget(device).into())
    }
}
