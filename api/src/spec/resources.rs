//! What a job takes from a node, and which nodes it accepts.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::job::Amounts;
use crate::quantity::{Bytes, Cpus, Ratio};

/// What the job takes from its node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// 1 by default; at least 1m.
    #[serde(default = "default_cpus")]
    pub cpus: Cpus,
    /// 256Mi by default; at least 8Mi. Using more ends the job with `oom`.
    #[serde(default = "default_memory")]
    pub memory: Bytes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Bytes>,
    /// A number, `MODEL:number`, or an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<Gpus>,
}

fn default_cpus() -> Cpus {
    Cpus { milli: 1000 }
}

fn default_memory() -> Bytes {
    Bytes(256 << 20)
}

impl Default for Resources {
    fn default() -> Self {
        Self { cpus: default_cpus(), memory: default_memory(), disk: None, gpus: None }
    }
}

impl Resources {
    #[must_use]
    pub fn amounts(&self) -> Amounts {
        Amounts {
            cpu_milli: self.cpus.milli,
            memory_bytes: self.memory.0,
            disk_bytes: self.disk.map_or(0, |disk| disk.0),
            gpus: self.gpus.as_ref().map_or(0, |gpus| gpus.count),
        }
    }
}

/// GPUs of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Gpus {
    /// Whole GPUs; 1 to 1024.
    pub count: u32,
    /// Accepted models, any of them; a word of the vendor's name, in any case: `H100`. All by default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub model: Vec<String>,
    /// The least memory that each of them must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// A part of one GPU, above 0 and below 1; whole ones by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Ratio>,
}

impl Gpus {
    /// Whole GPUs of any kind.
    #[must_use]
    pub fn of(count: u32) -> Self {
        Self { count, model: Vec::new(), memory: None, share: None }
    }
}

impl<'de> Deserialize<'de> for Gpus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Long {
            count: Option<u32>,
            #[serde(default)]
            model: Vec<String>,
            #[serde(default)]
            memory: Option<Bytes>,
            #[serde(default)]
            share: Option<Ratio>,
        }

        struct AnyForm;
        impl<'de> Visitor<'de> for AnyForm {
            type Value = Gpus;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("GPUs as 8, 0.5, \"H100:8\" or {count: 8, model: [H100]}")
            }
            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Gpus, E> {
                let count = u32::try_from(count).map_err(|_| E::custom("more GPUs than can be counted"))?;
                Ok(Gpus::of(count))
            }
            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Gpus, E> {
                u64::try_from(count)
                    .map_err(|_| E::custom("a negative number of GPUs"))
                    .and_then(|n| self.visit_u64(n))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Gpus, E> {
                let ratio: Ratio = number.to_string().parse().map_err(E::custom)?;
                match ratio.whole() {
                    Some(count) => Ok(Gpus::of(count)),
                    None => Ok(Gpus { share: Some(ratio), ..Gpus::of(1) }),
                }
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Gpus, E> {
                let (model, count) = match text.rsplit_once(':') {
                    Some((model, count)) => (vec![model.to_owned()], count),
                    None => (Vec::new(), text),
                };
                let count = count.parse().map_err(|_| {
                    E::custom(format_args!(
                        "`{}` is not a number of GPUs; write 8 or H100:8",
                        count.chars().take(32).collect::<String>()
                    ))
                })?;
                Ok(Gpus { model, ..Gpus::of(count) })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Gpus, A::Error> {
                let long = Long::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let count = match (long.count, long.share) {
                    (Some(count), _) => count,
                    (None, Some(_)) => 1,
                    (None, None) => return Err(de::Error::missing_field("count")),
                };
                Ok(Gpus { count, model: long.model, memory: long.memory, share: long.share })
            }
        }
        deserializer.deserialize_any(AnyForm)
    }
}

/// Which nodes may take the job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// All must hold of a node; at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// Name of a label: all nodes of a job with several share its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same: Option<String>,
}

/// What must hold of a node. Written `label.pool == a`, `label.pool != a`, `label.pool in (a, b)`,
/// `node != n7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Constraint {
    pub subject: Subject,
    pub comparison: Comparison,
    /// One value, or with `in` one or more.
    pub values: Vec<String>,
}

/// What of a node is looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Its name.
    Node,
    Label(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    Is,
    /// Holds also of a node without the label.
    IsNot,
    In,
}

impl Constraint {
    /// Whether it holds where the subject has this value, or none.
    #[must_use]
    pub fn holds(&self, value: Option<&str>) -> bool {
        let is_listed = value.is_some_and(|value| self.values.iter().any(|listed| listed == value));
        is_listed != (self.comparison == Comparison::IsNot)
    }
}

/// Why a text is no constraint.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConstraintError {
    #[error("write `label.KEY == VALUE`, `!=`, `in (A, B)`, or the same with `node`")]
    Form,
    #[error("compare `node` or `label.KEY`")]
    Subject,
    #[error("a value is empty, longer than 255 characters, or has a character that needs quoting")]
    Value,
    #[error("at most 64 values")]
    Values,
}

impl FromStr for Constraint {
    type Err = ConstraintError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (subject, comparison, rest) = if let Some((subject, rest)) = text.split_once("==") {
            (subject, Comparison::Is, rest)
        } else if let Some((subject, rest)) = text.split_once("!=") {
            (subject, Comparison::IsNot, rest)
        } else {
            let (subject, rest) = text.split_once(" in ").ok_or(ConstraintError::Form)?;
            (subject, Comparison::In, rest)
        };
        let subject = match subject.trim() {
            "node" => Subject::Node,
            other => match other.strip_prefix("label.") {
                Some(key) if is_word(key) => Subject::Label(key.to_owned()),
                _ => return Err(ConstraintError::Subject),
            },
        };
        let values: Vec<String> = if comparison == Comparison::In {
            let list = rest.trim();
            let list = list.strip_prefix('(').and_then(|list| list.strip_suffix(')'));
            list.ok_or(ConstraintError::Form)?.split(',').map(|value| value.trim().to_owned()).collect()
        } else {
            vec![rest.trim().to_owned()]
        };
        if values.len() > 64 {
            return Err(ConstraintError::Values);
        }
        if !values.iter().all(|value| is_word(value)) {
            return Err(ConstraintError::Value);
        }
        Ok(Self { subject, comparison, values })
    }
}

/// What a label's key or value may be where it stands in a constraint: no space, bracket, comma or sign.
fn is_word(text: &str) -> bool {
    let legal = |c: char| !c.is_whitespace() && !c.is_control() && !"()[],=!\"'".contains(c);
    !text.is_empty() && text.chars().count() <= 255 && text.chars().all(legal)
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Node => f.write_str("node")?,
            Subject::Label(key) => write!(f, "label.{key}")?,
        }
        let values = self.values.join(", ");
        match self.comparison {
            Comparison::Is => write!(f, " == {values}"),
            Comparison::IsNot => write!(f, " != {values}"),
            Comparison::In => write!(f, " in ({values})"),
        }
    }
}

impl PartialSchema for Constraint {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "what must hold of a node: `label.pool == a`, `label.pool in (a, b)`, `node != n7`",
            ))
            .examples(["label.pool == a"])
            .into()
    }
}

impl ToSchema for Constraint {}

impl Serialize for Constraint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Constraint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_read_and_write() {
        for text in ["label.pool == a", "label.zone != b-1", "node in (n1, n2)", "node != n7"] {
            assert_eq!(text.parse::<Constraint>().unwrap().to_string(), text);
        }
        assert_eq!("label.a==b".parse::<Constraint>().unwrap().to_string(), "label.a == b");
        for text in [
            "",
            "label.pool",
            "pool == a",
            "label. == a",
            "node ==",
            "node in a",
            "node in ()",
            "node == a b",
            "node < n",
        ] {
            assert!(text.parse::<Constraint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_label_is_not_any_value() {
        let holds = |text: &str, value| text.parse::<Constraint>().unwrap().holds(value);
        assert!(holds("label.pool == a", Some("a")) && !holds("label.pool == a", None));
        assert!(holds("label.pool != a", None) && !holds("label.pool != a", Some("a")));
        assert!(holds("label.pool in (a, b)", Some("b")) && !holds("label.pool in (a, b)", Some("c")));
    }

    #[test]
    fn gpus_have_a_short_form() {
        let read = |text: &str| serde_json::from_str::<Gpus>(text).unwrap();
        assert_eq!(read("8"), Gpus::of(8));
        assert_eq!(read("2.0"), Gpus::of(2));
        assert_eq!(read("\"H100:8\"").model, ["H100"]);
        assert_eq!(read("0.5").share.map(|share| share.to_string()).as_deref(), Some("0.5"));
        assert_eq!(read("{\"share\": 0.25}").count, 1);
        for text in ["-1", "1e400", "{}", "\"x\"", "0.0001"] {
            assert!(serde_json::from_str::<Gpus>(text).is_err(), "{text}");
        }
    }
}
