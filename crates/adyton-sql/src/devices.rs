//! Known devices in SQL. The table is Adyton's own.

use crate::SqlStore;
use crate::db::{FromRow, Row, Tx};
use crate::dialect::Names;
use crate::error::Result;
use adyton_core::clock::Timestamp;
use adyton_core::device::{Device, DeviceId, KnownDevice, MOST_KNOWN};
use adyton_core::secret::Hash;
use adyton_core::store::{DeviceSighting, DeviceStore, StoreError};
use adyton_core::user::UserId;
use async_trait::async_trait;

/// A device at a sign-in.
pub(crate) struct Seen {
    pub(crate) id: DeviceId,
    /// Whether its secret was known.
    pub(crate) known: bool,
    /// Whether nothing of it was.
    pub(crate) new: bool,
}

#[async_trait]
impl DeviceStore for SqlStore {
    async fn find_device(
        &self,
        user_id: UserId,
        secret: &Hash,
    ) -> Result<Option<KnownDevice>, StoreError> {
        let sql = "SELECT id, user_id, fingerprint, name, first_seen_at, last_seen_at
                   FROM auth_devices WHERE secret_hash = ? AND user_id = ?";
        Ok(self.db.fetch_one(sql, &[(*secret).into(), user_id.into()]).await?)
    }
}

impl FromRow for KnownDevice {
    fn from_row(row: &mut Row<'_>, _: &Names) -> Result<Self> {
        Ok(Self {
            id: row.get()?,
            user_id: row.get()?,
            fingerprint: row.get()?,
            name: row.get()?,
            first_seen_at: row.get()?,
            last_seen_at: row.get()?,
        })
    }
}

/// Sees a device at a sign-in: one that is known, or one more.
pub(crate) async fn see(
    tx: &mut Tx,
    user_id: UserId,
    device: &Device,
    sighting: &DeviceSighting,
    now: Timestamp,
) -> Result<Seen> {
    if let Some(secret) = sighting.presented
        && let Some(id) = see_again(tx, user_id, device, secret, now).await?
    {
        return Ok(Seen { id, known: true, new: false });
    }
    let new = !is_alike(tx, user_id, device).await?;
    let id = insert(tx, user_id, device, sighting.issued, now).await?;
    forget_longest_unseen(tx, user_id, id).await?;
    Ok(Seen { id, known: false, new })
}

/// The device of this user with this secret, seen once more; `None` when there is none.
async fn see_again(
    tx: &mut Tx,
    user_id: UserId,
    device: &Device,
    secret: Hash,
    now: Timestamp,
) -> Result<Option<DeviceId>> {
    let sql = "SELECT id FROM auth_devices WHERE secret_hash = ? AND user_id = ?{for_update}";
    let found = tx.fetch_one::<DeviceId>(sql, &[secret.into(), user_id.into()]).await?;
    let Some(id) = found else { return Ok(None) };
    let sql = "UPDATE auth_devices SET fingerprint = COALESCE(?, fingerprint),
               name = COALESCE(?, name) WHERE id = ?";
    let (looks, name) = (device.fingerprint.into(), device.name.as_deref().into());
    tx.execute(sql, &[looks, name, id.into()]).await?;
    let sql = "UPDATE auth_devices SET last_seen_at = ? WHERE id = ? AND last_seen_at < ?";
    tx.execute(sql, &[now.into(), id.into(), now.into()]).await?;
    Ok(Some(id))
}

/// Whether the user has a device that looks like this one.
async fn is_alike(tx: &mut Tx, user_id: UserId, device: &Device) -> Result<bool> {
    let Some(fingerprint) = device.fingerprint else { return Ok(false) };
    let sql = "SELECT 1 FROM auth_devices WHERE user_id = ? AND fingerprint = ? LIMIT 1";
    let params = [user_id.into(), fingerprint.into()];
    Ok(tx.fetch_one::<i64>(sql, &params).await?.is_some())
}

async fn insert(
    tx: &mut Tx,
    user_id: UserId,
    device: &Device,
    secret: Hash,
    now: Timestamp,
) -> Result<DeviceId> {
    let sql = "INSERT INTO auth_devices
               (user_id, secret_hash, fingerprint, name, first_seen_at, last_seen_at)
               VALUES (?, ?, ?, ?, ?, ?)";
    let (looks, name) = (device.fingerprint.into(), device.name.as_deref().into());
    let row = [user_id.into(), secret.into(), looks, name, now.into(), now.into()];
    Ok(DeviceId(tx.insert(sql, &row).await?))
}

/// Makes room for this device, which stays even if its clock is behind.
async fn forget_longest_unseen(tx: &mut Tx, user_id: UserId, but: DeviceId) -> Result<()> {
    let sql = "SELECT id FROM auth_devices WHERE user_id = ? AND id <> ?
               ORDER BY last_seen_at DESC, id DESC LIMIT ? OFFSET ?";
    let (most, others) = (i64::from(u32::MAX).into(), (MOST_KNOWN - 1).into());
    let params = [user_id.into(), but.into(), most, others];
    for id in tx.fetch::<DeviceId>(sql, &params).await? {
        tx.execute("DELETE FROM auth_devices WHERE id = ?", &[id.into()]).await?;
        forget_in_sessions(tx, id).await?;
    }
    Ok(())
}

/// Whatever session pointed at a device points at nothing.
pub(crate) async fn forget_in_sessions(tx: &mut Tx, id: DeviceId) -> Result<u64> {
    tx.execute("UPDATE {sessions} SET device_id = NULL WHERE device_id = ?", &[id.into()]).await
}

/// Deletes every device of a user.
pub(crate) async fn delete_all(tx: &mut Tx, user_id: UserId) -> Result<u64> {
    tx.execute("DELETE FROM auth_devices WHERE user_id = ?", &[user_id.into()]).await
}
