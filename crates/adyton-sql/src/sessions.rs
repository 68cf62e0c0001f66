//! Sessions in SQL. The table is Adyton's own.

use crate::SqlStore;
use crate::db::{FromRow, Row, Tx};
use crate::dialect::Names;
use crate::error::Result;
use crate::{events, tokens};
use adyton_core::clock::Timestamp;
use adyton_core::device::Device;
use adyton_core::event::{Event, EventKind};
use adyton_core::secret::Hash;
use adyton_core::session::{
    FoundCookie, FoundSession, Guard, NewSession, Session, SessionId, Superseded,
};
use adyton_core::store::{Revocation, Rotation, SessionStore, StoreError, Which};
use adyton_core::token::TokenId;
use adyton_core::user::UserId;
use async_trait::async_trait;
use std::cmp::Reverse;

/// The columns that [`read`] takes.
pub(crate) const COLUMNS: &str = "
    s.id, s.public_id, s.user_id, s.guard, s.abilities, s.rotation, s.previous_hash, s.salt,
    s.rotated_at, s.access_token_id, s.previous_access_token_id, s.device_name, s.user_agent,
    s.network, s.fingerprint, s.device_id, s.remember, s.created_at, s.last_seen_at, s.expires_at,
    s.revoked_at";
/// How many those are.
pub(crate) const WIDTH: usize = 21;

/// The look-up of every request that a cookie authenticates.
pub(crate) const FIND_COOKIE: &str = "
    SELECT {s.*}, {u.*} FROM {sessions} s LEFT JOIN {users} u ON u.id = s.user_id
    WHERE s.secret_hash = ?";

pub(crate) const ERASE_SALTS: &str =
    "UPDATE {sessions} SET salt = NULL WHERE salt IS NOT NULL AND rotated_at < ?";

#[async_trait]
impl SessionStore for SqlStore {
    /// Two look-ups are enough although a rotation may fall between them: a secret goes from
    /// current to superseded and never back.
    async fn find_session(&self, secret: &Hash) -> Result<Option<FoundSession>, StoreError> {
        let current = "SELECT {s.*} FROM {sessions} s WHERE s.secret_hash = ?";
        if let Some(session) = self.db.fetch_one(current, &[(*secret).into()]).await? {
            return Ok(Some(FoundSession { session, superseded: None }));
        }
        let superseded = "SELECT p.expires_at, {s.*} FROM auth_superseded_tokens p
                          JOIN {sessions} s ON s.id = p.session_id WHERE p.hash = ?";
        let found = self.db.fetch_one(superseded, &[(*secret).into()]).await?;
        Ok(found.map(|(expires_at, session)| FoundSession {
            session,
            superseded: Some(Superseded { expires_at }),
        }))
    }

    async fn find_cookie(&self, secret: &Hash) -> Result<Option<FoundCookie>, StoreError> {
        let found: Option<FoundCookie> =
            self.db.fetch_one(FIND_COOKIE, &[(*secret).into()]).await?;
        Ok(found.filter(|found| found.session.guard == Guard::Session))
    }

    async fn find_session_by_public_id(&self, id: &str) -> Result<Option<Session>, StoreError> {
        // PostgreSQL refuses a text with a NUL, even to look for it.
        if id.contains('\0') {
            return Ok(None);
        }
        let sql = "SELECT {s.*} FROM {sessions} s WHERE s.public_id = ?";
        let found: Option<Session> = self.db.fetch_one(sql, &[id.into()]).await?;
        // MySQL takes no note of blanks at the end.
        Ok(found.filter(|session| session.public_id == id))
    }

    async fn list_sessions(
        &self,
        user_id: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let sql = "SELECT {s.*} FROM {sessions} s WHERE s.user_id = ? AND s.revoked_at IS NULL
                   AND s.expires_at > ? ORDER BY s.created_at DESC, s.id DESC";
        Ok(self.db.fetch(sql, &[user_id.into(), now.into()]).await?)
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Option<Session>, StoreError> {
        self.write(|tx| Box::pin(rotate(tx, rotation))).await
    }

    async fn revoke_sessions(&self, revocation: Revocation) -> Result<Vec<String>, StoreError> {
        self.write(|tx| Box::pin(revoke(tx, revocation))).await
    }

    async fn erase_salts(&self, rotated_before: Timestamp) -> Result<u64, StoreError> {
        self.write(move |tx| Box::pin(erase_salts(tx, rotated_before))).await
    }
}

impl FromRow for Session {
    fn from_row(row: &mut Row<'_>, _: &Names) -> Result<Self> {
        Ok(Self {
            id: row.get()?,
            public_id: row.get()?,
            user_id: row.get()?,
            guard: row.get()?,
            abilities: row.get()?,
            rotation: row.get()?,
            previous: row.get()?,
            salt: row.get()?,
            rotated_at: row.get()?,
            access_token: row.get()?,
            previous_access_token: row.get()?,
            device: Device {
                name: row.get()?,
                user_agent: row.get()?,
                network: row.get()?,
                fingerprint: row.get()?,
                id: row.get()?,
            },
            remember: row.get()?,
            created_at: row.get()?,
            last_seen_at: row.get()?,
            expires_at: row.get()?,
            revoked_at: row.get()?,
        })
    }
}

impl FromRow for FoundCookie {
    fn from_row(row: &mut Row<'_>, names: &Names) -> Result<Self> {
        Ok(Self { session: Session::from_row(row, names)?, user: row.joined(0, names)? })
    }
}

pub(crate) async fn revoke(tx: &mut Tx, revocation: Revocation) -> Result<Vec<String>> {
    let Revocation { user_id, which, now, events } = revocation;
    let ended = end(tx, user_id, which, now).await?;
    for id in &ended {
        let of_this = events.iter().map(|event| event.clone().user(user_id).session(id));
        events::insert(tx, of_this.collect()).await?;
    }
    Ok(ended)
}

async fn erase_salts(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.execute(ERASE_SALTS, &[before.into()]).await
}

/// Inserts a session at its sign-in.
pub(crate) async fn insert(
    tx: &mut Tx,
    user_id: UserId,
    new: NewSession,
    access_token: Option<TokenId>,
    now: Timestamp,
) -> Result<Session> {
    let sql = "INSERT INTO {sessions} (public_id, user_id, guard, abilities, secret_hash, rotation,
               access_token_id, device_name, user_agent, network, fingerprint, device_id, remember,
               created_at, last_seen_at, expires_at)
               VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let (public_id, user, guard) =
        (new.public_id.as_str().into(), user_id.into(), new.guard.into());
    let (abilities, secret, token) =
        ((&new.abilities).into(), new.secret.into(), access_token.into());
    let name = new.device.name.as_deref().into();
    let agent = new.device.user_agent.as_deref().into();
    let network = new.device.network.as_deref().into();
    let (looks, device) = (new.device.fingerprint.into(), new.device.id.into());
    let (remember, at, seen, end) =
        (new.remember.into(), now.into(), now.into(), new.expires_at.into());
    let params = [
        public_id, user, guard, abilities, secret, token, name, agent, network, looks, device,
        remember, at, seen, end,
    ];
    let id = SessionId(tx.insert(sql, &params).await?);
    Ok(new.begun(id, user_id, access_token, now))
}

/// Ends the longest idle sessions beyond the cap, never the new one, each with an event.
pub(crate) async fn end_longest_idle(
    tx: &mut Tx,
    new: &Session,
    cap: u32,
    why: Option<&Event>,
    now: Timestamp,
) -> Result<Vec<String>> {
    let sql = "SELECT {s.*} FROM {sessions} s WHERE s.user_id = ? AND s.id <> ?
               AND s.revoked_at IS NULL AND s.expires_at > ? ORDER BY s.id{for_update}";
    let params = [new.user_id.into(), new.id.into(), now.into()];
    // Held in the order in which all others hold them: a rotation has happened, or cannot any more.
    let mut others: Vec<Session> = tx.fetch(sql, &params).await?;
    others.sort_by_key(|session| Reverse((session.last_seen_at, session.id.0)));
    let mut ended = Vec::new();
    for session in others.into_iter().skip(cap.saturating_sub(1) as usize) {
        end_one(tx, &session, now).await?;
        let event = Event::new(EventKind::SessionRevoked, now).user(new.user_id);
        let event = event.session(&session.public_id).reason("too_many_sessions");
        events::insert(tx, vec![why.into_iter().fold(event, Event::beside)]).await?;
        ended.push(session.public_id);
    }
    Ok(ended)
}

/// Ends sessions of a user that nobody has ended yet, and returns their public ids.
pub(crate) async fn end(
    tx: &mut Tx,
    user_id: UserId,
    which: Which,
    now: Timestamp,
) -> Result<Vec<String>> {
    let sql = "SELECT {s.*} FROM {sessions} s
               WHERE s.user_id = ? AND s.revoked_at IS NULL ORDER BY s.id{for_update}";
    let mut ended = Vec::new();
    for session in tx.fetch::<Session>(sql, &[user_id.into()]).await? {
        let meant = match which {
            Which::One(id) => session.id == id,
            Which::AllBut(id) => session.id != id,
            Which::All => true,
        };
        if meant {
            end_one(tx, &session, now).await?;
            ended.push(session.public_id);
        }
    }
    Ok(ended)
}

/// Holds every session of a user, and so whatever rotation of them is under way comes to its end.
pub(crate) async fn lock_all(tx: &mut Tx, user_id: UserId) -> Result<()> {
    let sql = "SELECT id FROM {sessions} WHERE user_id = ? ORDER BY id{for_update}";
    tx.fetch::<SessionId>(sql, &[user_id.into()]).await?;
    Ok(())
}

/// Deletes every session of a user, with what is known of their replaced tokens.
pub(crate) async fn delete_all(tx: &mut Tx, user_id: UserId) -> Result<u64> {
    // One by one: MariaDB up to 11.0 reads the whole table to delete what a query names.
    let sql = "SELECT id FROM {sessions} WHERE user_id = ?";
    for id in tx.fetch::<SessionId>(sql, &[user_id.into()]).await? {
        let superseded = "DELETE FROM auth_superseded_tokens WHERE session_id = ?";
        tx.execute(superseded, &[id.into()]).await?;
    }
    tx.execute("DELETE FROM {sessions} WHERE user_id = ?", &[user_id.into()]).await
}

async fn end_one(tx: &mut Tx, session: &Session, now: Timestamp) -> Result<()> {
    let sql = "UPDATE {sessions} SET revoked_at = ?, salt = NULL, access_token_id = NULL,
               previous_access_token_id = NULL WHERE id = ? AND revoked_at IS NULL";
    tx.execute(sql, &[now.into(), session.id.into()]).await?;
    for id in [session.access_token, session.previous_access_token].into_iter().flatten() {
        tokens::delete(tx, id).await?;
    }
    Ok(())
}

async fn rotate(tx: &mut Tx, rotation: Rotation) -> Result<Option<Session>> {
    let Some(before) = hold(tx, &rotation).await? else { return Ok(None) };
    if let Some(before_last) = before.previous_access_token {
        let sql = "INSERT INTO auth_superseded_tokens (hash, session_id, expires_at)
                   SELECT {token}, ?, expires_at FROM {tokens}
                   WHERE id = ? AND expires_at IS NOT NULL";
        tx.execute(sql, &[before.id.into(), before_last.into()]).await?;
        tokens::delete(tx, before_last).await?;
    }
    let token = tokens::insert(tx, rotation.user_id, rotation.token, rotation.now).await?;
    let (new, old) = (rotation.replace.map(|r| r.new), rotation.replace.map(|r| r.old));
    let after = Session {
        rotation: before.rotation + 1,
        previous: old,
        salt: rotation.salt,
        rotated_at: Some(rotation.now),
        access_token: Some(token.id),
        previous_access_token: before.access_token,
        last_seen_at: before.last_seen_at.max(rotation.now),
        expires_at: rotation.expires_at,
        ..before
    };
    step(tx, &after, new).await?;
    if let Some(previous) = after.previous_access_token {
        end_with_grace(tx, previous, rotation.grace_ends).await?;
    }
    if let Some(replace) = rotation.replace {
        let sql = "INSERT INTO auth_superseded_tokens (hash, session_id, expires_at)
                   VALUES (?, ?, ?)";
        let row = [replace.old.into(), after.id.into(), replace.old_expires_at.into()];
        tx.execute(sql, &row).await?;
    }
    events::insert(tx, vec![rotation.event]).await?;
    Ok(Some(after))
}

/// The session if it is still where the rotation begins. It is held, which decides which of
/// several rotations is the one.
async fn hold(tx: &mut Tx, rotation: &Rotation) -> Result<Option<Session>> {
    let sql = "SELECT {s.*} FROM {sessions} s
               WHERE id = ? AND user_id = ? AND rotation = ? AND revoked_at IS NULL
               AND expires_at > ?{for_update}";
    let (id, user, expected) =
        (rotation.session.into(), rotation.user_id.into(), rotation.rotation.into());
    tx.fetch_one(sql, &[id, user, expected, rotation.now.into()]).await
}

/// Writes what a rotation changes of the session that is held.
async fn step(tx: &mut Tx, after: &Session, secret: Option<Hash>) -> Result<()> {
    let sql = "UPDATE {sessions} SET rotation = ?, salt = ?, rotated_at = ?, last_seen_at = ?,
               expires_at = ?, secret_hash = COALESCE(?, secret_hash), previous_hash = ?,
               access_token_id = ?, previous_access_token_id = ? WHERE id = ?";
    let (salt, rotated, seen) =
        (after.salt.into(), after.rotated_at.into(), after.last_seen_at.into());
    let (current, previous) = (after.access_token.into(), after.previous_access_token.into());
    let (end, old, id) = (after.expires_at.into(), after.previous.into(), after.id.into());
    let count = after.rotation.into();
    let params = [count, salt, rotated, seen, end, secret.into(), old, current, previous, id];
    tx.execute(sql, &params).await.map(drop)
}

/// Ends an access token with the grace, if it does not end earlier.
async fn end_with_grace(tx: &mut Tx, id: TokenId, grace_ends: Timestamp) -> Result<()> {
    let sql = "UPDATE {tokens} SET expires_at = ? WHERE id = ? AND {ours}
               AND (expires_at IS NULL OR expires_at > ?)";
    let kind = tx.tokenable_type();
    tx.execute(sql, &[grace_ends.into(), id.into(), kind, grace_ends.into()]).await.map(drop)
}
