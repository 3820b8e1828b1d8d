//! What goes to standard output: tables for people, JSON for programs, bare ids for scripts.
//!
//! Only results go to standard output; hints, progress and errors go to standard error, so that a pipe
//! holds nothing but what was asked for. Everything that others wrote is cleaned on its way to a table.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Row, Table, presets,
};
use lilac_api::cluster::NodeState;
use lilac_api::job::{AttemptState, JobState};
use serde::Serialize;

use crate::screen;
use crate::text::clean;

/// A message is cut to the window's width, but never to less than this.
const MIN_MESSAGE_COLUMNS: u16 = 16;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns, cut to the window.
    #[default]
    Table,
    /// Columns with more in them, never cut.
    Wide,
    /// What the API answers.
    Json,
    /// The same, an object a line.
    Jsonl,
    Yaml,
    /// Bare names, one a line.
    Name,
}

#[derive(Clone, Copy, Debug)]
pub struct Printer {
    pub format: Format,
    /// Bare ids (or a bare secret) only.
    pub quiet: bool,
    /// Whether standard output is a terminal that likes colours.
    pub colours: bool,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
}

/// How a cell looks, where it says more than its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Faint,
    Good,
    Busy,
    Warn,
    Bad,
}

/// One value of a table.
#[derive(Clone, Debug)]
pub struct Field {
    text: String,
    tone: Tone,
}

impl Field {
    pub fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: clean(text.as_ref()), tone }
    }
}

impl<T: AsRef<str>> From<T> for Field {
    fn from(text: T) -> Self {
        Self::toned(text, Tone::Plain)
    }
}

/// The colour of a job's state. A new state fails to compile until it has one.
pub fn job_tone(state: JobState) -> Tone {
    match state {
        JobState::Queued => Tone::Faint,
        JobState::Starting | JobState::Running => Tone::Busy,
        JobState::Succeeded => Tone::Good,
        JobState::Failed => Tone::Bad,
        JobState::Cancelled | JobState::Held => Tone::Warn,
    }
}

pub fn attempt_tone(state: AttemptState) -> Tone {
    match state {
        AttemptState::Granted | AttemptState::Preparing | AttemptState::Running => Tone::Busy,
        AttemptState::Succeeded => Tone::Good,
        AttemptState::Failed => Tone::Bad,
        AttemptState::Stopping | AttemptState::Cancelled | AttemptState::Preempted | AttemptState::Lost => {
            Tone::Warn
        }
    }
}

pub fn node_tone(state: NodeState) -> Tone {
    match state {
        NodeState::Ready => Tone::Good,
        NodeState::Joining => Tone::Faint,
        NodeState::Cordoned => Tone::Warn,
        NodeState::Unhealthy | NodeState::Unreachable => Tone::Bad,
    }
}

impl Printer {
    pub fn new(format: Format, quiet: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        let unicode = terminal && unicode_wanted();
        Self { format, quiet, terminal, unicode, colours: terminal && colours_wanted() }
    }

    /// Whether a program reads the result: JSON or YAML.
    pub fn json_wanted(self) -> bool {
        matches!(self.format, Format::Json | Format::Jsonl | Format::Yaml)
    }

    /// Whether a person reads the result.
    pub fn is_for_people(self) -> bool {
        !self.quiet && matches!(self.format, Format::Table | Format::Wide)
    }

    pub fn is_wide(self) -> bool {
        self.format == Format::Wide
    }

    /// A list: a table, a JSON array, or one id a line. A column whose title begins with `>` is aligned
    /// to the right; a last one called MESSAGE is cut to what the window leaves for it.
    pub fn list<T: Serialize>(
        self,
        items: &[T],
        columns: &[&str],
        row: impl Fn(&T) -> Vec<Field>,
        id: impl Fn(&T) -> String,
    ) -> io::Result<()> {
        if self.quiet {
            let ids: String = items.iter().map(|item| id(item) + "\n").collect();
            return self.raw(ids.as_bytes());
        }
        match self.format {
            Format::Jsonl => return items.iter().try_for_each(|item| self.json(item)),
            Format::Json | Format::Yaml => return self.json(&items),
            Format::Name => {
                let names: String = items.iter().map(|item| name_of(item, || id(item)) + "\n").collect();
                return self.raw(names.as_bytes());
            }
            Format::Table | Format::Wide => {}
        }
        self.table(columns, items.iter().map(row).collect())
    }

    pub fn table(self, columns: &[&str], rows: Vec<Vec<Field>>) -> io::Result<()> {
        let mut table = self.bare_table();
        table.set_header(columns.iter().map(|title| {
            let cell = Cell::new(title.trim_start_matches('>'));
            if self.colours { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
        for row in rows {
            let mut row = Row::from(row.iter().map(|field| self.cell(field)));
            row.max_height(1);
            table.add_row(row);
        }
        let last = columns.len().saturating_sub(1);
        let fitted = !self.is_wide()
            && columns.last() == Some(&"MESSAGE")
            && room_for_last(&table) >= MIN_MESSAGE_COLUMNS;
        if fitted {
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        for (index, title) in columns.iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                // Two spaces between columns, none before the first.
                column.set_padding((0, if index == last { 0 } else { 2 }));
                if fitted && index != last {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
                if title.starts_with('>') {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        self.text(&(table.trim_fmt() + "\n"))
    }

    /// One thing as `title  value` lines; values without text are left out.
    pub fn facts(self, facts: &[(&str, Field)]) -> io::Result<()> {
        let width = facts.iter().map(|(title, _)| title.len()).max().unwrap_or(0) + 2;
        let mut text = String::new();
        for (title, field) in facts.iter().filter(|(_, field)| !field.text.is_empty()) {
            text.push_str(&self.paint(&format!("{title:width$}"), Tone::Faint));
            text.push_str(&self.paint(&field.text, field.tone));
            text.push('\n');
        }
        self.text(&text)
    }

    /// A line of several parts, each in its tone.
    pub fn spans(self, parts: &[Field]) -> io::Result<()> {
        let line: String = parts.iter().map(|part| self.paint(&part.text, part.tone)).collect();
        self.text(&(line.trim_end().to_owned() + "\n"))
    }

    /// One thing: JSON or YAML, its bare id or name, or whatever `human` writes.
    pub fn one<T: Serialize>(
        self,
        item: &T,
        id: impl FnOnce(&T) -> String,
        human: impl FnOnce(&T) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.quiet {
            self.line(&id(item))
        } else if self.json_wanted() {
            self.json(item)
        } else if self.format == Format::Name {
            self.line(&name_of(item, || id(item)))
        } else {
            human(item)
        }
    }

    /// What was done, in a sentence; nothing where only results are wanted.
    pub fn done(self, sentence: &str) -> io::Result<()> {
        if self.is_for_people() { self.line(sentence) } else { Ok(()) }
    }

    pub fn line(self, text: &str) -> io::Result<()> {
        self.text(&(clean(text) + "\n"))
    }

    /// A value for programs, in the format that is asked for.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> io::Result<()> {
        let text = match self.format {
            Format::Jsonl => serde_json::to_string(value),
            Format::Yaml => return self.yaml(value),
            _ => serde_json::to_string_pretty(value),
        };
        self.raw((safe_json(&text.map_err(io::Error::other)?) + "\n").as_bytes())
    }

    fn yaml<T: Serialize + ?Sized>(self, value: &T) -> io::Result<()> {
        let text = serde_saphyr::to_string(&value).map_err(io::Error::other)?;
        if text.chars().any(|c| c != '\n' && acts(c)) {
            // JSON is YAML too, and has an escape for everything.
            let json = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
            return self.raw((safe_json(&json) + "\n").as_bytes());
        }
        self.raw((text.trim_end().to_owned() + "\n").as_bytes())
    }

    /// Text for people: where standard output shows no more than ASCII, our own marks are written in it.
    fn text(self, text: &str) -> io::Result<()> {
        if self.unicode {
            return self.raw(text.as_bytes());
        }
        self.raw(text.replace('…', "...").replace('→', "->").as_bytes())
    }

    /// Bytes as they are.
    pub fn raw(self, bytes: &[u8]) -> io::Result<()> {
        screen::write_out(bytes)
    }

    fn paint(self, text: &str, tone: Tone) -> String {
        match ansi(tone) {
            Some(code) if self.colours => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    fn cell(self, field: &Field) -> Cell {
        let cell = Cell::new(if field.text.is_empty() { "-" } else { &field.text });
        if !self.colours {
            return cell;
        }
        match field.tone {
            Tone::Plain => cell,
            Tone::Faint => cell.add_attribute(Attribute::Dim),
            Tone::Good => cell.fg(Color::Green),
            Tone::Busy => cell.fg(Color::Cyan),
            Tone::Warn => cell.fg(Color::Yellow),
            Tone::Bad => cell.fg(Color::Red),
        }
    }

    fn bare_table(self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        if !self.terminal {
            table.force_no_tty();
        }
        table
    }
}

/// What the window leaves for the last column; 0 where there is no window.
fn room_for_last(table: &Table) -> u16 {
    let widths = table.column_max_content_widths();
    let others: u16 = widths.iter().rev().skip(1).map(|width| width + 2).sum();
    table.width().unwrap_or(0).saturating_sub(others)
}

/// A line for standard error: progress, hints, errors. When it cannot be written, nobody reads it.
pub fn note(text: &str) {
    if unicode_wanted() {
        screen::write_err(&format!("{text}\n"));
    } else {
        screen::write_err(&(text.replace('…', "...").replace('→', "->") + "\n"));
    }
}

/// Whether the locale knows more than ASCII. Where none is set, it is taken for one of today.
pub fn unicode_wanted() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
    set.filter(|locale| !locale.is_empty())
        .map(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"))
        .next()
        .unwrap_or(true)
}

/// The time of the day here.
pub fn clock() -> String {
    chrono::Local::now().format("%H:%M:%S").to_string()
}

/// Whether colours are welcome on standard error.
pub fn stderr_colours() -> bool {
    io::stderr().is_terminal() && colours_wanted()
}

/// A text in the colour of its tone, for standard error.
pub fn painted(text: &str, tone: Tone) -> String {
    match ansi(tone) {
        Some(code) if stderr_colours() => format!("\x1b[{code}m{text}\x1b[0m"),
        _ => text.to_owned(),
    }
}

/// <https://no-color.org>: set to anything but nothing, it switches colours off.
pub fn colours_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn ansi(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Faint => Some("2"),
        Tone::Good => Some("32"),
        Tone::Busy => Some("36"),
        Tone::Warn => Some("33"),
        Tone::Bad => Some("31"),
    }
}

/// The name of a thing as the API answers it; its id where it has none.
fn name_of<T: Serialize + ?Sized>(item: &T, id: impl FnOnce() -> String) -> String {
    let value = serde_json::to_value(item).unwrap_or_default();
    let name = ["name", "username"].iter().find_map(|field| value.get(field)?.as_str().map(clean));
    name.unwrap_or_else(id)
}

fn acts(c: char) -> bool {
    clean(c.encode_utf8(&mut [0; 4])).len() > c.len_utf8()
}

/// JSON escapes the low control characters by itself; a terminal also obeys the high ones. Such
/// characters occur in strings only, where an escape means the same.
fn safe_json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && acts(c) {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning_and_holds_nothing_that_acts() {
        let hostile = "a\u{1b}[2J\u{9b}1m\u{202e}\u{7f}\n\té";
        let text = safe_json(&serde_json::to_string_pretty(&[hostile]).unwrap());
        assert!(text.chars().all(|c| c == '\n' || clean(&c.to_string()) == c.to_string()), "{text}");
        let back: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(back, [hostile]);
    }

    #[test]
    fn a_thing_is_called_by_its_name_or_else_by_its_id() {
        let named = serde_json::json!({"id": "1", "name": "a\u{1b}"});
        assert_eq!(name_of(&named, || "1".into()), "a\\u{1b}");
        assert_eq!(name_of(&serde_json::json!({"username": "ada"}), || "1".into()), "ada");
        assert_eq!(name_of(&serde_json::json!({"sequence": 4}), || "4".into()), "4");
    }

    #[test]
    fn fields_are_cleaned() {
        assert_eq!(Field::from("a\x1b]0;x\x07").text, "a\\u{1b}]0;x\\u{7}");
    }

    #[test]
    fn a_table_has_no_borders_and_no_trailing_space() {
        let printer =
            Printer { format: Format::Table, quiet: false, colours: false, terminal: false, unicode: false };
        let mut table = printer.bare_table();
        table.set_header(["A", "B"]).add_row(["1", ""]);
        assert!(table.trim_fmt().lines().all(|line| !line.ends_with(' ') && !line.contains('|')));
    }
}
