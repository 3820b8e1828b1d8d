//! What jobs leave behind.

use bytes::Bytes;
use futures::Stream;
use reqwest::Method;

use super::{Client, Result};
use crate::ids::JobId;
use crate::output::{JobOutput, OutputFileQuery, OutputQuery};

impl Client {
    pub async fn outputs(&self, id: JobId, query: &OutputQuery) -> Result<Vec<JobOutput>> {
        self.get_with(&format!("/jobs/{id}/outputs"), query).await
    }

    /// An output's tar archive, piece by piece.
    pub async fn download_output(
        &self,
        id: JobId,
        index: u16,
        query: &OutputQuery,
    ) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        let request = self.request(Method::GET, &format!("/jobs/{id}/outputs/{index}")).query(query);
        self.download(request).await
    }

    /// One file of an output, piece by piece.
    pub async fn download_output_file(
        &self,
        id: JobId,
        index: u16,
        query: &OutputFileQuery,
    ) -> Result<impl Stream<Item = Result<Bytes>> + use<>> {
        let request = self.request(Method::GET, &format!("/jobs/{id}/outputs/{index}/files")).query(query);
        self.download(request).await
    }
}
