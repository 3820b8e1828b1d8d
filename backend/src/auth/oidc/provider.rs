//! The provider of single sign-on: what it says of itself, its keys, and the tokens that it signs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::settings::{OidcSettings, may_be_asked};

/// How long the provider may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// How long what the provider says of itself is taken for true.
const KEPT_FOR: Duration = Duration::from_secs(3600);
/// An unknown key makes us look again, but no more often: else anyone could make us ask and ask.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Clocks differ.
const LEEWAY_SECS: u64 = 60;

/// Signatures that only the holder of a private key can make. No `none`, and nothing with a shared secret: there
/// the public key would be one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    issuer: String,
    pub authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

struct Seen {
    metadata: Metadata,
    keys: JwkSet,
    at: Instant,
}

pub struct Provider {
    pub settings: OidcSettings,
    http: reqwest::Client,
    seen: Mutex<Option<Seen>>,
}

/// What a token says of a person.
#[derive(Debug, Deserialize)]
pub struct Claims {
    pub sub: String,
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    azp: Option<String>,
    aud: Value,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Provider {
    pub fn new(settings: OidcSettings) -> Result<Self> {
        // A second installation finds the first in place, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { settings, http, seen: Mutex::new(None) })
    }

    pub async fn metadata(&self) -> Result<Metadata> {
        let mut seen = self.seen.lock().await;
        if seen.as_ref().is_none_or(|seen| seen.at.elapsed() > KEPT_FOR) {
            *seen = Some(self.look().await?);
        }
        Ok(seen.as_ref().context("the provider was not seen")?.metadata.clone())
    }

    async fn look(&self) -> Result<Seen> {
        let url = format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
        let metadata: Metadata = self.ask(self.http.get(&url)).await.context("the provider's description")?;
        ensure!(metadata.issuer == self.settings.issuer, "the provider calls itself {}", metadata.issuer);
        for address in [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri] {
            ensure!(may_be_asked(address), "the provider names an address without TLS");
        }
        let keys = self.ask(self.http.get(&metadata.jwks_uri)).await.context("the provider's keys")?;
        Ok(Seen { metadata, keys, at: Instant::now() })
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T> {
        let mut response = request.send().await?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            ensure!(body.len() + chunk.len() <= MAX_ANSWER_BYTES, "an answer of over 1 MiB");
            body.extend_from_slice(&chunk);
        }
        // The body of a refusal may repeat what was sent.
        ensure!(status.is_success(), "the provider answered {status}");
        Ok(serde_json::from_slice(&body)?)
    }

    /// Where the browser goes to log in.
    pub async fn login_url(&self, state: &str, nonce: &str, challenge: &str) -> Result<Url> {
        let mut url = Url::parse(&self.metadata().await?.authorization_endpoint)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.settings.redirect_uri)
            .append_pair("scope", "openid profile email")
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    /// Trades a code for the claims of the person who logged in.
    pub async fn redeem(&self, code: &str, verifier: &str, nonce: &str) -> Result<Claims> {
        #[derive(Deserialize)]
        struct Tokens {
            id_token: String,
        }
        let metadata = self.metadata().await?;
        let mut form = url_form(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.settings.redirect_uri),
            ("client_id", &self.settings.client_id),
            ("code_verifier", verifier),
        ]);
        let mut request = self.http.post(&metadata.token_endpoint);
        if let Some(secret) = &self.settings.client_secret {
            let methods = &metadata.token_endpoint_auth_methods_supported;
            let by_post =
                !methods.is_empty() && !methods.iter().any(|method| method == "client_secret_basic");
            if by_post {
                form.push('&');
                form.push_str(&url_form(&[("client_secret", &secret.0)]));
            } else {
                request = request.basic_auth(encoded(&self.settings.client_id), Some(encoded(&secret.0)));
            }
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let tokens: Tokens = self.ask(request).await.context("the exchange of the code")?;
        self.verify(&tokens.id_token, nonce).await
    }

    /// Checks a token: signature, issuer, audience, time, and that it was made for this login.
    async fn verify(&self, token: &str, nonce: &str) -> Result<Claims> {
        let header = jsonwebtoken::decode_header(token)?;
        ensure!(ALGORITHMS.contains(&header.alg), "a token signed by {:?}", header.alg);
        let key = self.key(header.kid.as_deref(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.client_id]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECS;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)?.claims;
        ensure!(!nonce.is_empty() && claims.nonce == nonce, "a token of another login");
        let is_for_several = claims.aud.as_array().is_some_and(|audience| audience.len() > 1);
        let party = claims.azp.as_deref();
        ensure!(!is_for_several || party.is_some(), "a token for several that does not say who asked");
        ensure!(
            party.is_none_or(|party| party == self.settings.client_id),
            "a token that another client asked for"
        );
        ensure!(!claims.sub.is_empty() && claims.sub.len() <= 255, "a token of nobody");
        Ok(claims)
    }

    /// The key of that id. Providers change their keys: an unknown one makes us look again.
    async fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey> {
        let mut seen = self.seen.lock().await;
        for _ in 0..2 {
            if let Some(current) = seen.as_ref() {
                if let Some(key) = current.keys.keys.iter().find(|key| fits(key, id, algorithm)) {
                    return Ok(DecodingKey::from_jwk(key)?);
                }
                if current.at.elapsed() < LOOK_AGAIN_AFTER {
                    break;
                }
            }
            *seen = Some(self.look().await?);
        }
        bail!("a token signed with a key that the provider does not name")
    }
}

/// Whether a key may have made a signature: by its id, its kind and what it is for.
fn fits(key: &Jwk, id: Option<&str>, algorithm: Algorithm) -> bool {
    use jsonwebtoken::jwk::PublicKeyUse;
    let is_named = id.is_none_or(|id| key.common.key_id.as_deref() == Some(id));
    let is_for_signatures =
        !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)));
    let says_so =
        key.common.key_algorithm.is_none_or(|own| Algorithm::try_from(own).is_ok_and(|own| own == algorithm));
    let is_of_kind = match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => matches!(key.algorithm, AlgorithmParameters::EllipticCurve(_)),
        Algorithm::EdDSA => matches!(key.algorithm, AlgorithmParameters::OctetKeyPair(_)),
        _ => matches!(key.algorithm, AlgorithmParameters::RSA(_)),
    };
    is_named && is_for_signatures && says_so && is_of_kind
}

fn url_form(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

/// Percent-encoded, all but what never needs it.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}
