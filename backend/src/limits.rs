//! Rate limits: so many a second over time, and as many at once as a burst may hold.
//!
//! A limit is a table of moments: for each key the moment at which all that it used is paid back (the generic cell
//! rate algorithm, ITU-T I.371). A key whose moment has passed is like one never seen, so the table is emptied of
//! those when it is full; where that makes no room, further keys share one, and are refused sooner. In memory and
//! by replica: a limit must cost whoever is limited, and nobody else a query.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use lilac_api::UserId;
use lilac_api::problem::ErrorCode;

use crate::config::LimitConfig;
use crate::error::{ApiError, ApiResult};

/// Keys that are told apart at once.
const MAX_KEYS: usize = 50_000;

/// All limits of a server.
pub struct Limits {
    logins: Option<Limit<IpAddr>>,
    writes: Option<Limit<UserId>>,
}

impl Limits {
    pub fn new(config: &LimitConfig) -> Self {
        let limit =
            |per: Duration, count: u32, burst: u32| (count > 0).then_some((per / count.max(1), burst));
        let logins = limit(Duration::from_secs(60), config.logins_per_minute, config.logins_per_minute);
        let writes = limit(
            Duration::from_secs(1),
            config.writes_per_second,
            config.writes_per_second.saturating_mul(10),
        );
        Self {
            logins: logins.map(|(interval, burst)| Limit::new(interval, burst)),
            writes: writes.map(|(interval, burst)| Limit::new(interval, burst)),
        }
    }

    /// A try to log in, or to get a credential by any other way.
    pub fn login(&self, from: IpAddr) -> ApiResult<()> {
        take(
            self.logins.as_ref(),
            network(from),
            "logins",
            "too many logins from this address; try again later",
        )
    }

    /// A user's change of anything.
    pub fn write(&self, by: UserId) -> ApiResult<()> {
        take(
            self.writes.as_ref(),
            by,
            "writes",
            "too many changes at once; submit many jobs as a batch or an array",
        )
    }
}

fn take<K: Hash + Eq>(limit: Option<&Limit<K>>, key: K, name: &'static str, detail: &str) -> ApiResult<()> {
    let Some(Err(wait)) = limit.map(|limit| limit.take(key, Instant::now())) else { return Ok(()) };
    metrics::counter!("lilac_http_rate_limited_total", "limit" => name).increment(1);
    let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, detail);
    error.headers.push(("retry-after", wait.as_millis().div_ceil(1000).max(1).to_string()));
    Err(error)
}

/// Whoever has an IPv6 address has 2^64 of them: the network counts.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

struct Limit<K> {
    /// What one request costs.
    interval: Duration,
    /// How far ahead of time a key may be.
    ahead: Duration,
    /// When each key's use is paid back; `None` stands for all that found no room.
    paid_back: Mutex<HashMap<Option<K>, Instant>>,
}

impl<K: Hash + Eq> Limit<K> {
    fn new(interval: Duration, burst: u32) -> Self {
        Self { interval, ahead: interval * burst.max(1), paid_back: Mutex::default() }
    }

    /// Takes one; or says how long to wait for it.
    fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut table = self.paid_back.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = Some(key);
        if table.len() >= MAX_KEYS && !table.contains_key(&key) {
            table.retain(|_, paid_back| *paid_back > now);
            if table.len() >= MAX_KEYS {
                key = None;
            }
        }
        let entry = table.entry(key).or_insert(now);
        let then = (*entry).max(now) + self.interval;
        match then.checked_duration_since(now + self.ahead) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *entry = then;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_served_and_then_one_by_one() {
        let (limit, now) = (Limit::new(Duration::from_secs(1), 3), Instant::now());
        for _ in 0..3 {
            limit.take("ada", now).unwrap();
        }
        assert_eq!(limit.take("ada", now), Err(Duration::from_secs(1)));
        limit.take("grace", now).unwrap();
        let later = now + Duration::from_secs(1);
        limit.take("ada", later).unwrap();
        assert_eq!(limit.take("ada", later), Err(Duration::from_secs(1)), "what was refused costs nothing");
        for _ in 0..3 {
            limit.take("ada", now + Duration::from_secs(100)).unwrap();
        }
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_does_not_free_the_limited() {
        let (limit, now) = (Limit::new(Duration::from_secs(1), 1), Instant::now());
        limit.take(0, now).unwrap();
        for key in 1..MAX_KEYS {
            limit.take(key, now).unwrap();
        }
        limit.take(MAX_KEYS, now).unwrap();
        assert!(limit.take(MAX_KEYS + 1, now).is_err(), "it shares with the one before");
        assert!(limit.take(0, now).is_err());
        assert!(limit.paid_back.lock().unwrap().len() <= MAX_KEYS + 1);
        limit.take(MAX_KEYS + 2, now + Duration::from_secs(2)).unwrap();
        assert!(limit.paid_back.lock().unwrap().len() < 10, "those who paid back are forgotten");
    }

    #[test]
    fn an_address_stands_for_its_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn none_is_no_limit() {
        let config = LimitConfig { logins_per_minute: 0, writes_per_second: 0 };
        let limits = Limits::new(&config);
        for _ in 0..10_000 {
            limits.login("192.0.2.1".parse().unwrap()).unwrap();
            limits.write(UserId(uuid::Uuid::nil())).unwrap();
        }
    }
}
