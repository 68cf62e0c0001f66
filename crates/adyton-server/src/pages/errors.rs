//! Refusals in words for the person in front of a page.

use super::words;
use adyton::Rejection;
use adyton::core::csrf::CsrfReason;
use adyton::core::error::{Error, Refusal};

/// The fields of a form by their names, with what they are called on the page.
pub(super) type Labels = &'static [(&'static str, &'static str)];

/// What is wrong with a form.
#[derive(Default)]
pub(super) struct Errors {
    /// What is wrong with no field in particular.
    general: Vec<String>,
    /// In the order of the form.
    fields: Vec<(&'static str, Vec<String>)>,
}

impl Errors {
    /// What an error says of a form; none for what is no matter of a form.
    pub(super) fn of(error: &Error, labels: Labels) -> Option<Self> {
        let mut errors = Self::default();
        match error {
            Error::Invalid(problems) => {
                for (field, problems) in problems.fields() {
                    errors.add(field, problems, labels);
                }
                let place = |field: &str| labels.iter().position(|(name, _)| *name == field);
                errors.fields.sort_by_key(|(field, _)| place(field));
            }
            Error::Unauthenticated(Refusal::InvalidCredentials) => {
                let text = "The e-mail or the password is not right.";
                errors.general.push(text.to_owned());
            }
            Error::TooManyAttempts(exceeded) => {
                let wait = words::duration(exceeded.retry_after);
                errors.general.push(format!("Too many attempts. Try again in {wait}."));
            }
            Error::LimitReached => {
                let text = "You have as many tokens as one account may have. Revoke one first.";
                errors.general.push(text.to_owned());
            }
            _ => return None,
        }
        Some(errors)
    }

    pub(super) fn any(&self) -> bool {
        !self.general.is_empty() || !self.fields.is_empty()
    }

    /// What is wrong with one field.
    pub(super) fn in_(&self, field: &str) -> &[String] {
        let found = self.fields.iter().find(|(name, _)| *name == field);
        found.map_or(&[], |(_, problems)| problems.as_slice())
    }

    pub(super) fn general(&self) -> &[String] {
        &self.general
    }

    /// Each problem with the field that it is in.
    pub(super) fn in_fields(&self) -> Vec<(&str, &str)> {
        let mut all = Vec::new();
        for (field, problems) in &self.fields {
            all.extend(problems.iter().map(|problem| (*field, problem.as_str())));
        }
        all
    }

    fn add(&mut self, field: &'static str, problems: &[String], labels: Labels) {
        let label = labels.iter().find(|(name, _)| *name == field).map(|(_, label)| *label);
        let sentence = |problem: &String| match (problem.as_str(), label) {
            ("is not the current password", _) => "This is not your current password.".to_owned(),
            (problem, Some(label)) => format!("{label} {problem}."),
            (problem, None) => format!("{field} {problem}."),
        };
        let sentences = problems.iter().map(sentence);
        match label {
            Some(_) => self.fields.push((field, sentences.collect())),
            None => self.general.extend(sentences),
        }
    }
}

/// A refusal as a page tells it.
pub(super) struct Told {
    pub(super) title: &'static str,
    pub(super) text: String,
}

/// What a refusal is called, and what one can do about it.
pub(super) fn told(refusal: &Rejection) -> Told {
    let (title, text) = match refusal {
        Rejection::Csrf(CsrfReason::PublicUrlMissing, _) => (
            "Nobody can sign in at this address",
            "This server does not know the host in the address bar as its own. Open it by its own \
             name. If you run it, set server.public_url to the address that people use.",
        ),
        Rejection::Csrf(..) => (
            "This form was not accepted",
            "Your browser did not say that it comes from a page of this site, so nothing was \
             changed. Go back, reload the page and try again.",
        ),
        Rejection::Engine(Error::MissingAbility(missing)) => return lacks(missing),
        Rejection::Engine(Error::NotFound) => {
            ("It is no longer there", "It was ended or removed, or it was never yours.")
        }
        Rejection::NoSuchRoute => ("There is no such page", "Perhaps the address was mistyped."),
        Rejection::MethodNotAllowed => {
            ("That is not how this page works", "Begin from the page that has the form.")
        }
        Rejection::Engine(Error::TooManyAttempts(exceeded)) => {
            let wait = words::duration(exceeded.retry_after);
            return Told { title: "Too many attempts", text: format!("Try again in {wait}.") };
        }
        Rejection::Engine(Error::Overloaded(_) | Error::Store(_)) => (
            "Back in a moment",
            "The server cannot answer just now. Nothing was changed. Try again in a few seconds.",
        ),
        Rejection::TooLarge => ("That is too much", "A form has at most 64 KiB here."),
        Rejection::TooSlow => ("That took too long", "The form did not arrive in time."),
        Rejection::Malformed(_) | Rejection::UnsupportedMediaType => {
            ("This cannot be read", "What your browser sent is no form of these pages.")
        }
        _ => ("Something went wrong here", "It is not your fault. Try again later."),
    };
    Told { title, text: text.to_owned() }
}

fn lacks(missing: &[String]) -> Told {
    let text = format!(
        "You are signed in, but this session lacks the ability “{}” and may not manage the account.",
        missing.join("”, “")
    );
    Told { title: "This session may not do that", text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adyton::Problems;
    use adyton::core::clock::Timestamp;
    use adyton::core::throttle::Exceeded;

    const LABELS: Labels = &[("name", "Name"), ("email", "E-mail")];

    #[test]
    fn problems_stand_in_the_order_of_the_form() {
        let mut problems = Problems::of("email", "is required");
        problems.add("name", "is required");
        problems.add("guard", "must be `token` here");
        let errors = Errors::of(&problems.into(), LABELS).unwrap();
        let told = [("name", "Name is required."), ("email", "E-mail is required.")];
        assert_eq!(errors.in_fields(), told);
        assert_eq!(errors.general(), ["guard must be `token` here."]);
        assert!(errors.any() && errors.in_("name").len() == 1 && errors.in_("x").is_empty());
    }

    #[test]
    fn who_tries_too_often_learns_how_long_to_wait() {
        let resets_at = Timestamp::from_unix(0);
        let exceeded = || Error::TooManyAttempts(Exceeded { limit: 5, retry_after: 42, resets_at });
        let errors = Errors::of(&exceeded(), LABELS).unwrap();
        assert_eq!(errors.general(), ["Too many attempts. Try again in 42 seconds."]);
        assert_eq!(told(&exceeded().into()).text, "Try again in 42 seconds.");
    }

    #[test]
    fn what_is_no_matter_of_a_form_is_told_on_a_page_of_its_own() {
        assert!(Errors::of(&Error::NotFound, LABELS).is_none());
        assert!(Errors::of(&Refusal::SessionRevoked.into(), LABELS).is_none());
    }
}
