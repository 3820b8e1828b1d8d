/// What can go wrong between here and the server, in words for a person.
import { sentence } from "@/lib/format";

import type { FieldError, Problem } from "./types";

/** The server answered, and refused. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: FieldError[];

  constructor(problem: Pick<Problem, "status" | "detail"> & { code: string; errors?: FieldError[] }) {
    super(problem.detail);
    this.name = "ApiError";
    this.status = problem.status;
    this.code = problem.code;
    this.fields = problem.errors ?? [];
  }
}

/** Nobody answered. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
    this.name = "Unreachable";
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}

/** The error of an answer that is not a success. */
export function refusal(response: Response, body: unknown): ApiError {
  if (isProblem(body)) return new ApiError(body);
  // A proxy answered in the server's place.
  const detail = `The server answered ${response.status} ${response.statusText}`.trim();
  return new ApiError({ status: response.status, code: "unknown", detail });
}

/** What a person should read, and what they can do about it. */
export function explain(error: unknown): { title: string; detail: string } {
  if (error instanceof Unreachable) {
    return { title: "The server does not answer", detail: "Check that it runs and can be reached from here." };
  }
  if (error instanceof ApiError) {
    const titles: Record<number, string> = { 403: "Not allowed", 404: "Not found", 503: "The server is busy" };
    return { title: titles[error.status] ?? "The server refused", detail: sentence(error.message) };
  }
  return { title: "Something broke on this page", detail: error instanceof Error ? error.message : String(error) };
}
