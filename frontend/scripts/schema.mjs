/// Makes the wire types of the UI out of the server's OpenAPI document. `npm run generate` writes them;
/// a test compares them, so that they cannot fall behind unseen.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const DOCUMENT = new URL("../../docs/openapi.json", import.meta.url);
export const GENERATED = new URL("../src/api/schema.gen.ts", import.meta.url);

const HEAD = "// Generated from docs/openapi.json by `npm run generate`. Do not edit.\n\n";

/** The text that `schema.gen.ts` should have. */
export async function schemaText() {
  const document = JSON.parse(await readFile(DOCUMENT, "utf8"));
  // The client addresses operations by path and method; their ids would only be a second list of names.
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations)) delete operation.operationId;
  }
  return HEAD + astToString(await openapiTS(document));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(GENERATED, await schemaText());
