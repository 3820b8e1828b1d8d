/// What nodes have and what is held of it.
import type { Amounts, Engine, Node } from "@/api/types";
import { bytes, cpus } from "@/lib/format";

export const NO_AMOUNTS: Amounts = { cpu_milli: 0, memory_bytes: 0, disk_bytes: 0, gpus: 0 };

export function sum(amounts: readonly Amounts[]): Amounts {
  return amounts.reduce(
    (total, amount) => ({
      cpu_milli: total.cpu_milli + amount.cpu_milli,
      memory_bytes: total.memory_bytes + amount.memory_bytes,
      disk_bytes: total.disk_bytes + amount.disk_bytes,
      gpus: total.gpus + amount.gpus,
    }),
    NO_AMOUNTS,
  );
}

export interface MeterValues {
  label: string;
  used: number;
  total: number;
  text: string;
}

/** The meters worth showing: GPUs only where there are some. */
export function meters(allocated: Amounts, capacity: Amounts): MeterValues[] {
  const all: MeterValues[] = [
    {
      label: "CPU",
      used: allocated.cpu_milli,
      total: capacity.cpu_milli,
      text: `${cpus(allocated.cpu_milli)} of ${cpus(capacity.cpu_milli)}`,
    },
    {
      label: "Memory",
      used: allocated.memory_bytes,
      total: capacity.memory_bytes,
      text: `${bytes(allocated.memory_bytes)} of ${bytes(capacity.memory_bytes)}`,
    },
  ];
  if (capacity.gpus > 0) {
    all.push({
      label: "GPU",
      used: allocated.gpus,
      total: capacity.gpus,
      text: `${allocated.gpus} of ${capacity.gpus}`,
    });
  }
  return all;
}

const engineName: Record<Engine, string> = { docker: "Docker", podman: "Podman", process: "Processes" };

/** `Podman 4.3.1`: what runs the node's jobs; empty while nobody knows. */
export function engineText({ engine = "docker", docker_version: version }: Node): string {
  if (engine === "process") return engineName.process;
  return version && `${engineName[engine]} ${version}`;
}

/** Whether the node answers and its containers can be trusted to run. */
export function isAlive(node: Node): boolean {
  return node.state === "ready" || node.state === "cordoned";
}

/** `4 CPU · 8 GiB · 2 GPU`: what a job asks for. */
export function requestText(requests: Amounts): string {
  const parts = [`${cpus(requests.cpu_milli)} CPU`, bytes(requests.memory_bytes)];
  if (requests.gpus > 0) parts.push(`${requests.gpus} GPU`);
  return parts.join(" · ");
}
