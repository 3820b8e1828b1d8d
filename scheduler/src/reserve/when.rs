//! Which nodes have room for a job first, and when.

use std::collections::BTreeMap;

use lilac_api::JobId;

use crate::class::ClassId;
use crate::fleet::HostId;
use crate::line::Row;
use crate::state::State;

impl State {
    /// As many nodes as a job has ranks: those that have room for it first, and when that is; `None` where there are
    /// not so many that are large enough. Ranks that share the value of a label are looked at value by value.
    pub(super) fn nodes_for(
        &self,
        site: u32,
        class: ClassId,
        now_ms: i64,
    ) -> Option<(Vec<HostId>, Option<i64>)> {
        let class_of = self.classes.get(class);
        let nodes = class_of.nodes as usize;
        let mut groups: BTreeMap<Option<&String>, Vec<(When, u32, HostId)>> = BTreeMap::new();
        for (rank, host) in self.fleet.large_enough(site, class, &self.classes) {
            let value = class_of.same.as_ref().and_then(|label| self.fleet.label(host, label));
            groups.entry(value).or_default().push((self.when(host, class, now_ms), rank, host));
        }
        let last = |group: &mut Vec<(When, u32, HostId)>| {
            group.sort_unstable();
            group.truncate(nodes);
            (group.len() == nodes).then(|| group[nodes - 1].0)
        };
        let best = groups.into_values().filter_map(|mut group| Some((last(&mut group)?, group)));
        let (when, group) = best.min_by_key(|(when, _)| *when)?;
        let until_ms = match when {
            When::By(at_ms) => Some(at_ms),
            When::Lacking(_) => None,
        };
        Some((group.into_iter().map(|(_, _, host)| host).collect(), until_ms))
    }

    fn when(&self, host: HostId, class: ClassId, now_ms: i64) -> When {
        let now = self.fleet.ahead(host);
        if self.fleet.suffices(host, &now, class, &self.classes) {
            return When::By(now_ms);
        }
        let mut ends: Vec<(i64, JobId, Row)> =
            self.ends_on(host).map(|(end, row)| (end, self.rows[row as usize].id, row)).collect();
        ends.sort_unstable();
        let mut ahead = now.clone();
        for (end, _, row) in ends {
            ahead.give(&self.classes.get(self.held_class(row)).need, self.slots_on(row, host));
            if self.fleet.suffices(host, &ahead, class, &self.classes) {
                return When::By(end.max(now_ms));
            }
        }
        When::Lacking(self.fleet.lack(host, &now, class, &self.classes))
    }

    /// The jobs on a node that have an end, with it.
    pub(super) fn ends_on(&self, host: HostId) -> impl Iterator<Item = (i64, Row)> {
        let tenants = self.reserve.tenants.get(host as usize).into_iter().flatten().copied();
        tenants.filter_map(|row| Some((*self.reserve.ends.get(&row)?, row)))
    }
}

/// When a node has room for a rank: by a time, or, where no one knows, what it lacks now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    By(i64),
    Lacking(i64),
}
