//! Known devices in the port.

use super::StoreError;
use crate::device::KnownDevice;
use crate::event::Event;
use crate::secret::Hash;
use crate::user::UserId;
use async_trait::async_trait;

/// Where known devices are. Sign-ins write them.
#[async_trait]
pub trait DeviceStore: Send + Sync + 'static {
    /// The device of this user, and of nobody else, whose secret has this hash.
    async fn find_device(
        &self,
        user_id: UserId,
        secret: &Hash,
    ) -> Result<Option<KnownDevice>, StoreError>;
}

/// What a sign-in tells of its device; the rest stands in its session.
#[derive(Clone, Debug)]
pub struct DeviceSighting {
    /// The hash of the secret that the client presented. It counts if the user has a device with
    /// it, and is never adopted: nobody chooses what another one's device is known by.
    pub presented: Option<Hash>,
    /// The hash of the secret that a new device gets, where the presented one does not count.
    pub issued: Hash,
    /// Written if the device is new.
    pub event: Option<Event>,
}
