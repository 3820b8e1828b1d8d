//! Settings of single sign-on.

use anyhow::{Context, Result, ensure};
use lilac_api::auth::{Role, Secret};
use reqwest::Url;

use crate::config::Variables;

#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// As the provider writes it: it must stand in every token like this.
    pub issuer: String,
    pub client_id: String,
    /// None for a provider that knows this server as a public client.
    pub client_secret: Option<Secret>,
    /// What people call the provider.
    pub name: String,
    /// Where the provider sends the browser back to.
    pub redirect_uri: String,
    /// Whether a person without an account gets one. Otherwise a person is the existing user of that name.
    pub creates_users: bool,
    pub username_claim: String,
    /// Which claim says what a person may do, and what its values mean.
    pub roles: Option<RoleClaim>,
    /// The role of who has none by a claim; none to refuse them.
    pub default_role: Option<Role>,
    /// Which claim names a person's teams.
    pub teams_claim: Option<String>,
}

#[derive(Clone, Debug)]
pub struct RoleClaim {
    pub claim: String,
    pub values: Vec<(String, Role)>,
}

impl OidcSettings {
    /// None where no provider is set.
    pub fn read(variables: &Variables, public_url: Option<&Url>) -> Result<Option<Self>> {
        let is_issuer = |text: &str| may_be_asked(text).then(|| text.to_owned());
        let wanted = "an https address like https://login.example.org";
        let Some(issuer) = variables.read_optional("LILAC_OIDC_ISSUER", wanted, is_issuer)? else {
            return Ok(None);
        };
        let url = public_url
            .context("LILAC_OIDC_ISSUER needs LILAC_PUBLIC_URL: the provider sends browsers back there")?;
        let client_id =
            variables.text("LILAC_OIDC_CLIENT_ID").context("LILAC_OIDC_ISSUER needs LILAC_OIDC_CLIENT_ID")?;
        let claim = variables.text("LILAC_OIDC_ROLE_CLAIM");
        let values =
            variables.read("LILAC_OIDC_ROLES", "like lilac-admins=admin,staff=member", role_values)?;
        ensure!(
            claim.is_some() != values.is_empty(),
            "LILAC_OIDC_ROLE_CLAIM and LILAC_OIDC_ROLES are set together or not at all"
        );
        Ok(Some(Self {
            issuer,
            client_id,
            client_secret: variables.secret("LILAC_OIDC_CLIENT_SECRET"),
            name: variables.read("LILAC_OIDC_NAME", "a name of at most 64 characters", |text| {
                (text.chars().count() <= 64).then(|| text.to_owned())
            })?,
            redirect_uri: url.join("api/v1/auth/oidc/callback")?.into(),
            creates_users: variables.read("LILAC_OIDC_USERS", "create or existing", |text| match text {
                "create" => Some(true),
                "existing" => Some(false),
                _ => None,
            })?,
            username_claim: variables
                .read("LILAC_OIDC_USERNAME_CLAIM", "a claim", |text| Some(text.to_owned()))?,
            roles: claim.map(|claim| RoleClaim { claim, values }),
            default_role: variables.read(
                "LILAC_OIDC_DEFAULT_ROLE",
                "viewer, member, admin or none",
                |text| {
                    if text == "none" { Some(None) } else { text.parse().ok().map(Some) }
                },
            )?,
            teams_claim: variables.text("LILAC_OIDC_TEAMS_CLAIM"),
        }))
    }
}

/// Whether an address may be asked for keys and tokens: by https, or on this machine.
pub fn may_be_asked(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        url.has_host() && (url.scheme() == "https" || (url.scheme() == "http" && is_here))
    })
}

/// `value=role`, separated by commas; the empty text has none.
fn role_values(text: &str) -> Option<Vec<(String, Role)>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (value, role) = pair.rsplit_once('=')?;
            Some((value.trim().to_owned(), role.trim().parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_claim_are_mapped_to_roles() {
        let values = role_values("cn=ops=admin, staff=member").unwrap();
        assert_eq!(values, [("cn=ops".to_owned(), Role::Admin), ("staff".to_owned(), Role::Member)]);
        assert_eq!(role_values("").unwrap(), []);
        assert!(role_values("ops").is_none() && role_values("ops=root").is_none());
    }

    #[test]
    fn a_provider_is_asked_by_https_or_on_this_machine() {
        for good in ["https://login.example.org", "http://127.0.0.1:9", "http://localhost:9/realm"] {
            assert!(may_be_asked(good), "{good}");
        }
        for bad in ["http://login.example.org", "ftp://localhost", "login.example.org", "https://"] {
            assert!(!may_be_asked(bad), "{bad}");
        }
    }
}
