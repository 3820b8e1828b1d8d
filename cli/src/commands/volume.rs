//! `volume`: the folders of the nodes that jobs may see.

use clap::Subcommand;
use lilac_api::secret::{CreateVolume, Volume};

use crate::args::Global;
use crate::failure::{Exit, Failure};
use crate::printer::Field;
use crate::session::{self, change, read};

#[derive(Debug, Subcommand)]
pub enum VolumeVerb {
    /// Lists the volumes that your jobs may mount.
    Ls,
    /// Lets jobs mount a folder of the nodes. For administrators.
    Add {
        /// 1 to 63 characters of letters, digits, `.`, `_`, `-`.
        name: String,
        /// Absolute path of the folder on the nodes.
        #[arg(long, value_name = "PATH")]
        host_path: String,
        /// Jobs may only read it.
        #[arg(long)]
        read_only: bool,
        /// Team whose jobs may mount it; all by default. May be repeated.
        #[arg(long = "team", value_name = "TEAM")]
        teams: Vec<String>,
        /// Cluster on whose nodes it is; all by default. May be repeated.
        #[arg(long = "cluster", value_name = "CLUSTER")]
        clusters: Vec<String>,
    },
    /// Deletes a volume; the folder stays. For administrators.
    Rm {
        /// Name or id of the volume.
        volume: String,
    },
}

pub async fn run(global: &Global, verb: VolumeVerb) -> Result<Exit, Failure> {
    let session = session::open(global)?;
    let printer = session.printer;
    match verb {
        VolumeVerb::Ls => {
            let volumes = read(async || session.client.volumes().await).await?.items;
            let columns = ["NAME", "ACCESS", "TEAMS", "CLUSTERS", "PATH", "ID"];
            printer.list(&volumes, &columns, row, |volume| volume.id.to_string())?;
        }
        VolumeVerb::Add { name, host_path, read_only, teams, clusters } => {
            let request = CreateVolume { name, host_path, read_only, teams, clusters };
            let volume = change(async || session.client.create_volume(&request).await).await?;
            printer.one(
                &volume,
                |volume| volume.id.to_string(),
                |volume| printer.line(&format!("Added volume {} ({}).", volume.name, access(volume))),
            )?;
        }
        VolumeVerb::Rm { volume: name } => {
            let volumes = read(async || session.client.volumes().await).await?.items;
            let known =
                volumes.into_iter().find(|volume| volume.name == name || volume.id.to_string() == name);
            let Some(known) = known else {
                return Err(Failure::NotFound { kind: "volume", name, list: "volume ls" });
            };
            change(async || session.client.delete_volume(known.id).await).await?;
            printer.done(&format!("Volume {} is deleted; its folder stays.", known.name))?;
        }
    }
    Ok(Exit::Ok)
}

fn access(volume: &Volume) -> &'static str {
    if volume.read_only { "read only" } else { "read and write" }
}

fn row(volume: &Volume) -> Vec<Field> {
    let list = |names: &[String]| if names.is_empty() { "all".to_owned() } else { names.join(", ") };
    vec![
        Field::from(&volume.name),
        access(volume).to_owned().into(),
        list(&volume.teams).into(),
        list(&volume.clusters).into(),
        volume.host_path.clone().unwrap_or_default().into(),
        volume.id.to_string().into(),
    ]
}
