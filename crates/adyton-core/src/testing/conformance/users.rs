//! Rules for users.

use super::given::*;
use crate::event::EventKind;
use crate::secret::Hash;
use crate::store::UserUpdate;
use crate::user::{UserChange, UserId};
use std::sync::Arc;

rules![
    a_new_user_is_found_by_id_and_by_email,
    an_email_is_stored_in_lower_case_and_found_in_any,
    who_is_unknown_is_none,
    an_email_is_taken_in_whatever_case,
    of_concurrent_inserts_with_one_email_one_succeeds,
    the_event_of_a_new_user_names_them,
    a_change_leaves_what_it_does_not_name,
    the_email_of_somebody_else_is_refused_in_whatever_case,
    ones_own_email_is_no_conflict,
    a_change_needs_the_password_that_was_verified_for_it,
    who_is_gone_cannot_change,
    a_password_is_replaced_only_while_the_expected_one_stands,
    of_concurrent_password_replacements_one_succeeds,
    deleting_a_user_deletes_nothing_else,
    ids_of_users_are_never_used_again,
    users_are_listed_in_pages_by_id,
    no_more_passwords_are_sampled_than_asked_for,
];

async fn a_new_user_is_found_by_id_and_by_email(store: Given) {
    let made = ada(&store).await;
    assert_eq!((made.name.as_str(), made.email.as_str()), ("Ada", "ada@example.com"));
    assert_eq!((made.created_at, made.updated_at), (Some(NOW), Some(NOW)));
    assert_eq!(store.find_user(made.id).await.unwrap(), Some(made.clone()));
    let by_id = store.find_account(made.id).await.unwrap().unwrap();
    let by_email = store.find_account_by_email(&email("ada@example.com")).await.unwrap().unwrap();
    for account in [by_id, by_email] {
        assert_eq!((account.user, account.password), (made.clone(), Some(password("first"))));
    }
}

async fn an_email_is_stored_in_lower_case_and_found_in_any(store: Given) {
    let made = user(&store, "Ada@Example.com").await;
    assert_eq!(made.email, "ada@example.com");
    for typed in ["ada@example.com", "ADA@example.COM"] {
        let found = store.find_account_by_email(&email(typed)).await.unwrap();
        assert_eq!(found.map(|account| account.user.id), Some(made.id), "{typed}");
    }
}

async fn who_is_unknown_is_none(store: Given) {
    ada(&store).await;
    assert!(store.find_user(NOBODY).await.unwrap().is_none());
    assert!(store.find_account(NOBODY).await.unwrap().is_none());
    for other in ["grace@example.com", "ada@example.co", "ada_@example.com", "%@example.com"] {
        let found = store.find_account_by_email(&email(other)).await.unwrap();
        assert!(found.is_none(), "{other}");
    }
}

async fn an_email_is_taken_in_whatever_case(store: Given) {
    let first = ada(&store).await;
    for taken in ["ada@example.com", "ADA@Example.com"] {
        let event = event(EventKind::UserCreated);
        let second = store.insert_user(new_user(taken), NOW, event).await.unwrap();
        assert_eq!(second, None, "{taken}");
    }
    assert_eq!(store.list_users(UserId(0), 10).await.unwrap(), [first]);
    assert_eq!(events(&store).await.len(), 1, "a refused user leaves no event");
}

async fn of_concurrent_inserts_with_one_email_one_succeeds(store: Given) {
    let calls = (0..10).map(|_| {
        let store = Arc::clone(&store);
        async move {
            let event = event(EventKind::UserCreated);
            store.insert_user(new_user("ada@example.com"), NOW, event).await
        }
    });
    assert_eq!(count_winners(calls, |made| made.as_ref().unwrap().is_some()).await, 1);
}

async fn the_event_of_a_new_user_names_them(store: Given) {
    let made = ada(&store).await;
    let written = events(&store).await;
    assert_eq!(written, [event(EventKind::UserCreated).user(made.id)]);
}

async fn a_change_leaves_what_it_does_not_name(store: Given) {
    let made = ada(&store).await;
    let later = NOW.plus(DAY);
    let written = || event(EventKind::UserUpdated).user(made.id);
    let name = UserChange { name: Some("Countess".to_owned()), ..UserChange::default() };
    let update = store.update_user(made.id, name, later, written()).await.unwrap();
    let mut expected = made.clone();
    expected.name = "Countess".to_owned();
    expected.updated_at = Some(later);
    assert_eq!(update, UserUpdate::Updated(expected.clone()));

    let address =
        UserChange { email: Some(email("Lovelace@example.com")), ..UserChange::default() };
    let update = store.update_user(made.id, address, later, written()).await.unwrap();
    expected.email = "lovelace@example.com".to_owned();
    assert_eq!(update, UserUpdate::Updated(expected.clone()));

    assert_eq!(store.find_user(made.id).await.unwrap(), Some(expected));
    assert_eq!(stored_password(&store, made.id).await, Some(password("first")));
    assert_eq!(events_of(&store, EventKind::UserUpdated).await, [written(), written()]);
}

async fn the_email_of_somebody_else_is_refused_in_whatever_case(store: Given) {
    let (ada, _) = (ada(&store).await, grace(&store).await);
    for taken in ["grace@example.com", "Grace@EXAMPLE.com"] {
        let change =
            UserChange { name: Some("G".to_owned()), email: Some(email(taken)), verified: None };
        let event = event(EventKind::UserUpdated).user(ada.id);
        let update = store.update_user(ada.id, change, NOW.plus(DAY), event).await.unwrap();
        assert_eq!(update, UserUpdate::EmailTaken, "{taken}");
    }
    assert_eq!(store.find_user(ada.id).await.unwrap(), Some(ada), "nothing changes");
    assert!(events_of(&store, EventKind::UserUpdated).await.is_empty());
}

async fn ones_own_email_is_no_conflict(store: Given) {
    let ada = ada(&store).await;
    let change = UserChange { email: Some(email("ADA@example.com")), ..UserChange::default() };
    let event = event(EventKind::UserUpdated).user(ada.id);
    let update = store.update_user(ada.id, change, NOW, event).await.unwrap();
    assert_eq!(update, UserUpdate::Updated(ada));
}

async fn a_change_needs_the_password_that_was_verified_for_it(store: Given) {
    let ada = ada(&store).await;
    let attempt = async |address: &str, verified| {
        let verified = Some(password(verified));
        let change = UserChange { name: None, email: Some(email(address)), verified };
        let event = event(EventKind::UserUpdated).user(ada.id);
        store.update_user(ada.id, change, NOW.plus(DAY), event).await.unwrap()
    };
    assert_eq!(attempt("thief@example.com", "older").await, UserUpdate::PasswordChanged);
    assert_eq!(store.find_user(ada.id).await.unwrap(), Some(ada.clone()), "nothing changes");
    assert!(events_of(&store, EventKind::UserUpdated).await.is_empty());
    let made = attempt("countess@example.com", "first").await;
    assert!(matches!(made, UserUpdate::Updated(user) if user.email == "countess@example.com"));
}

async fn who_is_gone_cannot_change(store: Given) {
    let change = UserChange { name: Some("Ada".to_owned()), ..UserChange::default() };
    let event = event(EventKind::UserUpdated).user(NOBODY);
    let update = store.update_user(NOBODY, change, NOW, event).await.unwrap();
    assert_eq!(update, UserUpdate::NotFound);
    assert!(!store.set_password(NOBODY, None, password("new"), NOW).await.unwrap());
    assert!(!store.delete_user(NOBODY).await.unwrap());
    assert!(events(&store).await.is_empty());
}

async fn a_password_is_replaced_only_while_the_expected_one_stands(store: Given) {
    let id = ada(&store).await.id;
    let (first, second) = (password("first"), password("second"));
    let later = NOW.plus(DAY);
    assert!(!store.set_password(id, Some(&second), password("x"), later).await.unwrap());
    assert_eq!(stored_password(&store, id).await, Some(first.clone()));
    assert!(store.set_password(id, Some(&first), second.clone(), later).await.unwrap());
    assert_eq!(stored_password(&store, id).await, Some(second.clone()));
    assert!(
        store.set_password(id, Some(&second), second.clone(), later).await.unwrap(),
        "the same hash again is no failure"
    );
    assert!(store.set_password(id, None, first.clone(), later).await.unwrap());
    assert_eq!(stored_password(&store, id).await, Some(first));
}

async fn of_concurrent_password_replacements_one_succeeds(store: Given) {
    let id = ada(&store).await.id;
    let calls = (0..10).map(|n| {
        let store = Arc::clone(&store);
        async move {
            let new = password(&format!("new {n}"));
            store.set_password(id, Some(&password("first")), new, NOW).await
        }
    });
    assert_eq!(count_winners(calls, |set| *set.as_ref().unwrap()).await, 1);
}

async fn deleting_a_user_deletes_nothing_else(store: Given) {
    let ada = ada(&store).await;
    signed_in(&store, &ada, "laptop").await;
    personal(&store, &ada, "ci", None).await;
    assert!(store.delete_user(ada.id).await.unwrap());
    assert!(store.find_user(ada.id).await.unwrap().is_none());
    assert!(session(&store, "laptop").await.is_some());
    for hash in [access("laptop"), Hash::of("ci")] {
        let found = store.find_token(&hash).await.unwrap().expect("the token stays");
        assert_eq!(found.user, None, "its owner is gone");
    }
    assert!(!store.delete_user(ada.id).await.unwrap());
}

async fn ids_of_users_are_never_used_again(store: Given) {
    let (first, last) = (ada(&store).await.id, grace(&store).await.id);
    for id in [first, last] {
        store.delete_user(id).await.unwrap();
    }
    let next = ada(&store).await.id;
    assert!(![first, last].contains(&next), "{next} was somebody else");
}

async fn users_are_listed_in_pages_by_id(store: Given) {
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(user(&store, &format!("user{n}@example.com")).await);
    }
    assert_eq!(store.list_users(UserId(0), 2).await.unwrap(), made[..2]);
    assert_eq!(store.list_users(made[1].id, 2).await.unwrap(), made[2..4]);
    assert_eq!(store.list_users(made[3].id, 2).await.unwrap(), made[4..]);
    assert!(store.list_users(made[4].id, 2).await.unwrap().is_empty());
}

async fn no_more_passwords_are_sampled_than_asked_for(store: Given) {
    assert!(store.sample_passwords(3).await.unwrap().is_empty());
    for n in 0..5 {
        let made = user(&store, &format!("user{n}@example.com")).await;
        let new = password(&n.to_string());
        store.set_password(made.id, None, new, NOW).await.unwrap();
    }
    let known: Vec<_> = (0..5).map(|n| password(&n.to_string())).collect();
    let sample = store.sample_passwords(3).await.unwrap();
    assert_eq!(sample.len(), 3);
    assert!(sample.iter().all(|password| known.contains(password)));
    assert_eq!(store.sample_passwords(100).await.unwrap().len(), 5);
}
