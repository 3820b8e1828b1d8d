//! Cursor pages: a list is read in the order of its ids, a page at a time. The cursor is the last id of a
//! page, so a page costs the same however deep it lies, and rows that come and go in between shift nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lilac_api::page::{DEFAULT_LIMIT, MAX_LIMIT, Page};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::error::{ApiError, ApiResult};

/// Which part of a list to read.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items at most: 1 to 500, 50 by default.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// How many items a page may hold.
pub fn limit(asked: Option<u32>) -> ApiResult<i64> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(i64::from(limit)),
        limit => Err(ApiError::malformed(format!("query: limit must be 1 to {MAX_LIMIT}, is {limit}"))),
    }
}

/// The id after which to read on; none for the first page.
pub fn decode(cursor: Option<&str>) -> ApiResult<Option<Uuid>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let id = bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok());
    id.map(Some).ok_or_else(|| ApiError::malformed("query: cursor is none that a page gave"))
}

pub fn encode(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

/// Makes a page of rows of which one more than `limit` was asked for: that one says that there is more.
pub fn cut<T>(mut items: Vec<T>, limit: i64, id: impl Fn(&T) -> Uuid) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or_default();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| has_more).map(|last| encode(id(last)));
    Page { items, next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_way_there_and_back() {
        let id = Uuid::now_v7();
        assert_eq!(decode(Some(&encode(id))).unwrap(), Some(id));
        assert_eq!(decode(None).unwrap(), None);
    }

    #[test]
    fn a_forged_cursor_is_named() {
        for forged in ["", "x", "!!!!", "AAAA", &"A".repeat(4000)] {
            let error = decode(Some(forged)).unwrap_err();
            assert_eq!(error.status, 400, "{forged}");
            assert!(error.detail.contains("cursor"), "{}", error.detail);
        }
    }

    #[test]
    fn a_limit_has_bounds() {
        assert_eq!(limit(None).unwrap(), 50);
        assert_eq!(limit(Some(500)).unwrap(), 500);
        for refused in [0, 501, u32::MAX] {
            assert_eq!(limit(Some(refused)).unwrap_err().status, 400);
        }
    }

    #[test]
    fn only_a_page_with_more_behind_it_has_a_cursor() {
        let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let page = cut(ids.clone(), 2, |id| *id);
        assert_eq!(page.items, ids[..2]);
        assert_eq!(decode(page.next_cursor.as_deref()).unwrap(), Some(ids[1]));
        assert_eq!(cut(ids, 3, |id| *id).next_cursor, None);
    }
}
