/// The generated client as the logged-in user: a fresh token on every request, errors as exceptions.
import createClient from "openapi-fetch";

import { refusal, Unreachable } from "./errors";
import type { paths } from "./schema.gen";
import { accessToken, renewToken } from "./session";

async function authorised(token: Promise<string | null>, request: Request): Promise<Response> {
  const bearer = await token;
  if (bearer) request.headers.set("authorization", `Bearer ${bearer}`);
  return fetch(request).catch((error: unknown) => {
    if (request.signal.aborted) throw error;
    throw new Unreachable();
  });
}

/** `fetch` with the session's token; a refused token is renewed once. */
export async function fetchAsUser(request: Request): Promise<Response> {
  const again = request.clone();
  const response = await authorised(accessToken(), request);
  if (response.status !== 401) return response;
  return authorised(renewToken(), again);
}

export const api = createClient<paths>({ baseUrl: "", fetch: fetchAsUser });

/** The data of an answer, or its problem as an exception. */
export async function ok<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw refusal(response, error);
  return data as T;
}
