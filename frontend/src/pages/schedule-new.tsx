/// A schedule is a job spec with a time: written as text, so that all of the spec is within reach.
import { useState } from "react";
import { parse } from "yaml";

import { useCreateSchedule } from "@/api/admin";
import { ApiError } from "@/api/errors";
import type { JobSpec } from "@/api/types";
import { Dialog } from "@/ui/dialog";
import { AreaField } from "@/ui/field";
import { Form } from "@/ui/form";

const EXAMPLE = `name: nightly
image: busybox
run: |
  echo good night
resources:
  cpus: 1
  memory: 256Mi
schedule:
  cron: "0 3 * * *"
  timezone: ${Intl.DateTimeFormat().resolvedOptions().timeZone}
  overlap: skip
`;

function read(text: string): { spec?: JobSpec; problem?: string } {
  try {
    const spec: unknown = parse(text);
    if (typeof spec !== "object" || spec === null || Array.isArray(spec)) return { problem: "This is no job spec" };
    if (!("schedule" in spec)) return { problem: "It has no schedule" };
    return { spec: spec as JobSpec };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

export function NewSchedule({ onClose }: { onClose: () => void }) {
  const create = useCreateSchedule();
  const [text, setText] = useState(EXAMPLE);
  const { spec, problem } = read(text);
  const fields = create.error instanceof ApiError ? create.error.fields : [];
  return (
    <Dialog open wide onClose={onClose} title="New schedule" description="A job spec with a schedule: five fields as in cron, in a time zone, and what happens when the job of the time before still runs (skip, queue or replace).">
      <Form
        error={fields.length > 0 ? null : create.error}
        known={[]}
        busy={create.isPending}
        action="Create the schedule"
        disabledReason={problem ?? null}
        onClose={onClose}
        onSubmit={() => spec && create.mutate(spec, { onSuccess: onClose })}
      >
        <AreaField
          label="Job spec"
          rows={16}
          value={text}
          error={problem ?? fields.map((field) => `${field.path}: ${field.message}`).join("; ")}
          onChange={(event) => {
            create.reset();
            setText(event.target.value);
          }}
        />
      </Form>
    </Dialog>
  );
}
