//! Levels with as much free of their GPUs, in order of their CPUs and then of their memory: the tightest that may fit
//! come first. They are cut into pieces, each of which knows the most memory in it, so that a piece in which nothing
//! would fit costs one look.

use std::ops::ControlFlow;

use crate::class::Need;
use crate::fleet::level::LevelId;

/// CPU, memory, and the level.
pub(crate) type Rung = (u32, u64, LevelId);

/// So many rungs a piece has at most.
const PIECE: usize = 64;

#[derive(Default)]
pub(crate) struct Ladder {
    /// None of them is empty.
    pieces: Vec<Piece>,
}

struct Piece {
    first: Rung,
    most_memory_bytes: u64,
    rungs: Vec<Rung>,
}

impl Piece {
    fn of(rungs: Vec<Rung>) -> Option<Self> {
        let first = *rungs.first()?;
        let most_memory_bytes = rungs.iter().map(|rung| rung.1).max().unwrap_or_default();
        Some(Self { first, most_memory_bytes, rungs })
    }

    fn recount(&mut self) {
        self.most_memory_bytes = self.rungs.iter().map(|rung| rung.1).max().unwrap_or_default();
    }
}

impl Ladder {
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The piece in which a rung stands, or would.
    fn piece_of(&self, rung: &Rung) -> usize {
        self.pieces.partition_point(|piece| piece.first <= *rung).saturating_sub(1)
    }

    pub(crate) fn insert(&mut self, rung: Rung) {
        let at = self.piece_of(&rung);
        let Some(piece) = self.pieces.get_mut(at) else {
            self.pieces.extend(Piece::of(vec![rung]));
            return;
        };
        let position = piece.rungs.partition_point(|other| *other < rung);
        piece.rungs.insert(position, rung);
        piece.first = piece.first.min(rung);
        piece.most_memory_bytes = piece.most_memory_bytes.max(rung.1);
        if piece.rungs.len() > PIECE {
            let upper = Piece::of(piece.rungs.split_off(PIECE / 2));
            piece.recount();
            self.pieces.splice(at + 1..at + 1, upper);
        }
    }

    pub(crate) fn remove(&mut self, rung: Rung) {
        let at = self.piece_of(&rung);
        let Some(piece) = self.pieces.get_mut(at) else { return };
        let Ok(position) = piece.rungs.binary_search(&rung) else { return };
        piece.rungs.remove(position);
        let Some(first) = piece.rungs.first().copied() else {
            self.pieces.remove(at);
            return;
        };
        piece.first = first;
        if rung.1 == piece.most_memory_bytes {
            piece.recount();
        }
        self.join(at);
    }

    /// Puts a piece that has become small together with the next.
    fn join(&mut self, at: usize) {
        let few = |piece: &Piece| piece.rungs.len() <= PIECE / 4;
        if self.pieces.len() > at + 1 && few(&self.pieces[at]) && few(&self.pieces[at + 1]) {
            let next = self.pieces.remove(at + 1);
            let piece = &mut self.pieces[at];
            piece.rungs.extend(next.rungs);
            piece.most_memory_bytes = piece.most_memory_bytes.max(next.most_memory_bytes);
        }
    }

    /// Visits the levels with enough CPU and memory until told to stop.
    pub(crate) fn visit(
        &self,
        need: &Need,
        visit: &mut impl FnMut(LevelId) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for piece in &self.pieces[self.piece_of(&(need.cpu_milli, 0, 0))..] {
            if piece.most_memory_bytes < need.memory_bytes {
                continue;
            }
            for (cpu_milli, memory_bytes, level) in &piece.rungs {
                if *cpu_milli >= need.cpu_milli && *memory_bytes >= need.memory_bytes {
                    visit(*level)?;
                }
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Numbers that look random, and are the same each time.
    fn numbers() -> impl Iterator<Item = u64> {
        let next = |last: &u64| {
            Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        };
        std::iter::successors(Some(1), next).map(|number| number >> 33)
    }

    fn found(ladder: &Ladder, cpu_milli: u32, memory_bytes: u64) -> Vec<LevelId> {
        let mut found = Vec::new();
        let need = Need { cpu_milli, memory_bytes, ..Need::default() };
        let _ = ladder.visit(&need, &mut |level| {
            found.push(level);
            ControlFlow::Continue(())
        });
        found
    }

    #[test]
    fn what_comes_and_goes_is_found_in_order_where_it_fits() {
        let (mut ladder, mut plain) = (Ladder::default(), BTreeSet::new());
        let mut numbers = numbers();
        let mut next = |below: u64| numbers.next().map_or(0, |number| number % below);
        for step in 0..20_000 {
            let rung = (next(40) as u32, next(40), next(8) as LevelId);
            // It grows, and shrinks to nothing again.
            let grows = step % 4_000 < 2_000;
            if plain.contains(&rung) && (!grows || next(3) == 0) {
                plain.remove(&rung);
                ladder.remove(rung);
            } else if grows && plain.insert(rung) {
                ladder.insert(rung);
            }
            if step % 50 == 0 {
                let (cpu_milli, memory_bytes) = (next(40) as u32, next(40));
                let fits = plain.iter().filter(|rung| rung.0 >= cpu_milli && rung.1 >= memory_bytes);
                let expected: Vec<LevelId> = fits.map(|rung| rung.2).collect();
                assert_eq!(found(&ladder, cpu_milli, memory_bytes), expected);
            }
        }
        plain.iter().for_each(|rung| ladder.remove(*rung));
        assert!(ladder.is_empty());
    }
}
