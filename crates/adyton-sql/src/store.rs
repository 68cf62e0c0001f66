//! What spans users, tokens and sessions: signing in, changing a password, deleting an account.
//!
//! On a server many transactions run at once. All take what they hold in one order, the user, then
//! their sessions, then tokens, each kind by its ids; what decides is read with `{for_update}`.

use crate::SqlStore;
use crate::db::Tx;
use crate::error::{Result, SqlError};
use crate::{devices, events, prune, sessions, tokens, users};
use adyton_core::clock::Timestamp;
use adyton_core::event::{Event, EventKind};
use adyton_core::store::{
    OpenedSession, OwnedRevocation, PasswordChange, Pruned, SessionOpening, SignInRecord, SignedIn,
    Store, StoreError, Which, Who,
};
use adyton_core::user::{StoredPassword, UserId};
use async_trait::async_trait;

#[async_trait]
impl Store for SqlStore {
    async fn sign_in(&self, record: SignInRecord) -> Result<Option<SignedIn>, StoreError> {
        self.write(|tx| Box::pin(sign_in(tx, record))).await
    }

    async fn change_password(
        &self,
        change: PasswordChange,
    ) -> Result<Option<Vec<Event>>, StoreError> {
        self.write(|tx| Box::pin(change_password(tx, change))).await
    }

    async fn delete_account(
        &self,
        id: UserId,
        verified: Option<StoredPassword>,
        event: Event,
    ) -> Result<bool, StoreError> {
        self.write(move |tx| Box::pin(delete_account(tx, id, verified, event))).await
    }

    async fn open_session(&self, opening: SessionOpening) -> Result<OpenedSession, StoreError> {
        self.write(|tx| Box::pin(open_session(tx, opening))).await
    }

    async fn revoke_owned(&self, revocation: OwnedRevocation) -> Result<Vec<Event>, StoreError> {
        self.write(|tx| Box::pin(revoke_owned(tx, revocation))).await
    }

    async fn delete_owned(&self, user_id: UserId) -> Result<(), StoreError> {
        self.write(move |tx| Box::pin(delete_owned(tx, user_id))).await
    }

    async fn prune(&self, before: Timestamp, limit: u32) -> Result<Pruned, StoreError> {
        Ok(prune::prune(&self.db, before, limit).await?)
    }

    async fn change_counter(&self) -> Result<Option<i64>, StoreError> {
        Ok(self.db.change_counter().await?)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // The end of each table's key: it costs the same however many rows there are.
        let sql = "SELECT (SELECT MAX(id) FROM {users}), (SELECT MAX(id) FROM {tokens}),
                   (SELECT MAX(id) FROM {sessions})";
        type Last = Option<i64>;
        self.db.fetch_one::<(Last, (Last, Last))>(sql, &[]).await?;
        Ok(())
    }
}

async fn sign_in(tx: &mut Tx, record: SignInRecord) -> Result<Option<SignedIn>> {
    let Some(id) = admit(tx, record.who.clone(), record.now).await? else { return Ok(None) };
    let user = users::find(tx, id).await?.ok_or(SqlError::Unreadable)?;
    Ok(Some(open_session(tx, record.opening(id)).await?.by(user)))
}

async fn open_session(tx: &mut Tx, opening: SessionOpening) -> Result<OpenedSession> {
    let SessionOpening { user_id, mut session, token, sessions_per_user, now, .. } = opening;
    if let Some(replaced) = opening.replaced {
        // Two that sign in over each other's sessions hold both users' in one order.
        for user in [user_id.min(replaced.user_id), user_id.max(replaced.user_id)] {
            sessions::lock_all(tx, user).await?;
        }
        sessions::revoke(tx, replaced).await?;
    }
    let seen = devices::see(tx, user_id, &session.device, &opening.device, now).await?;
    session.device.id = Some(seen.id);
    let token = match token {
        Some(token) => Some(tokens::insert(tx, user_id, token, now).await?),
        None => None,
    };
    let access_token = token.as_ref().map(|token| token.id);
    let session = sessions::insert(tx, user_id, session, access_token, now).await?;
    let new_device = opening.device.event.filter(|_| seen.new);
    let why = opening.events.last().cloned();
    events::insert(tx, opening.events.into_iter().chain(new_device).collect()).await?;
    let ended =
        sessions::end_longest_idle(tx, &session, sessions_per_user, why.as_ref(), now).await?;
    let (new_device, known_device) = (seen.new, seen.known);
    Ok(OpenedSession { session, token, new_device, known_device, ended })
}

/// Makes a new user, or makes sure that the password of an existing one is still the verified one.
async fn admit(tx: &mut Tx, who: Who, now: Timestamp) -> Result<Option<UserId>> {
    let (id, verified, rehashed) = match who {
        Who::New(user) => return users::insert(tx, &user, now).await,
        Who::Existing { id, verified, rehashed } => (id, verified, rehashed),
    };
    let Some(stored) = users::lock(tx, id).await? else { return Ok(None) };
    if verified.is_some() && stored != verified {
        return Ok(None);
    }
    if let Some(rehashed) = rehashed {
        users::replace_password(tx, id, verified, rehashed, now).await?;
    }
    Ok(Some(id))
}

async fn change_password(tx: &mut Tx, change: PasswordChange) -> Result<Option<Vec<Event>>> {
    let PasswordChange { user_id, expected, new, keep, revoke_tokens, now, event } = change;
    if !users::replace_password(tx, user_id, expected, new, now).await? {
        return Ok(None);
    }
    let event = Some(event.user(user_id));
    let owned = OwnedRevocation { user_id, keep, tokens: revoke_tokens, now, event };
    Ok(Some(revoke_owned(tx, owned).await?))
}

/// Every session and token that ends has an event of its own, after the one that tells why.
async fn revoke_owned(tx: &mut Tx, revocation: OwnedRevocation) -> Result<Vec<Event>> {
    let OwnedRevocation { user_id, keep, tokens, now, event } = revocation;
    let why = event.clone();
    let of_kind = |kind| why.iter().fold(Event::new(kind, now).user(user_id), Event::beside);
    let mut written: Vec<_> = event.into_iter().collect();
    for id in sessions::end(tx, user_id, keep.map_or(Which::All, Which::AllBut), now).await? {
        let ended = of_kind(EventKind::SessionRevoked).reason("password_change");
        written.push(ended.session(&id));
    }
    if tokens {
        for id in tokens::delete_all_personal(tx, user_id).await? {
            written.push(of_kind(EventKind::AuthnTokenRevoked).reason("password_change").token(id));
        }
    }
    events::insert(tx, written.clone()).await?;
    Ok(written)
}

/// What a user who is gone already has left behind goes too.
async fn delete_account(
    tx: &mut Tx,
    id: UserId,
    verified: Option<StoredPassword>,
    event: Event,
) -> Result<bool> {
    // Held even where no password was verified: a sign-in either comes before it, or finds nobody.
    let stored = users::lock(tx, id).await?;
    if verified.is_some() && stored.is_some_and(|stored| stored != verified) {
        return Ok(false);
    }
    delete_owned(tx, id).await?;
    let existed = users::delete(tx, id).await?;
    if existed {
        events::insert(tx, vec![event.user(id)]).await?;
    }
    Ok(existed)
}

async fn delete_owned(tx: &mut Tx, user_id: UserId) -> Result<()> {
    sessions::lock_all(tx, user_id).await?;
    tokens::delete_all(tx, user_id).await?;
    sessions::delete_all(tx, user_id).await?;
    devices::delete_all(tx, user_id).await?;
    Ok(())
}
