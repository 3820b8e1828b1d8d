//! Parts of the job spec that are understood and checked, and that nothing carries out yet. A job that asks for
//! one is refused, rather than run without what it relies on. Whoever builds one takes its line out.

use lilac_api::problem::FieldError;
use lilac_api::spec::JobSpec;

/// The fields of `spec` that cannot be honoured yet.
pub fn not_supported_yet(spec: &JobSpec) -> Vec<FieldError> {
    let fields = [("alternatives", !spec.alternatives.is_empty(), "alternatives")];
    let refused = fields.into_iter().filter(|(_, is_set, _)| *is_set);
    refused
        .map(|(path, _, what)| {
            FieldError::new(path, "not-supported-yet", format!("{what}: not supported yet"))
        })
        .collect()
}
