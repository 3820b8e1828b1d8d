//! How `top` looks: drawing what was seen, and nothing else.

use chrono::{DateTime, Utc};
use lilac_api::cluster::Node;
use lilac_api::job::{Job, JobCounts, JobState};
use lilac_api::queue::Queue;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table};

use super::show::bytes;
use crate::job_ref::short;
use crate::printer::{Tone, job_tone, node_tone};
use crate::text::{clean, shorten};
use crate::times;

const BAR: usize = 10;

/// What was seen last.
#[derive(Debug, Default)]
pub struct View {
    pub server: String,
    pub user: String,
    pub nodes: Vec<Node>,
    pub queues: Vec<Queue>,
    pub jobs: Vec<Job>,
    pub counts: JobCounts,
    pub seen_at: Option<DateTime<Utc>>,
    /// Why it is not newer.
    pub trouble: Option<String>,
    /// Whether jobs of others are shown.
    pub all: bool,
    /// The first job that is shown.
    pub first: usize,
    pub is_coloured: bool,
    /// Whether the terminal shows more than ASCII.
    pub is_unicode: bool,
}

impl View {
    pub fn scroll(&mut self, lines: i64) {
        let last = self.jobs.len().saturating_sub(1);
        let moved = i64::try_from(self.first).unwrap_or(0).saturating_add(lines).max(0);
        self.first = usize::try_from(moved).unwrap_or(0).min(last);
    }

    /// How much of it is taken.
    fn bar(&self, taken: u64, has: u64) -> String {
        let (full, empty) = if self.is_unicode { ("█", "░") } else { ("#", ".") };
        let filled = usize::try_from(share(taken, has) * BAR as u64 / 100).unwrap_or(BAR).min(BAR);
        // A little is more than nothing.
        let filled = if taken > 0 { filled.max(1) } else { filled };
        full.repeat(filled) + &empty.repeat(BAR - filled)
    }

    fn style(&self, tone: Tone) -> Style {
        let style = Style::new();
        match tone {
            _ if !self.is_coloured => style,
            Tone::Plain => style,
            Tone::Faint => style.add_modifier(Modifier::DIM),
            Tone::Good => style.fg(Color::Green),
            Tone::Busy => style.fg(Color::Cyan),
            Tone::Warn => style.fg(Color::Yellow),
            Tone::Bad => style.fg(Color::Red),
        }
    }
}

/// What runs first, then what is about to, then what waits.
pub fn order(state: JobState) -> u8 {
    match state {
        JobState::Running => 0,
        JobState::Starting => 1,
        JobState::Held => 2,
        JobState::Queued => 3,
        JobState::Succeeded | JobState::Failed | JobState::Cancelled => 4,
    }
}

pub fn draw(frame: &mut Frame<'_>, view: &View, now: DateTime<Utc>) {
    let third = frame.area().height / 3;
    let lines = |count: usize| u16::try_from(count + 2).unwrap_or(u16::MAX).min(third.max(3));
    let [head, nodes, queues, jobs, foot] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(lines(view.nodes.len())),
        Constraint::Length(lines(view.queues.len())),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(self::head(view, now), head);
    draw_nodes(frame, view, nodes, now);
    draw_queues(frame, view, queues);
    draw_jobs(frame, view, jobs, now);
    let whose = if view.all { "yours only" } else { "all users" };
    let keys = format!("q leave   a {whose}   up/down scroll");
    frame.render_widget(Paragraph::new(keys).style(view.style(Tone::Faint)), foot);
}

fn head(view: &View, now: DateTime<Utc>) -> Paragraph<'static> {
    let sum = |of: fn(&Node) -> u64| view.nodes.iter().map(of).sum::<u64>();
    let count = |state| view.counts.by_state.get(&state).copied().unwrap_or_default();
    let totals = format!(
        "CPUs {} of {}   memory {} of {}   GPUs {} of {}",
        cpus(sum(|node| node.allocated.cpu_milli.into())),
        cpus(sum(|node| node.capacity.cpu_milli.into())),
        bytes(sum(|node| node.allocated.memory_bytes)),
        bytes(sum(|node| node.capacity.memory_bytes)),
        sum(|node| node.allocated.gpus.into()),
        sum(|node| node.capacity.gpus.into()),
    );
    let jobs = format!(
        "jobs: {} running, {} starting, {} queued, {} held",
        count(JobState::Running),
        count(JobState::Starting),
        count(JobState::Queued),
        count(JobState::Held)
    );
    let seen = view.seen_at.map(|at| times::ago(now, at)).unwrap_or_default();
    let first = match &view.trouble {
        Some(trouble) => Line::styled(format!("{} (seen {seen})", clean(trouble)), view.style(Tone::Bad)),
        None => Line::from(vec![
            Span::styled("lilac ", Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(format!("{} as {}", clean(&view.server), clean(&view.user))),
        ]),
    };
    Paragraph::new(vec![first, Line::raw(format!("{totals}   {jobs}"))])
}

fn draw_nodes(frame: &mut Frame<'_>, view: &View, area: Rect, now: DateTime<Utc>) {
    let rows = view.nodes.iter().map(|node| {
        let (taken, has) = (&node.allocated, &node.capacity);
        let seen = node.last_seen_at.map_or("never".to_owned(), |at| times::ago(now, at));
        let used = node.usage.as_ref().map(|usage| percent(usage.cpu_milli, has.cpu_milli.into()));
        Row::new([
            Cell::new(clean(&node.name)),
            Cell::new(node.state.to_string()).style(view.style(node_tone(node.state))),
            Cell::new(format!(
                "{} {}/{}",
                view.bar(taken.cpu_milli.into(), has.cpu_milli.into()),
                cpus(taken.cpu_milli.into()),
                cpus(has.cpu_milli.into())
            )),
            Cell::new(format!(
                "{} {}/{}",
                view.bar(taken.memory_bytes, has.memory_bytes),
                bytes(taken.memory_bytes),
                bytes(has.memory_bytes)
            )),
            Cell::new(if has.gpus == 0 {
                "-".to_owned()
            } else {
                format!("{} {}/{}", view.bar(taken.gpus.into(), has.gpus.into()), taken.gpus, has.gpus)
            }),
            Cell::new(used.unwrap_or_default()),
            Cell::new(node.running_jobs.to_string()),
            Cell::new(seen),
        ])
    });
    let columns = ["NODE", "STATE", "CPUS", "MEMORY", "GPUS", "CPU USE", "JOBS", "SEEN"];
    let widths = [18, 11, 22, 26, 18, 7, 5, 10].map(Constraint::Max);
    frame.render_widget(Table::new(rows, widths).header(titles(view, &columns)), area);
}

fn draw_queues(frame: &mut Frame<'_>, view: &View, area: Rect) {
    let rows = view.queues.iter().map(|queue| {
        let (state, tone) = if queue.paused { ("paused", Tone::Warn) } else { ("open", Tone::Good) };
        Row::new([
            Cell::new(clean(&queue.name)),
            Cell::new(state).style(view.style(tone)),
            Cell::new(queue.priority.to_string()),
            Cell::new(queue.queued.to_string()),
            Cell::new(queue.running.to_string()),
            Cell::new(clean(&queue.team)),
        ])
    });
    let columns = ["QUEUE", "STATE", "PRIORITY", "QUEUED", "RUNNING", "TEAM"];
    let widths = [18, 11, 9, 8, 8, 18].map(Constraint::Max);
    frame.render_widget(Table::new(rows, widths).header(titles(view, &columns)), area);
}

fn draw_jobs(frame: &mut Frame<'_>, view: &View, area: Rect, now: DateTime<Utc>) {
    let rows = view.jobs.iter().skip(view.first).take(area.height.into()).map(|job| {
        let ran = job.started_at.map(|started| times::between(started, job.finished_at.unwrap_or(now)));
        // Of what ended well or runs there is nothing to say; of the rest, why.
        let says = match (job.state, job.reason) {
            (JobState::Running | JobState::Succeeded, _) => String::new(),
            (_, Some(reason)) if job.message.is_empty() => reason.to_string(),
            _ => job.message.clone(),
        };
        Row::new([
            Cell::new(short(job.id)),
            Cell::new(shorten(&clean(&super::list::name(job)), 30)),
            Cell::new(job.state.as_str()).style(view.style(job_tone(job.state))),
            Cell::new(clean(&job.owner)),
            Cell::new(clean(&job.queue)),
            Cell::new(ran.unwrap_or_default()),
            Cell::new(times::ago(now, job.created_at)),
            Cell::new(clean(&job.nodes.join(","))),
            Cell::new(clean(&says)).style(view.style(Tone::Faint)),
        ])
    });
    let columns = ["JOB", "NAME", "STATE", "OWNER", "QUEUE", "RAN", "AGE", "NODE", ""];
    let widths = [
        Constraint::Max(8),
        Constraint::Max(24),
        Constraint::Max(10),
        Constraint::Max(10),
        Constraint::Max(10),
        Constraint::Max(8),
        Constraint::Max(8),
        Constraint::Max(12),
        Constraint::Fill(1),
    ];
    frame.render_widget(Table::new(rows, widths).header(titles(view, &columns)), area);
}

fn titles(view: &View, columns: &[&'static str]) -> Row<'static> {
    let style = Style::new().add_modifier(Modifier::BOLD);
    let style = if view.is_coloured { style.fg(Color::Magenta) } else { style };
    Row::new(columns.iter().map(|title| Cell::new(*title))).style(style)
}

/// `2.5` out of thousandths.
fn cpus(milli: u64) -> String {
    (milli as f64 / 1000.0).to_string()
}

fn percent(taken: u64, has: u64) -> String {
    format!("{}%", share(taken, has))
}

fn share(taken: u64, has: u64) -> u64 {
    let percent = u128::from(taken) * 100 / u128::from(has.max(1));
    u64::try_from(percent).unwrap_or(100).min(100)
}

#[cfg(test)]
mod tests {
    use lilac_api::job::Amounts;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn job(name: &str, state: &str, message: &str) -> Job {
        let amounts = Amounts { cpu_milli: 1000, memory_bytes: 1 << 30, disk_bytes: 0, gpus: 0 };
        serde_json::from_value(serde_json::json!({
            "id": "0198c2f0-1111-7222-8333-abcdef012345", "name": name, "queue": "default", "team": "default",
            "owner": "ada", "priority": 50, "state": state, "message": message, "actor": "user:ada",
            "image": "busybox", "labels": {}, "requests": amounts, "epoch": 1, "attempts_charged": 0,
            "cancel_requested": false, "nodes": ["n1"], "created_at": "2026-01-01T00:00:00Z"
        }))
        .unwrap()
    }

    fn node(name: &str) -> Node {
        serde_json::from_value(serde_json::json!({
            "id": "0198c2f0-1111-7222-8333-abcdef012345", "name": name, "cluster": "default", "state": "ready",
            "message": "", "gpus": [], "labels": {}, "admin_labels": {}, "running_jobs": 1,
            "capacity": {"cpu_milli": 8000, "memory_bytes": 34_359_738_368_u64, "disk_bytes": 0, "gpus": 8},
            "allocated": {"cpu_milli": 2000, "memory_bytes": 17_179_869_184_u64, "disk_bytes": 0, "gpus": 3},
            "agent_version": "1", "docker_version": "1", "registered_at": "2026-01-01T00:00:00Z",
            "last_seen_at": "2026-01-01T00:00:00Z"
        }))
        .unwrap()
    }

    fn drawn(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let now = "2026-01-01T00:01:00Z".parse().unwrap();
        terminal.draw(|frame| draw(frame, view, now)).unwrap();
        let lines: Vec<String> = terminal
            .backend()
            .to_string()
            .lines()
            .map(|line| line.trim_matches('"').trim_end().to_owned())
            .collect();
        lines.join("\n")
    }

    fn view() -> View {
        View {
            server: "http://127.0.0.1:8080".into(),
            user: "ada".into(),
            nodes: vec![node("n1")],
            jobs: vec![job("train", "running", ""), job("waits\u{1b}[2J", "queued", "all nodes are full")],
            seen_at: Some("2026-01-01T00:00:58Z".parse().unwrap()),
            is_unicode: true,
            ..View::default()
        }
    }

    #[test]
    fn a_screen_shows_nodes_queues_and_jobs() {
        insta::assert_snapshot!(drawn(&view(), 130, 16));
    }

    #[test]
    fn trouble_is_said_and_the_last_look_stays() {
        let mut view = view();
        view.trouble = Some("cannot reach http://127.0.0.1:8080".into());
        let screen = drawn(&view, 100, 16);
        assert!(screen.contains("cannot reach") && screen.contains("train"), "{screen}");
    }

    #[test]
    fn any_window_will_do_and_scrolling_ends() {
        let mut view = view();
        for (width, height) in [(1, 1), (20, 3), (300, 100)] {
            drawn(&view, width, height);
        }
        view.scroll(-5);
        assert_eq!(view.first, 0);
        view.scroll(50);
        assert_eq!(view.first, 1);
    }

    #[test]
    fn bars_are_full_when_all_is_taken() {
        for (taken, has, filled) in [(0, 8, 0), (1, 800, 1), (4, 8, 5), (8, 8, 10), (9, 8, 10), (0, 0, 0)] {
            let bar = view().bar(taken, has);
            assert_eq!(bar.chars().filter(|c| "█#".contains(*c)).count(), filled, "{taken} of {has}");
            assert_eq!(bar.chars().count(), BAR);
        }
    }
}
