/// One hook: what it was sent, what the receiver said, and what can be changed.
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { KeyRound, Pencil, Power, RotateCw, Send, Trash2 } from "lucide-react";
import { useState } from "react";

import { adminQueries, useDeleteHook, useRedeliver, useRotateHook, useTestHook, useUpdateHook } from "@/api/admin";
import type { Delivery, Hook } from "@/api/admin-types";
import { explain } from "@/api/errors";
import { answerText, deliveryLook, hookLook } from "@/domain/hook";
import { memberOnly } from "@/domain/roles";
import { plural, sentence, shortId } from "@/lib/format";
import { Button } from "@/ui/button";
import { Columns, DetailHead, FactList } from "@/ui/detail";
import { Confirm, Dialog } from "@/ui/dialog";
import { TextField } from "@/ui/field";
import { fieldErrors, Form } from "@/ui/form";
import { MoreMenu } from "@/ui/menu";
import { Broken, Card, Empty, SkeletonRows, Time } from "@/ui/parts";
import { ShownOnce } from "@/ui/shown-once";
import { StateMark } from "@/ui/state-mark";

import { EventChecks, Events } from "./hooks";

const route = getRouteApi("/app/hooks/$hookId");

export function HookPage() {
  const { hookId } = route.useParams();
  const hook = useQuery(adminQueries.hook(hookId));
  const test = useTestHook();
  if (hook.isError && !hook.data) return <Card><Broken error={hook.error} retry={() => void hook.refetch()} /></Card>;
  if (!hook.data) return <Card><SkeletonRows rows={4} /></Card>;
  const { data } = hook;
  return (
    <>
      <DetailHead
        up={{ to: "/hooks", text: "Hooks" }}
        title={data.name}
        look={hookLook(data)}
        {...(!data.enabled && { reason: "Nothing is sent there." })}
        note={<span className="font-mono text-xs break-all">{data.url}</span>}
      >
        {test.isError && <p role="alert" className="text-xs text-bad">{explain(test.error).detail}</p>}
        <Button
          icon={<Send size={14} aria-hidden />}
          disabledReason={memberOnly() ?? (data.enabled ? null : "It is switched off.")}
          busy={test.isPending}
          title="Send a message that tells of no job"
          onClick={() => test.mutate(data.id)}
        >
          Send a test
        </Button>
        <Actions hook={data} />
      </DetailHead>
      <Columns
        main={<Deliveries hook={data} />}
        side={
          <Card title="About">
            <FactList
              items={[
                ["Team", data.team],
                ["Told of", <Events key="events" events={data.events} words />],
                ["Made", <span key="made"><Time at={data.created_at} /> by {data.created_by}</span>],
                ["Changed", <span key="changed"><Time at={data.updated_at} /> by {data.updated_by}</span>],
              ]}
            />
          </Card>
        }
      />
    </>
  );
}

function Deliveries({ hook }: { hook: Hook }) {
  const deliveries = useInfiniteQuery(adminQueries.deliveries(hook.id));
  const items = deliveries.data?.pages.flatMap((page) => page.items);
  return (
    <Card title="Messages" aside={items && items.length > 0 ? "the newest first" : undefined}>
      {deliveries.isPending && <SkeletonRows rows={3} />}
      {deliveries.isError && !items && <Broken error={deliveries.error} retry={() => void deliveries.refetch()} />}
      {items?.length === 0 && <Empty title="Nothing was sent yet">Send a test, or let a job name this hook.</Empty>}
      {items && items.length > 0 && (
        <ul aria-label="Messages, the newest first" className="divide-y">
          {items.map((delivery) => <Message key={delivery.id} hook={hook} delivery={delivery} />)}
        </ul>
      )}
      {deliveries.hasNextPage && (
        <div className="border-t p-3 text-center">
          <Button look="quiet" busy={deliveries.isFetchingNextPage} onClick={() => void deliveries.fetchNextPage()}>Older messages</Button>
        </div>
      )}
    </Card>
  );
}

function Message({ hook, delivery }: { hook: Hook; delivery: Delivery }) {
  const again = useRedeliver();
  return (
    <li className="grid grid-cols-[7rem_minmax(0,1fr)_auto] items-start gap-x-4 px-4 py-3 text-sm">
      <span className="pt-0.5"><StateMark look={deliveryLook[delivery.state]} /></span>
      <span className="min-w-0">
        <span className="block">
          {delivery.event === "test" ? "A test" : `Job ${delivery.event}`}
          {delivery.job_id && (
            <>
              {" · "}
              <Link to="/jobs/$jobId" params={{ jobId: delivery.job_id }} search={{}} className="font-mono text-xs text-accent hover:underline">
                {shortId(delivery.job_id)}
              </Link>
            </>
          )}
        </span>
        <span className="block text-xs break-words text-ink-soft">
          {sentence([answerText(delivery), delivery.tries > 0 ? plural(delivery.tries, "try", "tries") : ""].filter(Boolean).join(" · "))}
          {delivery.state === "pending" && delivery.next_try_at && <> · next try <Time at={delivery.next_try_at} /></>}
        </span>
        {again.isError && <span role="alert" className="block text-xs text-bad">{explain(again.error).detail}</span>}
      </span>
      <span className="flex items-center gap-2">
        <span className="text-xs text-ink-faint"><Time at={delivery.created_at} /></span>
        {delivery.state !== "pending" && (
          <Button
            look="quiet"
            icon={<RotateCw size={13} aria-hidden />}
            disabledReason={memberOnly() ?? (hook.enabled ? null : "The hook is switched off.")}
            busy={again.isPending}
            onClick={() => again.mutate({ hook: hook.id, delivery: delivery.id })}
          >
            <span className="max-sm:sr-only">Send again</span>
          </Button>
        )}
      </span>
    </li>
  );
}

function Actions({ hook }: { hook: Hook }) {
  const [open, setOpen] = useState<"edit" | "rotate" | "delete">();
  const update = useUpdateHook();
  const remove = useDeleteHook();
  const navigate = route.useNavigate();
  const close = () => setOpen(undefined);
  const reason = memberOnly();
  return (
    <>
      <MoreMenu
        label="More"
        actions={[
          { text: "Edit…", icon: <Pencil size={14} />, disabledReason: reason, run: () => setOpen("edit") },
          { text: hook.enabled ? "Switch off" : "Switch on", icon: <Power size={14} />, disabledReason: reason, run: () => update.mutate({ id: hook.id, change: { enabled: !hook.enabled } }) },
          { text: "Another secret…", icon: <KeyRound size={14} />, disabledReason: reason, run: () => setOpen("rotate") },
          { text: "Delete…", icon: <Trash2 size={14} />, danger: true, disabledReason: reason, run: () => setOpen("delete") },
        ]}
      />
      {open === "edit" && <EditHook hook={hook} onClose={close} />}
      {open === "rotate" && <RotateHook hook={hook} onClose={close} />}
      <Confirm
        open={open === "delete"}
        onClose={close}
        title={`Delete ${hook.name}?`}
        action="Delete the hook"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate(hook.id, { onSuccess: () => void navigate({ to: "/hooks" }) })}
      >
        Jobs that name it tell it nothing any more, and what waits for it is given up.
      </Confirm>
    </>
  );
}

function EditHook({ hook, onClose }: { hook: Hook; onClose: () => void }) {
  const update = useUpdateHook();
  const [url, setUrl] = useState(hook.url);
  const [events, setEvents] = useState(hook.events);
  const errors = fieldErrors(update.error);
  return (
    <Dialog open onClose={onClose} title={`Edit ${hook.name}`}>
      <Form
        error={update.error}
        known={["url", "events"]}
        busy={update.isPending}
        action="Save"
        onClose={onClose}
        onSubmit={() => update.mutate({ id: hook.id, change: { url: url.trim(), events } }, { onSuccess: onClose })}
      >
        <TextField label="Address" type="url" value={url} error={errors("url")} onChange={(event) => setUrl(event.target.value)} />
        <EventChecks events={events} error={errors("events")} onChange={setEvents} />
      </Form>
    </Dialog>
  );
}

function RotateHook({ hook, onClose }: { hook: Hook; onClose: () => void }) {
  const rotate = useRotateHook();
  if (rotate.data?.secret) {
    return <ShownOnce title={`The new secret of ${hook.name}`} secret={rotate.data.secret} label="Copy the secret" onClose={onClose} />;
  }
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Give ${hook.name} another secret?`}
      action="Make another secret"
      keep="Leave it"
      busy={rotate.isPending}
      error={rotate.error}
      onConfirm={() => rotate.mutate(hook.id)}
    >
      All that is sent from now on is signed with it, later tries of earlier messages too.
    </Confirm>
  );
}
