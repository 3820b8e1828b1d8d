/// What would become of the job if it were submitted now, as the scheduler sees it.
import { CircleCheck, CircleSlash, Hourglass, PencilLine, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { ApiError, explain } from "@/api/errors";
import type { Forecast as Outcome, JobForecast } from "@/api/types";
import { plural, sentence } from "@/lib/format";

import type { Judgement } from "../submit";

const LOOKS: Record<Outcome, { icon: ReactNode; tone: string; title: (forecast: JobForecast) => string }> = {
  "starts-now": { icon: <CircleCheck size={17} />, tone: "text-good", title: (forecast) => (forecast.node ? `Starts now on ${forecast.node}` : "Starts now") },
  waits: { icon: <Hourglass size={17} />, tone: "text-warn", title: (forecast) => (forecast.position > 0 ? `Waits behind ${plural(forecast.position, "job")}` : "Waits") },
  "never-starts": { icon: <CircleSlash size={17} />, tone: "text-bad", title: () => "Would never start as things are" },
};

export function Forecast({ judged, faults }: { judged: Judgement; faults: readonly string[] }) {
  const { answer, isSettled } = judged.plan;
  if (!judged.isWhole) {
    const [first] = judged.marks;
    return <Frame icon={<TriangleAlert size={17} />} tone="text-bad" title="The text cannot be read" detail={first?.message ?? "It is no group of fields."} />;
  }
  if (faults.length > 0) {
    const missing = faults.every((fault) => fault.endsWith("is missing"));
    if (missing) return <Frame icon={<PencilLine size={17} />} tone="text-ink-faint" title="Not complete yet" detail="With a name and an image, it is said here what would become of it." />;
    return <Frame icon={<TriangleAlert size={17} />} tone="text-bad" title={`${plural(faults.length, "field is", "fields are")} refused`} detail={faults.slice(0, 3).join(" · ")} />;
  }
  if (answer.isError && !(answer.error instanceof ApiError && answer.error.fields.length > 0)) {
    return <Frame icon={<TriangleAlert size={17} />} tone="text-warn" title="Cannot tell what would become of it" detail={explain(answer.error).detail} />;
  }
  const { data } = answer;
  if (!data) return <Frame icon={<PencilLine size={17} />} tone="text-ink-faint" title="What would become of it" detail="Asking the scheduler…" />;
  const look = LOOKS[data.outcome];
  return <Frame icon={look.icon} tone={look.tone} title={look.title(data)} detail={sentence(data.message)} faded={!isSettled || answer.isPlaceholderData} />;
}

function Frame({ icon, tone, title, detail, faded = false }: { icon: ReactNode; tone: string; title: string; detail: string; faded?: boolean }) {
  return (
    <section aria-label="Dry run" aria-live="polite" className={`flex min-h-19 items-start gap-3 rounded-xl border bg-panel px-4 py-3.5 shadow-card transition-opacity ${faded ? "opacity-60" : ""}`}>
      <span aria-hidden className={`mt-0.5 shrink-0 ${tone}`}>{icon}</span>
      <div className="min-w-0">
        <h2 className="font-medium">{title}</h2>
        <p className="text-sm break-words text-ink-soft">{detail}</p>
      </div>
    </section>
  );
}
