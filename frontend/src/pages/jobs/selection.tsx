/// The jobs that somebody chose.
import { useState } from "react";

import type { Job } from "@/api/types";

/** More than this are changed through their filter, or in several steps. */
const MAX_CHOSEN = 2_000;

export interface Selection {
  ids: readonly string[];
  size: number;
  has: (id: string) => boolean;
  toggle: (job: Job) => void;
  toggleId: (id: string) => void;
  chooseShown: () => void;
  allShown: boolean;
  clear: () => void;
}

export function useSelection(shown: () => readonly Job[]): Selection {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const toggleId = (id: string) =>
    setChosen((before) => {
      const next = new Set(before);
      if (!next.delete(id) && next.size < MAX_CHOSEN) next.add(id);
      return next;
    });
  const now = shown();
  return {
    ids: [...chosen],
    size: chosen.size,
    has: (id) => chosen.has(id),
    toggle: (job) => toggleId(job.id),
    toggleId,
    chooseShown: () => setChosen(new Set(shown().map((job) => job.id))),
    allShown: now.length > 0 && now.every((job) => chosen.has(job.id)),
    clear: () => setChosen(new Set()),
  };
}
