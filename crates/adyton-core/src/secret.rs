//! Secrets: how they are drawn, written, hashed and recognised.
//!
//! Two types keep the two forms apart. [`PlainText`] is what the owner holds: it is shown once and
//! never reaches a store. [`struct@Hash`] is what a store holds: it signs nobody in. This is the only
//! module that draws random numbers.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX: usize = 4;
/// 62^43 > 2^256: the shortest base62 text that carries 256 bits.
const SECRET: usize = 43;
const CHECKSUM: usize = 6;

/// What a secret is for. A secret of one kind never works in the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// `adt_`: access tokens and personal access tokens.
    Access,
    /// `adr_`: refresh tokens.
    Refresh,
    /// `ads_`: the secret in a session cookie.
    Cookie,
    /// `add_`: what a device is known by. It signs nobody in.
    Device,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Access, Self::Refresh, Self::Cookie, Self::Device];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "adt_",
            Self::Refresh => "adr_",
            Self::Cookie => "ads_",
            Self::Device => "add_",
        }
    }

    /// The kind that a text claims to be by its prefix, whatever follows.
    pub(crate) fn claimed_by(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))
    }
}

/// A secret as its owner holds it. It is wiped from memory on drop and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainText(Zeroizing<String>);

impl PlainText {
    /// Draws a new secret from the system's generator: prefix, 43 base62 characters, CRC-32.
    ///
    /// # Errors
    /// [`EntropyError`] when the system has no randomness to give.
    pub fn draw(kind: Kind) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        let mut failed = None;
        let secret = base62(|_| {
            if let Err(error) = getrandom::fill(bytes.as_mut_slice()) {
                failed = Some(error);
            }
            *bytes
        });
        match failed {
            Some(error) => Err(EntropyError(error)),
            None => Ok(Self::assemble(kind, &secret)),
        }
    }

    /// Derives the secret that follows `self` under `salt` (HKDF-SHA-256, RFC 5869).
    ///
    /// The same two inputs give the same successor, so a lost answer can be given again although
    /// no plain text is kept; without the predecessor's plain text the salt is worth nothing.
    pub(crate) fn successor(&self, kind: Kind, salt: &Salt) -> Self {
        let derivation = Hkdf::<Sha256>::new(Some(&salt.0), self.0.as_bytes());
        let secret = base62(|block| {
            let mut bytes = [0; 32];
            // The only error is an output over 8,160 bytes.
            let _ = derivation.expand_multi_info(&[kind.prefix().as_bytes(), &[block]], &mut bytes);
            bytes
        });
        Self::assemble(kind, &secret)
    }

    /// Reads a presented text as a secret of `kind`. Prefix, length, alphabet and checksum must be
    /// right, so garbage and typing errors are refused before any look-up.
    #[must_use]
    pub fn parse(kind: Kind, text: &str) -> Option<Self> {
        Self::has_form(kind, text).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Hashes a presented text if [`parse`](Self::parse) would read it, without a copy to be wiped.
    pub(crate) fn hash_presented(kind: Kind, text: &str) -> Option<Hash> {
        Self::has_form(kind, text).then(|| Hash::of(text))
    }

    fn has_form(kind: Kind, text: &str) -> bool {
        text.len() == PREFIX + SECRET + CHECKSUM
            && text.starts_with(kind.prefix())
            && text.bytes().skip(PREFIX).all(|byte| byte.is_ascii_alphanumeric())
            && text.as_bytes()[PREFIX + SECRET..] == checksum(&text[..PREFIX + SECRET])
    }

    /// The text itself, to be handed to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What a store keeps of it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(&self.0)
    }

    fn assemble(kind: Kind, secret: &str) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(PREFIX + SECRET + CHECKSUM));
        text.push_str(kind.prefix());
        text.push_str(secret);
        let sum = checksum(&text);
        text.extend(sum.map(char::from));
        Self(text)
    }
}

impl fmt::Debug for PlainText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainText(…)")
    }
}

/// The owner of a secret is shown it once: in the answer that this is serialised into.
impl Serialize for PlainText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The SHA-256 of a secret: the only form in which a store sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash([u8; 32]);

impl Hash {
    /// Hashes a text exactly as it stands.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The HMAC-SHA-256 of some texts, none of which holds a NUL, under a key of any length.
    pub(crate) fn keyed(key: &str, texts: &[&str]) -> Self {
        // A key longer than a block is hashed first (RFC 2104), so no length is refused.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
            return Self::of(key);
        };
        for text in texts {
            mac.update(text.as_bytes());
            mac.update(&[0]);
        }
        Self(mac.finalize().into_bytes().into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Lower-case hexadecimal: the form in the database, as Sanctum writes it.
    #[must_use]
    pub fn to_hex(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = String::with_capacity(64);
        for byte in self.0 {
            hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
            hex.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        hex
    }

    /// Reads what [`to_hex`](Self::to_hex) wrote. Upper case is somebody else's value, not a hash.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, []) = hex.as_bytes().as_chunks::<2>() else { return None };
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

/// The random half of a derivation. It stands in the session row for the grace only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Draws a new one.
    ///
    /// # Errors
    /// [`EntropyError`] when the system has no randomness to give.
    pub fn draw() -> Result<Self, EntropyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(EntropyError)?;
        Ok(Self(bytes))
    }

    /// Lower-case hexadecimal, as a store keeps it.
    #[must_use]
    pub fn to_hex(&self) -> String {
        Hash(self.0).to_hex()
    }

    /// Reads what [`to_hex`](Self::to_hex) wrote.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        Hash::from_hex(hex).map(|Hash(bytes)| Self(bytes))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The system's random number generator failed.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random numbers")]
pub struct EntropyError(#[source] getrandom::Error);

/// Sixteen random bytes for a password's salt.
pub(crate) fn password_salt() -> Result<[u8; 16], EntropyError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(EntropyError)?;
    Ok(bytes)
}

/// Thirty-two random bytes that key what lives and ends with this process.
pub(crate) fn process_secret() -> Result<[u8; 32], EntropyError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(EntropyError)?;
    Ok(bytes)
}

/// A public identifier: 22 base62 characters (131 bits) that name a row and open nothing.
pub(crate) fn public_id() -> Result<String, EntropyError> {
    let mut secret = PlainText::draw(Kind::Access)?.0.split_off(PREFIX);
    secret.truncate(22);
    Ok(secret)
}

/// What the ids of a process's requests begin with: 8 base62 characters that tell processes apart.
/// They name log lines and open nothing.
///
/// # Errors
/// [`EntropyError`] when the system has no randomness to give.
#[doc(hidden)] // for the doors of `adyton` alone
pub fn request_prefix() -> Result<String, EntropyError> {
    let mut prefix = public_id()?;
    prefix.truncate(8);
    Ok(prefix)
}

/// 43 unbiased base62 characters out of blocks of 32 bytes; a byte that would bias is passed over.
fn base62(mut block: impl FnMut(u8) -> [u8; 32]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(SECRET));
    for counter in 0..=u8::MAX {
        for byte in block(counter) {
            if byte < 248 && text.len() < SECRET {
                text.push(char::from(BASE62[usize::from(byte % 62)]));
            }
        }
        if text.len() == SECRET {
            break;
        }
    }
    text
}

/// CRC-32 (IEEE) as six base62 digits, most significant first. It finds typing errors and lets
/// scanners recognise a leaked token; it protects nothing.
fn checksum(text: &str) -> [u8; CHECKSUM] {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_drawn_secret_reads_back_as_its_own_kind_only() {
        for kind in Kind::ALL {
            let secret = PlainText::draw(kind).unwrap();
            assert_eq!(secret.expose().len(), 53);
            for other in Kind::ALL {
                assert_eq!(PlainText::parse(other, secret.expose()).is_some(), kind == other);
            }
        }
    }

    #[test]
    fn the_checksum_is_the_one_of_the_contract() {
        let text = format!("adt_{}", "0".repeat(43));
        let expected = crc32fast::hash(text.as_bytes());
        let value = checksum(&text).iter().fold(0_u64, |sum, digit| {
            sum * 62 + BASE62.iter().position(|known| known == digit).unwrap() as u64
        });
        assert_eq!(value, u64::from(expected));
        assert!(PlainText::parse(Kind::Access, &format!("{text}000000")).is_none());
    }

    #[test]
    fn a_successor_follows_from_both_inputs() {
        let (first, salt) = (PlainText::draw(Kind::Refresh).unwrap(), Salt::draw().unwrap());
        let second = first.successor(Kind::Refresh, &salt);
        assert_eq!(second, first.successor(Kind::Refresh, &salt));
        assert_ne!(second, first.successor(Kind::Refresh, &Salt::draw().unwrap()));
        assert_ne!(second, PlainText::draw(Kind::Refresh).unwrap().successor(Kind::Refresh, &salt));
        let access = first.successor(Kind::Access, &salt);
        assert_ne!(access.expose()[4..47], second.expose()[4..47]);
        assert!(PlainText::parse(Kind::Access, access.expose()).is_some());
    }

    #[test]
    fn nothing_secret_is_in_debug() {
        let secret = PlainText::draw(Kind::Access).unwrap();
        let shown = format!("{secret:?} {:?} {:?}", secret.hash(), Salt::draw().unwrap());
        assert_eq!(shown, "PlainText(…) Hash(…) Salt(…)");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_none_is_read_by_chance(text in ".{0,600}") {
            for kind in Kind::ALL {
                prop_assert!(PlainText::parse(kind, &text).is_none());
            }
            let _ = (Hash::from_hex(&text), Kind::claimed_by(&text));
        }

        #[test]
        fn one_changed_character_is_refused(at in 4_usize..53, to in "[0-9A-Za-z]") {
            let secret = PlainText::draw(Kind::Access).unwrap();
            let mut text = secret.expose().to_owned();
            text.replace_range(at..=at, &to);
            prop_assert_eq!(PlainText::parse(Kind::Access, &text).is_some(), text == secret.expose());
        }

        #[test]
        fn hexadecimal_reads_back(text in ".*") {
            let hash = Hash::of(&text);
            prop_assert_eq!(Hash::from_hex(&hash.to_hex()), Some(hash));
            prop_assert!(Hash::from_hex(&hash.to_hex().to_uppercase()).is_none() || !hash.to_hex().contains(|c: char| c.is_ascii_lowercase()));
        }
    }
}
