/// Jobs that are submitted by themselves when their time comes.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Pause, Play, Plus, Trash2 } from "lucide-react";
import { useState } from "react";

import { adminQueries, useDeleteSchedule, usePauseSchedule, useRunSchedule } from "@/api/admin";
import type { JobSchedule } from "@/api/admin-types";
import { explain } from "@/api/errors";
import { currentUser } from "@/api/session";
import type { Look } from "@/domain/looks";
import { memberOnly } from "@/domain/roles";
import { exact, sentence } from "@/lib/format";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Confirm } from "@/ui/dialog";
import { Listing } from "@/ui/listing";
import { MoreMenu } from "@/ui/menu";
import { Empty, PageHead, Time } from "@/ui/parts";
import { StateMark } from "@/ui/state-mark";
import type { Column } from "@/ui/table";

import { NewSchedule } from "./schedule-new";

const ON: Look = { word: "On", tone: "good", shape: "dot" };
const PAUSED: Look = { word: "Paused", tone: "warn", shape: "bar" };
const FAILING: Look = { word: "Refused", tone: "bad", shape: "alert" };

const scheduleLook = (schedule: JobSchedule): Look => (schedule.paused ? PAUSED : schedule.message ? FAILING : ON);

const COLUMNS: Column<JobSchedule>[] = [
  {
    head: "Schedule",
    grow: true,
    cell: (schedule) => (
      <>
        <span className="font-medium break-all">{schedule.name}</span>
        <span className="block text-xs text-ink-faint">{`${schedule.owner} · ${schedule.team}`}</span>
        {schedule.message && <span className="block text-xs break-words text-bad">{sentence(schedule.message)}</span>}
      </>
    ),
  },
  {
    head: "When",
    wide: true,
    cell: (schedule) => (
      <>
        <span className="font-mono text-sm">{schedule.cron}</span>
        <span className="block text-xs text-ink-faint">{schedule.timezone}</span>
      </>
    ),
  },
  { head: "State", cell: (schedule) => <StateMark look={scheduleLook(schedule)} /> },
  {
    head: "Next",
    cell: (schedule) =>
      schedule.next_at && !schedule.paused ? (
        <span title={schedule.upcoming.map((at) => exact(at)).join("\n")}><Time at={schedule.next_at} /></span>
      ) : (
        <span className="text-ink-faint">–</span>
      ),
  },
  {
    head: "Latest",
    wide: true,
    cell: (schedule) =>
      schedule.last_job_id && schedule.last_fired_at ? (
        <Link to="/jobs/$jobId" params={{ jobId: schedule.last_job_id }} search={{}} className="hover:text-accent">
          <Time at={schedule.last_fired_at} />
        </Link>
      ) : (
        <span className="text-ink-faint">never</span>
      ),
  },
  { head: "", cell: (schedule) => <Actions schedule={schedule} />, number: true },
];

export function SchedulesPage() {
  const schedules = useQuery(adminQueries.schedules());
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead title="Schedules" note="Jobs that are submitted by themselves when their time comes.">
        <Button look="primary" icon={<Plus size={15} aria-hidden />} disabledReason={memberOnly()} onClick={() => setCreating(true)}>
          New schedule
        </Button>
      </PageHead>
      <Listing
        query={schedules}
        label="Schedules"
        columns={COLUMNS}
        rowKey={(schedule) => schedule.id}
        empty={
          <Empty title="No schedule yet" action={<CommandBlock text="lilac_cli submit -f nightly.yaml" />}>
            A job file with a <code className="font-mono text-xs">schedule</code> makes one:{" "}
            <code className="font-mono text-xs">schedule: {"{"} cron: "0 3 * * *" {"}"}</code>
          </Empty>
        }
      />
      {creating && <NewSchedule onClose={() => setCreating(false)} />}
    </>
  );
}

function ownerOnly(schedule: JobSchedule): string | null {
  const user = currentUser();
  return user?.role === "admin" || schedule.owner === user?.username ? memberOnly() : `It belongs to ${schedule.owner}.`;
}

function Actions({ schedule }: { schedule: JobSchedule }) {
  const run = useRunSchedule();
  const pause = usePauseSchedule();
  const remove = useDeleteSchedule();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const reason = ownerOnly(schedule);
  const problem = run.error ?? pause.error;
  return (
    <span className="inline-flex items-center gap-1">
      {problem && <span role="alert" className="max-w-48 text-xs whitespace-normal text-bad">{explain(problem).detail}</span>}
      <Button
        icon={<Play size={13} aria-hidden />}
        disabledReason={reason}
        busy={run.isPending}
        title="Submit its job now"
        onClick={() => run.mutate(schedule.id, { onSuccess: (job) => void navigate({ to: "/jobs/$jobId", params: { jobId: job.id }, search: {} }) })}
      >
        Run<span className="sr-only">{schedule.name}</span>
      </Button>
      <MoreMenu
        label={`More for ${schedule.name}`}
        actions={[
          {
            text: schedule.paused ? "Resume" : "Pause",
            icon: schedule.paused ? <Play size={14} /> : <Pause size={14} />,
            disabledReason: reason,
            run: () => pause.mutate({ id: schedule.id, paused: !schedule.paused }),
          },
          { text: "Delete…", icon: <Trash2 size={14} />, danger: true, disabledReason: reason, run: () => setAsking(true) },
        ]}
      />
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={`Delete ${schedule.name}?`}
        action="Delete the schedule"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(schedule.id, { onSuccess: () => setAsking(false) })}
      >
        It fires no more. The jobs that it submitted stay.
      </Confirm>
    </span>
  );
}
