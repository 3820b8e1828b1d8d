//! The node's GPUs, through NVIDIA's management library where there is one.

use std::env;
use std::ffi::OsString;

use lilac_api::cluster::Gpu;
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

/// The driver's library, once it was found. It is kept open: opening it can take seconds.
#[derive(Debug, Default)]
pub struct Driver {
    library: Option<Nvml>,
    /// It is said once that there is none, not every time.
    was_missed: bool,
}

impl Driver {
    /// All GPUs of the node. No library, or one that fails, means none.
    pub fn list(&mut self) -> Vec<Gpu> {
        match self.try_list() {
            Ok(gpus) => gpus,
            Err(error) => {
                if !self.was_missed {
                    tracing::debug!(%error, "no GPUs");
                }
                self.was_missed = true;
                // A driver that was reloaded wants its library opened anew.
                self.library = None;
                Vec::new()
            }
        }
    }

    fn try_list(&mut self) -> Result<Vec<Gpu>, NvmlError> {
        let library = match &mut self.library {
            Some(library) => library,
            closed => closed.insert(open()?),
        };
        (0..library.device_count()?).map(|index| describe(library, index)).collect()
    }
}

fn open() -> Result<Nvml, NvmlError> {
    match env::var_os("LILAC_NVML_PATH").filter(|path: &OsString| !path.is_empty()) {
        Some(path) => Nvml::builder().lib_path(&path).init(),
        None => Nvml::init(),
    }
}

fn describe(library: &Nvml, index: u32) -> Result<Gpu, NvmlError> {
    let device = library.device_by_index(index)?;
    Ok(Gpu {
        index: u16::try_from(index).unwrap_or(u16::MAX),
        uuid: device.uuid()?,
        model: device.name()?,
        memory_bytes: device.memory_info()?.total,
        ..Gpu::default()
    })
}
