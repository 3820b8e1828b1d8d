//! What is looked for in a log: a text or an expression, and which way finds its lines.
//!
//! A line matches by itself, whatever stands before or behind it. To ask that of each line of a gigabyte takes
//! longer than to read it, since most expressions could be told from a whole window at once. So an expression that
//! can match neither a line end nor nothing, and looks at no more around it than the ends of a line, is searched for
//! in the window, and the line is what lies around what was found. Any other is asked line by line.

use lilac_api::log::{LogSearch, MAX_SEARCH_BYTES};
use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::error::{ApiError, ApiResult};

/// Memory that an expression may take, compiled and while it runs.
const MAX_EXPRESSION_BYTES: usize = 1 << 20;
/// How deep it may be nested.
const MAX_DEPTH: u32 = 32;

#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// Whether what it finds in many lines is what it finds in one of them.
    is_within_lines: bool,
}

impl Pattern {
    /// A text becomes an expression, too, for which the engine takes a faster way.
    pub fn new(query: &LogSearch) -> ApiResult<Self> {
        let search = &query.search;
        if search.is_empty() || search.len() > MAX_SEARCH_BYTES {
            let detail = format!("query: search must have 1 to {MAX_SEARCH_BYTES} bytes");
            return Err(ApiError::malformed(detail));
        }
        let is_regex = query.regex == Some(true);
        let text = if is_regex { search.clone() } else { regex::escape(search) };
        let is_within_lines = is_within_lines(&text);
        let built = RegexBuilder::new(&text)
            .multi_line(is_within_lines)
            .size_limit(MAX_EXPRESSION_BYTES)
            .dfa_size_limit(MAX_EXPRESSION_BYTES)
            .nest_limit(MAX_DEPTH)
            .build();
        let regex = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                ApiError::malformed("query: search is too large an expression")
            }
            error => {
                // The error draws the expression over several lines; the last says what is wrong.
                let error = error.to_string();
                let words = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                ApiError::malformed(format!("query: search is no regular expression: {words}"))
            }
        })?;
        Ok(Self { regex, is_within_lines })
    }

    /// Where the first line that matches begins and ends, of those that begin at `start` or later; a line begins
    /// there.
    pub fn next_line(&self, bytes: &[u8], start: usize) -> Option<(usize, usize)> {
        if self.is_within_lines {
            let found = self.regex.find_at(bytes, start)?;
            let before = bytes.get(start..found.start()).unwrap_or_default();
            let from = memchr::memrchr(b'\n', before).map_or(start, |end| start + end + 1);
            return Some((from, line_end(bytes, found.end())));
        }
        let mut from = start;
        while from < bytes.len() {
            let to = line_end(bytes, from);
            if self.regex.is_match(bytes.get(from..to).unwrap_or_default()) {
                return Some((from, to));
            }
            from = to + 1;
        }
        None
    }
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    let behind = bytes.get(from..).unwrap_or_default();
    memchr::memchr(b'\n', behind).map_or(bytes.len(), |end| from + end)
}

/// Where `^` and `$` mean the ends of lines; what cannot be read is refused by who builds it.
fn is_within_lines(text: &str) -> bool {
    let parsed = ParserBuilder::new().multi_line(true).utf8(false).nest_limit(MAX_DEPTH).build().parse(text);
    parsed.is_ok_and(|hir| hir.properties().minimum_len() > Some(0) && stays_in_line(&hir))
}

fn stays_in_line(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Literal(literal) => !literal.0.contains(&b'\n'),
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().all(|range| range.start() > '\n' || range.end() < '\n')
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.ranges().iter().all(|range| range.start() > b'\n' || range.end() < b'\n')
        }
        // Those of a whole text, and those that know other line ends, are not those of a line.
        HirKind::Look(look) => !matches!(look, Look::Start | Look::End | Look::StartCRLF | Look::EndCRLF),
        HirKind::Repetition(repetition) => stays_in_line(&repetition.sub),
        HirKind::Capture(capture) => stays_in_line(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(stays_in_line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(search: &str, regex: bool) -> ApiResult<Pattern> {
        Pattern::new(&LogSearch { search: search.into(), regex: Some(regex), ..LogSearch::default() })
    }

    #[test]
    fn what_takes_too_much_is_refused() {
        for (search, is_regex) in [
            ("", false),
            (&*"x".repeat(513), false),
            ("(", true),
            ("a{1000}{1000}{1000}", true),
            ("\\p{L}{999}\\p{N}{999}", true),
            (&*"(".repeat(200), true),
        ] {
            let error = pattern(search, is_regex).unwrap_err();
            assert_eq!(error.status, 400, "{search}");
            assert!(error.detail.contains("search"), "{}", error.detail);
        }
    }

    #[test]
    fn both_ways_find_the_lines_that_match_by_themselves() {
        let text = b"one two\n\n two\r\nthree\xff\xfe\nTwo \xc3\xa4\nxx\n\nfour two";
        let searches = [
            "two",
            "^two",
            "two$",
            "(?i)two",
            r"\btwo\b",
            r"\Btwo",
            "^",
            "$",
            "^$",
            "",
            "x*",
            "x+",
            "e|f",
            r"two\s",
            "[^a]two",
            r"e\W",
            r"\Atwo",
            r"two\z",
            "(?-m)^x",
            "(?s)e.+",
            "(?s)o.t",
            "(?R)two$",
            r"(?-u)\xff",
            r"(?-u:\W)$",
            "ä$",
            "e\nT",
            "^x|\n",
            r"x$|\bfo",
            "(?m)^f",
            r"\n",
            "[\\n-z]o",
        ];
        let mut at_once = 0;
        for search in searches.iter().filter(|search| !search.is_empty()) {
            let pattern = pattern(search, true).unwrap();
            at_once += usize::from(pattern.is_within_lines);
            let alone = Regex::new(search).unwrap();
            let mut start = 0;
            let mut expected = Vec::new();
            for line in text.split(|byte| *byte == b'\n') {
                if alone.is_match(line) {
                    expected.push((start, start + line.len()));
                }
                start += line.len() + 1;
            }
            let mut found = Vec::new();
            let mut from = 0;
            while from < text.len()
                && let Some((start, end)) = pattern.next_line(text, from)
            {
                found.push((start, end));
                from = end + 1;
            }
            assert_eq!(found, expected, "{search}");
        }
        assert!(at_once > searches.len() / 3, "{at_once} are searched for at once");
    }
}
