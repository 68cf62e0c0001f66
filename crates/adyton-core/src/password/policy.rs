//! Which passwords are refused (ASVS 6.2): too short, too long, or among those tried first.

use super::LONGEST;

/// The rules for new passwords. Composition rules are left out on purpose (NIST SP 800-63B-4).
#[derive(Debug)]
pub(crate) struct PasswordPolicy {
    min_length: usize,
    /// Sorted, in lower case.
    common: Vec<&'static str>,
}

impl PasswordPolicy {
    /// Rules with this least number of characters.
    pub(crate) fn new(min_length: usize) -> Self {
        let list = include_str!("../../data/common_passwords.txt");
        Self { min_length, common: list.lines().collect() }
    }

    /// What is wrong with a new password, in words for the person who chose it; empty if nothing.
    pub(crate) fn problems(&self, password: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if password.chars().count() < self.min_length {
            problems.push(format!("must have at least {} characters", self.min_length));
        }
        if password.len() > LONGEST {
            problems.push(format!("must have at most {LONGEST} bytes"));
        }
        if password.contains('\0') {
            problems.push("must not contain the NUL character".to_owned());
        }
        if problems.is_empty() && self.is_common(password) {
            problems
                .push("is one of the passwords that are tried first; choose another".to_owned());
        }
        problems
    }

    fn is_common(&self, password: &str) -> bool {
        self.common.binary_search(&password.to_lowercase().as_str()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_long_sorted_and_fitting() {
        let policy = PasswordPolicy::new(8);
        assert!(policy.common.len() >= 3000);
        assert!(policy.common.is_sorted());
        assert!(policy.common.iter().all(|common| common.chars().count() >= 8));
    }

    #[test]
    fn weak_passwords_are_told_why() {
        let policy = PasswordPolicy::new(8);
        for (password, word) in [
            ("short", "at least 8"),
            ("Password", "tried first"),
            ("qwertyuiop", "tried first"),
            ("correct\0horse", "NUL"),
            (&"a".repeat(1025), "at most 1024"),
        ] {
            assert!(policy.problems(password).concat().contains(word), "{password:?}");
        }
        assert!(policy.problems("correct horse 1").is_empty());
        assert!(policy.problems("пароль-и-ключ").is_empty());
    }
}
