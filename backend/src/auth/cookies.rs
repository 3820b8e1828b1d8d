//! Cookies, and who may make a browser send them.
//!
//! A browser sends cookies with every request to the site, whoever made the page that asks. So what works by a
//! cookie refuses requests that a foreign page began.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum_extra::extract::CookieJar;

use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// A cookie of the routes under `/api/v1/auth`.
#[derive(Clone, Copy, Debug)]
pub struct Cookie {
    name: &'static str,
    /// The same with the prefix by which a browser takes it by https alone. Nobody on the way, and no page of
    /// a neighbouring host that is served without TLS, can put one in.
    secure_name: &'static str,
    path: &'static str,
    same_site: &'static str,
}

/// Renews a login.
pub const REFRESH: Cookie = Cookie {
    name: "lilac_refresh",
    secure_name: "__Secure-lilac_refresh",
    path: "/api/v1/auth",
    same_site: "Strict",
};

/// What a login by single sign-on remembers while the browser is at the provider. It must come back with the
/// provider's redirect, which a foreign site begins.
pub const SSO: Cookie = Cookie {
    name: "lilac_sso",
    secure_name: "__Secure-lilac_sso",
    path: "/api/v1/auth/oidc",
    same_site: "Lax",
};

impl Cookie {
    /// The header that sets it. `Secure` only where the browser came by https, or it would not keep it.
    pub fn set(self, value: &str, lifetime_secs: u32, is_https: bool) -> String {
        let Self { path, same_site, .. } = self;
        let name = self.name(is_https);
        let secure = if is_https { "; Secure" } else { "" };
        format!(
            "{name}={value}; Path={path}; Max-Age={lifetime_secs}; HttpOnly; SameSite={same_site}{secure}"
        )
    }

    pub fn clear(self, is_https: bool) -> String {
        self.set("", 0, is_https)
    }

    pub fn read(self, jar: &CookieJar, is_https: bool) -> Option<&str> {
        jar.get(self.name(is_https)).map(|cookie| cookie.value())
    }

    fn name(self, is_https: bool) -> &'static str {
        if is_https { self.secure_name } else { self.name }
    }
}

/// Whether the browser came by https: the server's public address says so, or a proxy in front.
pub fn is_https(app: &App, headers: &HeaderMap) -> bool {
    if app.auth.public_url.as_ref().is_some_and(|url| url.scheme() == "https") {
        return true;
    }
    // Of a chain of proxies the first is the one that the browser came to.
    let protos = text(headers, "x-forwarded-proto");
    protos.split(',').next().is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"))
}

/// Refuses what a foreign page began. Programs that are no browsers say nothing of the kind, and hold no
/// cookies that they do not mean to send.
pub fn refuse_foreign_pages(app: &App, headers: &HeaderMap) -> ApiResult<()> {
    let is_own = match text(headers, "sec-fetch-site") {
        "" => is_own_origin(app, headers),
        // `none`: typed in by the user.
        site => matches!(site, "same-origin" | "none"),
    };
    if is_own { Ok(()) } else { Err(ApiError::forbidden("another site's page may not do this")) }
}

/// Whether the page that asks, if there is one, came from this server.
fn is_own_origin(app: &App, headers: &HeaderMap) -> bool {
    let origin = text(headers, ORIGIN.as_str());
    if origin.is_empty() && !headers.contains_key(ORIGIN) {
        return true;
    }
    if let Some(url) = &app.auth.public_url
        && origin == url.origin().ascii_serialization()
    {
        return true;
    }
    let host = text(headers, HOST.as_str());
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    !host.is_empty() && authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
