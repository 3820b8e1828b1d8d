//! NVIDIA's GPUs, through the driver's own library.

use std::path::Path;

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enum_wrappers::device::{EccCounter, MemoryError, TemperatureSensor};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, EventSet, Nvml};

use super::judge::Bench;
use super::{Fault, Process, Seen};

/// Opens the library, where there is one.
pub(super) fn open(library: Option<&Path>) -> Result<Nvml, NvmlError> {
    match library {
        Some(path) => Nvml::builder().lib_path(path.as_os_str()).init(),
        None => Nvml::init(),
    }
}

/// All GPUs that answer. One that is split into instances is told of as these. One that does not answer is left out:
/// whoever knows it from before misses it.
pub(super) fn look(driver: &Nvml) -> Result<Vec<Seen>, NvmlError> {
    let mut found = Vec::new();
    for index in 0..driver.device_count()? {
        let device = match driver.device_by_index(index) {
            Ok(device) => device,
            Err(error) => {
                tracing::debug!(index, %error, "a GPU does not answer");
                continue;
            }
        };
        let instances = instances(&device);
        if instances.is_empty() {
            found.extend(describe(&device, None));
        } else {
            found.extend(instances.iter().filter_map(|instance| describe(instance, Some(&device))));
        }
    }
    Ok(found)
}

/// The instances that a GPU is split into (MIG).
fn instances<'a>(device: &Device<'a>) -> Vec<Device<'a>> {
    if !device.mig_mode().is_ok_and(|mode| mode.current == 1) {
        return Vec::new();
    }
    (0..device.mig_device_count().unwrap_or(0))
        .filter_map(|index| device.mig_device_by_index(index).ok())
        .collect()
}

/// How a GPU stands. What a model does not tell is left open; one that is lost tells nothing.
fn describe(device: &Device<'_>, whole: Option<&Device<'_>>) -> Option<Seen> {
    let memory = device.memory_info().ok()?;
    let physical = whole.unwrap_or(device);
    Some(Seen {
        index: 0,
        uuid: device.uuid().ok()?,
        model: device.name().ok()?,
        memory_bytes: memory.total,
        used_bytes: memory.used,
        percent: device.utilization_rates().ok().map(|rates| rates.gpu),
        temperature: physical.temperature(TemperatureSensor::Gpu).ok(),
        milliwatts: whole.is_none().then(|| device.power_usage().ok()).flatten(),
        processes: processes(device),
        fault: memory_errors(physical),
    })
}

fn processes(device: &Device<'_>) -> Vec<Process> {
    let Ok(found) = device.running_compute_processes() else { return Vec::new() };
    let shares = if found.is_empty() {
        Vec::new()
    } else {
        device.process_utilization_stats(None::<u64>).unwrap_or_default()
    };
    let process = |one: &nvml_wrapper::struct_wrappers::device::ProcessInfo| Process {
        pid: one.pid,
        memory_bytes: match one.used_gpu_memory {
            UsedGpuMemory::Used(bytes) => bytes,
            UsedGpuMemory::Unavailable => 0,
        },
        percent: shares
            .iter()
            .filter(|share| share.pid == one.pid)
            .max_by_key(|share| share.timestamp)
            .map(|share| share.sm_util),
    };
    found.iter().map(process).collect()
}

/// Memory that answered wrongly, and could not be mended, since the driver was loaded.
fn memory_errors(device: &Device<'_>) -> Option<Fault> {
    let errors = device.total_ecc_errors(MemoryError::Uncorrected, EccCounter::Volatile).ok()?;
    (errors > 0).then(|| Fault {
        words: format!("its memory had {errors} errors that could not be corrected (ECC)"),
        is_lost: false,
    })
}

/// The errors that a driver tells of by itself.
pub(super) struct Errors<'a>(Option<EventSet<'a>>);

impl<'a> Errors<'a> {
    /// Listens from now on. What the driver cannot tell is found by looking, a little later.
    pub(super) fn listen(driver: &'a Nvml) -> Self {
        let mut set = driver.create_event_set().ok();
        for index in 0..driver.device_count().unwrap_or(0) {
            let Ok(device) = driver.device_by_index(index) else { continue };
            let Some(open) = set.take() else { break };
            set = device.register_events(EventTypes::CRITICAL_XID_ERROR, open).ok();
        }
        Self(set)
    }

    /// Notes what was told since the last time.
    pub(super) fn hear(&mut self, bench: &mut Bench) {
        let Some(set) = &self.0 else { return };
        while let Ok(event) = set.wait(0) {
            let (Some(XidError::Value(number)), Ok(uuid)) = (event.event_data, event.device.uuid()) else {
                continue;
            };
            bench.note_error(&uuid, number);
        }
    }
}
