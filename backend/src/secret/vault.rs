//! Sealing what the database keeps and may not know.
//!
//! Envelope encryption: every value is sealed with a data key of its own (AES-256-GCM), and that key is
//! wrapped with the master key, which is in no database. So a change of the master key wraps the data keys
//! anew and leaves the values alone. What a value belongs to (team, name, version …) is authenticated along
//! with it: a row that was copied over another one opens nothing.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lilac_api::auth::Secret;
use lilac_api::{HookId, TeamId};
use rand::Rng;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;

/// The master keys: one that seals, and older ones that still open.
pub struct Vault {
    keys: Vec<MasterKey>,
}

struct MasterKey {
    id: [u8; KEY_ID_BYTES],
    key: LessSafeKey,
}

/// A sealed value, as its columns hold it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Sealed {
    pub key_id: Vec<u8>,
    pub wrapped_key: Vec<u8>,
    pub sealed: Vec<u8>,
}

/// What a sealed value belongs to; authenticated, not stored.
#[derive(Clone, Debug)]
pub struct Context(String);

impl Context {
    /// A version of a team's secret.
    pub fn secret(team: TeamId, name: &str, version: i32) -> Self {
        Self(format!("lilac secret v1|{team}|{name}|{version}"))
    }

    /// A version of the secret that signs what a team's hook is sent.
    pub fn hook(team: TeamId, hook: HookId, version: i32) -> Self {
        Self(format!("lilac hook v1|{team}|{hook}|{version}"))
    }

    /// The password of a team's login to a registry.
    pub fn registry(team: TeamId, name: &str, server: &str, username: &str) -> Self {
        Self(format!("lilac registry v1|{team}|{name}|{server}|{username}"))
    }
}

/// Why a value could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    #[error("the master key that it was sealed with is not among the server's keys")]
    UnknownKey,
    #[error("it is damaged, or belongs to another row")]
    Damaged,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// The keys from the configuration: the present one, older ones, and last the one that follows from the
    /// server's secret key, which seals where none is configured and opens what was sealed before one was.
    pub fn new(current: Option<&Secret>, old: Option<&Secret>, secret_key: &Secret) -> Result<Self> {
        let mut keys = Vec::new();
        if let Some(current) = current {
            keys.push(MasterKey::read("LILAC_ENCRYPTION_KEY", &current.0)?);
        }
        for text in old.iter().flat_map(|old| old.0.split(',')).map(str::trim).filter(|text| !text.is_empty())
        {
            keys.push(MasterKey::read("LILAC_ENCRYPTION_KEYS_OLD", text)?);
        }
        if current.is_none() && !keys.is_empty() {
            bail!("LILAC_ENCRYPTION_KEYS_OLD is set without LILAC_ENCRYPTION_KEY");
        }
        keys.push(MasterKey::derived(secret_key)?);
        Ok(Self { keys })
    }

    /// The key that follows from the server's secret key, and no other.
    pub fn derived(secret_key: &Secret) -> Result<Self> {
        Self::new(None, None, secret_key)
    }

    /// Ids of all keys, the one that seals first.
    pub fn key_ids(&self) -> Vec<Vec<u8>> {
        self.keys.iter().map(|key| key.id.to_vec()).collect()
    }

    pub fn seal(&self, context: &Context, value: &Secret) -> Result<Sealed, VaultError> {
        let data_key = random_key();
        let sealed = encrypt(&cipher(data_key.as_slice())?, context, value.0.as_bytes())?;
        self.wrap(context, data_key.as_slice(), sealed)
    }

    pub fn open(&self, context: &Context, sealed: &Sealed) -> Result<Secret, VaultError> {
        let data_key = self.unwrap_key(context, sealed)?;
        let value = decrypt(&cipher(&data_key)?, context, &sealed.sealed)?;
        std::str::from_utf8(&value).map(|text| Secret(text.to_owned())).map_err(|_| VaultError::Damaged)
    }

    /// The same value under the present master key; none where that wraps it already.
    pub fn rewrap(&self, context: &Context, sealed: &Sealed) -> Result<Option<Sealed>, VaultError> {
        if self.keys[0].id == sealed.key_id.as_slice() {
            return Ok(None);
        }
        let data_key = self.unwrap_key(context, sealed)?;
        self.wrap(context, &data_key, sealed.sealed.clone()).map(Some)
    }

    fn wrap(&self, context: &Context, data_key: &[u8], sealed: Vec<u8>) -> Result<Sealed, VaultError> {
        let master = &self.keys[0];
        let wrapped_key = encrypt(&master.key, context, data_key)?;
        Ok(Sealed { key_id: master.id.to_vec(), wrapped_key, sealed })
    }

    fn unwrap_key(&self, context: &Context, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let master = self.keys.iter().find(|key| key.id == sealed.key_id.as_slice());
        decrypt(&master.ok_or(VaultError::UnknownKey)?.key, context, &sealed.wrapped_key)
    }
}

impl MasterKey {
    fn new(bytes: &[u8]) -> Result<Self> {
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), b"lilac master key id v1");
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&mac.as_ref()[..KEY_ID_BYTES]);
        let key =
            cipher(bytes).map_err(|_| anyhow::anyhow!("a master key has another length than 32 bytes"))?;
        Ok(Self { id, key })
    }

    fn read(variable: &str, text: &str) -> Result<Self> {
        let bytes = STANDARD.decode(text.trim()).ok().map(Zeroizing::new);
        let bytes = bytes.filter(|bytes| bytes.len() == KEY_BYTES).with_context(|| {
            format!("{variable} must be 32 bytes in base64; `openssl rand -base64 32` makes such a key")
        })?;
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            bail!(
                "{variable} is no secret: all its bytes are the same; `openssl rand -base64 32` makes a key"
            );
        }
        Self::new(&bytes)
    }

    fn derived(secret_key: &Secret) -> Result<Self> {
        struct Length;
        impl hkdf::KeyType for Length {
            fn len(&self) -> usize {
                KEY_BYTES
            }
        }
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"lilac encryption v1")
            .extract(secret_key.0.as_bytes())
            .expand(&[b"master key"], Length)
            .and_then(|output| output.fill(bytes.as_mut()))
            .map_err(|_| anyhow::anyhow!("the encryption key cannot be derived"))?;
        Self::new(bytes.as_ref())
    }
}

fn random_key() -> Zeroizing<[u8; KEY_BYTES]> {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    rand::rng().fill_bytes(key.as_mut());
    key
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, VaultError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| VaultError::Damaged)
}

/// Nonce, ciphertext and tag. A random nonce is safe here: a data key seals once, and a master key far less
/// often than 2^32 times.
fn encrypt(key: &LessSafeKey, context: &Context, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut nonce = [0_u8; NONCE_LEN];
    rand::rng().fill_bytes(&mut nonce);
    let mut text = plain.to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(context.0.as_bytes()),
        &mut text,
    )
    .map_err(|_| VaultError::Damaged)?;
    Ok([nonce.as_slice(), &text].concat())
}

fn decrypt(key: &LessSafeKey, context: &Context, text: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (nonce, body) = text.split_at_checked(NONCE_LEN).ok_or(VaultError::Damaged)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Damaged)?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(context.0.as_bytes()), &mut body)
        .map_err(|_| VaultError::Damaged)?
        .len();
    body.truncate(length);
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret(text.to_owned())
    }

    fn key(byte: u8) -> Secret {
        let mut bytes = [byte; 32];
        bytes[0] ^= 1;
        Secret(STANDARD.encode(bytes))
    }

    fn vault(current: Option<u8>, old: &[u8]) -> Vault {
        let old: Vec<String> = old.iter().map(|byte| key(*byte).0).collect();
        let old = (!old.is_empty()).then(|| Secret(old.join(", ")));
        Vault::new(current.map(key).as_ref(), old.as_ref(), &secret("the server's own secret key")).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_place_only() {
        let vault = vault(Some(1), &[]);
        let team = TeamId::new();
        let place = Context::secret(team, "token", 2);
        let sealed = vault.seal(&place, &secret("grün")).unwrap();
        assert_eq!(vault.open(&place, &sealed).unwrap().0, "grün");
        for other in [
            Context::secret(team, "token", 1),
            Context::secret(team, "tokens", 2),
            Context::secret(TeamId::new(), "token", 2),
            Context::registry(team, "token", "2", ""),
        ] {
            assert_eq!(vault.open(&other, &sealed).unwrap_err(), VaultError::Damaged);
        }
    }

    #[test]
    fn nothing_of_the_value_is_in_what_is_stored_and_no_two_seals_are_alike() {
        let vault = vault(Some(1), &[]);
        let place = Context::secret(TeamId::new(), "token", 1);
        let value = "a value that is easy to find";
        let (a, b) =
            (vault.seal(&place, &secret(value)).unwrap(), vault.seal(&place, &secret(value)).unwrap());
        assert!(a.sealed != b.sealed && a.wrapped_key != b.wrapped_key);
        for stored in [&a.sealed, &a.wrapped_key, &a.key_id] {
            assert!(memchr::memmem::find(stored, &value.as_bytes()[..6]).is_none());
        }
    }

    #[test]
    fn what_was_changed_or_mixed_opens_nothing() {
        let vault = vault(Some(1), &[]);
        let place = Context::secret(TeamId::new(), "token", 1);
        let a = vault.seal(&place, &secret("a")).unwrap();
        let b = vault.seal(&place, &secret("b")).unwrap();
        let mut flipped = a.clone();
        flipped.sealed[NONCE_LEN] ^= 1;
        let mixed = Sealed { wrapped_key: b.wrapped_key, ..a.clone() };
        let short = Sealed { sealed: vec![0; 5], ..a.clone() };
        let empty = Sealed { wrapped_key: Vec::new(), ..a };
        for broken in [flipped, mixed, short, empty] {
            assert_eq!(vault.open(&place, &broken).unwrap_err(), VaultError::Damaged);
        }
    }

    #[test]
    fn keys_can_be_rotated() {
        let place = Context::secret(TeamId::new(), "token", 1);
        // From the derived key to a configured one, and on to the next.
        let sealed = vault(None, &[]).seal(&place, &secret("v")).unwrap();
        let first = vault(Some(1), &[]);
        let rewrapped = first.rewrap(&place, &sealed).unwrap().unwrap();
        assert_eq!(first.open(&place, &rewrapped).unwrap().0, "v");
        assert!(first.rewrap(&place, &rewrapped).unwrap().is_none(), "once is enough");
        let second = vault(Some(2), &[1]);
        assert_eq!(second.open(&place, &rewrapped).unwrap().0, "v", "the old key still opens");
        let again = second.rewrap(&place, &rewrapped).unwrap().unwrap();
        assert_eq!(again.sealed, rewrapped.sealed, "the value itself is left alone");
        assert_eq!(vault(Some(2), &[]).open(&place, &again).unwrap().0, "v");
        assert_eq!(vault(Some(2), &[]).open(&place, &rewrapped).unwrap_err(), VaultError::UnknownKey);
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_not_shown() {
        let own = secret("the server's own secret key");
        for text in ["", "short", "c2hvcnQ=", &STANDARD.encode([7; 33]), &STANDARD.encode([0; 32]), "ü"] {
            let error = format!("{:#}", Vault::new(Some(&secret(text)), None, &own).unwrap_err());
            assert!(error.contains("LILAC_ENCRYPTION_KEY") && error.contains("openssl"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
        assert!(Vault::new(None, Some(&key(1)), &own).is_err());
    }
}
