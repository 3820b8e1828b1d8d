//! Credentials that are texts: API keys, join keys, node credentials and refresh tokens, and the key that
//! signs access tokens.
//!
//! A text credential is `KIND_<id>_<secret>_<checksum>`: a public id to look it up by, 256 random bits, and a
//! checksum by which a scanner (or a typing mistake) is told without asking the database. Only an HMAC of
//! the secret is stored; comparing takes constant time.

use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lilac_api::auth::Secret;
use lilac_api::{StreamId, UserId};
use rand::Rng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How long an access token is good for.
pub const ACCESS_TOKEN_SECS: u64 = 15 * 60;

/// What a text credential is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A user's API key.
    ApiKey,
    /// Lets a machine join a cluster.
    JoinKey,
    /// A node's own.
    Node,
    /// Renews a login.
    Refresh,
}

impl Kind {
    const ALL: [Self; 4] = [Self::ApiKey, Self::JoinKey, Self::Node, Self::Refresh];

    fn prefix(self) -> &'static str {
        match self {
            Self::ApiKey => "lilac_pat",
            Self::JoinKey => "lilac_join",
            Self::Node => "lilac_node",
            Self::Refresh => "lilac_refresh",
        }
    }

    /// The part of the credential for the row `id` that is no secret.
    pub fn beginning(self, id: Uuid) -> String {
        format!("{}_{}", self.prefix(), id.simple())
    }
}

/// A text credential taken apart.
pub struct Parsed {
    pub kind: Kind,
    pub id: Uuid,
    secret: String,
}

/// A fresh credential: the text for its holder, the HMAC for the database.
pub struct Minted {
    pub text: Secret,
    pub hmac: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    /// The user's login epoch: an older one is void.
    epoch: i32,
    exp: u64,
    iss: String,
}

/// The server's own key, in the forms in which it is used.
pub struct Keys {
    mac: Hmac<Sha256>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    /// Signs what a login by single sign-on remembers in the browser.
    flow: (EncodingKey, DecodingKey),
    /// Signs what stands for a credential where a browser can send none.
    ticket: (EncodingKey, DecodingKey),
}

const ISSUER: &str = "lilac";

impl Keys {
    pub fn new(secret: &Secret) -> Self {
        // The uses of one key are kept apart by a label each.
        let derive = |label: &str| {
            let mut mac = hmac(secret.0.as_bytes());
            mac.update(label.as_bytes());
            mac.finalize().into_bytes()
        };
        let flow = derive("lilac sso flows v1");
        let ticket = derive("lilac stream tickets v1");
        let signing = derive("lilac access tokens v1");
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.leeway = 5;
        Self {
            mac: hmac(&derive("lilac credentials v1")),
            encoding: EncodingKey::from_secret(&signing),
            decoding: DecodingKey::from_secret(&signing),
            validation,
            flow: (EncodingKey::from_secret(&flow), DecodingKey::from_secret(&flow)),
            ticket: (EncodingKey::from_secret(&ticket), DecodingKey::from_secret(&ticket)),
        }
    }

    /// A signed text of what a browser is to bring back; with a claim `exp`.
    pub fn seal_flow(&self, flow: &impl Serialize) -> Option<String> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), flow, &self.flow.0).ok()
    }

    /// What was sealed, unless it was changed or has expired.
    pub fn open_flow<T: for<'a> Deserialize<'a> + Clone>(&self, sealed: &str) -> Option<T> {
        unseal(sealed, &self.flow.1)
    }

    /// A signed text that stands for a credential at one place; with a claim `exp`.
    pub fn seal_ticket(&self, ticket: &impl Serialize) -> Option<Secret> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), ticket, &self.ticket.0).ok().map(Secret)
    }

    /// What the ticket says, unless it was changed or has expired.
    pub fn open_ticket<T: for<'a> Deserialize<'a> + Clone>(&self, sealed: &str) -> Option<T> {
        unseal(sealed, &self.ticket.1)
    }

    /// HMAC of a constant: tells whether two servers have the same key.
    pub fn check_value(&self) -> Vec<u8> {
        self.hmac_of("lilac key check v1")
    }

    fn hmac_of(&self, text: &str) -> Vec<u8> {
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Makes a credential for the row `id`.
    pub fn mint(&self, kind: Kind, id: Uuid) -> Minted {
        let mut random = [0_u8; 32];
        rand::rng().fill_bytes(&mut random);
        self.credential(kind, id, &hex(&random))
    }

    /// Makes the credential that takes the place of another, for the row `id`. Whoever shows the older one again is
    /// given the very same, though nothing of it is stored.
    pub fn successor(&self, of: &Parsed, id: Uuid) -> Minted {
        let secret = hex(&self.hmac_of(&format!("lilac successor v1:{}:{}:{id}", of.id, of.secret)));
        self.credential(of.kind, id, &secret)
    }

    fn credential(&self, kind: Kind, id: Uuid, secret: &str) -> Minted {
        let body = format!("{}_{secret}", kind.beginning(id));
        let text = Secret(format!("{body}_{}", checksum(&body)));
        Minted { text, hmac: self.hmac_of(&format!("{}:{id}:{secret}", kind.prefix())) }
    }

    /// Whether a credential is the one whose HMAC is stored.
    pub fn matches(&self, parsed: &Parsed, stored: &[u8]) -> bool {
        let computed = self.hmac_of(&format!("{}:{}:{}", parsed.kind.prefix(), parsed.id, parsed.secret));
        computed.ct_eq(stored).into()
    }

    /// What the agent that is wanted at a stream shows there. Every server makes the same of it.
    pub fn stream_token(&self, id: StreamId) -> Secret {
        Secret(hex(&self.hmac_of(&format!("lilac stream v1:{id}"))))
    }

    pub fn access_token(&self, user: UserId, login_epoch: i32) -> Result<Secret> {
        let now = u64::try_from(chrono::Utc::now().timestamp()).unwrap_or_default();
        let claims =
            Claims { sub: user.0, epoch: login_epoch, exp: now + ACCESS_TOKEN_SECS, iss: ISSUER.to_owned() };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding);
        token.map(Secret).context("cannot sign an access token")
    }

    /// User and login epoch of an access token that is ours and not expired.
    pub fn read_access_token(&self, token: &str) -> Option<(UserId, i32)> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).ok()?;
        Some((UserId(data.claims.sub), data.claims.epoch))
    }
}

fn unseal<T: for<'a> Deserialize<'a> + Clone>(sealed: &str, key: &DecodingKey) -> Option<T> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_required_spec_claims(&["exp"]);
    jsonwebtoken::decode::<T>(sealed, key, &validation).ok().map(|data| data.claims)
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn checksum(body: &str) -> String {
    use sha2::Digest;
    hex(&Sha256::digest(body.as_bytes())[..4])
}

/// Takes a text credential apart; none when it is none, or mistyped.
pub fn parse(text: &str) -> Option<Parsed> {
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| text.strip_prefix(kind.prefix()).is_some_and(|rest| rest.starts_with('_')))?;
    let (body, sum) = text.rsplit_once('_')?;
    let mut parts = body.strip_prefix(kind.prefix())?.strip_prefix('_')?.split('_');
    let (id, secret) = (parts.next()?.parse().ok()?, parts.next()?);
    (parts.next().is_none() && checksum(body) == sum).then(|| Parsed { kind, id, secret: secret.to_owned() })
}

/// Whether a text looks like one of our text credentials, well-formed or not.
pub fn looks_like_ours(text: &str) -> bool {
    text.starts_with("lilac_")
}

/// The configured key, or the one in the data folder, which is made at the first start.
pub fn load_or_generate(configured: Option<&Secret>, data_dir: &Path) -> Result<Secret> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    if let Some(secret) = configured {
        return Ok(secret.clone());
    }
    let path = data_dir.join("secret.key");
    std::fs::create_dir_all(data_dir).with_context(|| format!("cannot make {}", data_dir.display()))?;
    let mut random = [0_u8; 32];
    rand::rng().fill_bytes(&mut random);
    let fresh = URL_SAFE_NO_PAD.encode(random);
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            file.write_all(fresh.as_bytes())?;
            file.sync_all()?;
            Ok(Secret(fresh))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            anyhow::ensure!(text.trim().len() >= 32, "{} is damaged: too short for a key", path.display());
            Ok(Secret(text.trim().to_owned()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot write {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: &str) -> Keys {
        Keys::new(&Secret(secret.to_owned()))
    }

    #[test]
    fn a_credential_matches_its_own_hmac_only() {
        let keys = keys("0123456789abcdef0123456789abcdef");
        let id = Uuid::now_v7();
        let minted = keys.mint(Kind::ApiKey, id);
        let parsed = parse(&minted.text.0).unwrap();
        assert_eq!((parsed.kind, parsed.id), (Kind::ApiKey, id));
        assert!(keys.matches(&parsed, &minted.hmac));
        assert!(!keys.matches(&parsed, &keys.mint(Kind::ApiKey, id).hmac));
        assert!(!self::keys("another key of thirty-two letters").matches(&parsed, &minted.hmac));
    }

    #[test]
    fn a_successor_is_one_and_not_to_be_made_without_the_key() {
        let (keys, other) =
            (keys("0123456789abcdef0123456789abcdef"), keys("another key of thirty-two letters"));
        let first = parse(&keys.mint(Kind::Refresh, Uuid::now_v7()).text.0).unwrap();
        let id = Uuid::now_v7();
        let next = keys.successor(&first, id);
        let parsed = parse(&next.text.0).unwrap();
        assert_eq!((parsed.kind, parsed.id), (Kind::Refresh, id));
        assert!(keys.matches(&parsed, &next.hmac));
        assert_eq!(keys.successor(&first, id).text, next.text);
        assert_ne!(other.successor(&first, id).text, next.text);
        assert_ne!(keys.successor(&first, Uuid::now_v7()).text, next.text);
    }

    #[test]
    fn a_mistyped_credential_is_none() {
        let text = keys("0123456789abcdef0123456789abcdef").mint(Kind::Node, Uuid::now_v7()).text.0;
        assert!(parse(&text).is_some());
        for broken in
            [&text[..text.len() - 1], &text[1..], &text.replace("node", "pat"), "lilac_pat_", "lilac_pat", ""]
        {
            assert!(parse(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn an_access_token_is_read_by_its_own_key_only() {
        let keys = keys("0123456789abcdef0123456789abcdef");
        let user = UserId::new();
        let token = keys.access_token(user, 3).unwrap();
        assert_eq!(keys.read_access_token(&token.0), Some((user, 3)));
        assert_eq!(self::keys("another key of thirty-two letters").read_access_token(&token.0), None);
        // A token that says `alg: none` is none.
        let claims = token.0.split('.').nth(1).unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        assert_eq!(keys.read_access_token(&format!("{none}.{claims}.")), None);
    }
}
