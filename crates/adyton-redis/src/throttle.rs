//! Windows on the server: a hash a bucket, with the attempts that are used and the end.
//!
//! Each method is one script, so that nothing comes between its steps. The keys of a call have to
//! lie on one node of a cluster for that, so that all have one tag and one node has them all: a
//! sign-in costs twenty milliseconds of hashing and one script of some fifty microseconds.
//!
//! The engine's time decides when a window is over, not the server's. The server drops a key a
//! minute after that, by its own clock.

use crate::error::Failure;
use crate::link::Link;
use adyton_core::clock::Timestamp;
use adyton_core::store::StoreError;
use adyton_core::throttle::{Bucket, Taken, Taking, ThrottleStore};
use async_trait::async_trait;
use redis::{Script, ScriptInvocation};
use std::fmt;
use std::sync::Arc;

/// Buckets that several nodes share.
#[derive(Clone)]
pub struct RedisThrottle(Arc<Inner>);

struct Inner {
    link: Arc<Link>,
    take: Script,
    full_until: Script,
    give_back: Script,
    clear: Script,
}

impl RedisThrottle {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self(Arc::new(Inner {
            link,
            take: Script::new(include_str!("throttle/take.lua")),
            full_until: Script::new(include_str!("throttle/full_until.lua")),
            give_back: Script::new(include_str!("throttle/give_back.lua")),
            clear: Script::new(include_str!("throttle/clear.lua")),
        }))
    }

    fn key(&self, bucket: &Bucket) -> String {
        self.0.link.key(&format!("limit:{}", bucket.key.to_hex()))
    }
}

#[async_trait]
impl ThrottleStore for RedisThrottle {
    async fn take(&self, buckets: &[Bucket], now: Timestamp) -> Result<Taking, StoreError> {
        if buckets.is_empty() {
            return Ok(Taking::Taken(Vec::new()));
        }
        let mut call = self.0.take.prepare_invoke();
        call.arg(now.unix());
        for bucket in buckets {
            let ends = now.plus(bucket.period).unix();
            call.key(self.key(bucket)).arg(bucket.most).arg(ends);
        }
        let answer: Vec<i64> = self.0.link.run(&call).await?;
        Ok(taking(buckets, &answer).ok_or(Failure::Nonsense)?)
    }

    async fn full_until(
        &self,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut call = self.call(&self.0.full_until, bucket);
        call.arg(now.unix()).arg(bucket.most);
        let ends: Option<i64> = self.0.link.run(&call).await?;
        Ok(ends.map(Timestamp::from_unix))
    }

    async fn give_back(&self, taken: &[Taken]) -> Result<(), StoreError> {
        if taken.is_empty() {
            return Ok(());
        }
        let mut call = self.0.give_back.prepare_invoke();
        for one in taken {
            call.key(self.key(&one.bucket)).arg(one.resets_at.unix());
        }
        Ok(self.0.link.run(&call).await?)
    }

    async fn clear(&self, bucket: &Bucket) -> Result<(), StoreError> {
        let call = self.call(&self.0.clear, bucket);
        Ok(self.0.link.run(&call).await?)
    }

    fn is_whole(&self) -> bool {
        self.0.link.is_up()
    }
}

impl RedisThrottle {
    fn call<'a>(&self, script: &'a Script, bucket: &Bucket) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        call.key(self.key(bucket));
        call
    }
}

/// The answer of `take.lua`: place (from one) and end of the bucket that is full, or a zero and
/// attempts and end of each that was taken from.
fn taking(buckets: &[Bucket], answer: &[i64]) -> Option<Taking> {
    let (full, rest) = answer.split_first()?;
    if let Some(place) = usize::try_from(*full).ok()?.checked_sub(1) {
        let [until] = rest else { return None };
        return Some(Taking::Full(*buckets.get(place)?, Timestamp::from_unix(*until)));
    }
    let (pairs, []) = rest.as_chunks::<2>() else { return None };
    let taken = buckets.iter().zip(pairs).map(|(bucket, [used, ends])| Taken {
        bucket: *bucket,
        left: bucket.most.saturating_sub(u32::try_from(*used).unwrap_or(u32::MAX)),
        resets_at: Timestamp::from_unix(*ends),
    });
    (pairs.len() == buckets.len()).then(|| Taking::Taken(taken.collect()))
}

impl fmt::Debug for RedisThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisThrottle").finish_non_exhaustive()
    }
}
