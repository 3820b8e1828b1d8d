//! Which jobs a verb is for: named one by one, as ranges, or by a filter.

use std::ops::RangeInclusive;

use clap::Args;
use lilac_api::job::{Job, JobFilter, JobOrder};
use lilac_api::page::MAX_LIMIT;
use lilac_api::{ArrayId, JobId};

use crate::commands::list::FilterArgs;
use crate::commands::prompt;
use crate::failure::Failure;
use crate::job_ref::{self, missing};
use crate::session::{Session, read};

/// The most jobs that one invocation acts on.
const MAX_JOBS: usize = 10_000;

#[derive(Args, Clone, Debug)]
pub struct Which {
    /// Which jobs: ids, names of your own, `last`, `last~0-4`, `sweep:3-7`; or say it by a filter.
    #[arg(value_name = "JOB")]
    pub jobs: Vec<String>,
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// As [`Which`], for verbs that change something.
#[derive(Args, Clone, Debug)]
pub struct Chosen {
    /// Do not ask before more than one job is changed by a filter.
    #[arg(short, long)]
    pub yes: bool,
    #[command(flatten)]
    pub which: Which,
}

/// A job that was meant, and by which word.
#[derive(Clone, Debug)]
pub struct Meant {
    pub id: JobId,
    pub word: String,
}

impl Which {
    /// Whether it says anything, and one thing only; to be asked before a server is.
    pub fn check(&self) -> Result<(), Failure> {
        match (self.jobs.is_empty(), self.filter.filter()) {
            (false, None) | (true, Some(_)) => Ok(()),
            (false, Some(_)) => Err(Failure::usage(
                "jobs are chosen by name or by filter, not by both",
                "name jobs, or say by --state, --queue, --label … which are meant",
            )),
            (true, None) => Err(Failure::usage(
                "say which jobs are meant",
                "`last`, a name, an id; or a filter such as --mine --state queued",
            )),
        }
    }

    /// The jobs that are meant. All are found before any is touched: a slip of the pen in the third touches none.
    pub async fn find(&self, session: &Session) -> Result<Vec<Meant>, Failure> {
        self.check()?;
        match self.filter.filter() {
            None => named(session, &self.jobs).await,
            Some(filter) => matching(session, filter).await,
        }
    }
}

impl Chosen {
    /// The jobs that are meant; asks first where a filter finds several.
    pub async fn find(&self, session: &Session, what: &str) -> Result<Vec<Meant>, Failure> {
        let found = self.which.find(session).await?;
        if self.which.jobs.is_empty() && !self.yes && found.len() > 1 {
            let question = format!("{what} {} jobs that match?", found.len());
            if !prompt::possible() {
                return Err(Failure::usage(question, "add --yes where nobody is there to ask"));
            }
            if !prompt::confirm(&question)? {
                return Err(Failure::Terminal("nothing was changed".to_owned()));
            }
        }
        Ok(found)
    }
}

/// The jobs that these words mean, each once, in their order.
pub async fn named(session: &Session, words: &[String]) -> Result<Vec<Meant>, Failure> {
    let mut found: Vec<Meant> = Vec::new();
    for word in words {
        for id in several(session, word).await? {
            if found.iter().all(|known| known.id != id) {
                found.push(Meant { id, word: word.clone() });
            }
        }
    }
    Ok(found)
}

async fn matching(session: &Session, mut filter: JobFilter) -> Result<Vec<Meant>, Failure> {
    filter.limit = Some(MAX_LIMIT);
    let mut found = Vec::new();
    loop {
        let page = read(async || session.client.jobs(&filter).await).await?;
        found.extend(page.items.iter().map(|job| Meant { id: job.id, word: job.id.to_string() }));
        filter.cursor = page.next_cursor;
        if found.len() > MAX_JOBS {
            let hint = "narrow the filter, by --since or --queue for example";
            return Err(Failure::usage(format!("over {MAX_JOBS} jobs match"), hint));
        }
        if filter.cursor.is_none() {
            break;
        }
    }
    if found.is_empty() {
        return Err(Failure::NoMatch);
    }
    Ok(found)
}

/// How a word means jobs.
#[derive(Debug, PartialEq, Eq)]
enum Word<'a> {
    /// One job.
    One(&'a str),
    /// The caller's newest jobs, counted back from 0.
    Last(RangeInclusive<u32>),
    /// Places of an array, which is named by itself or by one of its jobs.
    Places(&'a str, Vec<RangeInclusive<u32>>),
}

/// The jobs that a word means.
async fn several(session: &Session, word: &str) -> Result<Vec<JobId>, Failure> {
    match parse(word)? {
        Word::One(text) => Ok(vec![job_ref::one(session, text).await?]),
        Word::Last(range) => last(session, word, range).await,
        Word::Places(array, places) => in_array(session, word, array, &places).await,
    }
}

/// The one job that a word means.
pub async fn single(session: &Session, word: &str) -> Result<JobId, Failure> {
    match several(session, word).await?.as_slice() {
        [id] => Ok(*id),
        ids => Err(Failure::Ambiguous {
            kind: "job",
            text: word.to_owned(),
            candidates: format!("{} jobs, and one is wanted here", ids.len()),
        }),
    }
}

fn parse(word: &str) -> Result<Word<'_>, Failure> {
    if let Some(range) = word.strip_prefix("last~") {
        let range = self::range(range).ok_or_else(|| unreadable(word))?;
        return Ok(Word::Last(range));
    }
    // As `ls` writes it, `sweep[3/16]`, or as a shell leaves it alone, `sweep:3`.
    let places = match word.strip_suffix(']').and_then(|word| word.split_once('[')) {
        Some((array, places)) => Some((array, places.split('/').next().unwrap_or_default())),
        None => word.split_once(':'),
    };
    let Some((array, places)) = places.filter(|(array, _)| !array.is_empty()) else {
        return Ok(Word::One(word));
    };
    if places == "*" {
        return Ok(Word::Places(array, vec![0..=u32::MAX]));
    }
    let places: Option<Vec<_>> = places.split(',').map(range).collect();
    Ok(Word::Places(array, places.ok_or_else(|| unreadable(word))?))
}

fn unreadable(word: &str) -> Failure {
    Failure::usage(
        format!("`{word}` names no jobs"),
        "write last~2 or last~0-4 for your latest, sweep:3 or sweep:0-7,12 for jobs of an array",
    )
}

/// `3`, `3-7` or `3-`.
fn range(text: &str) -> Option<RangeInclusive<u32>> {
    match text.split_once('-') {
        None => text.parse().ok().map(|place| place..=place),
        Some((from, "")) => Some(from.parse().ok()?..=u32::MAX),
        Some((from, to)) => {
            let (from, to) = (from.parse().ok()?, to.parse().ok()?);
            (from <= to).then_some(from..=to)
        }
    }
}

async fn last(session: &Session, word: &str, range: RangeInclusive<u32>) -> Result<Vec<JobId>, Failure> {
    let filter = JobFilter { owner: Some("me".to_owned()), ..JobFilter::default() };
    let wanted = usize::try_from(*range.end()).unwrap_or(MAX_JOBS).min(MAX_JOBS) + 1;
    let jobs = pages(session, filter, |jobs| jobs.len() >= wanted).await?;
    let from = usize::try_from(*range.start()).unwrap_or(usize::MAX);
    let ids: Vec<JobId> = jobs.iter().take(wanted).skip(from).map(|job| job.id).collect();
    if ids.is_empty() { Err(Failure::NoSuchJob(word.to_owned())) } else { Ok(ids) }
}

async fn in_array(
    session: &Session,
    word: &str,
    text: &str,
    places: &[RangeInclusive<u32>],
) -> Result<Vec<JobId>, Failure> {
    let array = array(session, word, text).await?;
    let filter = JobFilter { array: Some(array), sort: Some(JobOrder::Oldest), ..JobFilter::default() };
    let is_meant =
        |job: &Job| job.array.is_some_and(|place| places.iter().any(|range| range.contains(&place.index)));
    let jobs = pages(session, filter, |_| false).await?;
    let mut meant: Vec<&Job> = jobs.iter().filter(|job| is_meant(job)).collect();
    meant.sort_by_key(|job| job.array.map(|place| place.index));
    if meant.is_empty() {
        return Err(Failure::NoSuchJob(word.to_owned()));
    }
    Ok(meant.iter().map(|job| job.id).collect())
}

/// The array of that id, or the one that a job belongs to.
async fn array(session: &Session, word: &str, text: &str) -> Result<ArrayId, Failure> {
    if let Ok(id) = text.parse::<ArrayId>()
        && read(async || session.client.array(id).await).await.is_ok()
    {
        return Ok(id);
    }
    let id = job_ref::one(session, text).await?;
    let job = read(async || session.client.job(id).await).await.map_err(|error| missing(error, text))?;
    job.array.map(|place| place.id).ok_or_else(|| {
        Failure::usage(format!("`{word}`: {} belongs to no array", job.name), "leave the place out")
    })
}

/// Jobs page by page, until there are enough or no more; arrays have 100,000 at most.
async fn pages(
    session: &Session,
    mut filter: JobFilter,
    is_enough: impl Fn(&[Job]) -> bool,
) -> Result<Vec<Job>, Failure> {
    filter.limit = Some(MAX_LIMIT);
    let mut jobs = Vec::new();
    loop {
        let page = read(async || session.client.jobs(&filter).await).await?;
        jobs.extend(page.items);
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() || is_enough(&jobs) {
            return Ok(jobs);
        }
    }
}

/// Does the same with each; one that cannot be done does not keep the others from it. The last failure decides.
pub async fn each<T>(
    meant: &[Meant],
    mut act: impl AsyncFnMut(&Meant) -> Result<T, Failure>,
) -> (Vec<T>, Result<(), Failure>) {
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for one in meant {
        match act(one).await {
            Ok(result) => done.push(result),
            Err(failure) => failures.push(failure),
        }
    }
    let last = failures.pop();
    failures.iter().for_each(Failure::tell);
    (done, last.map_or(Ok(()), Err))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_mean_one_job_or_several() {
        for (word, meant) in [
            ("train", Word::One("train")),
            ("last", Word::One("last")),
            ("last~2", Word::Last(2..=2)),
            ("last~0-4", Word::Last(0..=4)),
            ("sweep:3", Word::Places("sweep", vec![3..=3])),
            ("sweep:0-7,12", Word::Places("sweep", vec![0..=7, 12..=12])),
            ("sweep:90-", Word::Places("sweep", vec![90..=u32::MAX])),
            ("sweep:*", Word::Places("sweep", vec![0..=u32::MAX])),
            ("sweep[3/16]", Word::Places("sweep", vec![3..=3])),
            ("last[0-1]", Word::Places("last", vec![0..=1])),
        ] {
            assert_eq!(parse(word).unwrap(), meant, "{word}");
        }
        for wrong in ["last~", "last~x", "last~3-1", "sweep:", "sweep:a", "sweep[3-1]", "sweep:1,,2"] {
            assert_eq!(parse(wrong).unwrap_err().code(), 2, "{wrong}");
        }
    }
}
