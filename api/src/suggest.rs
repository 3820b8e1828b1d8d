//! "Did you mean …?": the nearest known word to a mistyped one.

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(64).collect::<String>().to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Adds a suggestion to serde's "unknown field `x`, expected one of `a`, `b`" and shortens the list.
#[must_use]
pub fn explain_unknown(message: &str) -> String {
    let Some(rest) =
        message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))
    else {
        return message.to_owned();
    };
    let kind = if message.starts_with("unknown field") { "field" } else { "value" };
    let mut quoted = rest.split('`');
    let word = quoted.next().unwrap_or_default();
    // What follows alternates between separators and known words.
    let known: Vec<&str> = quoted.skip(1).step_by(2).filter(|name| !name.is_empty()).collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("unknown {kind} `{word}`; did you mean `{near}`?"),
        None => format!("unknown {kind} `{word}`; known are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested() {
        assert_eq!(
            explain_unknown("unknown field `imge`, expected one of `name`, `image`, `run`"),
            "unknown field `imge`; did you mean `image`?"
        );
        assert_eq!(
            explain_unknown("unknown variant `brige`, expected `bridge` or `host`"),
            "unknown value `brige`; did you mean `bridge`?"
        );
    }

    #[test]
    fn a_far_word_lists_what_is_known() {
        assert_eq!(
            explain_unknown("unknown field `zzz`, expected `name` or `image`"),
            "unknown field `zzz`; known are: name, image"
        );
    }
}
