/// One square per GPU: filled is held, open is free, crossed cannot be reached. A held one leads to its job.
import { Link } from "@tanstack/react-router";

import type { Node } from "@/api/types";
import { isAlive } from "@/domain/node";
import { bytes } from "@/lib/format";

export function GpuGrid({ node }: { node: Node }) {
  if (node.gpus.length === 0) return null;
  const alive = isAlive(node);
  return (
    <ul aria-label={`GPUs of ${node.name}`} className="flex flex-wrap gap-1">
      {node.gpus.map((gpu) => {
        const title = `GPU ${gpu.index}: ${gpu.model}, ${bytes(gpu.memory_bytes)}`;
        const used = node.usage?.gpus.find((usage) => usage.index === gpu.index);
        const use = used
          ? `; ${used.percent ?? 0} % busy, ${bytes(used.memory_bytes)} used${used.temperature ? `, ${used.temperature} °C` : ""}`
          : "";
        const good = alive && !gpu.fault;
        const free = gpu.fault ? gpu.fault : alive ? "free" : "not reachable";
        return (
          <li key={gpu.uuid}>
            {gpu.job ? (
              <Link
                to="/jobs/$jobId"
                params={{ jobId: gpu.job }}
                search={{}}
                title={`${title}: held by a job${gpu.fault ? `; ${gpu.fault}` : ""}${use}`}
                aria-label={`${title}, held; open its job`}
                className={`hatch block size-5 rounded-[5px] border ${good ? "border-accent-solid bg-accent-soft" : "border-bad bg-bad-soft"} hover:ring-2 hover:ring-accent-line`}
              />
            ) : (
              <span
                title={`${title}: ${free}${use}`}
                className={`block size-5 rounded-[5px] border ${good ? "border-line-strong" : "border-bad/60 bg-bad-soft"}`}
              >
                <span className="sr-only">{`${title}, ${free}`}</span>
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
