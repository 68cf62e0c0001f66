//! Known devices in memory.

use super::MemoryStore;
use super::tables::{Tables, next};
use crate::clock::Timestamp;
use crate::device::{Device, DeviceId, KNOWN_FOR, KnownDevice, MOST_KNOWN};
use crate::secret::Hash;
use crate::store::{DeviceSighting, DeviceStore, StoreError};
use crate::user::UserId;
use async_trait::async_trait;

pub(super) struct DeviceRow {
    secret: Hash,
    device: KnownDevice,
}

/// A device at a sign-in.
pub(super) struct Seen {
    pub(super) id: DeviceId,
    /// Whether its secret was known.
    pub(super) known: bool,
    /// Whether nothing of it was.
    pub(super) new: bool,
}

#[async_trait]
impl DeviceStore for MemoryStore {
    async fn find_device(
        &self,
        user_id: UserId,
        secret: &Hash,
    ) -> Result<Option<KnownDevice>, StoreError> {
        let tables = self.tables();
        let id = tables.device_with(user_id, secret);
        Ok(id.and_then(|id| tables.devices.get(&id)).map(|row| row.device.clone()))
    }
}

impl Tables {
    fn device_with(&self, user_id: UserId, secret: &Hash) -> Option<DeviceId> {
        let mut rows = self.devices.values();
        let row = rows.find(|row| row.secret == *secret && row.device.user_id == user_id);
        row.map(|row| row.device.id)
    }

    /// Refuses a device whose new secret stands in another row.
    pub(super) fn check_device(&self, sighting: &DeviceSighting) -> Result<(), StoreError> {
        let taken = self.devices.values().any(|row| row.secret == sighting.issued);
        if taken { Err(StoreError::new("a device has this secret already")) } else { Ok(()) }
    }

    /// Sees a device at a sign-in: one that is known, or one more.
    pub(super) fn see_device(
        &mut self,
        user_id: UserId,
        device: &Device,
        sighting: &DeviceSighting,
        now: Timestamp,
    ) -> Seen {
        let known = sighting.presented.and_then(|secret| self.device_with(user_id, &secret));
        if let Some(KnownDevice { fingerprint, name, last_seen_at, .. }) =
            known.and_then(|id| self.devices.get_mut(&id)).map(|row| &mut row.device)
        {
            *fingerprint = device.fingerprint.or(*fingerprint);
            *name = device.name.clone().or(name.take());
            *last_seen_at = now.max(*last_seen_at);
        }
        if let Some(id) = known {
            return Seen { id, known: true, new: false };
        }
        let mut own = self.devices.values().filter(|row| row.device.user_id == user_id);
        let alike = |row: &DeviceRow| row.device.fingerprint == device.fingerprint;
        let new = device.fingerprint.is_none() || !own.any(alike);
        let id = self.add_device(user_id, device, sighting.issued, now);
        self.forget_longest_unseen(user_id, id);
        Seen { id, known: false, new }
    }

    fn add_device(
        &mut self,
        user_id: UserId,
        device: &Device,
        secret: Hash,
        now: Timestamp,
    ) -> DeviceId {
        let id = DeviceId(next(&mut self.last_device));
        let device = KnownDevice {
            id,
            user_id,
            fingerprint: device.fingerprint,
            name: device.name.clone(),
            first_seen_at: now,
            last_seen_at: now,
        };
        self.devices.insert(id, DeviceRow { secret, device });
        id
    }

    fn forget_longest_unseen(&mut self, user_id: UserId, but: DeviceId) {
        let own = self.devices.values().map(|row| &row.device);
        let others = own.filter(|device| device.user_id == user_id && device.id != but);
        let mut others: Vec<_> = others.map(|device| (device.last_seen_at, device.id)).collect();
        others.sort();
        others.truncate((others.len() + 1).saturating_sub(MOST_KNOWN as usize));
        self.forget_devices(others.into_iter().map(|(_, id)| id).collect());
    }

    fn forget_devices(&mut self, ids: Vec<DeviceId>) {
        for id in ids {
            self.devices.remove(&id);
            let sessions = self.sessions.values_mut().map(|row| &mut row.session.device);
            sessions.filter(|device| device.id == Some(id)).for_each(|device| device.id = None);
        }
    }

    pub(super) fn delete_devices(&mut self, user_id: UserId) {
        self.devices.retain(|_, row| row.device.user_id != user_id);
    }

    pub(super) fn prune_devices(&mut self, before: Timestamp, limit: usize) -> u64 {
        let unseen = |device: &&KnownDevice| device.last_seen_at < before.minus(KNOWN_FOR);
        let due = self.devices.values().map(|row| &row.device).filter(unseen);
        let due: Vec<_> = due.map(|device| device.id).take(limit).collect();
        let count = due.len() as u64;
        self.forget_devices(due);
        count
    }
}
