//! How many live streams a server carries: each holds a connection and reads now and then, for as long as its
//! reader likes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use lilac_api::UserId;
use lilac_api::problem::ErrorCode;

use crate::error::{ApiError, ApiResult};

/// Of one user: some windows with some jobs each.
pub const MAX_PER_USER: usize = 64;
/// Of all users together.
pub const MAX_IN_ALL: usize = 4096;

/// The live streams of this server.
#[derive(Clone, Debug, Default)]
pub struct Streams(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_user: HashMap<UserId, usize>,
}

/// One stream's place, given back when this is dropped.
#[derive(Debug)]
pub struct Permit {
    streams: Streams,
    user: UserId,
}

impl Streams {
    /// A place for one more stream, if there is one.
    pub fn enter(&self, user: UserId) -> ApiResult<Permit> {
        let mut counts = self.lock();
        if counts.all >= MAX_IN_ALL {
            return Err(ApiError::unavailable("this server has as many live streams as it can carry"));
        }
        let own = counts.by_user.entry(user).or_default();
        if *own >= MAX_PER_USER {
            let detail = format!("{MAX_PER_USER} live streams are open already: close some");
            let mut error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, detail);
            error.headers.push(("retry-after", "10".to_owned()));
            return Err(error);
        }
        *own += 1;
        counts.all += 1;
        Ok(Permit { streams: self.clone(), user })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.streams.lock();
        counts.all = counts.all.saturating_sub(1);
        if let Some(own) = counts.by_user.get_mut(&self.user) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.by_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_given_back_is_free_again() {
        let streams = Streams::default();
        let (one, other) = (UserId::new(), UserId::new());
        let mut held: Vec<Permit> = (0..MAX_PER_USER).map(|_| streams.enter(one).unwrap()).collect();
        assert_eq!(streams.enter(one).unwrap_err().status, 429);
        streams.enter(other).unwrap();
        held.pop();
        held.push(streams.enter(one).unwrap());
        drop(held);
        assert!(streams.lock().by_user.is_empty());
        let users = (0..MAX_IN_ALL / MAX_PER_USER).map(|_| UserId::new());
        let all: Vec<Permit> = users
            .flat_map(|user| (0..MAX_PER_USER).map(move |_| user))
            .map(|user| streams.enter(user).unwrap())
            .collect();
        assert_eq!(streams.enter(one).unwrap_err().status, 503);
        drop(all);
        assert_eq!(streams.lock().all, 0);
    }
}
