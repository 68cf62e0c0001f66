//! Runs what an app has registered for events: in order, one at a time, on a task of its own, so
//! that a hook that is slow or panics neither slows nor breaks a sign-in.

use adyton_core::auth::Listener;
use adyton_core::event::Event;
use std::sync::Arc;

pub(crate) type Hook = Arc<dyn Fn(&Event) + Send + Sync>;

/// Calls the hooks until the engine is gone.
pub(crate) async fn run(mut events: Listener, hooks: Vec<Hook>) {
    while let Some(event) = events.next().await {
        let event = Arc::new(event);
        for hook in &hooks {
            call(Arc::clone(hook), Arc::clone(&event)).await;
        }
    }
}

/// On a thread that may block, since a hook may.
async fn call(hook: Hook, event: Arc<Event>) {
    let kind = event.event.as_str();
    let called = tokio::task::spawn_blocking(move || hook(&event)).await;
    // At the end of the runtime it is cancelled instead, which is nobody's fault.
    if called.is_err_and(|error| error.is_panic()) {
        tracing::error!(event = kind, "a hook panicked");
    }
}
