//! Passwords: argon2id, hashed off the async threads, a bounded number at a time.

use anyhow::{Context, Result};
use std::sync::Arc;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use lilac_api::auth::Secret;
use lilac_api::problem::FieldError;
use rand::distr::{Alphanumeric, SampleString};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

/// Each hash takes 19 MiB: this bounds memory and work, whatever is asked.
const HASHES_AT_ONCE: usize = 2;

/// OWASP's least for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const HASH_BYTES: usize = 32;

/// An allocation of over 32 MiB is always mapped by glibc, and given back when it is freed; a smaller one may be
/// kept in an arena for ever, one for each thread that ever hashed. Of the room only what is used is resident.
const ROOM_BLOCKS: usize = 33 * 1024;

/// Stands for the hash of who has no password, such as users of single sign-on.
pub const UNUSABLE: &str = "!";

pub struct Passwords {
    permits: Arc<Semaphore>,
    /// Stands in for the hash of a user that does not exist, so that both answers take the same time.
    decoy: String,
}

impl Passwords {
    pub fn new() -> Result<Self> {
        Ok(Self {
            permits: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            decoy: hash_now("a password that nobody has")?,
        })
    }

    pub async fn hash(&self, password: &Secret) -> Result<String> {
        let permit = self.permits.clone().acquire_owned().await?;
        let password = password.0.clone();
        tokio::task::spawn_blocking(move || {
            // Held by the work itself: who asked may have hung up.
            let _permit = permit;
            hash_now(&password)
        })
        .await?
    }

    /// Whether `password` is the one that `stored` was made of; without a stored hash never, after the same work.
    pub async fn verify(&self, password: &Secret, stored: Option<String>) -> Result<bool> {
        let permit = self.permits.clone().acquire_owned().await?;
        let stored = stored.filter(|stored| stored != UNUSABLE);
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        let password = password.0.clone();
        let matches = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            matches_now(&password, &stored)
        })
        .await?;
        Ok(matches && exists)
    }
}

fn hash_now(password: &str) -> Result<String> {
    let params =
        Params::new(MEMORY_KIB, PASSES, 1, Some(HASH_BYTES)).ok().context("argon2 refuses its parameters")?;
    let salt = Salt::generate();
    let output = derive(password, &salt, &params)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: (&params).try_into().ok().context("argon2 refuses its parameters")?,
        salt: Some(salt),
        hash: Some(Output::new(&output).ok().context("argon2 made a hash of the wrong length")?),
    };
    Ok(hash.to_string())
}

fn matches_now(password: &str, stored: &str) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else { return false };
    let (Some(salt), Some(expected), Ok(params)) = (&hash.salt, &hash.hash, Params::try_from(&hash)) else {
        return false;
    };
    derive(password, salt, &params).is_ok_and(|output| output.as_slice().ct_eq(expected.as_bytes()).into())
}

fn derive(password: &str, salt: &[u8], params: &Params) -> Result<Vec<u8>> {
    let mut room = Vec::with_capacity(ROOM_BLOCKS.max(params.block_count()));
    room.resize(params.block_count(), Block::new());
    let mut output = vec![0; params.output_len().unwrap_or(HASH_BYTES)];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut room)
        .ok()
        .context("argon2 failed")?;
    Ok(output)
}

/// A made-up password: 24 letters and digits hold 142 random bits.
pub fn random() -> Secret {
    Secret(Alphanumeric.sample_string(&mut rand::rng(), 24))
}

/// What a new password must hold.
pub fn check(path: &str, password: &Secret, errors: &mut Vec<FieldError>) {
    let length = password.0.chars().count();
    if !(10..=256).contains(&length) {
        errors.push(FieldError::new(path, "out-of-bounds", "a password has 10 to 256 characters"));
    }
    lilac_api::validate::no_nul(path, &password.0, errors);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_matches_its_own_password_only() {
        let hash = hash_now("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hash_now("correct horse").unwrap(), "salted");
        assert!(matches_now("correct horse", &hash));
        for (password, stored) in [
            ("wrong", hash.as_str()),
            ("", &hash),
            ("correct horse", ""),
            ("correct horse", "$argon2id$v=19$"),
        ] {
            assert!(!matches_now(password, stored), "{password} against {stored}");
        }
    }

    /// What is stored is the form that the library itself writes.
    #[test]
    fn a_hash_of_the_librarys_own_matches() {
        use argon2::password_hash::PasswordHasher;
        let theirs =
            Argon2::default().hash_password_with_salt(b"correct horse", b"0123456789abcdef").unwrap();
        assert!(matches_now("correct horse", &theirs.to_string()));
    }
}
