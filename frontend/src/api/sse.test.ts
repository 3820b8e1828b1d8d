import { expect, it } from "vitest";

import { eventParser, type ServerEvent } from "./sse";

function parsed(...chunks: string[]): ServerEvent[] {
  const events: ServerEvent[] = [];
  const parse = eventParser((event) => events.push(event));
  for (const chunk of chunks) parse(chunk);
  return events;
}

const STREAM = ': hello\n\nid: 7\nevent: job\ndata: {"a":1}\n\nevent:log\r\ndata: two\r\ndata:  lines\r\n\r\ndata: plain\n\n';
const EVENTS: ServerEvent[] = [
  { name: "job", data: '{"a":1}', id: "7" },
  { name: "log", data: "two\n lines", id: "7" },
  { name: "message", data: "plain", id: "7" },
];

it("reads names, data, ids and comments", () => {
  expect(parsed(STREAM)).toEqual(EVENTS);
});

it("gives the same events however the text is cut", () => {
  for (let size = 1; size < 12; size += 1) {
    const chunks = [];
    for (let at = 0; at < STREAM.length; at += size) chunks.push(STREAM.slice(at, at + size));
    expect(parsed(...chunks)).toEqual(EVENTS);
  }
});

it("gives no event before its empty line", () => {
  expect(parsed("event: job\ndata: half")).toEqual([]);
});

it("refuses a line without an end", () => {
  const parse = eventParser(() => {});
  expect(() => {
    for (let round = 0; round < 5; round += 1) parse("x".repeat(1 << 20));
  }).toThrow(/too long/);
});
