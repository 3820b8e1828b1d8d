/// A node without a machine: it says over HTTP what an agent says. For logs that a container would take too long to
/// write; what it hands over goes the way that every log goes.
import { randomBytes, randomUUID } from "node:crypto";

import { type APIRequestContext, expect } from "@playwright/test";

type Call = (method: string, path: string, data?: object) => Promise<any>; // oxlint-disable-line typescript/no-explicit-any -- an answer of any route

const PROTOCOL = 1;
/** The longest that one request may carry. */
export const CHUNK_BYTES = 1 << 20;

interface Wanted {
  attempt_id: string;
  epoch: number;
}

/** Ids of a session tell when it began. */
function timedId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class SpokenNode {
  private sequence = 0;
  private report: object[] = [];
  private wanted: Wanted | undefined;
  private readonly session = timedId();
  private readonly boot = randomUUID();

  private constructor(
    private readonly request: APIRequestContext,
    private readonly name: string,
    private readonly credential: string,
  ) {}

  /** Joins a cluster of its own, to which the queue of the same name leads. */
  static async join(request: APIRequestContext, call: Call, name: string): Promise<SpokenNode> {
    const cluster = await call("POST", "/clusters", { name });
    await call("POST", "/queues", { name, clusters: [name] });
    const key = await call("POST", `/clusters/${cluster.id}/api-keys`, { name });
    const joined = await request.post("/api/v1/agent/register", {
      headers: { authorization: `Bearer ${key.secret}` },
      data: { protocol: PROTOCOL, name, machine_id: `machine-of-${name}`, agent_version: "spoken" },
    });
    expect(joined.ok(), await joined.text()).toBe(true);
    const node = new SpokenNode(request, name, ((await joined.json()) as { credential: string }).credential);
    await node.sync();
    return node;
  }

  /** Says what it says, and hears what it is to run. */
  private async sync(): Promise<Wanted[]> {
    const data = {
      protocol: PROTOCOL,
      agent_version: "spoken",
      boot_id: this.boot,
      machine_id: `machine-of-${this.name}`,
      session: this.session,
      sequence: this.sequence,
      capacity: { cpu_milli: 4_000, memory_bytes: 8 * 2 ** 30, disk_bytes: 2 ** 40, gpus: [] },
      labels: {},
      runtime: { ok: true, version: "spoken", message: "" },
      attempts: this.report,
      no_wait: true,
    };
    this.sequence += 1;
    const response = await this.request.post("/api/v1/agent/sync", { headers: this.headers(), data });
    expect(response.ok(), await response.text()).toBe(true);
    return ((await response.json()) as { desired: Wanted[] }).desired;
  }

  private headers = () => ({ authorization: `Bearer ${this.credential}` });

  private say(phase: string, result?: object) {
    const { attempt_id, epoch } = this.wanted ?? {};
    this.report = [{ attempt_id, epoch, phase, started_at: new Date().toISOString(), ...(result && { result }) }];
    return this.sync();
  }

  /** Takes the one attempt that it is given, and says that it runs. */
  async run() {
    await expect
      .poll(async () => {
        [this.wanted] = await this.sync();
        return this.wanted;
      })
      .toBeTruthy();
    await this.say("running");
  }

  /** Hands a log over, chunk by chunk, and is heard of all the while. */
  async write(chunks: Iterable<Buffer>): Promise<number> {
    let offset = 0;
    let heard = Date.now();
    for (const chunk of chunks) {
      const url = `/api/v1/agent/attempts/${this.wanted?.attempt_id ?? ""}/logs?rank=0&offset=${offset}`;
      const headers = { ...this.headers(), "content-type": "application/octet-stream" };
      const stored = await this.request.put(url, { headers, data: chunk });
      expect(stored.ok(), await stored.text()).toBe(true);
      offset += chunk.length;
      if (Date.now() - heard > 5_000) {
        await this.say("running");
        heard = Date.now();
      }
    }
    return offset;
  }

  /** Says that the job ended, with so long a log. */
  async end(logBytes: number) {
    const finished = { outcome: "exited", exit_code: 0, message: "", finished_at: new Date().toISOString(), log_bytes: logBytes };
    await this.say("ended", finished);
  }
}
