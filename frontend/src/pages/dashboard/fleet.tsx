/// Every GPU at a glance, and every node where there are none: how busy it is, who holds it, and what is broken.
import { Link } from "@tanstack/react-router";

import type { Node } from "@/api/types";
import { nodeLook } from "@/domain/looks";
import { isAlive, meters, sum } from "@/domain/node";
import { bytes, cpus, plural } from "@/lib/format";
import { buttonClass } from "@/ui/button";
import { Card, Empty, Meter, SkeletonRows } from "@/ui/parts";
import { StateIcon } from "@/ui/state-mark";

/** Of more, the others are counted. */
const SHOWN_NODES = 200;
/** Held and doing less than this is idle, in percent. */
const IDLE_PERCENT = 5;

export function Fleet({ nodes }: { nodes: Node[] | undefined }) {
  const totals = nodes && meters(sum(nodes.map((node) => node.allocated)), sum(nodes.filter(isAlive).map((node) => node.capacity)));
  return (
    <Card title="Nodes" aside={<Link to="/nodes" className="hover:text-ink">All nodes</Link>}>
      {!nodes && <SkeletonRows rows={3} />}
      {nodes?.length === 0 && (
        <Empty title="No node has joined" action={<Link to="/nodes" search={{ add: true }} className={buttonClass("primary")}>Add a node</Link>}>
          Jobs wait in their queues until a machine offers to run them.
        </Empty>
      )}
      {nodes && nodes.length > 0 && (
        <>
          <div className="grid grid-cols-1 gap-x-8 gap-y-4 border-b px-4 py-4 sm:grid-flow-col sm:auto-cols-fr">
            {totals?.map((meter) => <Meter key={meter.label} {...meter} />)}
          </div>
          <Grid nodes={nodes.slice(0, SHOWN_NODES)} />
          {nodes.length > SHOWN_NODES && (
            <Link to="/nodes" className="block border-t px-4 py-2.5 text-sm text-ink-soft hover:bg-hover">
              {plural(nodes.length - SHOWN_NODES, "more node")}
            </Link>
          )}
        </>
      )}
    </Card>
  );
}

function Grid({ nodes }: { nodes: Node[] }) {
  const withGpus = nodes.filter((node) => node.gpus.length > 0);
  const without = nodes.filter((node) => node.gpus.length === 0);
  return (
    <div className="space-y-5 px-4 py-4">
      {withGpus.length > 0 && (
        <ul aria-label="GPUs by node" className="flex flex-wrap gap-x-6 gap-y-4">
          {withGpus.map((node) => (
            <li key={node.id} className="min-w-0">
              <NodeName node={node} />
              <ul aria-label={`GPUs of ${node.name}`} className="mt-1.5 flex max-w-56 flex-wrap gap-1">
                {node.gpus.map((gpu) => <GpuCell key={gpu.uuid} node={node} gpu={gpu} />)}
              </ul>
            </li>
          ))}
        </ul>
      )}
      {without.length > 0 && (
        <ul aria-label={withGpus.length > 0 ? "Nodes without GPUs" : "Nodes"} className="flex flex-wrap gap-2">
          {without.map((node) => <NodeCell key={node.id} node={node} />)}
        </ul>
      )}
      <Legend hasGpus={withGpus.length > 0} />
    </div>
  );
}

function NodeName({ node }: { node: Node }) {
  return (
    <Link to="/jobs" search={{ node: node.name }} title={`Jobs on ${node.name}${node.message ? `: ${node.message}` : ""}`} className="flex max-w-56 items-center gap-1.5 text-sm hover:text-accent">
      <StateIcon look={nodeLook[node.state]} size={12} />
      <span className="truncate">{node.name}</span>
      {node.state !== "ready" && <span className="text-ink-faint">{nodeLook[node.state].word.toLowerCase()}</span>}
    </Link>
  );
}

/** How full a cell is painted: in steps, so that near things look alike. */
function fill(share: number): string {
  return `color-mix(in srgb, var(--accent-solid) ${Math.round(20 + Math.min(share, 1) * 80)}%, var(--panel))`;
}

const CELL = "block size-6 rounded-md border";

function GpuCell({ node, gpu }: { node: Node; gpu: Node["gpus"][number] }) {
  const use = node.usage?.gpus.find((one) => one.index === gpu.index);
  const percent = use?.percent ?? null;
  const isHeld = Boolean(gpu.job) || (gpu.held_milli ?? 0) > 0;
  const isBroken = Boolean(gpu.fault) || !isAlive(node);
  const isIdle = isHeld && percent !== null && percent < IDLE_PERCENT;
  const state = isBroken ? (gpu.fault ?? "not reachable") : !isHeld ? "free" : isIdle ? "held, idle" : percent === null ? "held" : `held, ${percent} % busy`;
  const measured = use ? `; ${bytes(use.memory_bytes)} of ${bytes(gpu.memory_bytes)} used${use.temperature ? `, ${use.temperature} °C` : ""}` : "";
  const title = `${node.name} GPU ${gpu.index}, ${gpu.model}: ${state}${measured}`;
  const look = isBroken
    ? `${CELL} cross border-bad bg-bad-soft`
    : !isHeld
      ? `${CELL} border-line-strong bg-panel`
      : isIdle
        ? `${CELL} hatch border-accent-line bg-accent-soft`
        : `${CELL} border-accent-solid`;
  const style = isHeld && !isIdle && !isBroken ? { background: fill((percent ?? 60) / 100) } : undefined;
  return (
    <li>
      {gpu.job ? (
        <Link to="/jobs/$jobId" params={{ jobId: gpu.job }} search={{}} title={title} aria-label={`${title}; open its job`} className={`${look} hover:ring-2 hover:ring-accent-line`} style={style} />
      ) : (
        <span title={title} className={look} style={style}>
          <span className="sr-only">{title}</span>
        </span>
      )}
    </li>
  );
}

/** A node without GPUs: filled as far as the fuller of CPU and memory is held. */
function NodeCell({ node }: { node: Node }) {
  const share = (used: number, all: number) => (all > 0 ? used / all : 0);
  const held = Math.max(share(node.allocated.cpu_milli, node.capacity.cpu_milli), share(node.allocated.memory_bytes, node.capacity.memory_bytes));
  const busy = node.usage ? share(node.usage.cpu_milli, node.capacity.cpu_milli) : null;
  const isUp = isAlive(node);
  const isIdle = held > 0 && busy !== null && busy * 100 < IDLE_PERCENT;
  const text = `${cpus(node.allocated.cpu_milli)} of ${cpus(node.capacity.cpu_milli)} CPU, ${bytes(node.allocated.memory_bytes)} of ${bytes(node.capacity.memory_bytes)} held${busy === null ? "" : `; ${Math.round(busy * 100)} % busy`}`;
  return (
    <li className="w-40">
      <Link
        to="/jobs"
        search={{ node: node.name }}
        title={`${node.name}: ${isUp ? text : node.message || nodeLook[node.state].word}`}
        className={`block rounded-lg border px-3 py-2 hover:border-line-strong ${isUp ? "" : "cross border-bad bg-bad-soft"}`}
      >
        <span className="flex items-center gap-1.5 text-sm font-medium">
          <StateIcon look={nodeLook[node.state]} size={12} />
          <span className="truncate">{node.name}</span>
        </span>
        <span aria-hidden className="mt-2 block h-1.5 overflow-hidden rounded-full bg-line">
          <span className={`block h-full rounded-full ${isIdle ? "hatch bg-accent-soft" : "bg-accent-solid"}`} style={{ width: `${Math.min(held, 1) * 100}%` }} />
        </span>
        <span className="mt-1.5 block truncate text-xs text-ink-faint">{isUp ? `${Math.round(held * 100)} % held` : nodeLook[node.state].word}</span>
      </Link>
    </li>
  );
}

function Legend({ hasGpus }: { hasGpus: boolean }) {
  if (!hasGpus) return null;
  const entries = [
    ["border-line-strong bg-panel", "free", undefined],
    ["hatch border-accent-line bg-accent-soft", "held, idle", undefined],
    ["border-accent-solid", "held, busy", fill(0.9)],
    ["cross border-bad bg-bad-soft", "cannot be used", undefined],
  ] as const;
  return (
    <ul aria-label="What the squares mean" className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-faint">
      {entries.map(([look, word, background]) => (
        <li key={word} className="flex items-center gap-1.5">
          <span aria-hidden className={`size-3 rounded-[3px] border ${look}`} style={background ? { background } : undefined} />
          {word}
        </li>
      ))}
    </ul>
  );
}
