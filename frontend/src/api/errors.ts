/// What can go wrong between here and the server, in words for a person.
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
    return { title: "The server does not answer", detail: "Check that it runs. This page tries again by itself." };
  }
  if (error instanceof ApiError) {
    if (error.status === 404) return { title: "Not found", detail: error.message };
    if (error.status === 403) return { title: "Not allowed", detail: error.message };
    if (error.status === 503) return { title: "The server is busy", detail: error.message };
    return { title: "The server refused", detail: error.message };
  }
  return { title: "Something broke on this page", detail: error instanceof Error ? error.message : String(error) };
}
