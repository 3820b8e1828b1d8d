//! `--substitute`: `${NAME}` in a job file stands for a variable of the environment.
//!
//! Only this form, and only when asked for: scripts in job files are full of `$NAME`, which is the container's.

/// Where something is wrong: line and column from 1, and what.
pub type Wrong = ((u64, u64), String);

/// The text with its variables filled in. `${NAME:-text}` has a text where the variable is not set, and `$${` stands
/// for `${` itself.
pub fn substitute(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, Wrong> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let before = &rest[..at];
        let from = text.len() - rest.len() + at;
        let wrong = |message: String| (place(text, from), message);
        if let Some(literal) = before.strip_suffix('$') {
            filled.push_str(literal);
            filled.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        filled.push_str(before);
        let end = rest[at..].find(['}', '\n']).filter(|end| rest.as_bytes()[at + end] == b'}');
        let end = at + end.ok_or_else(|| wrong("`${` has no `}` on this line".to_owned()))?;
        let (name, default) = match rest[at + 2..end].split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (&rest[at + 2..end], None),
        };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err(wrong(format!("`{name}` is no name of a variable; write $${{ for a plain ${{")));
        }
        let found = value(name).or_else(|| default.map(str::to_owned));
        let found = found.ok_or_else(|| {
            wrong(format!("the variable {name} is not set; ${{{name}:-…}} gives it a default"))
        })?;
        if found.chars().any(char::is_control) {
            return Err(wrong(format!("the value of {name} has more than one line, or control characters")));
        }
        filled.push_str(&found);
        rest = &rest[end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

fn place(text: &str, at: usize) -> (u64, u64) {
    let before = &text[..at];
    let line = before.matches('\n').count() as u64 + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, Wrong> {
        substitute(text, |name| match name {
            "A" => Some("1".to_owned()),
            "EMPTY" => Some(String::new()),
            "LINES" => Some("a\nb".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn only_braced_variables_are_filled_in() {
        for (text, expected) in [
            ("a: ${A}, ${A}", "a: 1, 1"),
            ("run: echo $A $$ ${EMPTY}.", "run: echo $A $$ ."),
            ("${B:-x y}", "x y"),
            ("${A:-x}", "1"),
            ("$${A}", "${A}"),
            ("é${A}", "é1"),
        ] {
            assert_eq!(filled(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (text, expected, told) in [
            ("a: b\nc: ${B}", (2, 4), "B is not set"),
            ("ü ${A", (1, 3), "no `}`"),
            ("${A\n}", (1, 1), "no `}`"),
            ("${1}", (1, 1), "no name"),
            ("${}", (1, 1), "no name"),
            ("${LINES}", (1, 1), "more than one line"),
        ] {
            let (place, message) = filled(text).unwrap_err();
            assert_eq!(place, expected, "{text}");
            assert!(message.contains(told), "{text}: {message}");
        }
    }
}
