//! A stand-in for NVIDIA's management library, for tests on machines without a GPU.
//!
//! It has the functions that the agent calls, as NVML declares them, and tells what a file says that
//! `LILAC_FAKE_NVML` names (see [`state`]); the file is read at each call, so that a test can change it.

pub mod state;

use std::collections::HashSet;
use std::ffi::{c_char, c_uint, c_ulonglong, c_void};
use std::path::PathBuf;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use state::Gpu;

type Return = c_uint;
const SUCCESS: Return = 0;
const INVALID_ARGUMENT: Return = 2;
const NOT_SUPPORTED: Return = 3;
const INSUFFICIENT_SIZE: Return = 7;
const TIMEOUT: Return = 10;
const GPU_IS_LOST: Return = 15;

/// The variable that names the file.
pub const STATE_FILE: &str = "LILAC_FAKE_NVML";

/// Errors that were told of already: each is told once.
static TOLD: Mutex<Option<HashSet<(String, u64)>>> = Mutex::new(None);

fn gpus() -> Vec<Gpu> {
    std::env::var_os(STATE_FILE).map(|path| state::read(&PathBuf::from(path))).unwrap_or_default()
}

/// A device's handle is its position, counted from 1: never a null pointer, never followed.
fn handle(index: usize) -> *mut c_void {
    ptr::without_provenance_mut(index + 1)
}

fn with_gpu(device: *mut c_void, then: impl FnOnce(&Gpu)) -> Return {
    match device.addr().checked_sub(1).and_then(|index| gpus().into_iter().nth(index)) {
        None => GPU_IS_LOST,
        Some(gpu) if gpu.lost => GPU_IS_LOST,
        Some(gpu) => {
            then(&gpu);
            SUCCESS
        }
    }
}

/// # Safety
/// `into` is null or points to a value that may be written.
unsafe fn put<T>(into: *mut T, value: T) {
    if !into.is_null() {
        // SAFETY: the caller promises that a value may be written there.
        unsafe { into.write(value) };
    }
}

/// # Safety
/// `into` points to `length` bytes.
unsafe fn put_text(into: *mut c_char, length: c_uint, text: &str) -> Return {
    let bytes = text.as_bytes();
    if into.is_null() || bytes.len() >= length as usize {
        return INSUFFICIENT_SIZE;
    }
    // SAFETY: the text and the zero behind it fit, as was just checked.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), into.cast::<u8>(), bytes.len());
        into.add(bytes.len()).write(0);
    }
    SUCCESS
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Memory {
    version: c_uint,
    total: c_ulonglong,
    reserved: c_ulonglong,
    free: c_ulonglong,
    used: c_ulonglong,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Utilization {
    gpu: c_uint,
    memory: c_uint,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ProcessInfo {
    pid: c_uint,
    used: c_ulonglong,
    gpu_instance: c_uint,
    compute_instance: c_uint,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct ProcessUse {
    pid: c_uint,
    at: c_ulonglong,
    sm: c_uint,
    memory: c_uint,
    encoder: c_uint,
    decoder: c_uint,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct EventData {
    device: *mut c_void,
    kind: c_ulonglong,
    data: c_ulonglong,
    gpu_instance: c_uint,
    compute_instance: c_uint,
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> Return {
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> Return {
    SUCCESS
}

/// # Safety
/// As NVML has it, here and below: pointers are what its manual says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlSystemGetDriverVersion(version: *mut c_char, length: c_uint) -> Return {
    // SAFETY: the caller's promise.
    unsafe { put_text(version, length, "550.54.15") }
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetCount_v2(count: *mut c_uint) -> Return {
    // SAFETY: the caller's promise.
    unsafe { put(count, c_uint::try_from(gpus().len()).unwrap_or(0)) };
    SUCCESS
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(index: c_uint, device: *mut *mut c_void) -> Return {
    match gpus().get(index as usize) {
        None => INVALID_ARGUMENT,
        Some(gpu) if gpu.lost => GPU_IS_LOST,
        Some(_) => {
            // SAFETY: the caller's promise.
            unsafe { put(device, handle(index as usize)) };
            SUCCESS
        }
    }
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetUUID(device: *mut c_void, uuid: *mut c_char, length: c_uint) -> Return {
    // SAFETY: the caller's promise.
    with_gpu(device, |gpu| {
        unsafe { put_text(uuid, length, &gpu.uuid) };
    })
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetName(device: *mut c_void, name: *mut c_char, length: c_uint) -> Return {
    // SAFETY: the caller's promise.
    with_gpu(device, |gpu| {
        unsafe { put_text(name, length, &gpu.name) };
    })
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetMemoryInfo_v2(device: *mut c_void, memory: *mut Memory) -> Return {
    with_gpu(device, |gpu| {
        let free = gpu.memory.saturating_sub(gpu.used);
        let told = Memory { version: 0, total: gpu.memory, reserved: 0, free, used: gpu.used };
        // SAFETY: the caller's promise.
        unsafe { put(memory, told) };
    })
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetUtilizationRates(
    device: *mut c_void,
    rates: *mut Utilization,
) -> Return {
    // SAFETY: the caller's promise.
    with_gpu(device, |gpu| unsafe { put(rates, Utilization { gpu: gpu.percent, memory: 0 }) })
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetTemperature(
    device: *mut c_void,
    _sensor: c_uint,
    temperature: *mut c_uint,
) -> Return {
    // SAFETY: the caller's promise.
    with_gpu(device, |gpu| unsafe { put(temperature, gpu.temperature) })
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetPowerUsage(device: *mut c_void, power: *mut c_uint) -> Return {
    // SAFETY: the caller's promise.
    with_gpu(device, |gpu| unsafe { put(power, gpu.power) })
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetTotalEccErrors(
    device: *mut c_void,
    _kind: c_uint,
    _counter: c_uint,
    count: *mut c_ulonglong,
) -> Return {
    // SAFETY: the caller's promise.
    with_gpu(device, |gpu| unsafe { put(count, gpu.ecc) })
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMigMode(
    _device: *mut c_void,
    _current: *mut c_uint,
    _pending: *mut c_uint,
) -> Return {
    NOT_SUPPORTED
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetComputeRunningProcesses_v3(
    device: *mut c_void,
    count: *mut c_uint,
    infos: *mut ProcessInfo,
) -> Return {
    let mut processes = Vec::new();
    let found = with_gpu(device, |gpu| processes.clone_from(&gpu.processes));
    if found != SUCCESS {
        return found;
    }
    // SAFETY: the caller's promise: as many may be written as `count` says.
    unsafe {
        let room = count.read() as usize;
        count.write(c_uint::try_from(processes.len()).unwrap_or(0));
        if processes.len() > room || (infos.is_null() && !processes.is_empty()) {
            return INSUFFICIENT_SIZE;
        }
        for (index, one) in processes.iter().enumerate() {
            let info = ProcessInfo {
                pid: one.pid,
                used: one.memory,
                gpu_instance: u32::MAX,
                compute_instance: u32::MAX,
            };
            infos.add(index).write(info);
        }
    }
    SUCCESS
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlDeviceGetProcessUtilization(
    device: *mut c_void,
    samples: *mut ProcessUse,
    count: *mut c_uint,
    _since: c_ulonglong,
) -> Return {
    let mut processes = Vec::new();
    let found = with_gpu(device, |gpu| processes.clone_from(&gpu.processes));
    if found != SUCCESS {
        return found;
    }
    // SAFETY: the caller's promise: as many may be written as `count` says.
    unsafe {
        let room = count.read() as usize;
        count.write(c_uint::try_from(processes.len()).unwrap_or(0));
        if processes.len() > room || (samples.is_null() && !processes.is_empty()) {
            return INSUFFICIENT_SIZE;
        }
        for (index, one) in processes.iter().enumerate() {
            let sample =
                ProcessUse { pid: one.pid, at: 1, sm: one.percent, memory: 0, encoder: 0, decoder: 0 };
            samples.add(index).write(sample);
        }
    }
    SUCCESS
}

/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlEventSetCreate(set: *mut *mut c_void) -> Return {
    // SAFETY: the caller's promise.
    unsafe { put(set, handle(0)) };
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlEventSetFree(_set: *mut c_void) -> Return {
    SUCCESS
}

#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceRegisterEvents(
    _device: *mut c_void,
    _kinds: c_ulonglong,
    _set: *mut c_void,
) -> Return {
    SUCCESS
}

/// Tells of each error once, and otherwise that the time is over: at once, as nobody waits for long.
///
/// # Safety
/// See above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nvmlEventSetWait_v2(
    _set: *mut c_void,
    data: *mut EventData,
    _millis: c_uint,
) -> Return {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    let told = told.get_or_insert_with(HashSet::new);
    for (index, gpu) in gpus().into_iter().enumerate() {
        if gpu.xid != 0 && told.insert((gpu.uuid, gpu.xid)) {
            let event = EventData {
                device: handle(index),
                kind: 8,
                data: gpu.xid,
                gpu_instance: u32::MAX,
                compute_instance: u32::MAX,
            };
            // SAFETY: the caller's promise.
            unsafe { put(data, event) };
            return SUCCESS;
        }
    }
    TIMEOUT
}
