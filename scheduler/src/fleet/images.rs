//! Which nodes have which images. Between nodes that are equal to the policy a job goes to one that has its image, where
//! it starts without a pull.

use std::num::NonZeroU32;

use lilac_api::NodeId;
use rustc_hash::FxHashMap;

use crate::class::Class;
use crate::fleet::level::LevelId;
use crate::fleet::{Fleet, HostId};

/// Position of an image, from 1 on; images are never taken away.
pub(crate) type ImageId = NonZeroU32;

/// So many equal nodes are looked at for one that has the image, where more nodes than that have it.
const LOOKED_AT: usize = 256;

#[derive(Default)]
pub(crate) struct Images {
    id_of: FxHashMap<String, ImageId>,
    /// The nodes that have an image, by its position.
    hosts: Vec<Vec<HostId>>,
    /// The images of a node, in order.
    of_host: FxHashMap<HostId, Box<[ImageId]>>,
}

impl Images {
    fn id(&mut self, name: &str) -> ImageId {
        if let Some(id) = self.id_of.get(name) {
            return *id;
        }
        self.hosts.push(Vec::new());
        let id = ImageId::MIN.saturating_add(self.hosts.len() as u32 - 1);
        self.id_of.insert(name.to_owned(), id);
        id
    }

    fn hosts(&mut self, image: ImageId) -> &mut Vec<HostId> {
        &mut self.hosts[image.get() as usize - 1]
    }

    fn are_on(&self, host: HostId, image: ImageId) -> bool {
        self.of_host.get(&host).is_some_and(|images| images.binary_search(&image).is_ok())
    }
}

impl Fleet {
    pub(crate) fn image(&mut self, name: &str) -> ImageId {
        self.images.id(name)
    }

    /// These are the images that a node has now; a node that is not known has none.
    pub(crate) fn put_images(&mut self, node: NodeId, names: &[String]) {
        let Some(host) = self.host_of(node) else { return };
        self.forget_images(host);
        let mut images: Vec<ImageId> = names.iter().map(|name| self.images.id(name)).collect();
        images.sort_unstable();
        images.dedup();
        for image in &images {
            self.images.hosts(*image).push(host);
        }
        self.images.of_host.insert(host, images.into_boxed_slice());
    }

    pub(super) fn forget_images(&mut self, host: HostId) {
        for image in self.images.of_host.remove(&host).into_iter().flatten() {
            self.images.hosts(image).retain(|other| *other != host);
        }
    }

    pub(super) fn has_image(&self, rank: u32, image: Option<ImageId>) -> bool {
        image.is_some_and(|image| self.images.are_on(self.by_rank[rank as usize], image))
    }

    pub(super) fn level_of(&self, rank: u32) -> LevelId {
        self.host(self.by_rank[rank as usize]).level
    }

    /// The first node on one of these levels that has the image and that the class allows.
    pub(super) fn first_with(&self, image: ImageId, levels: &[LevelId], class: &Class) -> Option<u32> {
        let having = &self.images.hosts[image.get() as usize - 1];
        if having.is_empty() {
            return None;
        }
        let may = |rank: &u32| {
            self.has_image(*rank, Some(image))
                && (!class.is_picky() || self.host(self.by_rank[*rank as usize]).is_allowed(class))
        };
        if having.len() <= LOOKED_AT {
            let ranks = having.iter().map(|host| self.host(*host));
            let ranks = ranks.filter(|host| levels.contains(&host.level)).map(|host| host.rank);
            let is_found = |rank: &u32| self.levels.get(self.level_of(*rank)).ranks.contains(*rank);
            return ranks.filter(|rank| is_found(rank) && may(rank)).min();
        }
        let first = |level: &LevelId| self.levels.get(*level).ranks.iter().take(LOOKED_AT).find(may);
        levels.iter().filter_map(first).min()
    }
}
