//! What the job takes, and where.

use super::{at_most, in_bounds, name, no_nul};
use crate::problem::FieldError;
use crate::spec::{JobSpec, Resources};

const MAX_CPU_MILLI: u32 = 100_000_000;
const MIN_MEMORY_BYTES: u64 = 8 << 20;
/// The most nodes of one job.
const MAX_NODES: u32 = 1024;

pub(super) fn check(spec: &JobSpec, errors: &mut Vec<FieldError>) {
    block("resources", &spec.resources, errors);
    if at_most("alternatives", spec.alternatives.len(), 8, errors) {
        for (index, resources) in spec.alternatives.iter().enumerate() {
            block(&format!("alternatives[{index}]"), resources, errors);
        }
    }
    if let Some(shm) = spec.shm_size {
        in_bounds("shm_size", shm.0, 4096, spec.resources.memory.0.max(4096), errors);
    }
    in_bounds("nodes", u64::from(spec.nodes), 1, u64::from(MAX_NODES), errors);
    at_most("placement.constraints", spec.placement.constraints.len(), 32, errors);
    if let Some(label) = &spec.placement.same {
        name("placement.same", label, 63, errors);
    }
}

fn block(path: &str, resources: &Resources, errors: &mut Vec<FieldError>) {
    if !(1..=MAX_CPU_MILLI).contains(&resources.cpus.milli) {
        let most = MAX_CPU_MILLI / 1000;
        let message = format!("must be 1m to {most} CPUs, is {}", resources.cpus);
        errors.push(FieldError::new(format!("{path}.cpus"), "out-of-bounds", message));
    }
    let memory_max = 1 << 60;
    if resources.memory.0 < MIN_MEMORY_BYTES || resources.memory.0 > memory_max {
        let message = format!("must be 8Mi to 1024Pi, is {} bytes", resources.memory.0);
        errors.push(FieldError::new(format!("{path}.memory"), "out-of-bounds", message));
    }
    if let Some(disk) = resources.disk {
        in_bounds(&format!("{path}.disk"), disk.0, 1, 1 << 60, errors);
    }
    if let Some(gpus) = &resources.gpus {
        in_bounds(&format!("{path}.gpus.count"), u64::from(gpus.count), 1, 1024, errors);
        in_bounds(&format!("{path}.gpus.model"), gpus.model.len() as u64, 0, 16, errors);
        for (index, model) in gpus.model.iter().enumerate() {
            let path = format!("{path}.gpus.model[{index}]");
            no_nul(&path, model, errors);
            if model.trim().is_empty() || model.len() > 64 {
                errors.push(FieldError::new(path, "invalid-model", "write a word of the model's name: H100"));
            }
        }
        if let Some(share) = gpus.share
            && (!(1..1000).contains(&share.thousandths) || gpus.count != 1)
        {
            let message = format!("must be above 0 and below 1, of one GPU; is {share} of {}", gpus.count);
            errors.push(FieldError::new(format!("{path}.gpus.share"), "out-of-bounds", message));
        }
        if let Some(memory) = gpus.memory {
            in_bounds(&format!("{path}.gpus.memory"), memory.0, 1, 1 << 50, errors);
        }
    }
}
