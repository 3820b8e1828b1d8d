//! One submit, many jobs: `--array`, `--sweep`, `--each-line`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};

use clap::Args;
use lilac_api::spec::Array;
use lilac_api::validate::MAX_ARRAY_SIZE;

use crate::failure::Failure;
use crate::text::clean;

/// The variable that has the number of a job of `--array 1-100`.
pub const INDEX: &str = "INDEX";
/// The variable that has the line of a job of `--each-line`.
pub const LINE: &str = "LINE";
/// Numbers and lines are sent one by one, and a job has at most 256 KiB.
const MAX_VALUES: usize = 20_000;
const MAX_LINES_BYTES: u64 = 200 << 10;

#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Many jobs of one submit")]
pub struct ManyArgs {
    /// So many jobs, which differ in LILAC_ARRAY_INDEX from 0 on; or 1-100, or 0-90:10, which differ in INDEX.
    #[arg(long, value_name = "NUMBER|FROM-TO[:STEP]", value_parser = numbers)]
    array: Option<Numbers>,
    /// A job for each value of a variable, and of several for each combination. May be repeated.
    #[arg(long, value_name = "NAME=VALUE,VALUE…", value_parser = sweep)]
    sweep: Vec<(String, Vec<String>)>,
    /// A job for each line of a file, which has it in LINE; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    each_line: Option<String>,
    /// Start so many of them at a time at most.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max_parallel: Option<u32>,
    /// Cancel those that wait once more than so many have failed.
    #[arg(long, value_name = "NUMBER")]
    max_failures: Option<u32>,
}

/// What `--array` says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Numbers {
    Count(u32),
    Each(Vec<String>),
}

fn numbers(text: &str) -> Result<Numbers, String> {
    let wrong = || format!("write a number of jobs from 1 to {MAX_ARRAY_SIZE}, 1-100, or 0-90:10");
    let Some((from, to)) = text.split_once('-') else {
        let count = text.parse().ok().filter(|count| (1..=MAX_ARRAY_SIZE).contains(count));
        return count.map(Numbers::Count).ok_or_else(wrong);
    };
    let (to, step) = to.split_once(':').unwrap_or((to, "1"));
    let parse = |text: &str| text.parse::<u32>().map_err(|_| wrong());
    let (from, to, step) = (parse(from)?, parse(to)?, parse(step)?);
    if step == 0 || from > to {
        return Err(wrong());
    }
    if from == 0 && step == 1 && to < MAX_ARRAY_SIZE {
        return Ok(Numbers::Count(to + 1));
    }
    let jobs = (to - from) / step + 1;
    if jobs as usize > MAX_VALUES {
        return Err(format!("{jobs} jobs are too many here; with one number, it is up to {MAX_ARRAY_SIZE}"));
    }
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    Ok(Numbers::Each((from..=to).step_by(step).map(|number| number.to_string()).collect()))
}

fn sweep(text: &str) -> Result<(String, Vec<String>), String> {
    match text.split_once('=') {
        Some((name, values)) if !name.is_empty() && !values.is_empty() => {
            Ok((name.to_owned(), values.split(',').map(str::to_owned).collect()))
        }
        _ => Err("write NAME=VALUE,VALUE, as in LR=1e-4,3e-4".to_owned()),
    }
}

impl ManyArgs {
    /// The array that file and flags make together; what a flag says stands over the file's.
    pub fn apply(&self, before: Option<Array>) -> Result<Option<Array>, Failure> {
        let mut matrix: BTreeMap<String, Vec<String>> = self.sweep.iter().cloned().collect();
        if let Some(path) = &self.each_line {
            matrix.insert(LINE.to_owned(), lines(path)?);
        }
        let mut count = None;
        match self.array.clone() {
            Some(Numbers::Each(numbers)) => {
                matrix.insert(INDEX.to_owned(), numbers);
            }
            // Beside other values, the number is one of them.
            Some(Numbers::Count(jobs)) if !matrix.is_empty() && jobs as usize <= MAX_VALUES => {
                matrix.insert(INDEX.to_owned(), (0..jobs).map(|number| number.to_string()).collect());
            }
            Some(Numbers::Count(jobs)) => count = Some(jobs),
            None => {}
        }
        let says_which = count.is_some() || !matrix.is_empty();
        if !says_which && self.max_parallel.is_none() && self.max_failures.is_none() {
            return Ok(before);
        }
        let mut array = before.unwrap_or_default();
        if says_which {
            (array.count, array.matrix) = (count, matrix);
        }
        array.max_parallel = self.max_parallel.or(array.max_parallel);
        array.max_failures = self.max_failures.or(array.max_failures);
        Ok(Some(array))
    }
}

/// The lines of a file that are not empty.
fn lines(path: &str) -> Result<Vec<String>, Failure> {
    let refuse = |message: String| Failure::input(format!("--each-line {}: {message}", clean(path)));
    let bytes = if path == "-" { bounded(io::stdin().lock()) } else { File::open(path).and_then(bounded) };
    let bytes = bytes.map_err(|error| refuse(error.to_string()))?;
    if bytes.len() as u64 > MAX_LINES_BYTES {
        return Err(refuse("over 200 KiB; a job file with all of it would be over its limit".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|_| refuse("this is not UTF-8 text".to_owned()))?;
    let lines: Vec<String> = text
        .trim_start_matches('\u{feff}')
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    match lines.len() {
        0 => Err(refuse("there is no line in it".to_owned())),
        1..=MAX_VALUES => Ok(lines),
        count => Err(refuse(format!("{count} lines; {MAX_VALUES} at most"))),
    }
}

fn bounded(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(MAX_LINES_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_a_count_or_each_of_a_range() {
        let each = |numbers: &[&str]| Ok(Numbers::Each(numbers.iter().map(|n| (*n).to_owned()).collect()));
        assert_eq!(numbers("16"), Ok(Numbers::Count(16)));
        assert_eq!(numbers("0-15"), Ok(Numbers::Count(16)));
        assert_eq!(numbers("3-5"), each(&["3", "4", "5"]));
        assert_eq!(numbers("0-20:10"), each(&["0", "10", "20"]));
        assert!(matches!(numbers("1-100"), Ok(Numbers::Each(numbers)) if numbers.len() == 100));
        for wrong in ["0", "100001", "5-3", "1-x", "1-5:0", "1-50000", "-3", "1-", "", "0-100000"] {
            assert!(numbers(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_line_is_a_job() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let made = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let many = ManyArgs { each_line: Some(path.to_str().unwrap().into()), ..ManyArgs::default() };
            many.apply(None).map(|array| array.unwrap().matrix.remove(LINE).unwrap())
        };
        assert_eq!(made("\u{feff}a b\r\n\nc\n".as_bytes()).unwrap(), ["a b", "c"]);
        for wrong in [&b""[..], b"\n\n", b"\xff", &vec![b'x'; 300 << 10]] {
            assert_eq!(made(wrong).unwrap_err().code(), 2);
        }
        let missing = ManyArgs { each_line: Some("/no/such/file".into()), ..ManyArgs::default() };
        assert!(missing.apply(None).unwrap_err().to_string().contains("/no/such/file"));
    }

    #[test]
    fn flags_stand_over_the_file() {
        let file = Array { count: Some(4), max_failures: Some(3), ..Array::default() };
        let untouched = ManyArgs::default().apply(Some(file.clone())).unwrap();
        assert_eq!(untouched, Some(file.clone()));
        let many = ManyArgs {
            sweep: vec![("LR".into(), vec!["1".into(), "2".into()])],
            max_parallel: Some(1),
            ..ManyArgs::default()
        };
        let array = many.apply(Some(file)).unwrap().unwrap();
        assert_eq!((array.count, array.size(), array.max_parallel), (None, Some(2), Some(1)));
        assert_eq!(array.max_failures, Some(3));
    }
}
