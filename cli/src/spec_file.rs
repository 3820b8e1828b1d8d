//! Job files: YAML or JSON, read with bounds, and every complaint with its line.
//!
//! One reader serves both languages, since JSON is YAML. Values are read straight into the job spec, so that
//! `env: {PORT: 8080}` means the text that stands there. Where a check fails after reading (a name that
//! is too long, a field that the server refuses), the file is read once more for the places of its
//! fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use lilac_api::problem::FieldError;
use lilac_api::spec::JobSpec;
use lilac_api::suggest;
use serde::de::{Deserialize, Deserializer, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error as YamlError, MessageFormatter, Spanned, UserMessageFormatter};

use crate::failure::Failure;
use crate::substitute::substitute;
use crate::text::{clean, shorten};

/// The largest file that is read. The server takes specs of up to 256 KiB; comments may take the rest.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A job file and where it came from.
#[derive(Debug)]
pub struct SpecFile {
    label: String,
    text: String,
}

/// Line and column of a field's value, from 1.
type Place = (u64, u64);

/// Reads the file at `path`; `-` is standard input.
pub fn open(path: &str) -> Result<SpecFile, Failure> {
    let (label, bytes) = if path == "-" {
        ("standard input".to_owned(), bounded(io::stdin().lock()))
    } else {
        (clean(path), File::open(path).and_then(bounded))
    };
    let refuse = |message: String| Failure::input(format!("{label}: {message}"));
    let bytes = bytes.map_err(|error| refuse(plain(&error)))?;
    let text = decode(bytes).map_err(refuse)?;
    Ok(SpecFile { label, text })
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "this is a directory, not a job file".to_owned(),
        io::ErrorKind::PermissionDenied => "you may not read this file".to_owned(),
        _ => error.to_string(),
    }
}

fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other("a job file has at most 1 MiB; this one is larger"));
    }
    Ok(bytes)
}

fn decode(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("this is UTF-16; save the file as UTF-8".to_owned());
    }
    let line_of = |end: usize| bytes[..end].iter().filter(|byte| **byte == b'\n').count() + 1;
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(format!("line {} holds a NUL byte, which is no text", line_of(at)));
    }
    match std::str::from_utf8(&bytes) {
        Err(error) => Err(format!("line {} is not UTF-8 text", line_of(error.valid_up_to()))),
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            if text.trim().is_empty() {
                return Err("the file is empty; a job needs at least `name` and `image`".to_owned());
            }
            Ok(text.to_owned())
        }
    }
}

impl SpecFile {
    #[cfg(test)]
    fn of(text: &str) -> Self {
        Self { label: "job.yaml".into(), text: decode(text.as_bytes().to_vec()).unwrap() }
    }

    /// The file with `${NAME}` filled in.
    pub fn substituted(self, value: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        match substitute(&self.text, value) {
            Ok(text) => Ok(Self { text, ..self }),
            Err((place, message)) => Err(Failure::input(self.at(place, &message))),
        }
    }

    /// The spec. `needed` are fields that flags give: they stand in for the file's, where it has none.
    pub fn spec(&self, needed: &[(&'static str, String)]) -> Result<JobSpec, Failure> {
        let known = self.top_level();
        let extra: Vec<_> = needed.iter().filter(|(field, _)| !known.contains(*field)).cloned().collect();
        let mut path = String::new();
        serde_saphyr::with_deserializer_from_str_with_options(&self.text, options(), |document| {
            let seed = Extended { inner: document, extra };
            serde_path_to_error::deserialize(seed).map_err(|error| {
                path = error.path().to_string();
                error.into_inner()
            })
        })
        .map_err(|error| self.unreadable(error.without_snippet(), &path))
    }

    /// What is wrong with the spec's fields, each with its line where the file has it.
    pub fn complain(&self, errors: &[FieldError]) -> Vec<String> {
        let places = self.places();
        errors
            .iter()
            .map(|error| {
                let message = format!("{}: {}", clean(&error.path), clean(&error.message));
                match nearest_place(&places, &error.path) {
                    Some(place) => self.at(place, &message),
                    None => format!("{}: {message}", self.label),
                }
            })
            .collect()
    }

    fn unreadable(&self, error: &YamlError, path: &str) -> Failure {
        let message = explain(error);
        // serde names the path of what was being read; at the top there is none.
        let path = if matches!(path, "." | "?") { "" } else { path };
        let at_top = path.is_empty() && matches!(error, YamlError::SerdeMissingField { .. });
        let named = path.is_empty() || message.contains(&format!("`{path}`"));
        let message = if named { message } else { format!("{}: {message}", clean(path)) };
        let tab = if message.contains("tab") { self.indenting_tab() } else { None };
        let place = error.location().map(|place| (place.line(), place.column()));
        Failure::input(match (tab, place.filter(|(line, _)| *line > 0 && !at_top)) {
            (Some(place), _) => self.at(place, "this line is indented with a tab; YAML takes spaces only"),
            (None, Some(place)) => self.at(place, &message),
            (None, None) => format!("{}: {message}", self.label),
        })
    }

    /// The parser tells of a tab where the text before it began, which helps nobody.
    fn indenting_tab(&self) -> Option<Place> {
        let tab_in = |line: &str| line.chars().take_while(|c| c.is_whitespace()).position(|c| c == '\t');
        let mut lines = self.text.lines().zip(1..);
        lines.find_map(|(line, number)| Some((number, tab_in(line)? as u64 + 1)))
    }

    /// `job.yaml:3:7: message`, the line and a caret.
    fn at(&self, (line, column): Place, message: &str) -> String {
        const SHOWN: usize = 100;
        let head = format!("{}:{line}:{column}: {message}", self.label);
        let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(source) = self.text.lines().nth(index) else { return head };
        let before = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
        if before >= SHOWN {
            return head;
        }
        let source: String = source.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
        // A caret stands right only under text whose escapes are as wide as what they replace.
        let caret_at = clean(&source.chars().take(before).collect::<String>()).chars().count();
        let gutter = line.to_string();
        let source = shorten(clean(&source).trim_end(), SHOWN + 20);
        format!("{head}\n  {gutter} | {source}\n  {0:1$} | {0:caret_at$}^", "", gutter.len())
    }

    fn top_level(&self) -> BTreeSet<String> {
        serde_saphyr::from_str_with_options::<BTreeMap<String, IgnoredAny>>(&self.text, options())
            .map(|fields| fields.into_keys().collect())
            // What cannot be read is told when the spec itself is read.
            .unwrap_or_default()
    }

    fn places(&self) -> BTreeMap<String, Place> {
        let mut places = BTreeMap::new();
        if let Ok(tree) = serde_saphyr::from_str_with_options::<Spanned<Shape>>(&self.text, options()) {
            collect(&tree, "", &mut places);
        }
        places
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        // A job file is small: what goes beyond this is a mistake or an attack.
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_nodes: 50_000,
            max_events: 150_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_recorded_anchor_events: 100_000,
            max_recorded_anchor_bytes: 4 << 20,
            max_total_scalar_bytes: 4 << 20,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 1_000,
        },
        with_snippet: false,
    }
}

fn explain(error: &YamlError) -> String {
    let unknown = |kind: &str, word: &str, expected: &[&str]| {
        let word = shorten(&clean(word), 60);
        match suggest::nearest(&word, expected.iter().copied()) {
            Some(near) => format!("unknown {kind} `{word}`; did you mean `{near}`?"),
            None => format!("unknown {kind} `{word}`; known are: {}", expected.join(", ")),
        }
    };
    match error {
        YamlError::SerdeUnknownField { field, expected, .. } => unknown("field", field, expected),
        YamlError::SerdeUnknownVariant { variant, expected, .. } => unknown("value", variant, expected),
        YamlError::SerdeMissingField { field, .. } => format!("`{field}` is missing"),
        YamlError::MultipleDocuments { .. } => "the file holds several documents; a job is one".to_owned(),
        YamlError::Unexpected { expected: "mapping start", .. } => {
            "fields are expected here, as `name: value`".to_owned()
        }
        YamlError::Unexpected { expected: "sequence start", .. } => {
            "a list is expected here, as [\"a\", \"b\"]".to_owned()
        }
        YamlError::Unexpected { expected: "string scalar", .. } => "a text is expected here".to_owned(),
        YamlError::InvalidScalar { ty, .. } => match ty.as_bytes() {
            [b'u' | b'i', b'0'..=b'9', ..] => "a whole number is expected here".to_owned(),
            _ => format!("this is not a {ty}"),
        },
        YamlError::DuplicateMappingKey { key, .. } => {
            format!("the field `{}` stands here twice", clean(key.as_deref().unwrap_or("?")))
        }
        YamlError::Message { msg, .. } => clean(&suggest::explain_unknown(msg)),
        YamlError::Budget { .. }
        | YamlError::AliasReplayLimitExceeded { .. }
        | YamlError::AliasExpansionLimitExceeded { .. }
        | YamlError::AliasReplayStackDepthExceeded { .. } => {
            "the file unfolds into more than a job can be (nesting, aliases or size)".to_owned()
        }
        other => {
            let message = UserMessageFormatter.format_message(other);
            let first = message.lines().next().unwrap_or_default();
            shorten(&clean(first), 300)
        }
    }
}

/// The place of `path`, or of the nearest thing that contains it.
fn nearest_place(places: &BTreeMap<String, Place>, path: &str) -> Option<Place> {
    let mut path = path;
    loop {
        if let Some(place) = places.get(path) {
            return Some(*place);
        }
        path = &path[..path.rfind(['.', '['])?];
    }
}

fn collect(node: &Spanned<Shape>, path: &str, places: &mut BTreeMap<String, Place>) {
    places.insert(path.to_owned(), (node.referenced.line(), node.referenced.column()));
    match &node.value {
        Shape::Leaf => {}
        Shape::Map(fields) => {
            for (field, value) in fields {
                let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
                collect(value, &path, places);
            }
        }
        Shape::List(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{path}[{index}]"), places);
            }
        }
    }
}

/// A document without its values: only what stands where.
enum Shape {
    Leaf,
    Map(Vec<(String, Spanned<Shape>)>),
    List(Vec<Spanned<Shape>>),
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Shape;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
                Ok(Shape::Leaf)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
                Ok(Shape::Leaf)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
                Ok(Shape::Leaf)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
                Ok(Shape::Leaf)
            }
            fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
                Ok(Shape::Leaf)
            }
            fn visit_unit<E>(self) -> Result<Shape, E> {
                Ok(Shape::Leaf)
            }
            fn visit_none<E>(self) -> Result<Shape, E> {
                Ok(Shape::Leaf)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Shape::Map(fields))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(Shape::List(items))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A document whose top-level mapping begins with fields that are not in it.
struct Extended<D> {
    inner: D,
    extra: Vec<(&'static str, String)>,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Extended<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_map(ExtendedVisitor { visitor, extra: self.extra })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct ExtendedVisitor<V> {
    visitor: V,
    extra: Vec<(&'static str, String)>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ExtendedVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a job: fields such as `name:` and `image:`")
    }

    fn visit_map<A: MapAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(ExtendedMap { inner, extra: self.extra, value: None })
    }
}

struct ExtendedMap<A> {
    inner: A,
    extra: Vec<(&'static str, String)>,
    value: Option<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ExtendedMap<A> {
    type Error = A::Error;

    fn next_key_seed<K: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.extra.pop() {
            Some((field, value)) => {
                self.value = Some(value);
                seed.deserialize(field.into_deserializer()).map(Some)
            }
            None => self.inner.next_key_seed(seed),
        }
    }

    fn next_value_seed<S: serde::de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value.into_deserializer()),
            None => self.inner.next_value_seed(seed),
        }
    }
}

#[cfg(test)]
mod tests;
