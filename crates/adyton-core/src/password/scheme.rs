//! Hash schemes: what writes a new hash, what verifies an old one, and a decoy for nobody's.

use crate::secret::{EntropyError, password_salt};
use crate::user::StoredPassword;
use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::{Engine, alphabet, engine};
use std::collections::HashMap;
use std::str::FromStr;
use subtle::ConstantTimeEq;

/// OWASP's first choice for argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const OUTPUT: usize = 32;
/// What the column holds, in Laravel's tables too.
const LONGEST_STORED: usize = 255;
/// A stored hash that asks for more memory than this (1 GiB) is not computed: it verifies nothing.
const MOST_MEMORY_KIB: u32 = 1 << 20;
/// Nor is one that goes over more than this in all its passes (4 GiB), or a bcrypt hash of a higher cost:
/// each is seconds of a hashing thread, and somebody else's file may ask for days.
const MOST_WORK_KIB: u64 = 1 << 22;
const MOST_BCRYPT_COST: u32 = 16;

/// The working memory of one hashing thread, kept between hashes.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    fn argon2(&mut self, argon2: &Argon2<'_>, password: &str, salt: &[u8], out: &mut [u8]) -> bool {
        let blocks = argon2.params().block_count();
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::default());
        }
        let memory = &mut self.0[..blocks];
        argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, memory).is_ok()
    }

    /// Gives the memory back.
    pub(super) fn release(&mut self) {
        self.0 = Vec::new();
    }
}

/// Hashes a new password: argon2id, m=19456, t=2, p=1.
pub(super) fn hash(password: &str, memory: &mut Memory) -> Result<StoredPassword, HashError> {
    let (salt, mut output) = (password_salt()?, [0; OUTPUT]);
    if !memory.argon2(&Argon2::from(own_params()), password, &salt, &mut output) {
        return Err(HashError::Argon2);
    }
    Ok(StoredPassword::new(phc("argon2id", &own_params(), &salt, &output)))
}

/// Whether a password is the one behind a stored hash. A hash of no known scheme is nobody's.
pub(super) fn verify(password: &str, stored: &str, memory: &mut Memory) -> bool {
    match Scheme::read(stored) {
        Some(Scheme::Argon2 { algorithm, params, salt, output }) => {
            let argon2 = Argon2::new(algorithm, Version::V0x13, params);
            let mut computed = vec![0; output.len()];
            memory.argon2(&argon2, password, &salt, &mut computed) && computed.ct_eq(&output).into()
        }
        // As in PHP, bcrypt reads 72 bytes and no more.
        Some(Scheme::Bcrypt { .. }) => bcrypt::verify(password, stored).unwrap_or(false),
        None => false,
    }
}

/// Whether a hash can be computed at all. One that cannot is verified by nobody, and in no time: who
/// asks about it gets the decoy's time instead.
pub(crate) fn is_usable(stored: &StoredPassword) -> bool {
    Scheme::read(stored.as_str()).is_some()
}

/// What keeps a hash that somebody else made from being stored, in words for an operator; `None`
/// if nothing does. The hash itself is in none of them.
pub(crate) fn problem_of_hash(stored: &StoredPassword) -> Option<&'static str> {
    let text = stored.as_str();
    let known =
        ["$2y$", "$2b$", "$2a$", "$2x$", "$argon2"].iter().any(|kind| text.starts_with(kind));
    match text {
        "" => Some("is required"),
        _ if text.len() > LONGEST_STORED => Some("must have at most 255 bytes"),
        _ if is_usable(stored) => None,
        _ if known => Some(
            "is damaged, or costs too much to verify: bcrypt may have a cost of 16, argon2 1 GiB and 4 GiB over its passes",
        ),
        _ if text.starts_with(['$', '{']) => {
            Some("is of an unknown kind: only bcrypt and argon2 are known")
        }
        _ => Some("is not a bcrypt or argon2 hash; passwords in plain text are not taken"),
    }
}

/// Why a new password was not hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// The system has no randomness for a salt.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// argon2 refused its input.
    #[error("argon2 refused its input")]
    Argon2,
}

/// Whether a sign-in should replace this hash with one of today's scheme and cost.
pub(crate) fn needs_rehash(stored: &StoredPassword) -> bool {
    Scheme::read(stored.as_str()).is_none_or(|scheme| scheme.cost() != Cost::own())
}

/// What is verified when there is no such user or no usable hash, so that the answer takes as long
/// as for everybody else: scheme and cost are the most frequent among the stored hashes.
#[derive(Clone, Debug)]
pub(crate) struct Decoy(StoredPassword);

impl Decoy {
    /// Makes one out of a sample of stored hashes; without any it costs what new hashes cost.
    ///
    /// # Errors
    /// [`EntropyError`] when the system has no randomness to give.
    pub(crate) fn after(sample: &[StoredPassword]) -> Result<Self, EntropyError> {
        let mut votes: HashMap<Cost, usize> = HashMap::new();
        for scheme in sample.iter().filter_map(|stored| Scheme::read(stored.as_str())) {
            *votes.entry(scheme.cost()).or_default() += 1;
        }
        let most = votes.into_iter().max_by_key(|(_, count)| *count).map(|(cost, _)| cost);
        Ok(Self(StoredPassword::new(most.unwrap_or_else(Cost::own).decoy()?)))
    }

    /// The hash, of no password that anybody knows.
    pub(crate) fn stored(&self) -> &StoredPassword {
        &self.0
    }
}

/// A stored hash, read.
enum Scheme {
    Argon2 { algorithm: Algorithm, params: Params, salt: Vec<u8>, output: Vec<u8> },
    Bcrypt { cost: u32 },
}

impl Scheme {
    fn read(stored: &str) -> Option<Self> {
        if stored.starts_with("$argon2") {
            return Self::read_argon2(stored);
        }
        let (version, rest) = stored.strip_prefix("$2")?.split_once('$')?;
        let cost = rest.split_once('$')?.0.parse().ok()?;
        let right =
            matches!(version, "y" | "b" | "a" | "x") && (4..=MOST_BCRYPT_COST).contains(&cost);
        // The library must read it too, or it would refuse before it computes.
        (right && bcrypt::HashParts::from_str(stored).is_ok()).then_some(Self::Bcrypt { cost })
    }

    fn read_argon2(stored: &str) -> Option<Self> {
        let phc = PasswordHash::new(stored).ok()?;
        let params = Params::try_from(&phc).ok()?;
        let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
        let right = phc.version == Some(Version::V0x13.into())
            && params.m_cost() <= MOST_MEMORY_KIB
            && work <= MOST_WORK_KIB;
        Some(Self::Argon2 {
            algorithm: Algorithm::try_from(phc.algorithm.as_str()).ok()?,
            params,
            salt: phc.salt?.to_vec(),
            output: phc.hash.filter(|_| right)?.as_bytes().to_vec(),
        })
    }

    fn cost(&self) -> Cost {
        match self {
            Self::Argon2 { algorithm, params, output, .. } => Cost::Argon2 {
                algorithm: algorithm.as_str(),
                memory: params.m_cost(),
                passes: params.t_cost(),
                lanes: params.p_cost(),
                output: output.len(),
            },
            Self::Bcrypt { cost } => Cost::Bcrypt(*cost),
        }
    }
}

/// What makes two hashes take the same time.
#[derive(PartialEq, Eq, Hash)]
enum Cost {
    Argon2 { algorithm: &'static str, memory: u32, passes: u32, lanes: u32, output: usize },
    Bcrypt(u32),
}

impl Cost {
    fn own() -> Self {
        let (memory, passes, lanes) = (MEMORY_KIB, PASSES, LANES);
        Self::Argon2 { algorithm: "argon2id", memory, passes, lanes, output: OUTPUT }
    }

    /// A hash of this cost whose salt and output are random.
    fn decoy(&self) -> Result<String, EntropyError> {
        let (salt, half, other) = (password_salt()?, password_salt()?, password_salt()?);
        match self {
            Self::Argon2 { algorithm, memory, passes, lanes, output } => {
                let params = Params::new(*memory, *passes, *lanes, None).unwrap_or_default();
                let random: Vec<u8> =
                    half.iter().chain(&other).copied().cycle().take(*output).collect();
                Ok(phc(algorithm, &params, &salt, &random))
            }
            Self::Bcrypt(cost) => {
                let radix =
                    engine::GeneralPurpose::new(&alphabet::BCRYPT, engine::general_purpose::NO_PAD);
                let random = [&half[..], &other[..7]].concat();
                Ok(format!("$2y${cost:02}${}{}", radix.encode(salt), radix.encode(random)))
            }
        }
    }
}

fn own_params() -> Params {
    Params::new(MEMORY_KIB, PASSES, LANES, Some(OUTPUT)).unwrap_or_default()
}

/// The PHC string: `$argon2id$v=19$m=19456,t=2,p=1$salt$output`.
fn phc(algorithm: &str, params: &Params, salt: &[u8], output: &[u8]) -> String {
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    format!("${algorithm}$v=19$m={m},t={t},p={p}${salt}${output}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What `Hash::make('password')` gives in Laravel's factories, and PHP's argon2 functions.
    const LARAVEL: &str = "$2y$10$92IXUNpkjO0rOQ5byMi.Ye4oKoEa3Ro9llC/.og/at2.uheWG/igi";

    #[test]
    fn a_new_hash_verifies_its_password_alone() {
        let mut memory = Memory::default();
        let stored = hash("correct horse 1", &mut memory).unwrap();
        assert!(stored.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse 1", stored.as_str(), &mut memory));
        assert!(!verify("correct horse 2", stored.as_str(), &mut memory));
        assert!(!needs_rehash(&stored));
    }

    #[test]
    fn older_schemes_verify_and_ask_for_a_rehash() {
        let mut memory = Memory::default();
        let params = Params::new(64, 1, 2, Some(24)).unwrap();
        let (salt, mut output) = (password_salt().unwrap(), [0; 24]);
        let argon2 = Argon2::new(Algorithm::Argon2i, Version::V0x13, params.clone());
        memory.argon2(&argon2, "password", &salt, &mut output);
        for stored in [LARAVEL.to_owned(), phc("argon2i", &params, &salt, &output)] {
            assert!(verify("password", &stored, &mut memory), "{stored}");
            assert!(!verify("Password", &stored, &mut memory), "{stored}");
            assert!(needs_rehash(&StoredPassword::new(stored)));
        }
    }

    #[test]
    fn what_is_no_hash_verifies_nothing() {
        let mut memory = Memory::default();
        for stored in [
            "",
            "password",
            "$2y$10$",
            "$2y$99$x",
            "$2y$10$!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
            "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=2097152,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=65536,t=65,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
            &LARAVEL.replace("$10$", "$17$"),
            &LARAVEL.replace("$10$", "$31$"),
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "!",
            "$argon2id$",
            "$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$AAAA",
        ] {
            assert!(!verify("password", stored, &mut memory), "{stored}");
            assert!(!is_usable(&StoredPassword::new(stored.into())), "{stored}");
        }
    }

    #[test]
    fn what_keeps_a_hash_out_is_told_without_the_hash() {
        let own = hash("x", &mut Memory::default()).unwrap();
        let node = LARAVEL.replace("$2y$", "$2b$");
        for good in [own.as_str(), LARAVEL, &node] {
            assert_eq!(problem_of_hash(&StoredPassword::new(good.into())), None, "{good}");
        }
        let salted = format!("$argon2id$v=19$m=64,t=1,p=1${}$AAAA", "A".repeat(300));
        for (bad, told) in [
            ("", "is required"),
            ("hunter2hunter2", "plain text"),
            ("5f4dcc3b5aa765d61d8327deb882cf99", "plain text"),
            ("$1$salt$qJH7.N4xYta3aEG/dfqo/0", "unknown kind"),
            ("$P$B12345678901234567890123456789.", "unknown kind"),
            ("{SSHA}c2FsdGVkaGFzaA==", "unknown kind"),
            ("$2y$10$tooshort", "damaged"),
            (&LARAVEL.replace("$10$", "$31$"), "too much"),
            (
                "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
                "damaged",
            ),
            (&LARAVEL[..59], "damaged"),
            (&format!("{LARAVEL} "), "damaged"),
            (&salted, "at most 255"),
        ] {
            let problem = problem_of_hash(&StoredPassword::new(bad.into())).unwrap();
            assert!(problem.contains(told), "{bad}: {problem}");
            assert!(bad.is_empty() || !problem.contains(bad), "{problem}");
        }
    }

    #[test]
    fn a_decoy_costs_what_most_hashes_cost() {
        let own = hash("x", &mut Memory::default()).unwrap();
        let laravel = StoredPassword::new(LARAVEL.into());
        let decoy = Decoy::after(&[own.clone(), laravel.clone(), laravel]).unwrap();
        assert!(
            decoy.stored().as_str().starts_with("$2y$10$") && decoy.stored().as_str().len() == 60
        );
        assert!(matches!(Scheme::read(decoy.stored().as_str()), Some(Scheme::Bcrypt { cost: 10 })));
        for sample in [vec![], vec![own]] {
            assert!(!needs_rehash(Decoy::after(&sample).unwrap().stored()));
        }
        assert!(
            bcrypt::verify(
                "x",
                Decoy::after(&[StoredPassword::new(LARAVEL.into())]).unwrap().stored().as_str()
            )
            .is_ok()
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\$2y\\$|\\$argon2id\\$)?.{0,80}") {
            let _ = Scheme::read(&text);
        }
    }
}
