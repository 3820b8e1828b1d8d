//! Settings of who may log in, and how.

use anyhow::Result;
use reqwest::Url;

use super::oidc::settings::OidcSettings;
use crate::config::Variables;

#[derive(Clone, Debug, Default)]
pub struct AuthSettings {
    /// Whether anyone may make an account.
    pub sign_up: bool,
    /// Where users reach this server; none where only requests tell.
    pub public_url: Option<Url>,
    /// The provider of single sign-on.
    pub oidc: Option<OidcSettings>,
}

impl AuthSettings {
    pub fn read(variables: &Variables) -> Result<Self> {
        let public_url = variables.read_optional(
            "LILAC_PUBLIC_URL",
            "an address like https://lilac.example.org",
            origin,
        )?;
        Ok(Self {
            sign_up: variables.flag("LILAC_SIGN_UP")?,
            oidc: OidcSettings::read(variables, public_url.as_ref())?,
            public_url,
        })
    }
}

/// Scheme, host and port, and nothing else.
fn origin(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_an_origin() {
        for good in ["https://lilac.example.org", "http://10.0.0.1:8080/"] {
            assert!(origin(good).is_some(), "{good}");
        }
        for bad in ["lilac.example.org", "ftp://a", "https://a/b", "https://a/?b", "https://me@a", "https://"]
        {
            assert!(origin(bad).is_none(), "{bad}");
        }
    }
}
