//! Finding the job that a person means: an id, a part of one, `last`, or a name.

use lilac_api::JobId;
use lilac_api::client::ClientError;
use lilac_api::job::{Job, JobFilter};
use lilac_api::page::MAX_LIMIT;
use lilac_api::problem::ErrorCode;

use crate::failure::Failure;
use crate::session::{Session, read};
use crate::which;

/// The shortest part of an id that is looked for.
const MIN_PART: usize = 4;
/// A part of an id is looked for among this many pages of the newest jobs.
const MAX_PAGES: usize = 10;

/// So many jobs of others are named where one's own was not found.
const SHOWN: u32 = 3;

/// The end of an id, which is random: the beginnings of ids made at once are equal.
pub fn short(id: JobId) -> String {
    let id = id.0.simple().to_string();
    id[id.len() - 8..].to_owned()
}

/// The id of the job that `text` means, which may be a place in an array, or counted back from the last.
pub async fn resolve(session: &Session, text: &str) -> Result<JobId, Failure> {
    which::single(session, text).await
}

/// The id of the job that `text` means: an id, a part of one, `last`, or a name.
pub async fn one(session: &Session, text: &str) -> Result<JobId, Failure> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    if text == "last" {
        let newest = newest(session, None).await?;
        return newest.ok_or_else(|| Failure::NoSuchJob("last".to_owned()));
    }
    if is_part(text) {
        let part = text.replace('-', "").to_lowercase();
        if let Some(id) = by_part(session, text, &part).await? {
            return Ok(id);
        }
    }
    match newest(session, Some(text)).await? {
        Some(id) => Ok(id),
        None => Err(of_others(session, text).await?),
    }
}

/// Whoever names a job of somebody else's is told by which id: an id is never meant by mistake, a name may be.
async fn of_others(session: &Session, text: &str) -> Result<Failure, Failure> {
    let filter = JobFilter { name: Some(text.to_owned()), limit: Some(SHOWN), ..JobFilter::default() };
    let page = read(async || session.client.jobs(&filter).await).await?;
    if page.items.is_empty() {
        return Ok(Failure::NoSuchJob(text.to_owned()));
    }
    let shown: Vec<String> =
        page.items.iter().map(|job| format!("{} of {}", short(job.id), job.owner)).collect();
    let more = if page.next_cursor.is_some() { ", …" } else { "" };
    Ok(Failure::NotYours { name: text.to_owned(), others: shown.join(", ") + more })
}

/// The job itself; one that does not exist (any more) is told as such.
pub async fn load(session: &Session, text: &str) -> Result<Job, Failure> {
    let id = resolve(session, text).await?;
    read(async || session.client.job(id).await).await.map_err(|error| missing(error, text))
}

/// Tells an unknown job from other refusals.
pub fn missing(error: ClientError, text: &str) -> Failure {
    match error.code() {
        Some(ErrorCode::NotFound) => Failure::NoSuchJob(text.to_owned()),
        _ => error.into(),
    }
}

/// Whether `text` may be the beginning or end of an id.
fn is_part(text: &str) -> bool {
    text.len() >= MIN_PART
        && text.len() <= 36
        && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn fits(id: JobId, part: &str) -> bool {
    let id = id.0.simple().to_string();
    id.starts_with(part) || id.ends_with(part)
}

async fn by_part(session: &Session, text: &str, part: &str) -> Result<Option<JobId>, Failure> {
    let mut found: Vec<JobId> = Vec::new();
    let mut filter = JobFilter { limit: Some(MAX_LIMIT), ..JobFilter::default() };
    for _ in 0..MAX_PAGES {
        let page = read(async || session.client.jobs(&filter).await).await?;
        found.extend(page.items.iter().map(|job| job.id).filter(|id| fits(*id, part)));
        filter.cursor = page.next_cursor;
        if found.len() > 1 || filter.cursor.is_none() {
            break;
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [id] => Ok(Some(*id)),
        several => {
            let shown: Vec<String> = several.iter().take(4).map(ToString::to_string).collect();
            let more = if several.len() > 4 { ", …" } else { "" };
            Err(Failure::Ambiguous {
                kind: "job",
                text: text.to_owned(),
                candidates: shown.join(", ") + more,
            })
        }
    }
}

/// The newest of the caller's own jobs.
async fn newest(session: &Session, name: Option<&str>) -> Result<Option<JobId>, Failure> {
    let filter = JobFilter {
        owner: Some("me".to_owned()),
        name: name.map(str::to_owned),
        limit: Some(1),
        ..JobFilter::default()
    };
    let page = read(async || session.client.jobs(&filter).await).await?;
    Ok(page.items.first().map(|job| job.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_an_id_are_parts_of_it() {
        let id: JobId = "0198c2f0-1111-7222-8333-abcdef012345".parse().unwrap();
        assert_eq!(short(id), "ef012345");
        for part in ["0198", "0198c2f01111", "2345", "ef012345"] {
            assert!(is_part(part) && fits(id, part), "{part}");
        }
        assert!(!fits(id, "1111"), "the middle is no part");
        for text in ["019", "train", "0198 ", &"a".repeat(40)] {
            assert!(!is_part(text), "{text}");
        }
    }
}
