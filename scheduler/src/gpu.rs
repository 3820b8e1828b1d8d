//! Which GPUs a job accepts.

use crate::class::WHOLE_MILLI;
use crate::snapshot::{Job, NodeGpu};
use crate::words::{Rounding, bytes, counted, listed};

/// So many GPUs of one node, of these models, with this much memory each.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GpuRequest<'a> {
    pub(crate) count: u32,
    /// Thousandths of each of them.
    pub(crate) milli: u16,
    /// Any of them; no model at all accepts every one.
    pub(crate) models: &'a [String],
    pub(crate) memory_bytes: u64,
}

impl<'a> GpuRequest<'a> {
    /// `None` for a job that needs no GPU. Should the two places that hold the number differ, the
    /// larger one counts: too few would break the job.
    pub(crate) fn of(job: &'a Job) -> Option<Self> {
        let (count, models, memory) = match &job.gpus {
            Some(gpus) => (gpus.count.max(job.requests.gpus), gpus.model.as_slice(), gpus.memory),
            None => (job.requests.gpus, [].as_slice(), None),
        };
        let share = job.gpus.as_ref().and_then(|gpus| gpus.share).map_or(1000, |share| share.thousandths);
        let milli = u16::try_from(share).unwrap_or(WHOLE_MILLI).clamp(1, WHOLE_MILLI);
        let memory_bytes = memory.map_or(0, |memory| memory.0);
        (count > 0).then_some(Self { count, milli, models, memory_bytes })
    }

    pub(crate) fn accepts(&self, gpu: &NodeGpu) -> bool {
        let model_accepted =
            self.models.is_empty() || self.models.iter().any(|word| contains(&gpu.model, word));
        model_accepted && gpu.memory_bytes >= self.memory_bytes
    }

    /// `2 H100 or A100 GPUs with 40Gi each`, for so many of them.
    pub(crate) fn phrase(&self, count: u64) -> String {
        let kind = if self.models.is_empty() {
            "GPU".to_owned()
        } else {
            format!("{} GPU", listed(self.models.iter().cloned(), "or"))
        };
        let each = if count == 1 { "" } else { " each" };
        match self.memory_bytes {
            0 => counted(count, &kind),
            memory => format!("{} with {}{each}", counted(count, &kind), bytes(memory, Rounding::Up)),
        }
    }
}

/// Whether `word` occurs in `text`, in any case. Vendors name their models in ASCII.
fn contains(text: &str, word: &str) -> bool {
    let word = word.as_bytes();
    word.is_empty() || text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_word_of_the_model_is_enough_in_any_case() {
        for (word, expected) in
            [("h100", true), ("NVIDIA H100 80GB HBM3", true), ("", true), ("H1000", false), ("A100", false)]
        {
            assert_eq!(contains("NVIDIA H100 80GB HBM3", word), expected, "{word}");
        }
        assert!(!contains("T4", "a model longer than the text"));
    }
}
