//! Measurements against the bare Docker API, and against bare SQL.
//!
//! Machines differ and are noisy, so a number means nothing without its reference: both are taken in
//! the same run, in turns, and what is told is the median.

mod batch;
mod cli;
mod cores;
mod daemon;
mod drain;
pub mod fleet;
mod idle;
mod idle_sync;
mod lists;
mod log_rate;
mod placements;
mod start;
mod submit;
mod wire;

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::Serialize;
use sqlx::{Connection, PgConnection};

use crate::bed::Bed;
use crate::machine;
use crate::wait::eventually;

/// What can be measured. The names are stable: programs read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Name {
    /// How much later user code runs than with the bare API's create and start.
    StartOverheadMs,
    /// How fast a hundred waiting jobs are done, against the bare API at the same parallelism.
    Drain,
    /// How fast a job's log comes to whoever follows it, against `docker logs -f` of the same program.
    LogRate,
    /// Memory of an agent with nothing to do, against its bound.
    AgentIdleMb,
    /// CPU time that an agent with nothing to do takes, in thousandths of one core, against its bound.
    AgentIdleCpu,
    /// Memory of a server with nothing to do, against its bound.
    ServerIdleMb,
    /// Jobs a second that are stored for good, one a request, at 256 connections.
    Submit,
    /// The same at one connection, against the rate of bare single-row transactions.
    SubmitOne,
    /// The same in batches of a thousand, against bare inserts of a thousand rows.
    SubmitBatch,
    /// Syncs of nodes with nothing to do, a second of one core.
    IdleSync,
    /// The slowest filter's first page among a million jobs.
    ListMs,
    /// The counts of a million jobs.
    CountMs,
    /// Jobs a second that are placed for good, against bare updates of as many rows.
    Placements,
    /// From the start of a server to its first placement, with a million jobs waiting.
    RestartMs,
    /// How long `lilac_cli` takes to start and to say its version.
    CliStartMs,
    /// How long `lilac_cli submit` takes beyond the server's own time.
    CliSubmitMs,
    /// How long `lilac_cli ls` takes beyond the server's own time, against a hundred thousand jobs.
    CliLsMs,
    /// How large the program is.
    CliBinaryMb,
    /// How long a sync takes that is to be answered at once (p99), while jobs flow to a thousand agents or as many as
    /// `--agents` says.
    Fleet,
}

impl Name {
    /// Whether jobs have to be placed for it.
    fn needs_scheduler(self) -> bool {
        matches!(self, Self::Placements | Self::RestartMs)
    }

    /// Whether it needs a node with Docker.
    fn needs_node(self) -> bool {
        matches!(
            self,
            Self::StartOverheadMs
                | Self::Drain
                | Self::LogRate
                | Self::AgentIdleMb
                | Self::AgentIdleCpu
                | Self::ServerIdleMb
        )
    }

    /// Whether it is about the command line, which has a database of its own with a hundred thousand jobs.
    fn is_of_cli(self) -> bool {
        matches!(self, Self::CliStartMs | Self::CliSubmitMs | Self::CliLsMs | Self::CliBinaryMb)
    }
}

/// One result.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    pub name: Name,
    pub value: f64,
    pub unit: &'static str,
    /// The same of the bare Docker API or of bare SQL, or the bound where there is no such thing.
    pub reference: f64,
    /// `value / reference`.
    pub ratio: f64,
    /// How it came about, for a person.
    #[serde(skip)]
    pub detail: String,
}

/// Measures what is named; everything without a name, but the fleet. So many agents are in that.
pub async fn run(name: Option<Name>, agents: u32) -> Result<Vec<Measurement>> {
    let mut results = Vec::new();
    if name.is_none_or(Name::needs_node) {
        results.extend(with_node(name).await?);
    }
    let is_alone = |name: Name| name.is_of_cli() || name == Name::Fleet;
    if name.is_none_or(|name| !name.needs_node() && !name.needs_scheduler() && !is_alone(name)) {
        results.extend(without_node(name).await?);
    }
    if name.is_none_or(Name::needs_scheduler) {
        results.extend(with_scheduler(name).await?);
    }
    if name.is_none_or(Name::is_of_cli) {
        let bed = Bed::start().await?;
        take_the_lead(&bed).await?;
        results.extend(cli::measure(&bed, name).await?);
    }
    if name == Some(Name::Fleet) {
        results.push(fleet::measure(agents).await?);
    }
    results.sort_by_key(|result| result.name as u8);
    Ok(results)
}

/// What the server and its database do by themselves. The million rows come last: they stay. Meanwhile nobody
/// schedules: how fast jobs are taken in is one thing, and what is thought about them another.
async fn without_node(name: Option<Name>) -> Result<Vec<Measurement>> {
    let wanted = |one: Name| name.is_none_or(|name| name == one);
    let bed = Bed::start().await?;
    take_the_lead(&bed).await?;
    let mut results = Vec::new();
    if wanted(Name::SubmitOne) {
        results.push(submit::one(&bed).await?);
    }
    if wanted(Name::Submit) {
        results.push(submit::many(&bed).await?);
    }
    if wanted(Name::SubmitBatch) {
        results.push(batch::measure(&bed).await?);
    }
    if wanted(Name::IdleSync) {
        results.push(idle_sync::measure(&bed).await?);
    }
    if wanted(Name::ListMs) || wanted(Name::CountMs) {
        results.extend(lists::measure(&bed).await?.into_iter().filter(|result| wanted(result.name)));
    }
    Ok(results)
}

/// Leads in the place of the server, and does nothing with it.
async fn take_the_lead(bed: &Bed) -> Result<()> {
    let mut database = PgConnection::connect(bed.database.url()).await?;
    let lead = "UPDATE leader SET term = term + 1, holder = gen_random_uuid(), holds_lock = false,
                expires_at = clock_timestamp() + interval '1 day'";
    eventually("the lead", async || {
        Ok((sqlx::query(lead).execute(&mut database).await?.rows_affected() == 1).then_some(()))
    })
    .await
}

/// Where jobs are placed, on a database of its own. The million rows come last here, too.
async fn with_scheduler(name: Option<Name>) -> Result<Vec<Measurement>> {
    let wanted = |one: Name| name.is_none_or(|name| name == one);
    let mut bed = Bed::start().await?;
    let mut results = Vec::new();
    if wanted(Name::Placements) {
        results.push(placements::durable(&bed).await?);
    }
    if wanted(Name::RestartMs) {
        results.push(placements::restart(&mut bed).await?);
    }
    Ok(results)
}

async fn with_node(name: Option<Name>) -> Result<Vec<Measurement>> {
    if let Some(obstacle) = machine::obstacle() {
        bail!("nothing can be measured here: {obstacle}");
    }
    let wanted = |one: Name| name.is_none_or(|name| name == one);
    let mut bed = Bed::start().await?;
    // The node offers what it has: its parallelism is the machine's.
    bed.add_node("bench", None).await?;
    let mut results = Vec::new();
    if wanted(Name::AgentIdleMb) || wanted(Name::ServerIdleMb) {
        results.extend(idle::measure(&bed).await?.into_iter().filter(|result| wanted(result.name)));
    }
    if wanted(Name::AgentIdleCpu) {
        results.push(idle::cpu(&bed).await?);
    }
    if wanted(Name::StartOverheadMs) {
        results.push(start::measure(&bed).await?);
    }
    if wanted(Name::Drain) {
        results.push(drain::measure(&bed).await?);
    }
    if wanted(Name::LogRate) {
        results.push(log_rate::measure(&bed).await?);
    }
    Ok(results)
}

/// The middle of what was measured, and its spread from the first to the third quartile.
fn median(mut values: Vec<f64>) -> (f64, String) {
    values.sort_by(f64::total_cmp);
    let at = |quarters: usize| values.get(values.len().saturating_sub(1) * quarters / 4).copied();
    let [low, middle, high] = [at(1), at(2), at(3)].map(Option::unwrap_or_default);
    (middle, format!("{middle:.1} ({low:.1} to {high:.1}, n={})", values.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 5.0, 2.0, 100.0]).0, 5.0);
        assert_eq!(median(vec![7.0]).0, 7.0);
        assert_eq!(median(Vec::new()).0, 0.0);
    }
}
