/// Whether somebody needs to be led to a first job. What leads them is loaded only then.
import { lazy, Suspense, useState } from "react";

import type { JobCounts, Node } from "@/api/types";

const FirstRun = lazy(() => import("./first-run").then((module) => ({ default: module.FirstRun })));

export function FirstSteps({ counts, nodes }: { counts: JobCounts | undefined; nodes: Node[] | undefined }) {
  const [state, setState] = useState<"unknown" | "shown" | "away">("unknown");
  if (!counts || !nodes || state === "away") return null;
  // Once begun they stay until somebody puts them away: the last step is the one that counts.
  const fresh = Object.values(counts.by_state).every((count) => count === 0);
  if (state === "unknown") setState(fresh ? "shown" : "away");
  if (state !== "shown") return null;
  return (
    <Suspense>
      <FirstRun nodes={nodes} onClose={() => setState("away")} />
    </Suspense>
  );
}
