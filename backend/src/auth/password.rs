//! Passwords: argon2id, hashed off the async threads, a bounded number at a time.

use anyhow::{Context, Result};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use lilac_api::auth::Secret;
use lilac_api::problem::FieldError;
use tokio::sync::Semaphore;

/// Each hash takes 19 MiB: this bounds memory and work, whatever is asked.
const HASHES_AT_ONCE: usize = 2;

/// OWASP's least for argon2id: 19 MiB, two passes, one lane.
fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(19 * 1024, 2, 1, None).ok().context("argon2 refuses its parameters")?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

pub struct Passwords {
    permits: Semaphore,
    /// Stands in for the hash of a user that does not exist, so that both answers take the same time.
    decoy: String,
}

impl Passwords {
    pub fn new() -> Result<Self> {
        Ok(Self { permits: Semaphore::new(HASHES_AT_ONCE), decoy: hash_now("a password that nobody has")? })
    }

    pub async fn hash(&self, password: &Secret) -> Result<String> {
        let _permit = self.permits.acquire().await?;
        let password = password.0.clone();
        tokio::task::spawn_blocking(move || hash_now(&password)).await?
    }

    /// Whether `password` is the one that `stored` was made of; without a stored hash never, after the same work.
    pub async fn verify(&self, password: &Secret, stored: Option<String>) -> Result<bool> {
        let _permit = self.permits.acquire().await?;
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        let password = password.0.clone();
        let matches = tokio::task::spawn_blocking(move || {
            hasher().is_ok_and(|hasher| hasher.verify_password(password.as_bytes(), stored.as_str()).is_ok())
        })
        .await?;
        Ok(matches && exists)
    }
}

fn hash_now(password: &str) -> Result<String> {
    let hash = hasher()?.hash_password(password.as_bytes()).ok().context("argon2 failed")?;
    Ok(hash.to_string())
}

/// What a new password must hold.
pub fn check(path: &str, password: &Secret, errors: &mut Vec<FieldError>) {
    let length = password.0.chars().count();
    if !(10..=256).contains(&length) {
        errors.push(FieldError::new(path, "out-of-bounds", "a password has 10 to 256 characters"));
    }
    lilac_api::validate::no_nul(path, &password.0, errors);
}
