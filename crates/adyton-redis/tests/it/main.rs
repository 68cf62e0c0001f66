//! Against a real server: the one of `ADYTON_TEST_REDIS_URL`, and such as the tests start
//! themselves in order to kill them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]
#![allow(clippy::print_stderr, clippy::disallowed_methods, reason = "tests say what they skip")]

mod channel;
mod outage;
mod throttle;
mod world;
