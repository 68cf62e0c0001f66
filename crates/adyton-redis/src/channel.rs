//! Which users' credentials have changed, as a counter and a log on the server.
//!
//! A node announces by adding to both, and hears by asking what was added since it last asked. It is
//! asked rather than subscribed to, since an answer proves that nothing was missed, and silence
//! proves nothing.
//!
//! What cannot be announced waits, and goes out before the connection is used for anything else
//! again. Until then the others do not hear of it: the cache bounds how long that can matter.

use crate::address::Connection;
use crate::error::Failure;
use crate::link::Link;
use adyton_core::channel::{About, Channel, Mark, News};
use adyton_core::store::StoreError;
use adyton_core::user::UserId;
use async_trait::async_trait;
use redis::{Script, ScriptInvocation};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// More than that many users wait as everybody.
const MOST_WAITING: usize = 1000;
/// Everybody.
const ALL: &str = "*";

/// How nodes tell each other of changes.
#[derive(Clone)]
pub struct RedisChannel {
    link: Arc<Link>,
    news: Arc<Script>,
}

impl RedisChannel {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link, news: Arc::new(Script::new(include_str!("channel/news.lua"))) }
    }
}

#[async_trait]
impl Channel for RedisChannel {
    async fn announce(&self, user: UserId) -> Result<(), StoreError> {
        let waiting = self.link.waiting();
        let call = waiting.announcement(&self.link, [user.0.to_string()]);
        let outcome = self.link.run::<()>(&call).await;
        Ok(outcome.inspect_err(|_| waiting.add([user.0.to_string()]))?)
    }

    async fn news(&self, since: Option<Mark>) -> Result<News, StoreError> {
        let (life, count) = since.map(|mark| (mark.life, mark.count)).unwrap_or_default();
        let mut call = self.news.prepare_invoke();
        call.key(self.link.key(STATE)).key(self.link.key(LOG)).arg(life).arg(count);
        let answer: Answer = self.link.run(&call).await?;
        Ok(read(answer))
    }

    fn is_reachable(&self) -> bool {
        self.link.is_up()
    }
}

/// What `news.lua` answers.
type Answer = (String, u64, bool, Vec<String>);

fn read((life, count, known, users): Answer) -> News {
    let users: Option<Vec<UserId>> =
        users.iter().map(|user| user.parse().ok().map(UserId)).collect();
    let about = match users {
        Some(users) if known => About::Users(users),
        _ => About::Anybody,
    };
    News { mark: Mark { life, count }, about }
}

const STATE: &str = "changes";
const LOG: &str = "changed";

/// What could not be announced yet.
pub(crate) struct Waiting {
    script: Script,
    users: Mutex<BTreeSet<String>>,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        let script = Script::new(include_str!("channel/announce.lua"));
        Self { script, users: Mutex::default() }
    }

    /// Announces it on this connection.
    pub(crate) async fn flush(&self, link: &Link, connection: Connection) -> Result<(), Failure> {
        let users = std::mem::take(&mut *self.lock());
        if users.is_empty() {
            return Ok(());
        }
        // Dropped on the way, it waits on.
        let kept = Kept { waiting: self, users };
        let call = self.announcement(link, kept.users.iter().cloned());
        connection.run::<()>(&call).await?;
        kept.done();
        Ok(())
    }

    fn announcement(
        &self,
        link: &Link,
        users: impl IntoIterator<Item = String>,
    ) -> ScriptInvocation<'_> {
        let mut call = self.script.prepare_invoke();
        call.key(link.key(STATE)).key(link.key(LOG));
        for user in users {
            call.arg(user);
        }
        call
    }

    fn add(&self, users: impl IntoIterator<Item = String>) {
        let mut waiting = self.lock();
        waiting.extend(users);
        if waiting.len() > MOST_WAITING || waiting.contains(ALL) {
            *waiting = BTreeSet::from([ALL.to_owned()]);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Users that go back to the others, unless they were announced.
struct Kept<'a> {
    waiting: &'a Waiting,
    users: BTreeSet<String>,
}

impl Kept<'_> {
    fn done(mut self) {
        self.users.clear();
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.waiting.add(std::mem::take(&mut self.users));
    }
}

impl fmt::Debug for RedisChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisChannel").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded() {
        let waiting = Waiting::new();
        waiting.add(["7".to_owned(), "7".to_owned()]);
        assert_eq!(waiting.lock().len(), 1);
        waiting.add((0..2000).map(|user| user.to_string()));
        waiting.add(["5000".to_owned()]);
        assert_eq!(*waiting.lock(), BTreeSet::from([ALL.to_owned()]));
    }

    #[test]
    fn what_cannot_be_read_is_about_anybody() {
        let about = |known, users: &[&str]| {
            read(("a".into(), 3, known, users.iter().map(ToString::to_string).collect())).about
        };
        assert_eq!(about(true, &["1", "-2"]), About::Users(vec![UserId(1), UserId(-2)]));
        for (known, users) in [(false, &["1"]), (true, &["*"]), (true, &["x"])] {
            assert_eq!(about(known, users), About::Anybody);
        }
    }
}
