//! x
pub struct WithUsers;
