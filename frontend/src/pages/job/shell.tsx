/// A shell in the container of a running job, in the browser.
import { useEffect, useRef, useState } from "react";

import { api, ok } from "@/api/client";
import { explain } from "@/api/errors";
import { currentUser } from "@/api/session";
import type { Attempt, Job } from "@/api/types";
import { jobCan } from "@/domain/job";
import { Button } from "@/ui/button";
import { CommandBlock } from "@/ui/copy";
import { Card, Empty } from "@/ui/parts";

import { openTerminal, type Terminal } from "./terminal";

/** The first of these that the image has. */
const SHELLS = ["/bin/sh", "-c", "if command -v bash >/dev/null 2>&1; then exec bash; fi; exec sh"];
const SUBPROTOCOL = "lilac.stream.v1";
const TICKET_PREFIX = "lilac.ticket.";
const INPUT = 0;
/** As much as one message should carry. */
const MAX_DATA_BYTES = 32 << 10;
/** What is typed is held back while this much of it is still on its way. */
const MAX_WAITING_BYTES = 1 << 20;

type Status = { at: "idle" | "opening" | "open" } | { at: "over"; how: string };

export function ShellTab({ job, attempts }: { job: Job; attempts: Attempt[] | undefined }) {
  const refusal = jobCan.shell(job, currentUser());
  const tasks = attempts?.find((attempt) => attempt.epoch === job.epoch)?.tasks ?? [];
  const [rank, setRank] = useState(0);
  const [tries, setTries] = useState(0);
  const [status, setStatus] = useState<Status>({ at: "idle" });
  const isOn = status.at === "opening" || status.at === "open";
  if (refusal && !isOn && tries === 0) {
    return <Card><Empty title="No shell now">{refusal}</Empty></Card>;
  }
  return (
    <Card className="overflow-hidden">
      <div className="flex min-h-12 flex-wrap items-center gap-3 border-b px-4 py-2">
        <p role="status" className="flex flex-1 items-center gap-2 text-sm text-ink-soft">
          <span aria-hidden className={`size-2 rounded-full ${status.at === "open" ? "bg-good" : status.at === "opening" ? "animate-breathe bg-info" : "bg-idle"}`} />
          {{ idle: "Not connected", opening: "Connecting…", open: "Connected", over: status.at === "over" ? status.how : "" }[status.at]}
        </p>
        {tasks.length > 1 && (
          <select aria-label="Rank" value={rank} disabled={isOn} onChange={(event) => setRank(Number(event.target.value))} className="select h-8 rounded-lg border border-line-strong bg-panel pr-8 pl-2.5 text-sm">
            {tasks.map((task) => <option key={task.rank} value={task.rank}>{`Rank ${task.rank} on ${task.node}`}</option>)}
          </select>
        )}
        {isOn ? (
          <Button onClick={() => setStatus({ at: "over", how: "Closed" })}>Close</Button>
        ) : (
          <Button
            look="primary"
            disabledReason={refusal}
            onClick={() => {
              setTries(tries + 1);
              setStatus({ at: "opening" });
            }}
          >
            {tries === 0 ? "Open a shell" : "Open another"}
          </Button>
        )}
      </div>
      {tries === 0 ? (
        <Empty title="A shell beside the job" action={<CommandBlock text={`lilac_cli shell ${job.id}`} />}>
          It runs in the job’s container with the job’s rights, and ends with it. That it was opened is written into the audit log; what is typed is not. The same from a terminal:
        </Empty>
      ) : (
        <Screen key={tries} jobId={job.id} rank={rank} isOn={isOn} onStatus={setStatus} />
      )}
    </Card>
  );
}

function Screen({ jobId, rank, isOn, onStatus }: { jobId: string; rank: number; isOn: boolean; onStatus: (status: Status) => void }) {
  const place = useRef<HTMLDivElement>(null);
  const stop = useRef<() => void>(() => {});

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const over = new AbortController();
    stop.current = () => over.abort();
    void run(element, jobId, rank, over.signal, onStatus);
    return () => over.abort();
    // oxlint-disable-next-line react/exhaustive-deps -- one shell for each time that it is opened
  }, []);
  useEffect(() => {
    if (!isOn) stop.current();
  }, [isOn]);

  return <div ref={place} className="h-[min(62dvh,40rem)] bg-log p-2" />;
}

async function run(element: HTMLElement, jobId: string, rank: number, signal: AbortSignal, onStatus: (status: Status) => void) {
  const terminal = await openTerminal(element);
  if (signal.aborted) {
    terminal.dispose();
    return;
  }
  signal.addEventListener("abort", () => terminal.freeze());
  try {
    const how = await speak(terminal, jobId, rank, signal, onStatus);
    if (!signal.aborted) onStatus({ at: "over", how });
  } catch (error) {
    if (!signal.aborted) onStatus({ at: "over", how: explain(error).detail });
  } finally {
    terminal.freeze();
  }
}

/** Opens the stream and carries both ways; resolves with how it ended. */
async function speak(terminal: Terminal, id: string, rank: number, signal: AbortSignal, onStatus: (status: Status) => void): Promise<string> {
  const body = { command: SHELLS, input: true, terminal: terminal.size(), rank, env: { TERM: "xterm-256color" } };
  const opened = await ok(api.POST("/api/v1/jobs/{id}/exec", { params: { path: { id } }, body, signal }));
  const address = new URL(`/api/v1/streams/${opened.id}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  // A browser sends no credential with a WebSocket: the ticket stands for it, once.
  const socket = new WebSocket(address, [SUBPROTOCOL, `${TICKET_PREFIX}${opened.ticket ?? ""}`]);
  socket.binaryType = "arraybuffer";
  signal.addEventListener("abort", () => socket.close());

  return new Promise((resolve) => {
    let how = "The connection ended";
    socket.addEventListener("close", () => resolve(how));
    socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data !== "string") {
        terminal.write(new Uint8Array(data, 1));
        return;
      }
      const said = JSON.parse(data) as string | { exited?: number; failed?: string };
      if (said === "started") {
        onStatus({ at: "open" });
        terminal.listen(
          (typed) => send(socket, typed),
          (size) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify({ resize: size })),
        );
      } else if (typeof said === "object" && said.exited !== undefined) how = said.exited === 0 ? "Ended" : `Ended with exit code ${said.exited}`;
      else if (typeof said === "object" && said.failed !== undefined) how = said.failed;
    });
  });
}

function send(socket: WebSocket, typed: Uint8Array) {
  if (socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > MAX_WAITING_BYTES) return;
  for (let at = 0; at < typed.length; at += MAX_DATA_BYTES) {
    const part = typed.subarray(at, at + MAX_DATA_BYTES);
    const message = new Uint8Array(part.length + 1);
    message[0] = INPUT;
    message.set(part, 1);
    socket.send(message);
  }
}
