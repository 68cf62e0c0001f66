//! Rules for known devices.

use super::given::*;
use crate::device::{DeviceId, Fingerprint, KNOWN_FOR, KnownDevice, MOST_KNOWN};
use crate::event::EventKind;
use crate::secret::Hash;
use crate::store::{Pruned, SignInRecord, SignedIn, Which};
use crate::user::{User, UserId};
use std::sync::Arc;

rules![
    a_device_is_known_by_its_secret_from_its_first_sign_in,
    a_known_device_is_seen_again,
    what_a_sign_in_does_not_tell_stays_known,
    a_clock_that_is_behind_takes_nothing_back,
    an_unknown_secret_is_never_adopted,
    a_secret_counts_for_its_own_user_only,
    a_device_that_looks_like_another_of_its_user_is_not_new,
    a_device_that_tells_nothing_is_always_new,
    a_new_device_is_told_with_its_sign_in,
    the_longest_unseen_device_makes_room,
    a_session_forgets_the_device_that_is_forgotten,
    concurrent_sign_ins_keep_to_the_most_known,
    a_device_outlives_its_sessions_and_passwords,
    a_device_goes_with_its_user,
    a_device_opens_with_a_session_without_a_user_row,
    a_device_unseen_for_long_is_pruned,
];

/// A later sign-in of a device that presents the secret of an earlier one.
fn again(who: &User, presented: &str, secret: &str, after: u64) -> SignInRecord {
    let mut record = sign_in(existing(who.id), secret);
    record.device = sighting(Some(presented), secret);
    record.now = NOW.plus(after);
    record
}

async fn write(store: &Given, record: SignInRecord) -> SignedIn {
    store.sign_in(record).await.unwrap().expect("an existing user is signed in")
}

/// The device of this user that got its secret in this sign-in.
async fn device(store: &Given, who: UserId, secret: &str) -> Option<KnownDevice> {
    store.find_device(who, &device_secret(secret)).await.unwrap()
}

fn id_of(signed_in: &SignedIn) -> DeviceId {
    signed_in.session.device.id.expect("a sign-in has a device")
}

async fn a_device_is_known_by_its_secret_from_its_first_sign_in(store: Given) {
    let ada = ada(&store).await;
    let mut record = sign_in(existing(ada.id), "laptop");
    record.session.device.name = Some("Ada's \"Straße\" 🚀".to_owned());
    let seen = record.session.device.clone();
    let signed_in = write(&store, record).await;
    assert!(signed_in.new_device && !signed_in.known_device);
    let known = KnownDevice {
        id: id_of(&signed_in),
        user_id: ada.id,
        fingerprint: seen.fingerprint,
        name: seen.name,
        first_seen_at: NOW,
        last_seen_at: NOW,
    };
    assert_eq!(device(&store, ada.id, "laptop").await, Some(known));
    assert_eq!(session(&store, "laptop").await, Some(signed_in.session), "read back with it");
}

async fn a_known_device_is_seen_again(store: Given) {
    let ada = ada(&store).await;
    let first = signed_in(&store, &ada, "laptop").await;
    let mut record = again(&ada, "laptop", "again", HOUR);
    record.session.device = looking_like("another browser");
    record.session.device.name = Some("Renamed".to_owned());
    let second = write(&store, record).await;
    assert!(second.known_device && !second.new_device, "whatever it looks like now");
    assert_eq!(id_of(&second), id_of(&first));
    let known = device(&store, ada.id, "laptop").await.unwrap();
    assert_eq!((known.first_seen_at, known.last_seen_at), (NOW, NOW.plus(HOUR)));
    assert_eq!(known.name.as_deref(), Some("Renamed"));
    assert_eq!(known.fingerprint, looking_like("another browser").fingerprint);
    assert_eq!(device(&store, ada.id, "again").await, None, "it goes on with the secret it has");
}

async fn what_a_sign_in_does_not_tell_stays_known(store: Given) {
    let ada = ada(&store).await;
    let mut record = sign_in(existing(ada.id), "laptop");
    record.session.device.name = Some("Laptop".to_owned());
    write(&store, record).await;
    let mut record = again(&ada, "laptop", "again", HOUR);
    record.session.device = crate::device::Device::default();
    write(&store, record).await;
    let known = device(&store, ada.id, "laptop").await.unwrap();
    assert_eq!(known.name.as_deref(), Some("Laptop"));
    assert_eq!(known.fingerprint, looking_like("browser").fingerprint);
}

async fn a_clock_that_is_behind_takes_nothing_back(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "laptop").await;
    let mut record = again(&ada, "laptop", "again", 0);
    record.now = NOW.minus(DAY);
    write(&store, record).await;
    assert_eq!(device(&store, ada.id, "laptop").await.unwrap().last_seen_at, NOW);
}

async fn an_unknown_secret_is_never_adopted(store: Given) {
    let ada = ada(&store).await;
    let signed_in = write(&store, again(&ada, "chosen by somebody", "laptop", 0)).await;
    assert!(signed_in.new_device && !signed_in.known_device);
    assert_eq!(device(&store, ada.id, "chosen by somebody").await, None);
    assert_eq!(device(&store, ada.id, "laptop").await.unwrap().id, id_of(&signed_in));
}

async fn a_secret_counts_for_its_own_user_only(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    signed_in(&store, &ada, "laptop").await;
    let before = device(&store, ada.id, "laptop").await;
    let other = write(&store, again(&grace, "laptop", "somebody else's", HOUR)).await;
    assert!(other.new_device && !other.known_device);
    assert_eq!(device(&store, grace.id, "laptop").await, None);
    assert_eq!(device(&store, grace.id, "somebody else's").await.unwrap().id, id_of(&other));
    assert_eq!(device(&store, ada.id, "laptop").await, before, "it was not seen");
    assert_eq!(device(&store, NOBODY, "laptop").await, None);
}

async fn a_device_that_looks_like_another_of_its_user_is_not_new(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    let first = signed_in(&store, &ada, "first").await;
    let second = signed_in(&store, &ada, "second").await;
    assert!(first.new_device && !second.new_device);
    assert!(!second.known_device && id_of(&second) != id_of(&first), "but it is another one");
    assert!(signed_in(&store, &grace, "somebody else's").await.new_device);
    let mut record = sign_in(existing(ada.id), "phone");
    record.session.device = looking_like("phone");
    assert!(write(&store, record).await.new_device);
    revoke(&store, &ada, Which::All).await;
    assert!(!signed_in(&store, &ada, "third").await.new_device, "an ended session had one, too");
}

async fn a_device_that_tells_nothing_is_always_new(store: Given) {
    let ada = ada(&store).await;
    for secret in ["first", "second"] {
        let mut record = sign_in(existing(ada.id), secret);
        record.session.device.fingerprint = None;
        assert!(write(&store, record).await.new_device, "{secret}");
    }
}

async fn a_new_device_is_told_with_its_sign_in(store: Given) {
    let (ada, told) = (ada(&store).await, event(EventKind::NewDevice).session("public"));
    for secret in ["first", "looks like it"] {
        let mut record = sign_in(existing(ada.id), secret);
        record.device.event = Some(told.clone());
        write(&store, record).await;
    }
    let mut record = again(&ada, "first", "known", HOUR);
    record.session.device = looking_like("another browser");
    record.device.event = Some(told.clone());
    write(&store, record).await;
    let mut quiet = sign_in(existing(ada.id), "quiet");
    quiet.session.device.fingerprint = Some(Fingerprint(Hash::of("quiet")));
    assert!(write(&store, quiet).await.new_device);
    assert_eq!(events_of(&store, EventKind::NewDevice).await, [told.user(ada.id)]);
}

/// Signs in with as many devices as can be known, each a second after the last.
async fn most_known(store: &Given, who: &User) {
    for n in 0..u64::from(MOST_KNOWN) {
        let mut record = sign_in(existing(who.id), &format!("device {n}"));
        record.now = NOW.plus(n);
        write(store, record).await;
    }
}

async fn the_longest_unseen_device_makes_room(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    signed_in(&store, &grace, "somebody else's").await;
    most_known(&store, &ada).await;
    write(&store, again(&ada, "device 0", "again", HOUR)).await;
    assert!(device(&store, ada.id, "device 1").await.is_some(), "nobody has to go yet");
    let mut behind = sign_in(existing(ada.id), "one more");
    behind.now = NOW.minus(DAY);
    write(&store, behind).await;
    assert_eq!(device(&store, ada.id, "device 1").await, None);
    for kept in ["device 0", "device 2", "one more"] {
        assert!(device(&store, ada.id, kept).await.is_some(), "{kept}");
    }
    assert!(device(&store, grace.id, "somebody else's").await.is_some());
}

async fn a_session_forgets_the_device_that_is_forgotten(store: Given) {
    let ada = ada(&store).await;
    most_known(&store, &ada).await;
    let mut record = sign_in(existing(ada.id), "one more");
    record.now = NOW.plus(HOUR);
    write(&store, record).await;
    assert_eq!(session(&store, "device 0").await.unwrap().device.id, None);
    assert!(session(&store, "device 1").await.unwrap().device.id.is_some());
}

async fn concurrent_sign_ins_keep_to_the_most_known(store: Given) {
    let ada = ada(&store).await;
    most_known(&store, &ada).await;
    let calls = (0..10).map(|n| {
        let mut record = sign_in(existing(ada.id), &format!("late {n}"));
        record.now = NOW.plus(HOUR);
        let store = Arc::clone(&store);
        async move { store.sign_in(record).await }
    });
    assert_eq!(count_winners(calls, |made| made.as_ref().unwrap().is_some()).await, 10);
    for n in 0..10 {
        assert_eq!(device(&store, ada.id, &format!("device {n}")).await, None, "{n}");
        assert!(device(&store, ada.id, &format!("late {n}")).await.is_some(), "{n}");
    }
    assert!(device(&store, ada.id, "device 10").await.is_some());
}

async fn a_device_outlives_its_sessions_and_passwords(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "laptop").await;
    let before = device(&store, ada.id, "laptop").await;
    assert!(before.is_some());
    revoke(&store, &ada, Which::All).await;
    let change = crate::store::PasswordChange {
        user_id: ada.id,
        expected: None,
        new: password("second"),
        keep: None,
        revoke_tokens: true,
        now: NOW,
        event: event(EventKind::AuthnPasswordChange),
    };
    assert!(store.change_password(change).await.unwrap().is_some());
    assert!(store.prune(NOW.plus(100 * DAY), 100).await.unwrap().sessions > 0);
    assert_eq!(session(&store, "laptop").await, None);
    assert_eq!(device(&store, ada.id, "laptop").await, before);
}

async fn a_device_goes_with_its_user(store: Given) {
    let (ada, grace) = (ada(&store).await, grace(&store).await);
    signed_in(&store, &grace, "somebody else's").await;
    signed_in(&store, &ada, "laptop").await;
    store.delete_account(ada.id, None, event(EventKind::UserDeleted)).await.unwrap();
    assert_eq!(device(&store, ada.id, "laptop").await, None);
    assert!(device(&store, grace.id, "somebody else's").await.is_some());
    store.delete_owned(grace.id).await.unwrap();
    assert_eq!(device(&store, grace.id, "somebody else's").await, None);
}

async fn a_device_opens_with_a_session_without_a_user_row(store: Given) {
    let mut opening = sign_in(existing(NOBODY), "laptop").opening(NOBODY);
    opening.device.event = Some(event(EventKind::NewDevice));
    let opened = store.open_session(opening).await.unwrap();
    assert!(opened.new_device && !opened.known_device);
    assert_eq!(device(&store, NOBODY, "laptop").await.map(|d| d.id), opened.session.device.id);
    assert_eq!(events_of(&store, EventKind::NewDevice).await, [event(EventKind::NewDevice)]);
    let mut known = sign_in(existing(NOBODY), "again").opening(NOBODY);
    known.device = sighting(Some("laptop"), "again");
    let known = store.open_session(known).await.unwrap();
    assert!(known.known_device && !known.new_device);
}

async fn a_device_unseen_for_long_is_pruned(store: Given) {
    let ada = ada(&store).await;
    for secret in ["laptop", "phone", "tablet"] {
        signed_in(&store, &ada, secret).await;
    }
    write(&store, again(&ada, "tablet", "later", DAY)).await;
    // Sessions that never end keep their rows, and must not point at nothing.
    let mut endless = again(&ada, "laptop", "endless", 0);
    endless.session.expires_at = NOW.plus(1000 * DAY);
    write(&store, endless).await;
    let due = NOW.plus(KNOWN_FOR);
    while store.prune(due, 100).await.unwrap().total() > 0 {}
    assert!(device(&store, ada.id, "laptop").await.is_some(), "not yet");
    let batch = |devices| Pruned { devices, ..Pruned::default() };
    assert_eq!(store.prune(due.plus(1), 1).await.unwrap(), batch(1), "one by one if asked");
    assert_eq!(store.prune(due.plus(1), 100).await.unwrap(), batch(1));
    assert_eq!(store.prune(due.plus(1), 100).await.unwrap(), batch(0));
    for secret in ["laptop", "phone"] {
        assert_eq!(device(&store, ada.id, secret).await, None, "{secret}");
    }
    assert!(device(&store, ada.id, "tablet").await.is_some());
    assert_eq!(session(&store, "endless").await.unwrap().device.id, None);
}
