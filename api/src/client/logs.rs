//! Logs of jobs.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use reqwest::Method;

use super::events::{events, parse};
use super::{Client, Result};
use crate::ids::JobId;
use crate::job::{LogChunk, LogDownload, LogEnd, LogQuery, log_headers};
use crate::log::{LogMatches, LogSearch};

/// One event of a live log.
#[derive(Clone, Debug)]
pub enum LogEvent {
    Chunk(LogChunk),
    End(LogEnd),
}

/// A part of a log.
#[derive(Clone, Debug)]
pub struct LogPart {
    pub bytes: Bytes,
    pub epoch: u32,
    pub offset: u64,
    pub next_offset: u64,
    pub complete: bool,
}

impl Client {
    /// Reads a part of a log.
    pub async fn log(&self, id: JobId, query: &LogQuery) -> Result<LogPart> {
        let response = self.send(self.request(Method::GET, &format!("/jobs/{id}/logs")).query(query)).await?;
        let number =
            |name: &str| -> Option<u64> { response.headers().get(name)?.to_str().ok()?.parse().ok() };
        let (Some(offset), Some(next_offset), Some(epoch)) = (
            number(log_headers::OFFSET),
            number(log_headers::NEXT_OFFSET),
            number(log_headers::EPOCH).and_then(|epoch| u32::try_from(epoch).ok()),
        ) else {
            return Err(self.not_lilac("a log without its offset".to_owned()));
        };
        let complete = response.headers().get(log_headers::COMPLETE).is_some_and(|value| value == "true");
        let bytes = self.bounded_body(response).await?.into();
        Ok(LogPart { bytes, epoch, offset, next_offset, complete })
    }

    /// Searches a part of a log; `next_offset` leads to the next.
    pub async fn search_log(&self, id: JobId, query: &LogSearch) -> Result<LogMatches> {
        self.get_with(&format!("/jobs/{id}/logs/search"), query).await
    }

    /// All that there is of a log, piece by piece.
    pub async fn download_log(
        &self,
        id: JobId,
        query: &LogDownload,
    ) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        let request = self.request(Method::GET, &format!("/jobs/{id}/logs/download")).query(query);
        self.download(request).await
    }

    /// Follows a log until the attempt ended and the log is whole.
    pub async fn follow_log(
        &self,
        id: JobId,
        query: &LogQuery,
    ) -> Result<impl Stream<Item = Result<LogEvent>> + use<>> {
        let request = self
            .request(Method::GET, &format!("/jobs/{id}/logs/stream"))
            .query(query)
            // A live stream has no end of its own; the server's comments show that it lives.
            .timeout(Duration::from_secs(365 * 86_400));
        let response = self.send(request).await?;
        let client = self.clone();
        Ok(events(client, response).filter_map(|event| async move {
            match event {
                Ok(event) => match event.name.as_str() {
                    "log" => Some(parse(&event.data).map(LogEvent::Chunk)),
                    "end" => Some(parse(&event.data).map(LogEvent::End)),
                    _ => None,
                },
                Err(error) => Some(Err(error)),
            }
        }))
    }
}
