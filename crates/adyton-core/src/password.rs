//! Passwords: which are refused, how they are hashed, and how old hashes are still verified.
//!
//! New hashes are argon2id with OWASP's parameters; bcrypt and other argon2 parameters are accepted
//! on the way in. The work is done on [`pool`](Hasher) threads, never on the caller's.

mod policy;
mod pool;
mod scheme;

pub(crate) use policy::PasswordPolicy;
pub(crate) use pool::Hasher;
pub use pool::Overloaded;
pub use scheme::HashError;
pub(crate) use scheme::{Decoy, is_usable, needs_rehash, problem_of_hash};

/// Longest password, in bytes: beyond it nobody types, and hashing it would be a weapon.
pub(crate) const LONGEST: usize = 1024;
