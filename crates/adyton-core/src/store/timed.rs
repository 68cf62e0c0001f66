//! A store whose methods are timed: `adyton_store_duration_seconds` and
//! `adyton_store_errors_total`, by method. It changes nothing else.

use super::*;
use crate::clock::Stopwatch;
use crate::device::KnownDevice;
use crate::secret::Hash;
use crate::session::{FoundCookie, FoundSession};
use crate::token::{FoundToken, TokenId};
use crate::user::{Account, Email, UserChange};

/// The store within, timed.
pub(crate) struct Timed(pub(crate) Arc<dyn Store>);

/// Times one call. The name is a method's, so that the label has as many values as the port has
/// methods.
async fn timed<T>(
    method: &'static str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let begun = Stopwatch::start();
    let outcome = call.await;
    metrics::histogram!("adyton_store_duration_seconds", "method" => method)
        .record(begun.elapsed());
    if outcome.is_err() {
        metrics::counter!("adyton_store_errors_total", "method" => method).increment(1);
    }
    outcome
}

/// Passes methods on, each timed. A method of the port with a body of its own has to stand here
/// too, or the store within is never asked.
macro_rules! passed_on {
    ($port:ident { $($method:ident($($given:ident: $what:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $port for Timed {
            $(async fn $method(&self, $($given: $what),*) -> Result<$answer, StoreError> {
                timed(stringify!($method), self.0.$method($($given),*)).await
            })*
        }
    };
}

passed_on!(Store {
    sign_in(record: SignInRecord) -> Option<SignedIn>;
    change_password(change: PasswordChange) -> Option<Vec<Event>>;
    delete_account(id: UserId, verified: Option<StoredPassword>, event: Event) -> bool;
    open_session(opening: SessionOpening) -> OpenedSession;
    revoke_owned(revocation: OwnedRevocation) -> Vec<Event>;
    delete_owned(user_id: UserId) -> ();
    prune(before: Timestamp, limit: u32) -> Pruned;
    change_counter() -> Option<i64>;
    ping() -> ();
});

passed_on!(UserStore {
    find_user(id: UserId) -> Option<User>;
    find_account(id: UserId) -> Option<Account>;
    find_account_by_email(email: &Email) -> Option<Account>;
    insert_user(user: NewUser, now: Timestamp, event: Event) -> Option<User>;
    update_user(id: UserId, change: UserChange, now: Timestamp, event: Event) -> UserUpdate;
    set_password(
        id: UserId,
        expected: Option<&StoredPassword>,
        new: StoredPassword,
        now: Timestamp
    ) -> bool;
    delete_user(id: UserId) -> bool;
    list_users(after: UserId, limit: u32) -> Vec<User>;
    sample_passwords(limit: u32) -> Vec<StoredPassword>;
    may_sign_in(user: &User) -> bool;
});

passed_on!(TokenStore {
    find_token(hash: &Hash) -> Option<FoundToken>;
    find_token_by_id(id: TokenId) -> Option<Token>;
    insert_token(issue: TokenIssue) -> Issued;
    list_tokens(user_id: UserId) -> Vec<Token>;
    delete_token(user_id: UserId, id: TokenId, event: Event) -> bool;
    touch(touches: Touches) -> ();
});

passed_on!(SessionStore {
    find_session(secret: &Hash) -> Option<FoundSession>;
    find_cookie(secret: &Hash) -> Option<FoundCookie>;
    find_session_by_public_id(id: &str) -> Option<Session>;
    list_sessions(user_id: UserId, now: Timestamp) -> Vec<Session>;
    rotate(rotation: Rotation) -> Option<Session>;
    revoke_sessions(revocation: Revocation) -> Vec<String>;
    erase_salts(rotated_before: Timestamp) -> u64;
});

passed_on!(DeviceStore {
    find_device(user_id: UserId, secret: &Hash) -> Option<KnownDevice>;
});

passed_on!(EventStore {
    record(events: Vec<Event>) -> ();
    list_events(filter: EventFilter) -> Vec<Event>;
    prune_events(before: Timestamp, limit: u32) -> u64;
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::conformance;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_timed_store_keeps_the_promises_of_the_one_within() {
        conformance::run(async || Timed(Arc::new(MemoryStore::new()))).await;
    }

    /// A method that the port answers by itself would otherwise never reach the store within.
    #[test]
    fn every_method_of_the_port_is_passed_on() {
        let port = [
            include_str!("../store.rs"),
            include_str!("users.rs"),
            include_str!("tokens.rs"),
            include_str!("sessions.rs"),
            include_str!("events.rs"),
            include_str!("devices.rs"),
        ];
        let here = include_str!("timed.rs");
        let methods = port.iter().flat_map(|text| text.split("    async fn ").skip(1));
        let names: Vec<_> = methods.filter_map(|rest| rest.split('(').next()).collect();
        assert!(names.len() > 30, "{names:?}");
        for name in names {
            assert!(here.contains(&format!("\n    {name}(")), "{name} is not passed on");
        }
    }
}
